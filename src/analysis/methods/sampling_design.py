"""How to draw a sample of views when violations are rare and labels cost, and what to expect of it.

The variance of a share is least where draws are in proportion to views times the root of the
chance to violate (the best importance density, Kahn and Marshall 1953, Operations Research 1,
263-278; in strata Neyman's allocation). A score is no chance, so it is calibrated first, and a part
of the draws goes by views alone: whatever the score says, no view is drawn less often than that
part of its due (a defensive mixture, Hesterberg 1995, Technometrics 37, 185-194). The use for
prevalence follows Dobi and others (2026, arXiv:2602.18518).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Estimate, Labels, inclusion, ratio

#: Scores of exactly 0 or 1 have no log odds.
SURE = 1e-6


def draw_probabilities(
    views: Floats, risk: Floats, *, power: float = 0.5, defensive: float = 0.05
) -> Floats:
    """The chance of each item to be taken by one draw; sums to 1.

    Args:
        views: of each item.
        risk: its chance to violate, or a score in proportion to it.
        power: of the risk; 0 draws views at random, 0.5 is best for precision.
        defensive: the part of the draws that goes by views alone, 0 to 1.

    >>> draw_probabilities(np.array([50.0, 50.0]), np.array([0.01, 0.09])).round(3).tolist()
    [0.262, 0.738]
    """
    plain = views / views.sum()
    sized = views * risk**power
    found: Floats = (1 - defensive) * sized / sized.sum() + defensive * plain
    return found


@dataclass(frozen=True)
class Calibration:
    """Chance to violate by score and views.

    Log odds are `level + slope * log odds of the score + reach * log of views`.

    Attributes:
        events: how many violating items it rests on.
    """

    level: float
    slope: float
    reach: float
    events: float

    def risk(self, score: Floats, views: Floats) -> Floats:
        """The chance that an item violates."""
        odds = self.level + self.slope * _log_odds(score) + self.reach * np.log(views)
        found: Floats = special.expit(odds)
        return found


#: Standard deviations of the priors of level, slope and reach: a score that is right but for its
#: level, and no matter how widely an item is viewed.
PRIOR = np.array([1e3, 0.5, 0.25])


def calibrate(score: Floats, views: Floats, label: Labels) -> Calibration:
    """Logistic calibration of a score on labelled items (Platt 1999), with their views.

    What is viewed widely has often been checked before, so that it violates less than its score
    says. Normal priors keep a few events from turning slope and reach.

    Args:
        score, views, label: of each item.
    """
    features = np.stack([np.ones(len(label)), _log_odds(score), np.log(views)])
    centre = np.array([0.0, 1.0, 0.0])
    level = special.logit(np.clip(np.mean(label), SURE, 0.5)) - features[1].mean()
    beta = np.array([level, 1.0, 0.0])
    for _ in range(50):
        risk = special.expit(beta @ features)
        rise = features @ (label - risk) - (beta - centre) / PRIOR**2
        curve = (features * (risk * (1 - risk))) @ features.T + np.diag(PRIOR**-2.0)
        step = np.clip(np.linalg.solve(curve, rise), -2, 2)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    level, slope, reach = beta.tolist()
    return Calibration(level, slope, reach, float(np.sum(label)))


def _log_odds(score: Floats) -> Floats:
    found: Floats = special.logit(np.clip(score, SURE, 1 - SURE))
    return found


def neyman(shares: Floats, rates: Floats, draws: int) -> Floats:
    """Draws for each stratum that make the variance of the whole least (Neyman 1934, Journal of
    the Royal Statistical Society 97, 558-625); not rounded.

    Args:
        shares: of the views, by stratum.
        rates: the share that violates in each.
        draws: in all.
    """
    spread = shares * np.sqrt(rates * (1 - rates))
    found: Floats = draws * spread / spread.sum()
    return found


def stratified_error(shares: Floats, rates: Floats, draws: Floats) -> float:
    """The standard error of the whole's rate, of simple random draws of views in strata."""
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(shares * rates > 0, shares**2 * rates * (1 - rates) / draws, 0.0)
    return float(np.sqrt(parts.sum()))


