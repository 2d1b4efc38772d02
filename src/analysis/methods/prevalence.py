"""The share of views that went to violating content, from draws with unequal probabilities.

An item is a post in one sampling round (a market's local week). It has a share of the frame's
views, `share`, and each of the round's `draws` takes it with `probability`. What is known of every
draw is its item's label.

* Hansen and Hurwitz (1943, Annals of Mathematical Statistics 14, 333-362): the mean over draws of
  label times share over probability.
* Hájek (1971): the same sum over that of all draws, which needs no total.
* Horvitz and Thompson (1952, JASA 47, 663-685): each *distinct* item once, over its chance of being
  drawn at all, `1 - (1 - probability)^draws`. An item that is drawn twice tells nothing new the
  second time, so this is the more precise where items are drawn often (Raj and Khamis 1958, Annals
  of Mathematical Statistics 29, 550-557).
* `ratio` over distinct items joins the last two and is the headline: it needs no total, labels no
  item twice, and its variance falls to nothing as the sample becomes a census. Its variance is
  that of independent inclusion about the ratio's residuals (Särndal, Swensson and Wretman 1992,
  Model Assisted Survey Sampling, result 5.6.1), which is what draws of a fixed number come to.

Arrays may have axes before the last, one sample for each place: simulations estimate many at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.methods.buckets import Floats

Labels: TypeAlias = NDArray[Any]
Counts: TypeAlias = NDArray[np.intp]


@dataclass(frozen=True)
class Estimate:
    """An estimated share with what its interval needs.

    Attributes:
        value: the share, 0 to 1; nan where nothing was drawn.
        variance: of the value, by design.
        largest: what one more event would add that is as large as the largest seen, times the
            share of views that no draw has seen, or as the risks lead to expect, if that is more;
            0 without events, and in a census.
    """

    value: Floats
    variance: Floats
    largest: Floats

    @property
    def error(self) -> Floats:
        """The standard error."""
        root: Floats = np.sqrt(self.variance)
        return root


def inclusion(probability: Floats, draws: Floats | Counts | int) -> Floats:
    """The chance that an item is among draws with replacement at least once.

    >>> inclusion(np.array([0.5, 0.001]), 2).round(6).tolist()
    [0.75, 0.001999]
    """
    with np.errstate(divide="ignore"):
        found: Floats = -np.expm1(draws * np.log1p(-np.asarray(probability, float)))
    return found


def ratio(
    label: Labels, weight: Floats, missed: Floats | None = None, risk: Floats | None = None
) -> Estimate:
    """Weighted share of a sample of items, along the last axis; an item of weight 0 is not in it.

    Args:
        label: whether (or how likely) each violates.
        weight: views over the chance of being in the sample, in any unit.
        missed: one minus that chance; None for draws with replacement that count each time.
        risk: each item's chance to violate, up to a factor, where it is known.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        part = weight / weight.sum(-1, keepdims=True)
        value = (label * part).sum(-1)
        residual = (part * (label - value[..., None])) ** 2
    largest = np.max(label * part, axis=-1, initial=0.0)
    if missed is None:
        return Estimate(value, residual.sum(-1), largest)
    largest = largest * (part * missed).sum(-1)
    if risk is not None:
        largest = np.where(largest > 0, np.maximum(largest, _typical(part, missed, risk)), 0.0)
    return Estimate(value, (residual * missed).sum(-1), largest)


