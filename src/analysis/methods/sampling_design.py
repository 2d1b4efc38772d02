"""How to draw a sample of views when violations are rare and labels cost, and what to expect of it.

The variance of a share is least where draws are in proportion to views times the root of the
chance to violate (the best importance density, Kahn and Marshall 1953, Operations Research 1,
263-278; in strata Neyman's allocation). A score is no chance, so it is calibrated first, and a part
of the draws goes by views alone: whatever the score says, no view is drawn less often than that
part of its due (a defensive mixture, Hesterberg 1995, Technometrics 37, 185-194). The use for
prevalence follows Dobi and others (2026, arXiv:2602.18518).
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Chance to violate by score: log odds are `level + slope * log odds of the score`.

    Attributes:
        events: how many violating items it rests on.
    """

    level: float
    slope: float
    events: float

    def risk(self, score: Floats) -> Floats:
        """The chance that an item of this score violates."""
        found: Floats = special.expit(self.level + self.slope * _log_odds(score))
        return found


def calibrate(score: Floats, label: Labels, weight: Floats, *, prior: float = 0.5) -> Calibration:
    """Logistic calibration (Platt 1999) of a score on labelled items.

    The slope has a normal prior about 1, a score that is right but for its level, so that a few
    events can't turn it.

    Args:
        score, label: of each item.
        weight: views (or items) that each stands for, in any unit.
        prior: standard deviation of the slope.
    """
    odds = _log_odds(score)
    size = weight * len(weight) / weight.sum()
    beta = np.array([special.logit(np.clip(np.average(label, weights=size), SURE, 0.5)), 1.0])
    beta[0] -= np.average(odds, weights=size)
    for _ in range(50):
        risk = special.expit(beta[0] + beta[1] * odds)
        rest, spread = size * (label - risk), size * risk * (1 - risk)
        slope = np.array([rest.sum(), (rest * odds).sum() - (beta[1] - 1) / prior**2])
        cross = (spread * odds).sum()
        curve = np.array([[spread.sum(), cross], [cross, (spread * odds**2).sum() + prior**-2]])
        curve[0, 0] += 1e-9
        step = np.linalg.solve(curve, slope)
        beta += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    return Calibration(float(beta[0]), float(beta[1]), float(np.sum(label)))


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
    low, high = 1, 2
    while expect(share, risk, probability, high).error > error:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if expect(share, risk, probability, middle).error > error:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True)
class Round:
    """The items of one sampling round, and how it draws from them.

    Attributes:
        share: of the views of all rounds, by item.
        label: whether each violates.
        probability: that one draw of the round takes the item; sums to 1.
        draws: of the round.
    """

    share: Floats
    label: Labels
    probability: Floats
    draws: int

    def sample(self, times: int, rng: np.random.Generator) -> tuple[Labels, Floats, Floats]:
        """Labels, weights and chances to be missed of many samples' draws; a repeated item has no
        weight. Shape `(times, draws)`."""
        sums = np.cumsum(self.probability)
        missed = 1 - inclusion(self.probability, self.draws)
        place = np.searchsorted(sums, rng.random((times, self.draws)) * sums[-1])
        place = np.sort(np.minimum(place, len(sums) - 1), axis=1)
        first = np.ones(place.shape, bool)
        first[:, 1:] = place[:, 1:] != place[:, :-1]
        weight = (self.share / (1 - missed))[place] * first
        return self.label[place], weight, missed[place]


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
