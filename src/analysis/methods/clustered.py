"""Shares of labels that are alike within items and within raters, with design weights.

Labels of one item err together (some items are hard), and so do labels of one rater. The variance
is the linearised one of a weighted ratio, summed over clusters in both ways and made up for what
both count: Cameron, Gelbach and Miller (2011, Journal of Business and Economic Statistics 29,
238-249, equation 2.8); for one way it is the ultimate-cluster variance of survey statistics. The
interval is Clopper and Pearson's at the effective number of labels, made smaller where the
variance itself rests on few clusters (Korn and Graubard 1998, Survey Methodology 24, 193-201).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.methods.buckets import Floats

Codes = NDArray[np.int64]
#: With fewer clusters, or wrong (or right) labels, an interval is not to be trusted.
FEW_CLUSTERS, FEW_EVENTS = 8, 5


@dataclass(frozen=True)
class Shares:
    """The weighted share of hits in each group, arrays of one value a group; nan without rows.

    Attributes:
        value: 0 to 1.
        variance: of the value, over both kinds of cluster.
        degrees: of freedom that the variance is worth.
        low, high: the interval.
        rows: labels, unweighted.
        clusters: of the kind that has fewer of them.
        events: labels of the rarer outcome, unweighted.
    """

    value: Floats
    variance: Floats
    degrees: Floats
    low: Floats
    high: Floats
    rows: Floats
    clusters: Floats
    events: Floats

    @property
    def trusted(self) -> NDArray[np.bool_]:
        """Where the interval rests on enough clusters and events to be trusted."""
        found: NDArray[np.bool_] = (self.clusters >= FEW_CLUSTERS) & (self.events >= FEW_EVENTS)
        return found


def clustered_shares(
    hits: NDArray[np.bool_],
    group: Codes,
    groups: int,
    clusters: Sequence[Codes],
    *,
    weights: Floats | None = None,
    confidence: float = 0.95,
) -> Shares:
    """The share of hits in each group of rows, and how sure it is.

    Args:
        hits: whether each label counts.
        group: of each row, 0 to `groups` - 1.
        groups: how many there are.
        clusters: one or two ways in which rows belong together, as codes; rows of one cluster of
            the first way and one of the second are taken to be one label.
        weights: how many labels each row stands for; None: one.
        confidence: of the interval.

    Raises:
        ValueError: neither one nor two kinds of clusters, or a negative weight.
    """
    if len(clusters) not in (1, 2):
        raise ValueError(f"clustered_shares: {len(clusters)} kinds of clusters; one or two")
    weight = np.ones(len(hits)) if weights is None else np.asarray(weights, float)
    if np.any(weight < 0):
        raise ValueError("clustered_shares: a negative weight")
    y = np.asarray(hits, float)
    total = np.bincount(group, weight, groups)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.bincount(group, weight * y, groups) / total
        residual = weight * (y - value[group]) / total[group]
    ways = [_way(residual, group, groups, code) for code in clusters]
    own = np.asarray(np.bincount(group, residual**2, groups), float)
    variance, degrees = _joined(ways, own)
    rows = np.bincount(group, minlength=groups).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        # As many labels as would have this variance were none alike; no more than there are.
        size = total**2 / np.bincount(group, weight**2, groups)
        least = value * (1 - value) / size
        alike = size * ways[0].clusters / rows  # where all labels agree: items alone count
        effective = np.where(least > 0, value * (1 - value) / np.fmax(variance, least), alike)
    penalty = _penalty(degrees, (1 - confidence) / 2)
    low, high = _limits(value, np.where(least > 0, effective * penalty, alike), confidence)
    hit = np.bincount(group, y, groups)
    fewest = np.min([way.clusters for way in ways], axis=0)
    events = np.minimum(hit, rows - hit)
    return Shares(value, np.fmax(variance, least), degrees, low, high, rows, fewest, events)


@dataclass(frozen=True)
class _Way:
    """What one kind of cluster says: variance, its degrees of freedom, how many clusters."""

    variance: Floats
    degrees: Floats
    clusters: Floats


def _way(residual: Floats, group: Codes, groups: int, cluster: Codes) -> _Way:
    both, place = np.unique(
        group * (int(cluster.max(initial=0)) + 1) + cluster, return_inverse=True
    )
    of = both // (int(cluster.max(initial=0)) + 1)
    sums = np.bincount(place, residual, len(both))
    count = np.bincount(of, minlength=groups).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        square = np.bincount(of, sums**2, groups)
        # Satterthwaite's degrees from the sums' kurtosis, as in `buckets.Replicated`.
        kurtosis = np.where(square > 0, count * np.bincount(of, sums**4, groups) / square**2, 3.0)
        most = np.maximum(count - 1, 1)
        degrees = np.minimum(2 * count / np.maximum(kurtosis - 1, 1e-9), most)
        variance = np.where(count > 1, square * count / (count - 1), np.nan)
    return _Way(variance, degrees, count)


def _joined(ways: Sequence[_Way], own: Floats) -> tuple[Floats, Floats]:
    """The variance over all ways, no smaller than over any; degrees of the way that gives most."""
    if len(ways) == 1:
        return ways[0].variance, ways[0].degrees
    parts = np.stack([way.variance for way in ways])
    variance = np.fmax(parts.sum(0) - own, np.fmax.reduce(parts))
    degrees = np.stack([way.degrees for way in ways])
    largest = np.argmax(np.nan_to_num(parts, nan=-1.0), axis=0)
    return variance, np.take_along_axis(degrees, largest[None], 0)[0]


def _penalty(degrees: Floats, tail: float) -> Floats:
    found: Floats = (special.ndtri(tail) / special.stdtrit(degrees, tail)) ** 2
    return found


def _limits(value: Floats, size: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Clopper and Pearson's limits at an effective size."""
    tail = (1 - confidence) / 2
    hits, misses = value * size, (1 - value) * size
    with np.errstate(invalid="ignore"):
        low = np.where(value > 0, special.betaincinv(np.fmax(hits, 1e-9), misses + 1, tail), 0.0)
        high = special.betaincinv(hits + 1, np.fmax(misses, 1e-9), 1 - tail)
    high = np.where(value < 1, high, 1.0)
    known = np.isfinite(value) & np.isfinite(size)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)