@dataclass(frozen=True)
class Expected:
    """What a design promises, under the calibrated risk.

    Attributes:
        draws: with replacement.
        items: distinct ones among them, each labelled once.
        events: of these, how many are expected to violate.
        value: the share of views that violates, 0 to 1.
        error: the standard error of the estimate (anticipated: Isaki and Fuller 1982, JASA 77,
            89-96).
    """

    draws: int
    items: float
    events: float
    value: float
    error: float


def expect(share: Floats, risk: Floats, probability: Floats, draws: int) -> Expected:
    """What to expect of so many draws, for the ratio over distinct items.

    Args:
        share: of the views, by item; sums to 1.
        risk: each item's chance to violate.
        probability: that one draw takes it.
        draws: how many.
    """
    chance = inclusion(probability, draws)
    value = float((share * risk).sum())
    square = risk * (1 - 2 * value) + value**2  # of label minus value
    variance = (square * share**2 * (1 - chance) / chance).sum()
    return Expected(
        draws,
        float(chance.sum()),
        float((chance * risk).sum()),
        value,
        float(np.sqrt(variance)),
    )


def draws_for(share: Floats, risk: Floats, probability: Floats, error: float) -> int:
    """The fewest draws whose expected standard error is no larger than one asked for.

    Raises:
        ValueError: the error is not above 0.
    """
    if not error > 0:
        raise ValueError(f"draws_for: an error of {error} is not above 0")
    return _fewest(lambda draws: expect(share, risk, probability, draws).error <= error)


def draws_within(probability: Floats, items: float) -> int:
    """The most draws that are expected to take at most so many distinct items; at least one.

    Raises:
        ValueError: there are not more items than that, so any number of draws would do.
    """
    if items >= np.count_nonzero(probability):
        raise ValueError(f"draws_within: {items:g} items or fewer are there to draw from")
    return max(1, _fewest(lambda draws: inclusion(probability, draws).sum() > items) - 1)


def _fewest(enough: Callable[[int], bool]) -> int:
    """The fewest draws that are enough, where more are enough as well."""
    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@dataclass(frozen=True)
class Round:
    """The items of one sampling round, and how it draws from them.

    Attributes:
        share: of the views of all rounds, by item.
        label: whether each violates.
        probability: that one draw of the round takes the item; sums to 1.
        draws: of the round.
        risk: each item's chance to violate, up to a factor, as the estimate knows it.
    """

    share: Floats
    label: Labels
    probability: Floats
    draws: int
    risk: Floats

    def sample(self, times: int, rng: np.random.Generator) -> tuple[Labels, ...]:
        """Labels, weights, chances to be missed and risks of many samples' draws; a repeated item
        has no weight. Shape `(times, draws)`."""
        sums = np.cumsum(self.probability)
        missed = 1 - inclusion(self.probability, self.draws)
        place = np.searchsorted(sums, rng.random((times, self.draws)) * sums[-1])
        place = np.sort(np.minimum(place, len(sums) - 1), axis=1)
        first = np.ones(place.shape, bool)
        first[:, 1:] = place[:, 1:] != place[:, :-1]
        weight = (self.share / (1 - missed))[place] * first
        return self.label[place], weight, missed[place], self.risk[place]


def resample(
    rounds: Sequence[Round], times: int, rng: np.random.Generator, *, at_once: int = 1_000_000
) -> Estimate:
    """The headline estimate of many samples of one population, to see what it does.

    Args:
        rounds: the population and its design.
        times: how many samples.
        rng: where chance comes from.
        at_once: draws held in memory at a time.

    Returns:
        Arrays of length `times`.
    """
    step = max(1, at_once // sum(each.draws for each in rounds))
    found = []
    for start in range(0, times, step):
        size = min(step, times - start)
        parts = zip(*(each.sample(size, rng) for each in rounds), strict=True)
        found.append(ratio(*(np.concatenate(part, axis=1) for part in parts)))
    return Estimate(
        *(
            np.concatenate([getattr(each, name) for each in found])
            for name in ("value", "variance", "largest")
        )
    )
