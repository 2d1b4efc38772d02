"""Alarms with a promised rate of false ones: Shewhart limits and cumulative sums together.

A series of deviates that are standard normal while nothing happens is watched by two rules (Lucas
1982, Journal of Quality Technology 14, 51-59): one deviate beyond a limit z (Shewhart 1931), for a
large move; or a cumulative sum of what exceeds the reference value k beyond a limit h (Page 1954,
Biometrika 41, 100-115), either way, for a small one that lasts. After an alarm the sums begin anew.
The limits are those at which each rule gives half of the false alarms that are allowed; the run
length of the sum is Siegmund's approximation (1985, Sequential Analysis, section 2.6).

An alarm that goes on is one alarm: what is raised again on the same side before it was quiet for
some windows belongs to the one before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from analysis.methods.buckets import Floats

#: Half of the move, in standard deviations, for which the sum is quickest.
REFERENCE = 0.5
#: By how much a sum overshoots its limit, twice (Siegmund 1985).
_OVERSHOOT = 1.166
#: After so many windows without an alarm the next one is another.
QUIET = 4


@dataclass(frozen=True)
class Limits:
    """When deviates are an alarm.

    Attributes:
        single: one deviate beyond it, either way.
        total: a cumulative sum beyond it.
        rate: false alarms a window while nothing happens.
        reference: what a deviate must exceed to add to a sum.
    """

    single: float
    total: float
    rate: float
    reference: float = REFERENCE


@lru_cache(256)
def limits(rate: float, reference: float = REFERENCE) -> Limits:
    """The limits at which false alarms come at a rate, in alarms a window.

    Half of them from single deviates, a quarter from the sums of each side.

    Raises:
        ValueError: the rate is not in (0, 0.5).

    >>> made = limits(1 / 200)
    >>> round(made.single, 2), round(made.total, 1)
    (3.02, 4.8)
    """
    if not 0 < rate < 0.5:
        raise ValueError(f"limits: rate {rate}; above 0 and below 0.5")
    wanted, low, high = 4 / rate, 0.1, 60.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        enough = run_length(middle, reference=reference) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return Limits(-float(ndtri(rate / 4)), high, rate, reference)


def run_length(total: float, moved: float = 0.0, reference: float = REFERENCE) -> float:
    """Windows until a one-sided cumulative sum passes a limit, on average (Siegmund 1985).

    Published for k = 0.5 and a limit of 4: 335.4 at rest and 8.38 for a move by 1 (Montgomery
    2012, table 9.3, gives 168 for both sides).

    >>> [round(run_length(4.0, moved), 1) for moved in (0.0, 1.0)]
    [338.1, 8.3]
    """
    drift, height = moved - reference, total + _OVERSHOOT
    if abs(drift) < 1e-6:
        return height**2
    return float((math.exp(-2 * drift * height) + 2 * drift * height - 1) / (2 * drift**2))


def alarms(scores: Floats, limit: Limits | list[Limits]) -> Floats:
    """Where series of deviates raise an alarm: 1 above, -1 below, else 0.

    Args:
        scores: shape `(…, n)`, in time; nan where there is none, which changes no sum.
        limit: for all series, or a list with one for each of the first axis.
    """
    found = _alarms(np.moveaxis(scores, -1, 0), limit)
    return np.moveaxis(found, 0, -1).astype(float)


def _alarms(scores: Floats, limit: Limits | list[Limits]) -> NDArray[np.int8]:
    """The same with time as the first axis, where what is worked on together lies together."""
    single, total, reference = _numbers(limit, scores.ndim - 1)
    known = np.isfinite(scores)
    whole, scores = bool(known.all()), np.where(known, scores, 0.0)
    high, low = scores > single, scores < -single
    found = np.zeros(scores.shape, np.int8)
    up, down = np.zeros(scores.shape[1:]), np.zeros(scores.shape[1:])
    for at, score in enumerate(scores):
        higher = np.maximum(0, up + score - reference)
        lower = np.maximum(0, down - score - reference)
        if not whole:
            higher, lower = np.where(known[at], higher, up), np.where(known[at], lower, down)
        above, below = high[at] | (higher > total), low[at] | (lower > total)
        found[at] = np.subtract(above, below > above, dtype=np.int8)
        quiet = ~(above | below)
        up, down = higher * quiet, lower * quiet
    return found


def _numbers(limit: Limits | list[Limits], axes: int) -> list[Floats]:
    """`single`, `total` and `reference`, where a list's belong to the first of some axes."""
    every = limit if isinstance(limit, list) else [limit]
    shape = (-1,) + (1,) * (axes - 1) if axes else ()
    made = ([each.single, each.total, each.reference] for each in every)
    return [np.array(each).reshape(shape) for each in zip(*made, strict=True)]


def begun(found: Floats) -> Floats:
    """The alarms that begin one: all but those that go on with one of their side; alike in shape.

    >>> begun(np.array([0, 1, 1, 0, 1, -1, 0, 0, 0, 0, -1.0])).tolist()
    [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
    """
    return np.where(first_of(found) == np.arange(found.shape[-1]), found, 0)


def first_of(found: Floats) -> NDArray[np.int64]:
    """The window in which each window's alarm began; -1 where there is no alarm."""
    first = np.full(found.shape, -1)
    for side in (1, -1):
        began, last = np.full((2, *found.shape[:-1]), -1)
        for at in range(found.shape[-1]):
            raised = found[..., at] == side
            goes_on = raised & (last >= 0) & (at - last <= QUIET)
            began = np.where(raised & ~goes_on, at, began)
            last = np.where(raised, at, last)
            first[..., at] = np.where(raised, began, first[..., at])
    return first


def noticed(moved: Floats, limit: Limits | list[Limits], draws: Floats) -> Floats:
    """The chance that a move has raised an alarm on its side by each window, shape `(m, n)`.

    Args:
        moved: what the move adds to the scores of m series, shape `(m, n)`, from its first window.
        limit: as for `alarms`.
        draws: standard normal deviates, shape `(draws, n)`.
    """
    # Time first and draws last, so that each window's scores lie together.
    scores = np.add(moved.T[:, :, None], draws.T[:, None, :], order="C")
    raised = _alarms(scores, limit) == np.sign(moved.sum(1)).astype(np.int8)[:, None]
    for before, after in pairwise(raised):
        after |= before
    found: Floats = raised.mean(2).T
    return found
