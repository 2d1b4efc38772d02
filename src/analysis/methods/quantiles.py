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
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from analysis.methods.buckets import Floats, Replicated
from analysis.methods.intervals import Interval, base_limits

#: Upper edge over lower edge of a bin: the largest relative error of a quantile is 1 %.
BIN_RATIO = 1.01
#: How many rows of histograms are worked on at once, for the memory that this takes.
_AT_ONCE = 2_000_000

Places: TypeAlias = NDArray[np.int64]


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

    @cached_property
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
    places = {key: place for place, key in enumerate(distinct)}
    at = np.array([places[id(one), id(other)] for one, other in pairs])
    curves, wanted = _Curves.of(list(distinct.values())), np.array(shares, float)
    values, influence = curves.values(at, wanted), curves.influence(at, wanted)
    reached = np.where(np.isfinite(values), wanted, np.nan)
    groups = influence.shape[-1]
    below = Replicated(reached, influence * np.sqrt(groups / (groups - 1)), influence)
    base = base_limits(below, "share", confidence=confidence, trials=curves.total[at])
    # A share in the middle has no long tail, so the limits at the effective size serve both ends.
    low, high = (curves.values(at, ends) for ends in base)
    # Bahadur's slope turns shares into values; the interval itself does not need it.
    slope = (high - low) / np.maximum(base[1] - base[0], 1e-12)
    turned = -slope[:, None]
    return Replicated(values, turned * below.influence, turned * influence), Interval(
        low, high, low, high
    )


@dataclass(frozen=True)
class _Rows:
    """The rows of all curves' histograms, those of a curve together, a value each.

    Attributes:
        first: the place of each curve's first row, and at the end how many there are.
        bucket, count: as the histograms have them.
        ended: whether a row counts values that ended; others wait.
        column: of the row's bin in the curves.
        groups: G.
    """

    first: Places
    bucket: Places
    count: Floats
    ended: NDArray[np.bool_]
    column: Places
    groups: int

    def of(self, curves: Places) -> tuple[Places, Places]:
        """The rows of some curves, one after another, and for each of them which curve it is of."""
        sizes = np.diff(self.first)[curves]
        which = np.repeat(np.arange(len(curves)), sizes)
        start = self.first[curves] - (np.cumsum(sizes) - sizes)
        return np.arange(len(which)) + start[which], which


