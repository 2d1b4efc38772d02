"""Quantiles of times from histograms with logarithmic bins, kept per bucket of clusters.

A bin's upper edge is 1 % above its lower one, so a quantile read from it is at most 1 % off. The
interval inverts the distribution at limits for the share below (Woodruff 1952, Journal of the
American Statistical Association 47, 635-646), whose variance comes from the buckets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.methods.buckets import Floats, Replicated, ratio
from analysis.methods.intervals import Interval, interval

#: Upper edge over lower edge of a bin: the largest relative error of a quantile is 1 %.
BIN_RATIO = 1.01


@dataclass(frozen=True)
class Histogram:
    """Counts by bucket of clusters and logarithmic bin, only those that are not zero.

    Attributes:
        bucket: 0 to G - 1, shape `(n,)`.
        bin: the whole number below `log(value) / log(BIN_RATIO)`, shape `(n,)`.
        count: shape `(n,)`.
        groups: G.
    """

    bucket: NDArray[np.int64]
    bin: NDArray[np.int64]
    count: Floats
    groups: int

    @property
    def total(self) -> float:
        return float(self.count.sum())


def quantile(
    histogram: Histogram, share: float = 0.5, *, confidence: float = 0.95
) -> tuple[Replicated, Interval]:
    """A quantile with its interval, both in the unit of the values.

    Args:
        histogram: of the values.
        share: of the values that lie below the quantile, such as 0.5 for the median.
        confidence: of the interval.

    Returns:
        The estimate (its `influence` is in the value's unit) and its interval; nan without values.

    Raises:
        ValueError: the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"quantile: share {share} is not between 0 and 1")
    if histogram.total == 0:
        empty, nothing = np.full(histogram.groups, np.nan), np.array(np.nan)
        return Replicated(nothing, empty, empty), Interval(nothing, nothing, nothing, nothing)
    curve = _Curve.of(histogram)
    value = curve.value(share)
    below = ratio(curve.below(histogram, value), _per_bucket(histogram, histogram.count))
    limits = interval(below, "share", confidence=confidence, trials=np.array(histogram.total))
    # A share in the middle has no long tail, so the limits at the effective size serve both ends.
    low, high = curve.value(float(limits.base_low)), curve.value(float(limits.base_high))
    # Bahadur's slope turns shares into values; the interval itself does not need it.
    slope = (high - low) / max(float(limits.base_high - limits.base_low), 1e-12)
    found = Replicated(np.array(value), -slope * below.influence, -slope * below.residual)
    ends = np.array(low), np.array(high)
    return found, Interval(*ends, *ends)


def _per_bucket(histogram: Histogram, weights: Floats) -> Floats:
    return np.bincount(histogram.bucket, weights, histogram.groups).astype(float)


@dataclass(frozen=True)
class _Curve:
    """The cumulative distribution over bins from `first` on."""

    first: int
    counts: Floats
    cumulative: Floats

    @classmethod
    def of(cls, histogram: Histogram) -> _Curve:
        first = int(histogram.bin.min())
        counts = np.bincount(histogram.bin - first, histogram.count).astype(float)
        return cls(first, counts, np.cumsum(counts))

    def value(self, share: float) -> float:
        """The value below which a share lies; even within a bin on the logarithmic scale."""
        target = min(max(share, 0.0), 1.0) * self.cumulative[-1]
        index = min(int(np.searchsorted(self.cumulative, target)), len(self.counts) - 1)
        inside = target - (self.cumulative[index] - self.counts[index])
        part = inside / self.counts[index] if self.counts[index] else 0.0
        return float(BIN_RATIO ** (self.first + index + part))

    def below(self, histogram: Histogram, value: float) -> Floats:
        """How many values of each bucket lie below a value."""
        place = np.log(value) / np.log(BIN_RATIO)
        part = np.clip(place - histogram.bin, 0.0, 1.0)
        return _per_bucket(histogram, histogram.count * part)
