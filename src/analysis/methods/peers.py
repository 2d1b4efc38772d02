"""Where one unit stands among its peers, when each number is a whole count and not a sample.

A published share of millions of removals has next to no sampling error: an interval of that kind
would call every gap real. What a reader needs is the spread *between* the peers. So a value is held
against the range in which one more unit like the peers would be expected: a prediction interval on
a scale where shares (logit) or volumes (log) spread evenly, from moments that a few odd peers
cannot move (winsorised). The unit itself is not among the peers.

Sources: Spiegelhalter (2005), "Handling over-dispersion of performance indicators", Quality and
Safety in Health Care 14:347-351 (winsorised spread between units; limits from it); Hahn and Meeker
(1991), Statistical Intervals, sec. 4.7 (one further observation); Tukey and McLaughlin (1963),
Sankhya A 25:331-352 (degrees of freedom after winsorising).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Floats = NDArray[np.float64]
Scale = Literal["logit", "log", "identity"]
#: The part of the peers in each tail that is pulled in to the nearest that stays.
WINSORISED = 0.1
FEWEST = 5


@dataclass(frozen=True)
class Peers:
    """The peers' values in their own unit.

    Attributes:
        count: how many peers.
        median, lower_quartile, upper_quartile: of the peers.
        low, high: the range that holds one more unit like the peers with chance `level`.
        level: in 0 to 1.
    """

    count: int
    median: float
    lower_quartile: float
    upper_quartile: float
    low: float
    high: float
    level: float

    def beyond(self, value: float) -> Literal["above", "below", "within"]:
        """On which side of the range a value lies."""
        return "above" if value > self.high else "below" if value < self.low else "within"


def peers(
    values: ArrayLike, *, scale: Scale = "logit", level: float = 0.95, grain: float = 0.0
) -> Peers:
    """The peers' middle and the range for one more of them.

    Args:
        values: one per peer, the unit under study not among them.
        scale: `logit` for shares, `log` for volumes, `identity` for what spreads evenly as it is.
        level: the chance that the range is to hold one more unit, 0 to 1.
        grain: what values are rounded to, so that a published 0 or 1 has a logit.

    Raises:
        ValueError: fewer than 5 peers, or a value that the scale can't take.
    """
    given = np.asarray(values, dtype=float)
    if given.size < FEWEST:
        raise ValueError(f"{given.size} peers; a spread needs {FEWEST}")
    centre, spread, freedom = _moments(_forth(given, scale, grain))
    reach = stats.t.ppf((1 + level) / 2, freedom) * spread * np.sqrt(1 + 1 / given.size)
    low, high = _back(np.array([centre - reach, centre + reach]), scale)
    first, median, third = np.quantile(given, [0.25, 0.5, 0.75])
    return Peers(given.size, median, first, third, float(low), float(high), level)


def rank(value: float, others: ArrayLike) -> int:
    """The place of a value counted from the greatest; equal values share the better place.

    >>> rank(0.9, [0.95, 0.9, 0.8]), rank(0.8, [0.95, 0.9, 0.85])
    (2, 4)
    """
    return 1 + int(np.sum(np.asarray(others, dtype=float) > value))


def _moments(values: Floats) -> tuple[float, float, int]:
    """Winsorised mean, standard deviation made whole for normal values, degrees of freedom."""
    ordered = np.sort(values)
    pulled = int(WINSORISED * ordered.size)
    inner = np.clip(ordered, ordered[pulled], ordered[-1 - pulled])
    freedom = ordered.size - 2 * pulled - 1
    deviation = np.sqrt(np.sum((inner - inner.mean()) ** 2) / (ordered.size - 1))
    return float(inner.mean()), float(deviation / _shrunk(pulled / ordered.size)), freedom


@lru_cache(maxsize=64)
def _shrunk(part: float) -> float:
    """What winsorising leaves of a normal standard deviation."""
    if part == 0:
        return 1.0
    edge = float(stats.norm.isf(part))
    inside = 1 - 2 * part - 2 * edge * float(stats.norm.pdf(edge))
    return float(np.sqrt(inside + 2 * part * edge**2))


def _forth(values: Floats, scale: Scale, grain: float) -> Floats:
    if scale == "logit":
        if np.any((values < 0) | (values > 1)):
            raise ValueError("logit: a share outside 0 to 1")
        # A published 1.000 is on average a quarter of the grain below one.
        values = np.clip(values, grain / 4, 1 - grain / 4)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved: Floats = values
        if scale == "logit":
            moved = special.logit(values)
        elif scale == "log":
            moved = np.log(values)
    if not np.all(np.isfinite(moved)):
        raise ValueError(f"{scale}: a value that has none")
    return moved


def _back(values: Floats, scale: Scale) -> Floats:
    if scale == "logit":
        return np.asarray(special.expit(values))
    return np.exp(values) if scale == "log" else values
