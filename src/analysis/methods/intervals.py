"""Intervals for shares and rates of clustered and skewed data, one-sided where nothing was seen.

The usual `value ± 1.96 standard errors` fails for what matters here: violations are rare, and a
few creators cause many of them. A sample that happens to miss a large violator has both a low rate
and a low variance, so the interval's upper end stops short. Three remedies are joined:

* beta (shares) or gamma (rates) limits that match the estimate and its variance, that is, the
  binomial or Poisson limits at the *effective* sample size (Korn and Graubard 1998, Survey
  Methodology 24, 193-201; compared in Franco, Little, Louis and Slud 2019, Journal of Survey
  Statistics and Methodology 7, 334-364);
* the end on the side of the tail takes in one more event (Fay and Feuer 1997, Statistics in
  Medicine 16, 791-801, equations 5 and 6), as large as the largest contribution seen where events
  come in clumps, widened where few effective events were seen;
* that end also carries the uncertainty of the variance itself, by a t quantile with degrees of
  freedom from the buckets' kurtosis.

Near one half there is no tail: the second remedy fades to nothing there, and both ends carry the
third.

With few effective events, or none, a window can't tell how alike the rows of a cluster are, and the
clump that was missed is the one that matters. Then the design effect is taken from other windows
or, where none is known, assumed: Kish's `1 + (m - 1) rho` (1965, Survey Sampling, section 5.4) with
`rho` as large as `ALIKE`, and `m` the size of a cluster as its rows see it, which the buckets'
totals tell.

tests/methods/test_intervals.py holds the realised coverage; tests/benchmarks/coverage.py measures a
whole grid of worlds, on which the constants below were set. Off that grid the worst that is known
is 0.90: 5,000 creators with five rows on average (sigma 1.5), a share of 0.001, a correlation of
0.3, which is about two effective events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from analysis.methods.buckets import Floats, Replicated

Family = Literal["share", "rate"]

#: Effective events added to the tail's end, and to its variance, where few were seen. Set by
#: simulation (tests/methods): without them coverage is 0.88 at 7 effective events.
FEW_EVENTS_SHIFT = 6.0
FEW_EVENTS_SPREAD = 4.0
#: Over this many effective events the doubt about a clump that was missed falls to 1/e.
ENOUGH_EVENTS = 10.0
#: A variance that exceeds the binomial one by less than this is no sign of clumps.
NOISE = 1.2
#: Intraclass correlation that is assumed where nothing tells it: few behaviours are as alike.
ALIKE = 0.3


@dataclass(frozen=True)
class Interval:
    """Limits for each estimate, shape `(…)`, in the estimate's unit; nan where it has none.

    Attributes:
        low, high: the interval.
        base_low, base_high: limits at the effective size alone, without the tail's correction;
            differences are built from them, since what skews two windows alike cancels.
    """

    low: Floats
    high: Floats
    base_low: Floats
    base_high: Floats

    def ends(self) -> tuple[Floats, Floats, Floats, Floats]:
        return self.low, self.high, self.base_low, self.base_high

    def at(self, index: int) -> Interval:
        """The limits of one window."""
        return Interval(*(end[index] for end in self.ends()))

    def part(self, places: slice) -> Interval:
        """The limits of some windows."""
        return Interval(*(end[places] for end in self.ends()))


def interval(
    found: Replicated,
    family: Family,
    *,
    confidence: float = 0.95,
    trials: Floats | None = None,
    events: Floats | None = None,
    design_effect: Floats | float = np.nan,
) -> Interval:
    """The interval of a share (0 to 1) or of a rate (0 or more).

    Args:
        found: estimates from `buckets.ratio`.
        family: what the values can be.
        confidence: such as 0.95; each end may miss with half of the rest.
        trials: what the denominators count in each bucket, shape `(…, G)`; where an estimate is 0
            (or a share 1), its one-sided limit follows from it. Without it such an estimate has
            no interval.
        events: how many of the trials make up the numerators, where these are weighted. Without
            it both are counts, and the variance can't be below a binomial's (Poisson's).
        design_effect: variance over that of independent trials, known from elsewhere (other
            windows), at least 1; nan where it is not, and `assumed_effect` stands in. It matters
            where few effective events were seen, or none.

    Raises:
        ValueError: the confidence is not between 0.5 and 1.
    """
    if not 0.5 < confidence < 1:
        raise ValueError(f"interval: confidence {confidence} is not between 0.5 and 1")
    sizes = np.full_like(found.influence, np.nan) if trials is None else np.asarray(trials, float)
    counted = sizes.sum(-1)
    weighted = events is not None
    happened = found.value * counted if events is None else np.asarray(events, float)
    known = np.broadcast_to(np.asarray(design_effect, float), counted.shape)
    assumed = assumed_effect(sizes) if np.isnan(known).any() else known
    effect = np.maximum(np.where(np.isnan(known), assumed, known), 1.0)
    held = np.maximum(np.count_nonzero(sizes, axis=-1) - 1.0, 1.0)
    sides = _Sides(family, confidence, counted, weighted, effect, held)
    return Interval(*sides.both(found, happened), *sides.base(found))


def assumed_effect(trials: Floats) -> Floats:
    """The design effect where nothing tells how alike the trials of a cluster are.

    Clusters are dealt to the buckets at random, so the buckets' totals vary as the sum of squared
    sizes of clusters does: `G var(total) = sum n^2`, and `m = sum n^2 / sum n` is the size of a
    cluster as its trials see it.

    Args:
        trials: in each bucket, shape `(…, G)`.

    >>> float(assumed_effect(np.array([10.0, 30.0, 20.0, 20.0]))) > 1
    True
    """
    groups, total = trials.shape[-1], trials.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = groups * trials.var(-1, ddof=1) / total
    effect: Floats = 1 + ALIKE * np.maximum(np.nan_to_num(size, nan=1.0) - 1, 0.0)
    return effect


def base_limits(
    found: Replicated, family: Family, *, confidence: float, trials: Floats
) -> tuple[Floats, Floats]:
    """The limits at the effective size alone, as `Interval` has them; see `interval`."""
    ones = np.ones(1)
    return _Sides(family, confidence, trials, False, design_effect=ones, held=ones).base(found)


@dataclass(frozen=True)
class _Sides:
    family: Family
    confidence: float
    trials: Floats
    weighted: bool
    design_effect: Floats
    held: Floats  # buckets with trials, less one

    def both(self, found: Replicated, happened: Floats) -> tuple[Floats, Floats]:
        """Both limits; the rarer outcome has the tail, which above one half is the other one."""
        if self.family == "rate":
            return self._limits(found.value, found.residual, happened, found)
        common = found.value > 0.5
        value = np.where(common, 1 - found.value, found.value)
        residual = np.where(common[..., None], -found.residual, found.residual)
        rarer = np.where(common, self.trials - happened, happened)
        low, high = self._limits(value, residual, rarer, found)
        return np.where(common, 1 - high, low), np.where(common, 1 - low, high)

    def _limits(
        self, value: Floats, residual: Floats, happened: Floats, found: Replicated
    ) -> tuple[Floats, Floats]:
        variance, uncertain = self._variance(value, found), self._uncertain(found)
        with np.errstate(divide="ignore", invalid="ignore"):
            events = value**2 / variance
            clumped = self._clumped(happened, events)
            low = self._low(value, clumped, found, uncertain)
            jump = self._jump(residual.max(-1), variance / value, clumped, happened, events)
            high = self._high(value, jump, clumped, events, found, uncertain)
        nothing, unknown = value <= 0, np.isnan(value)
        low, high = np.where(nothing, 0.0, low), np.where(nothing, self._nothing(), high)
        return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)

    def base(self, found: Replicated) -> tuple[Floats, Floats]:
        """Clopper and Pearson's limits (Garwood's for rates) at the effective size."""
        value, tail = found.value, self._tail
        odds = 1 - value if self.family == "share" else np.ones_like(value)
        with np.errstate(divide="ignore", invalid="ignore"):
            size = value * odds / self._variance(value, found)
            unseen = self.trials / self.design_effect
            size = np.where((value > 0) & (odds > 0), size, unseen)
            size = size * _penalty(found.influence.shape[-1] - 1, tail)
            events, rest = np.fmax(value * size, 1e-9), np.fmax(odds * size, 1e-9)
            if self.family == "rate":
                low, high = (_gamma(*each) for each in ((events, tail), (events + 1, 1 - tail)))
                return low / size, high / size
            return _beta(events, rest + 1, tail), _beta(events + 1, rest, 1 - tail)

    def _variance(self, value: Floats, found: Replicated, known: Floats | float = 1.0) -> Floats:
        """The jackknife's, over how much of it is known, but no smaller than that of as many
        independent trials."""
        if self.weighted:
            return found.variance / known
        with np.errstate(divide="ignore", invalid="ignore"):
            least = value * (1 - value if self.family == "share" else 1) / self.trials
        larger: Floats = np.fmax(found.variance / known, least)
        return larger

    def _uncertain(self, found: Replicated) -> Floats:
        """How much of the variance is known, by its degrees of freedom."""
        return _penalty(np.fmin(found.degrees, self.held), self._tail)

    @property
    def _tail(self) -> float:
        return (1 - self.confidence) / 2

    def _low(self, value: Floats, clumped: Floats, found: Replicated, uncertain: Floats) -> Floats:
        """Without a tail both ends know their variance equally well; with one, this end is sure."""
        skewed = self._skewed(value)
        known = _penalty(self.held, self._tail) ** (skewed * clumped)
        known = known * uncertain ** (1 - skewed)
        return self._quantile(value, self._variance(value, found, known), self._tail)

    def _skewed(self, value: Floats) -> Floats:
        """How far the rarer outcome has a long tail: 1 where it is rare, 0 at one half."""
        odd = 2 * value if self.family == "share" else np.zeros_like(value)
        found: Floats = np.maximum(1 - odd, 0.0)
        return found

    def _clumped(self, happened: Floats, events: Floats) -> Floats:
        """Weights differ from draw to draw without any clumps of alike draws."""
        return np.zeros_like(events) if self.weighted else _clumped(happened, events)

    def _jump(
        self, largest: Floats, event: Floats, clumped: Floats, happened: Floats, events: Floats
    ) -> Floats:
        """One more event: as large as the largest seen where they come in clumps, and as the clump
        that was missed may be, where few effective events leave that open."""
        if self.weighted:
            return np.maximum(largest, event)
        one = np.fmax(event, 1 / self.trials)
        seen = one + clumped * np.maximum(largest - one, 0.0)
        doubt = np.maximum(clumped, np.exp(1 - np.maximum(happened, 1)))
        missed = doubt * np.exp(-events / ENOUGH_EVENTS) * self.design_effect / self.trials
        larger: Floats = np.maximum(seen, missed)
        return larger

    def _high(
        self,
        value: Floats,
        jump: Floats,
        clumped: Floats,
        events: Floats,
        found: Replicated,
        uncertain: Floats,
    ) -> Floats:
        skewed = self._skewed(value)
        shift = clumped * FEW_EVENTS_SHIFT / np.maximum(events, FEW_EVENTS_SHIFT)
        jump = skewed * jump * (1 + shift)
        few = 1 + skewed * clumped * FEW_EVENTS_SPREAD / np.maximum(events, 1)
        known = uncertain ** np.maximum(clumped, 1 - skewed)
        variance = self._variance(value, found, known) + jump**2 / known
        return self._quantile(value + jump, variance * few, 1 - self._tail)

    def _quantile(self, mean: Floats, variance: Floats, probability: float) -> Floats:
        if self.family == "rate":
            limit = _gamma(mean**2 / variance, probability) * variance / mean
        else:
            mean = np.fmin(mean, 1 - 1e-9)
            size = np.fmax(mean * (1 - mean) / variance, 1e-9)
            limit = _beta(mean * size, (1 - mean) * size, probability)
        return np.where(variance > 0, limit, mean)

    def _nothing(self) -> Floats:
        """The upper limit where no event was seen, one-sided: the rule of three (Hanley and
        Lippman-Hand 1983, JAMA 249, 1743-1745) at the effective number of trials."""
        size = self.trials / self.design_effect
        with np.errstate(divide="ignore", invalid="ignore"):
            rate: Floats = -np.log(1 - self.confidence) / size
            found = 1 - np.exp(-rate) if self.family == "share" else rate
        return np.where(size > 0, found, np.nan)


def _beta(first: Floats, second: Floats, probability: float) -> Floats:
    return np.asarray(special.betaincinv(first, second, probability), float)


def _gamma(shape: Floats, probability: float) -> Floats:
    return np.asarray(special.gammaincinv(shape, probability), float)


def _clumped(happened: Floats, effective: Floats) -> Floats:
    """How far events come in clumps: 0 where each stands alone, near 1 where few clusters have
    them all. Single events are as uncertain as the binomial limits say, and need no more."""
    ratio = np.maximum(np.nan_to_num(happened / effective / NOISE, nan=np.inf), 1)
    found: Floats = 1 - 1 / ratio
    return found


def _penalty(degrees: Floats | int, tail: float) -> Floats:
    """How much of the sample size is left when the variance is known to some degrees of freedom
    only: the squared ratio of the normal to the t quantile (Korn and Graubard 1998, equation 4)."""
    quantile = np.asarray(special.stdtrit(degrees, tail), float)
    found: Floats = (special.ndtri(tail) / quantile) ** 2
    return found