@dataclass(frozen=True)
class _Curves:
    """Cumulative distributions, shape `(curves, columns)`: a column for each bin that a curve has
    rows in, in order; the columns that it does not need repeat what is known in its last.

    Attributes:
        bins: 0 where a column is not needed.
        events: how many ended in the bin.
        risk: how many had not ended before it.
        below: the share that ends by its upper edge (Kaplan and Meier's estimate).
        total: of a curve's rows, ended or not, shape `(curves,)`.
        rows: what the curves are made of.
    """

    bins: Floats
    events: Floats
    risk: Floats
    below: Floats
    total: Floats
    rows: _Rows

    @classmethod
    def of(cls, pairs: Sequence[tuple[Histogram, Histogram | None]]) -> _Curves:
        parts = [part for pair in pairs for part in pair if part is not None]
        owner = [at for at, pair in enumerate(pairs) for part in pair if part is not None]
        ends = [at == 0 for pair in pairs for at, part in enumerate(pair) if part is not None]
        sizes = [len(part.bin) for part in parts]
        bins, count = (np.concatenate([getattr(p, key) for p in parts]) for key in ("bin", "count"))
        curve, ended = np.repeat(owner, sizes), np.repeat(ends, sizes)
        # The bins that hold anything, curve by curve, and the place of each row's among them.
        lowest = bins.min(initial=0)
        width = int(bins.max(initial=0) - lowest) + 1
        cells, cell = np.unique(curve * width + (bins - lowest), return_inverse=True)
        of, place = np.divmod(cells, width)
        column = np.arange(len(cells)) - np.searchsorted(of, of)

        def table(values: Floats | Places) -> Floats:
            found = np.zeros((len(pairs), int(column.max(initial=0)) + 1))
            found[of, column] = values
            return found

        events, left = (
            table(np.bincount(cell, each, len(cells))) for each in (count * ended, count)
        )
        total = left.sum(1)
        risk = total[:, None] - (np.cumsum(left, axis=1) - left)
        stay = 1 - np.divide(events, risk, out=np.zeros_like(risk), where=risk > 0)
        bucket = np.concatenate([part.bucket for part in parts])
        first = np.searchsorted(curve, np.arange(len(pairs) + 1))
        rows = _Rows(first, bucket, count, ended, column[cell], parts[0].groups)
        return cls(table(place + lowest), events, risk, 1 - np.cumprod(stay, axis=1), total, rows)

    def values(self, at: Places, shares: Floats) -> Floats:
        """The values of some curves below which shares lie; even within a bin on the logarithmic
        scale.

        nan where so many wait that the share is never reached.
        """
        reached, column, part = self._place(at, shares)
        found: Floats = BIN_RATIO ** (self.bins[at, column] + part)
        return np.where(reached, found, np.nan)

    def _place(self, at: Places, shares: Floats) -> tuple[NDArray[np.bool_], Places, Floats]:
        """Whether shares are reached, the column in which each is, and how far into it."""
        below = self.below[at]
        most = below[:, -1]
        reached = (most > 0) & (shares <= most + 1e-9)  # else none ended, or too few
        target = np.fmin(np.fmax(shares, 1e-12), most)
        # A product of shares may miss a whole number of rows by its last digits.
        column = (below < target[:, None] - 1e-12).sum(1)
        column = np.maximum(column, np.argmax(below > 0, axis=1))  # none ends in the first bins
        column = np.minimum(column, below.shape[1] - 1)
        every = np.arange(len(at))
        before = np.where(column > 0, below[every, column - 1], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (target - before) / (below[every, column] - before)
        return reached, column, np.where(reached, np.fmin(part, 1.0), 0.0)

    def influence(self, at: Places, shares: Floats) -> Floats:
        """What each bucket adds to the share below the quantile of some curves, beyond what it is
        at risk of; shape `(len(at), G)`, nan where the quantile is not reached."""
        sizes = np.cumsum(np.diff(self.rows.first)[at])
        edges = np.searchsorted(sizes, np.arange(_AT_ONCE, sizes[-1], _AT_ONCE))
        parts = zip(np.split(at, edges), np.split(shares, edges), strict=True)
        return np.concatenate([self._influence(*part) for part in parts])

    def _influence(self, at: Places, shares: Floats) -> Floats:
        reached, column, part = self._place(at, shares)
        rows, groups = self.rows, self.rows.groups
        chosen, which = rows.of(at)
        own, place = (at[which], rows.column[chosen]), rows.column[chosen] - column[which]
        # Of each bin's hazard, what is taken: all of it up to the quantile, a part where it lies.
        events, risk = self.events[at, column], self.risk[at, column]
        last = part / np.maximum(risk - part * events, 1e-12)
        before = np.where(column > 0, self._expected[at, column - 1], 0.0)
        end = before + last * events / np.where(risk > 0, risk, 1.0)
        gained = np.where(place < 0, self._gain[own], np.where(place == 0, last[which], 0.0))
        expected = np.where(place < 0, self._expected[own], end[which])
        each = rows.count[chosen] * (rows.ended[chosen] * gained - expected)
        cell = which * groups + rows.bucket[chosen]
        found = np.bincount(cell, each, len(at) * groups).reshape(len(at), groups)
        return np.where(reached[:, None], (1 - shares)[:, None] * found, np.nan)

    @cached_property
    def _gain(self) -> Floats:
        """What one that ends in a bin adds, where all of the bin's hazard is taken."""
        found: Floats = 1 / np.maximum(self.risk - self.events, 1e-12)
        return found

    @cached_property
    def _expected(self) -> Floats:
        """What one that is at risk in a bin and in those before it is expected to add."""
        hazard = self.events / np.where(self.risk > 0, self.risk, 1.0)
        return np.cumsum(self._gain * hazard, axis=1)
