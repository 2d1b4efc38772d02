"""Funnels and shrinkage: teams and raters compared without ranking the small ones on noise.

A funnel plot holds each unit's share against limits for a unit of its size that is like the
average (Spiegelhalter 2005, "Funnel plots for comparing institutional performance", Statistics in
Medicine 24, 1185-1202; limits after its appendix A.1.1). Where units differ anyway, the limits are
widened by the spread between them (Spiegelhalter 2005, Quality and Safety in Health Care 14,
347-351).

Shrinkage moves each share towards the average of all by as much as its own noise is large against
the spread between units (Efron and Morris 1975, Journal of the American Statistical Association
70, 311-319). Shares are beta-binomial; the average and the spread are not plugged in but averaged
over, with the prior that is even over shrinkage (Christiansen and Morris 1997, Journal of the
American Statistical Association 92, 618-632), so that few units do not make it overconfident.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.methods.buckets import Floats

#: Of the z-scores, the part at each end that is pulled in before the spread is taken.
WINSORISED = 0.1
_GRID = 48


@dataclass(frozen=True)
class Shrunk:
    """Each unit's share after shrinkage, arrays of one value a unit.

    Attributes:
        value: the posterior mean, 0 to 1.
        low, high: the posterior interval.
        kept: how much of the unit's own distance from the average is kept, 0 to 1.
        average: of all units.
    """

    value: Floats
    low: Floats
    high: Floats
    kept: Floats
    average: float


def shrink(hits: Floats, trials: Floats, *, confidence: float = 0.95) -> Shrunk:
    """Shares of units that are alike, each as far as it can be told from noise.

    Args:
        hits, trials: of each unit; *effective* numbers where labels within a unit are alike.
        confidence: of the intervals.

    Raises:
        ValueError: fewer than two units, or a unit without trials.

    >>> small, large = shrink(np.array([0.0, 90.0]), np.array([2.0, 100.0])).value
    >>> bool(small > 0.4 and 0.88 < large < 0.91)
    True
    """
    h, n = np.asarray(hits, float), np.asarray(trials, float)
    if len(h) < 2 or np.any(n <= 0):
        raise ValueError("shrink: two units at least, each with trials")
    mean, size, weight = _grid(h, n)
    first, second = mean * size + h[:, None], (1 - mean) * size + (n - h)[:, None]
    whole = first + second
    each = first / whole
    value = each @ weight
    spread = (each * (1 - each) / (whole + 1) + each**2) @ weight - value**2
    matched = value * (1 - value) / spread - 1  # the beta of this mean and variance
    tail = (1 - confidence) / 2
    low, high = (
        special.betaincinv(value * matched, (1 - value) * matched, end) for end in (tail, 1 - tail)
    )
    kept = 1 - (size / (size + n[:, None])) @ weight
    return Shrunk(value, low, high, kept, float(mean @ weight))


def _grid(h: Floats, n: Floats) -> tuple[Floats, Floats, Floats]:
    """Points of the units' mean and of their likeness (as so many trials), with their weights."""
    pooled = (h.sum() + 0.5) / (n.sum() + 1)
    width = 5 * np.sqrt(1 / (n.sum() * pooled * (1 - pooled)) + 1 / len(n))
    means = special.expit(special.logit(pooled) + np.linspace(-width, width, _GRID))
    # Even over shrinkage B = size / (size + n0), at the middle of the units' sizes.
    parts = (np.arange(_GRID) + 0.5) / _GRID
    sizes = float(np.exp(np.log(n).mean())) * parts / (1 - parts)
    mean, size = (grid.ravel() for grid in np.meshgrid(means, sizes))
    a, b = mean * size, (1 - mean) * size
    likelihood = np.sum(
        special.betaln(a + h[:, None], b + (n - h)[:, None]) - special.betaln(a, b), axis=0
    )
    weight = np.exp(likelihood - likelihood.max())
    return mean, size, weight / weight.sum()


@dataclass(frozen=True)
class Funnel:
    """Limits for units like the average, by size.

    Attributes:
        average: that units are held against.
        sizes: at which the limits are drawn.
        inner, outer: low and high limits at 95 % and 99.8 %, shape (2, sizes).
        dispersion: variance of the units over that of chance alone, 1 at least; the limits are
            widened by its root.
        place: of each unit, -2 to 2: beyond the outer or the inner limits, or within (0).
    """

    average: float
    sizes: Floats
    inner: Floats
    outer: Floats
    dispersion: float
    place: NDArray[np.int64]


def funnel(hits: Floats, trials: Floats, *, points: int = 60) -> Funnel:
    """The funnel of units' shares; `hits` and `trials` as in `shrink`."""
    h, n = np.asarray(hits, float), np.asarray(trials, float)
    average = float(h.sum() / n.sum())
    # Of variance 1 for units like the average, however small they are.
    z = (h / n - average) / np.sqrt(np.fmax(average * (1 - average), 1e-12) / n)
    ends = np.quantile(z, [WINSORISED, 1 - WINSORISED])
    dispersion = max(1.0, float(np.mean(np.clip(z, *ends) ** 2)) / _left(WINSORISED))
    sizes = np.geomspace(max(1.0, n.min() * 0.9), n.max() * 1.1, points)
    widened = np.sqrt(dispersion)
    inner, outer = (_limits(average, sizes, level, widened) for level in (0.95, 0.998))
    return Funnel(average, sizes, inner, outer, dispersion, _place(h, n, average, widened))


def _place(h: Floats, n: Floats, average: float, widened: float) -> NDArray[np.int64]:
    """By the exact binomial tail, which the drawn limits come near to."""
    with np.errstate(divide="ignore"):
        as_many = special.betainc(np.fmax(h, 1e-9), n - h + 1, average)
        as_few = special.betainc(np.fmax(n - h, 1e-9), h + 1, 1 - average)
        beyond = np.stack([special.ndtri(as_few), -special.ndtri(as_many)]) / widened
    place = np.zeros(len(n), dtype=np.int64)
    for level in (0.95, 0.998):
        edge = special.ndtri((1 + level) / 2)
        place += (beyond[1] > edge).astype(np.int64) - (beyond[0] < -edge).astype(np.int64)
    return place


def _left(part: float) -> float:
    """What winsorising leaves of the variance of normal scores about a known mean."""
    edge = float(stats.norm.isf(part))
    return 1 - 2 * part - 2 * edge * float(stats.norm.pdf(edge)) + 2 * part * edge**2


def _limits(average: float, sizes: Floats, level: float, widened: float) -> Floats:
    """Binomial limits, even between whole numbers, so that they are smooth in the size."""
    if not 0 < average < 1:
        return np.full((2, len(sizes)), average)
    ends = []
    for probability in ((1 - level) / 2, (1 + level) / 2):
        at = stats.binom.ppf(probability, np.ceil(sizes), average)
        above = stats.binom.cdf(at, np.ceil(sizes), average)
        step = above - stats.binom.cdf(at - 1, np.ceil(sizes), average)
        ends.append((at - (above - probability) / step) / np.ceil(sizes))
    ends[1] = np.where(at >= np.ceil(sizes), 1.0, ends[1])  # none lies above all
    found: Floats = np.clip(average + widened * (np.stack(ends) - average), 0, 1)
    return found
