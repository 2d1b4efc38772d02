"""Ratios of sums over buckets of clusters, with a variance that respects the clusters.

Rows of one creator (or post, or user) are alike, so rows are no sample of independent draws. Whole
clusters are dealt at random into G buckets (128 here), and what the sums of the buckets do tells
the variance: the delete-a-group jackknife (Wolter 2007, Introduction to Variance Estimation,
section 4.2; Kott 2001, Journal of Official Statistics 17(4), 521-526).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Replicated:
    """An estimate for each of several windows (or segments), with its spread over the buckets.

    Attributes:
        value: the estimates, shape `(…)`; nan where the denominator is empty.
        influence: shape `(…, G)`; the squares sum to the variance over the last axis, and the
            products of two windows' sum to their covariance, since a cluster stays in its bucket.
        residual: shape `(…, G)`; what each bucket adds to the estimate beyond its share.
    """

    value: Floats
    influence: Floats
    residual: Floats

    @cached_property
    def variance(self) -> Floats:
        """Delete-a-group jackknife variance of the value, shape `(…)`."""
        total: Floats = np.sum(self.influence**2, axis=-1)
        return total

    @cached_property
    def degrees(self) -> Floats:
        """Degrees of freedom that the variance is worth, shape `(…)`, at most G - 1.

        A variance that rests on few large buckets is itself uncertain. Satterthwaite (1946,
        Biometrics Bulletin 2, 110-114) matches `2 v^2 / Var(v)`, and for G buckets of kurtosis k
        `Var(v) / v^2` is `(k - 1) / G` to first order.
        """
        groups = self.influence.shape[-1]
        squares = self.influence**2
        square, fourth = self.variance, np.sum(squares * squares, axis=-1)
        with np.errstate(divide="ignore", invalid="ignore"):
            kurtosis = np.where(square > 0, groups * fourth / square**2, 3.0)
        degrees: Floats = 2 * groups / np.maximum(kurtosis - 1, 2 * groups / (groups - 1))
        return degrees

    def at(self, index: int) -> Replicated:
        """The estimate of one window, arrays without their first axis."""
        return Replicated(self.value[index], self.influence[index], self.residual[index])

    def part(self, places: slice) -> Replicated:
        """The estimates of some windows."""
        return Replicated(self.value[places], self.influence[places], self.residual[places])


def ratio(numerator: Floats, denominator: Floats) -> Replicated:
    """The ratio of two sums, with its delete-a-group jackknife.

    Args:
        numerator, denominator: sums per bucket, shape `(…, G)` with G of at least 2; a bucket
            without rows holds zeros.

    Raises:
        ValueError: the shapes differ, or there are fewer than two buckets.

    >>> found = ratio(np.array([1.0, 2.0, 3.0, 2.0]), np.array([10.0, 20.0, 20.0, 30.0]))
    >>> round(float(found.value), 3), round(float(found.variance) ** 0.5, 4)
    (0.1, 0.0225)
    """
    top, bottom = np.asarray(numerator, float), np.asarray(denominator, float)
    if top.shape != bottom.shape or top.ndim == 0 or top.shape[-1] < 2:
        raise ValueError(f"ratio: shapes {top.shape} and {bottom.shape}; two alike, G at least 2")
    tops, bottoms = top.sum(-1, keepdims=True), bottom.sum(-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where(bottoms > 0, tops / bottoms, np.nan)
        residual = top - value * bottom
        residual /= bottoms
        # Where one bucket holds all there is no replicate without it, and so no variance.
        rest = bottoms - bottom
        without = np.where(rest != 0, tops - top, np.nan)
        without /= rest
    groups = top.shape[-1]
    influence = without.mean(-1, keepdims=True) - without
    influence *= np.sqrt((groups - 1) / groups)
    return Replicated(value[..., 0], influence, residual)


def correlation(first: Replicated, second: Replicated) -> Floats:
    """Correlation of two estimates over the same buckets, 0 where either does not vary."""
    product = np.sum(first.influence * second.influence, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = product / np.sqrt(first.variance * second.variance)
    clean: Floats = np.clip(np.nan_to_num(found, nan=0.0), -1, 1)
    return clean
