"""What a self-selected part still says about the whole: worst-case bounds.

Only those decisions are looked at again that somebody appeals. The share of *all* decisions that
would be overturned lies somewhere between "none of the others" and "all of the others" (Manski
1989, Journal of Human Resources 24, 343-360; Manski 2003, Partial Identification of Probability
Distributions, chapter 1). If those who do not appeal are wronged no more often than those who do,
it lies below the appealed ones' share (monotone selection: Manski and Pepper 2000, Econometrica
68, 997-1010). The interval is for the share itself and not for the bounds (Imbens and Manski 2004,
Econometrica 72, 1845-1857, equations 6 and 7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.methods.clustered import Codes, clustered_shares


@dataclass(frozen=True)
class Span:
    """Between which ends a share lies, and the interval that also allows for chance."""

    low: float
    high: float
    interval_low: float
    interval_high: float


@dataclass(frozen=True)
class Bounded:
    """The share of decisions that would be overturned.

    Attributes:
        worst: without any assumption.
        monotone: if those who do not appeal are wronged no more often than those who do.
    """

    worst: Span
    monotone: Span


def overturn_bounds(
    appealed: NDArray[np.bool_],
    overturned: NDArray[np.bool_],
    upheld: NDArray[np.bool_],
    cluster: Codes,
    *,
    confidence: float = 0.95,
) -> Bounded:
    """Bounds of the share of all decisions that would be overturned, were all appealed.

    Args:
        appealed, overturned, upheld: of each decision; an appeal that is neither still waits.
        cluster: decisions of one creator are alike.
        confidence: of the intervals.

    Raises:
        ValueError: no decision, or an outcome without an appeal.
    """
    if not len(appealed):
        raise ValueError("overturn_bounds: no decision")
    if np.any((overturned | upheld) & ~appealed):
        raise ValueError("overturn_bounds: an outcome without an appeal")
    every = np.ones(len(appealed), dtype=bool)
    worst = _span(overturned, every, ~upheld, every, cluster, confidence)
    if not appealed.any():
        return Bounded(worst, worst)
    # An appeal that waits may yet be overturned.
    return Bounded(worst, _span(overturned, every, ~upheld, appealed, cluster, confidence))


def _span(
    least: NDArray[np.bool_],
    among: NDArray[np.bool_],
    most: NDArray[np.bool_],
    of: NDArray[np.bool_],
    cluster: Codes,
    confidence: float,
) -> Span:
    low, low_error, _, _ = _share(least[among], cluster[among], confidence)
    high, high_error, _, _ = _share(most[of], cluster[of], confidence)
    reach = _reach(high - low, max(low_error, high_error), confidence)
    both = 2 * special.ndtr(reach) - 1
    interval_low = _share(least[among], cluster[among], both)[2]
    interval_high = _share(most[of], cluster[of], both)[3]
    return Span(low, high, interval_low, interval_high)


def _share(
    hits: NDArray[np.bool_], cluster: Codes, confidence: float
) -> tuple[float, float, float, float]:
    group = np.zeros(len(hits), dtype=np.int64)
    found = clustered_shares(hits, group, 1, [cluster], confidence=confidence)
    error = float(np.sqrt(np.nan_to_num(found.variance[0])))
    return float(found.value[0]), error, float(found.low[0]), float(found.high[0])


def _reach(width: float, error: float, confidence: float) -> float:
    """How many standard errors each end is moved: between one-sided and two-sided."""
    if error == 0 or width / error > 30:
        return float(special.ndtri(confidence))
    two_sided = -special.ndtri((1 - confidence) / 2)

    def missing(reach: float) -> float:
        return float(special.ndtr(reach + width / error) - special.ndtr(-reach) - confidence)

    return float(optimize.brentq(missing, 0.0, two_sided + 1e-9))
