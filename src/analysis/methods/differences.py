"""Differences of two estimates over the same buckets, from their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.methods.buckets import Floats, Replicated, correlation
from analysis.methods.intervals import Interval


@dataclass(frozen=True)
class Difference:
    """The first estimate minus the second.

    Attributes:
        value, low, high: shape `(…)`, in the estimates' unit.
        score: the difference over half the width of the interval on the side of zero; beyond ±1
            the interval excludes zero.
        p_value: two-sided, of no difference.
    """

    value: Floats
    low: Floats
    high: Floats
    score: Floats
    p_value: Floats

    def at(self, index: int) -> Difference:
        """The difference of one pair of several."""
        parts = (self.value, self.low, self.high, self.score, self.p_value)
        return Difference(*(part[index] for part in parts))

    @property
    def known(self) -> bool:
        """Whether all of it can be told."""
        return bool(np.isfinite([self.low, self.high, self.p_value]).all())


def difference(
    first: Replicated,
    first_limits: Interval,
    second: Replicated,
    second_limits: Interval,
    *,
    confidence: float = 0.95,
) -> Difference:
    """The difference of two estimates over the same buckets, which respects units in both.

    The method of variance estimates recovery builds it from the two intervals, so that their
    skewness is kept, and from the jackknife's correlation (Zou and Donner 2008, Statistics in
    Medicine 27, 1693-1702; with correlation Zou 2007, Psychological Methods 12, 399-413,
    equation 15).

    Args:
        first, second: estimates over the same buckets in the same order.
        first_limits, second_limits: at the confidence that is asked for.
        confidence: of the intervals and of the difference.
    """
    rho = correlation(first, second)
    value = first.value - second.value
    below = first.value - first_limits.base_low, second_limits.base_high - second.value
    above = first_limits.base_high - first.value, second.value - second_limits.base_low
    low, high = value - _joined(*below, rho), value + _joined(*above, rho)
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(value > 0, value / (value - low), value / (high - value))
    score = np.where(value == 0, 0.0, score)
    beyond = np.abs(score) * -special.ndtri((1 - confidence) / 2)
    return Difference(value, low, high, score, 2 * special.ndtr(-beyond))


def _joined(ahead: Floats, behind: Floats, rho: Floats) -> Floats:
    square = ahead**2 + behind**2 - 2 * rho * ahead * behind
    found: Floats = np.sqrt(np.maximum(square, 0.0))
    return found
