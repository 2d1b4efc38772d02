"""Quantiles of numbers from histograms with logarithmic bins, kept per bucket of clusters.

A bin's upper edge is 1 % above its lower one, so a quantile read from it is at most 1 % off.

Times that have not ended count with what they waited so far: the distribution is then Kaplan and
Meier's (1958, Journal of the American Statistical Association 53, 457-481), which without waiting
is the plain one. Its variance at a point comes from the buckets: each row's influence on the
curve, summed within them (Williams 1995, Biometrics 51, 1348-1364; where rows are independent it
is Greenwood's). The interval inverts the curve at limits for the share below (Woodruff 1952,
Journal of the American Statistical Association 47, 635-646; with waiting Brookmeyer and Crowley
1982, Biometrics 38, 29-41).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.methods.buckets import Floats, Replicated
from analysis.methods.intervals import Interval, base_limits

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
    ended: Histogram,
    share: float = 0.5,
    *,
    waiting: Histogram | None = None,
    confidence: float = 0.95,
) -> tuple[Replicated, Interval]:
    """A quantile with its interval, both in the unit of the values; see `quantiles`."""
    found, limits = quantiles([ended], [share], waiting=[waiting], confidence=confidence)
    return found.at(0), limits.at(0)


def quantiles(
    ended: Sequence[Histogram],
    shares: Sequence[float],
    *,
    waiting: Sequence[Histogram | None],
    confidence: float = 0.95,
) -> tuple[Replicated, Interval]:
    """A quantile of each of several sets of values, with its interval, in the values' unit.

    Args:
        ended: histograms of the values, all with the same groups.
        shares: of the values that lie below the quantile, such as 0.5 for the median.
        waiting: histograms of the times that have not ended, as long as they are by now.
        confidence: of the intervals.

    Returns:
        The estimates (their `influence` is in the values' unit) and their intervals; nan without
        values, and where so many wait that the quantile, or the interval's upper end, is not
        reached.

    Raises:
        ValueError: a share is not between 0 and 1.
    """
    wrong = [share for share in shares if not 0 < share < 1]
    if wrong:
        raise ValueError(f"quantile: share {wrong[0]} is not between 0 and 1")
    pairs = list(zip(ended, waiting, strict=True))
    # Several quantiles of the same values share one curve.
    distinct = {(id(one), id(other)): (one, other) for one, other in pairs}
    drawn = {key: _Curve.of(*pair) for key, pair in distinct.items()}
    curves = [drawn[id(one), id(other)] for one, other in pairs]
    asked = list(zip(curves, ended, waiting, shares, strict=True))
    values = np.array([curve.value(share) for curve, _, _, share in asked])
    influence = np.stack([curve.influence(one, other, share) for curve, one, other, share in asked])
    reached = np.where(np.isfinite(values), np.array(shares), np.nan)
    groups = influence.shape[-1]
    below = Replicated(reached, influence * np.sqrt(groups / (groups - 1)), influence)
    trials = np.array([curve.total for curve in curves])
    base = base_limits(below, "share", confidence=confidence, trials=trials)
    # A share in the middle has no long tail, so the limits at the effective size serve both ends.
    low, high = (
        np.array([curve.value(float(end)) for curve, end in zip(curves, ends, strict=True)])
        for ends in base
    )
    # Bahadur's slope turns shares into values; the interval itself does not need it.
    slope = (high - low) / np.maximum(base[1] - base[0], 1e-12)
    turned = -slope[:, None]
    return Replicated(values, turned * below.influence, turned * influence), Interval(
        low, high, low, high
    )


@dataclass(frozen=True)
class _Curve:
    """The cumulative distribution over bins from `first` on.

    Attributes:
        first: the lowest bin that holds anything.
        events, risk: by bin, how many ended in it, and how many had not ended before it.
        below: by bin, the share that ends by its upper edge (Kaplan and Meier's estimate).
        total: of the rows, ended or not.
    """

    first: int
    events: Floats
    risk: Floats
    below: Floats
    total: float

    @classmethod
    def of(cls, ended: Histogram, waiting: Histogram | None) -> _Curve:
        parts = [part for part in (ended, waiting) if part is not None and len(part.bin)]
        if not parts:
            return cls(0, np.zeros(1), np.zeros(1), np.zeros(1), 0.0)
        first = min(int(part.bin.min()) for part in parts)
        size = max(int(part.bin.max()) for part in parts) - first + 1
        events = _per_bin(ended, first, size)
        left = events if waiting is None else events + _per_bin(waiting, first, size)
        total = float(left.sum())
        risk = total - np.concatenate([[0.0], np.cumsum(left)[:-1]])
        stay = 1 - np.divide(events, risk, out=np.zeros(size), where=risk > 0)
        return cls(first, events, risk, 1 - np.cumprod(stay), total)

    def value(self, share: float) -> float:
        """The value below which a share lies; even within a bin on the logarithmic scale.

        nan where so many wait that the share is never reached.
        """
        index, part = self._place(share)
        return float(BIN_RATIO ** (self.first + index + part)) if index >= 0 else np.nan

    def _place(self, share: float) -> tuple[int, float]:
        """The bin in which a share is reached, and how far into it; -1 for none."""
        if self.below[-1] <= 0 or not share <= self.below[-1] + 1e-9:
            return -1, 0.0  # none ended, or too few
        target = min(max(share, 1e-12), float(self.below[-1]))
        # A product of shares may miss a whole number of rows by its last digits.
        index = int(np.searchsorted(self.below, target - 1e-12))
        index = max(index, int(np.argmax(self.below > 0)))  # none ends in the first bins
        before = float(self.below[index - 1]) if index else 0.0
        return index, min(1.0, (target - before) / (float(self.below[index]) - before))

    def influence(self, ended: Histogram, waiting: Histogram | None, share: float) -> Floats:
        """What each bucket adds to the share below the quantile, beyond what it is at risk of."""
        index, part = self._place(share)
        if index < 0:
            return np.full(ended.groups, np.nan)
        taken = np.append(np.ones(index), part)  # of each bin's hazard, up to the quantile
        events, risk = self.events[: index + 1], self.risk[: index + 1]
        gain = taken / np.maximum(risk - taken * events, 1e-12)
        expected = np.cumsum(gain * events / risk)
        found = np.zeros(ended.groups)
        for rows, ends in ((ended, True), (waiting, False)):
            if rows is None:
                continue
            place = rows.bin - self.first
            capped = np.minimum(place, index)
            each = np.where(ends & (place <= index), gain[capped], 0.0) - expected[capped]
            found += np.bincount(rows.bucket, rows.count * each, rows.groups)
        scaled: Floats = (1 - share) * found
        return scaled


def _per_bin(rows: Histogram, first: int, size: int) -> Floats:
    found: Floats = np.bincount(rows.bin - first, rows.count, size).astype(float)
    return found