def _typical(part: Floats, missed: Floats, risk: Floats) -> Floats:
    """How much of the value one event of average views brings, as the risks of all items have it.

    With a sharp score most events seen have large risks and small weights; the few with small
    risks and large weights, which carry the value, may all be missing.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (part**2 * missed * risk).sum(-1) / (part * risk).sum(-1)
    return found


@dataclass(frozen=True)
class Items:
    """Distinct items that were drawn; arrays of one length.

    Attributes:
        label: whether each violates; the mean where its draws were labelled differently.
        share: its part of the views of all rounds.
        missed: the chance that none of its round's draws took it.
        place: of its first draw.
        risk: each item's chance to violate, up to a factor, where it is known.
    """

    label: Floats
    share: Floats
    missed: Floats
    place: Counts
    risk: Floats | None = None

    @property
    def weight(self) -> Floats:
        """Share over the chance of being drawn at all; sums to about 1."""
        found: Floats = self.share / (1 - self.missed)
        return found

    def ratio(self, among: NDArray[np.bool_] | None = None) -> Estimate:
        """The headline estimator, of all items or of a domain."""
        weight = self.weight if among is None else self.weight * among
        return ratio(self.label, weight, self.missed, self.risk)

    def horvitz_thompson(self) -> Estimate:
        """The sum of Horvitz and Thompson; right only where `share` is of the right total."""
        each = self.label * self.weight
        unseen = (self.weight * self.missed).sum()
        largest = np.asarray(np.max(each, initial=0.0) * unseen)
        return Estimate(each.sum(), (each**2 * self.missed).sum(), largest)

    def stratified(self, stratum: Counts, shares: Floats) -> Estimate:
        """Strata whose shares of the views are known, before sampling or after it.

        Post-stratification is judged given how many items each stratum got (Holt and Smith 1979,
        Journal of the Royal Statistical Society A 142, 33-46).

        Args:
            stratum: of each item, from 0.
            shares: of the views, by stratum; sums to 1.

        Raises:
            ValueError: a stratum with views but without an item.
        """
        parts = [self.ratio(stratum == each) for each in np.flatnonzero(shares)]
        if any(np.isnan(part.value) for part in parts):
            raise ValueError("stratified: a stratum has views but no item was drawn from it")
        known = shares[shares > 0]
        return Estimate(
            np.asarray(sum(w * p.value for w, p in zip(known, parts, strict=True))),
            np.asarray(sum(w**2 * p.variance for w, p in zip(known, parts, strict=True))),
            np.asarray(max(w * p.largest for w, p in zip(known, parts, strict=True))),
        )


@dataclass(frozen=True)
class Draws:
    """Labelled draws with replacement; arrays of one length, one place a draw.

    Attributes:
        item: a number of its own for each post in each round.
        round: from 0, of the sampling round.
        label: whether the item violates.
        share: the item's part of the views of all rounds.
        probability: that one draw of the round takes the item.
        risk: the item's chance to violate, up to a factor, where it is known.
    """

    item: Counts
    round: Counts
    label: Floats
    share: Floats
    probability: Floats
    risk: Floats | None = None

    @cached_property
    def sizes(self) -> Counts:
        """Draws by round."""
        return np.bincount(self.round)

    @cached_property
    def items(self) -> Items:
        """Each item once."""
        _, first, back, times = np.unique(
            self.item, return_index=True, return_inverse=True, return_counts=True
        )
        draws = self.sizes[self.round[first]]
        missed = 1 - inclusion(self.probability[first], draws)
        risk = None if self.risk is None else self.risk[first]
        label = np.bincount(back, self.label) / times
        return Items(label, self.share[first], missed, first, risk)

    def hansen_hurwitz(self) -> Estimate:
        """The mean over draws, rounds as strata."""
        each = self.label * self.share / self.probability
        means = np.bincount(self.round, each) / self.sizes
        squares = np.bincount(self.round, (each - means[self.round]) ** 2)
        variance = (squares / np.maximum(self.sizes - 1, 1) / self.sizes).sum()
        largest = np.max(each / self.sizes[self.round], initial=0.0)
        return Estimate(means.sum(), np.asarray(variance), np.asarray(largest))

    def hajek(self) -> Estimate:
        """The ratio over draws, each counted as often as it was drawn."""
        weight = self.share / self.probability / self.sizes[self.round]
        found, size = ratio(self.label, weight), len(self.label)
        return Estimate(found.value, found.variance * size / max(size - 1, 1), found.largest)


def limits(
    found: Estimate, *, confidence: float = 0.95, trials: Floats | float = np.inf
) -> tuple[Floats, Floats]:
    """The interval of a share that is rare and weighted.

    Fay and Feuer (1997, Statistics in Medicine 16, 791-801, equations 5 and 6): the lower end from
    the estimate and its variance, the upper end from both with one event more, as large as the
    largest. They know all weights; what stands for the largest here is `Estimate.largest`. Theirs
    are gamma limits, for rates; ours are beta limits, so that a share stays below 1, and the same
    for rare events. A Wald interval has neither the skewness nor the allowance for what was not
    seen, and covers 0.90 where this covers 0.96 (tests/benchmarks/prevalence_coverage.py).

    Without any event the upper end is one-sided, the rule of three (Hanley and Lippman-Hand 1983,
    JAMA 249, 1743-1745). It supposes that violating views are no less likely to be drawn than
    others, that is, a score no worse than chance.

    Args:
        found: shares and their variances.
        confidence: such as 0.95; each end may miss with half of the rest.
        trials: how many draws the domain gets of a sample in proportion to views.
    """
    tail = (1 - confidence) / 2
    low = _beta(found.value, found.variance, tail)
    more = found.variance + found.largest**2
    high = _beta(np.minimum(found.value + found.largest, 1), more, 1 - tail)
    nothing = -np.expm1(np.log1p(-confidence) / np.maximum(trials, 1e-9))
    none = found.value <= 0
    return np.where(none, 0.0, low), np.where(none, nothing, np.maximum(high, found.value))


def confidence_draws(
    found: Estimate, rng: np.random.Generator, times: int
) -> tuple[Floats, Floats]:
    """Draws from the distributions whose quantiles are the ends of `limits`.

    Returns:
        From that of the lower end, and from that of the upper one.
    """
    more = found.variance + found.largest**2
    low = _beta_draws(float(found.value), float(found.variance), rng, times)
    top = min(float(found.value + found.largest), 1.0)
    return low, _beta_draws(top, float(more), rng, times)


def _beta_draws(mean: float, variance: float, rng: np.random.Generator, times: int) -> Floats:
    size = mean * (1 - mean) / variance - 1 if variance > 0 else 0.0
    if size <= 0:
        return np.full(times, mean)
    return rng.beta(mean * size, (1 - mean) * size, times)


def _beta(mean: Floats, variance: Floats, probability: Floats | float) -> Floats:
    """A quantile of the beta distribution of a mean and variance; the mean where that is sure."""
    with np.errstate(divide="ignore", invalid="ignore"):
        size = mean * (1 - mean) / variance - 1
        found = special.betaincinv(mean * size, (1 - mean) * size, probability)
    # A variance beyond that of any distribution on 0 to 1 says nothing.
    found = np.where(size > 0, found, np.asarray(probability) > 0.5)
    return np.where((variance <= 0) | (mean <= 0) | (mean >= 1), mean, found)


def worth(value: float, low: float, high: float, *, confidence: float = 0.95) -> float:
    """The honest effective sample size: the simple random sample of views as good as this one.

    It is that whose exact interval (Clopper and Pearson 1934) would be as wide. The usual plug-in
    `value (1 - value) / variance` says far more where the few events seen happen to be alike; that
    the width here keeps its word is shown by simulation.

    >>> round(worth(0.01, 0.0048, 0.0183), -1)
    1000.0
    """
    if not (0 < value < 1 and high > low):
        return float("nan")
    tail = (1 - confidence) / 2

    def wider(log_size: float) -> float:
        size = np.exp(log_size)
        events, rest = value * size, (1 - value) * size
        ends = (
            special.betaincinv(events, rest + 1, tail),
            special.betaincinv(events + 1, rest, 1 - tail),
        )
        return float(ends[1] - ends[0] - (high - low))

    if wider(0.0) < 0:
        return 1.0
    return float(np.exp(optimize.brentq(wider, 0.0, 35.0)))
