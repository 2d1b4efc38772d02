"""Alarms with a promised rate of false ones: Shewhart limits and cumulative sums together.

A series of deviates that are standard normal while nothing happens is watched by two rules (Lucas
1982, Journal of Quality Technology 14, 51-59): one deviate beyond a limit z (Shewhart 1931), for a
large move; or a cumulative sum of what exceeds the reference value k beyond a limit h (Page 1954,
Biometrika 41, 100-115), either way, for a small one that lasts. After an alarm the sums begin anew.
The limits are those at which each rule gives half of the false alarms that are allowed; the run
length of the sum is that of a Markov chain (Brook and Evans 1972, Biometrika 59, 539-549).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from analysis.methods.buckets import Floats

#: Half of the move, in standard deviations, for which the sum is quickest.
REFERENCE = 0.5
_STATES = 60


@dataclass(frozen=True)
class Limits:
    """When deviates are an alarm.

    Attributes:
        single: one deviate beyond it, either way.
        total: a cumulative sum beyond it.
        rate: false alarms a window while nothing happens.
    """

    single: float
    total: float
    rate: float


@lru_cache(64)
def limits(rate: float) -> Limits:
    """The limits at which false alarms come at a rate, in alarms a window.

    Half of them from single deviates, a quarter from the sums of each side.

    Raises:
        ValueError: the rate is not in (0, 0.5).

    >>> made = limits(1 / 200)
    >>> round(made.single, 2), round(made.total, 1)
    (3.02, 4.9)
    """
    if not 0 < rate < 0.5:
        raise ValueError(f"limits: rate {rate}; above 0 and below 0.5")
    wanted, low, high = 4 / rate, 0.1, 30.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if run_length(middle) < wanted else (low, middle)
    return Limits(-float(ndtri(rate / 4)), high, rate)


def run_length(total: float, moved: float = 0.0) -> float:
    """Windows until a one-sided cumulative sum passes a limit, on average (Brook and Evans).

    Published for k = 0.5 and a limit of 4: 335.4 at rest and 8.38 for a move by 1 (Montgomery
    2012, table 9.3, gives 168 for both sides).

    >>> [round(run_length(4.0, moved), 1) for moved in (0.0, 1.0)]
    [335.1, 8.4]
    """
    width = 2 * total / (2 * _STATES - 1)
    centres = width * np.arange(_STATES)
    step = np.subtract.outer(-centres, -centres) + REFERENCE - moved
    stay = ndtr(step + width / 2) - ndtr(step - width / 2)
    stay[:, 0] = ndtr(step[:, 0] + width / 2)
    return float(np.linalg.solve(np.eye(_STATES) - stay, np.ones(_STATES))[0])


def alarms(scores: Floats, limit: Limits | list[Limits]) -> Floats:
    """Where series of deviates raise an alarm: 1 above, -1 below, else 0.

    Args:
        scores: shape `(…, n)`, in time; nan where there is none, which changes no sum.
        limit: for all series, or a list with one for each of the first axis.
    """
    every = limit if isinstance(limit, list) else [limit]
    shape = (-1,) + (1,) * (scores.ndim - 2) if scores.ndim > 1 else ()
    single, total = (
        np.array([getattr(each, key) for each in every]).reshape(shape)
        if shape
        else getattr(every[0], key)
        for key in ("single", "total")
    )
    found, up, down = (
        np.zeros_like(scores),
        np.zeros(scores.shape[:-1]),
        np.zeros(scores.shape[:-1]),
    )
    for at in range(scores.shape[-1]):
        score = np.nan_to_num(scores[..., at])
        seen = np.isfinite(scores[..., at])
        up = np.where(seen, np.maximum(0, up + score - REFERENCE), up)
        down = np.where(seen, np.maximum(0, down - score - REFERENCE), down)
        above, below = (up > total) | (score > single), (down > total) | (score < -single)
        found[..., at] = np.where(above, 1, np.where(below, -1, 0))
        raised = above | below
        up, down = np.where(raised, 0, up), np.where(raised, 0, down)
    return found


def noticed(moved: Floats, limit: Limits | list[Limits], draws: Floats) -> Floats:
    """The chance that a move has raised an alarm on its side by each window, shape `(m, n)`.

    Args:
        moved: what the move adds to the scores of m series, shape `(m, n)`, from its first window.
        limit: as for `alarms`.
        draws: standard normal deviates, shape `(draws, n)`.
    """
    scores = moved[:, None, :] + draws[None]
    side = np.sign(moved.sum(1))[:, None, None]
    found: Floats = (np.cumsum(alarms(scores, limit) == side, axis=-1) > 0).mean(1)
    return found
