"""Agreement among raters beyond chance, with bootstrap intervals over items.

Everything is worked out from how many raters put an item into each category, so items may have
any number of labels and raters need not be known:

* Krippendorff's alpha for names (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability",
  section C), its point estimate by the `krippendorff` package;
* Gwet's AC1 (Gwet 2008, British Journal of Mathematical and Statistical Psychology 61, 29-48;
  with missing labels as in his Handbook of Inter-Rater Reliability, 4th edition, chapter 2);
* Cohen's kappa of two labels each (Cohen 1960, Educational and Psychological Measurement 20,
  37-46), here of each label against the known answer.

Where nearly all items belong to one category, chance agreement is large and alpha and kappa fall
although raters agree (Feinstein and Cicchetti 1990); AC1 does not. So they are shown together.

Intervals draw whole items with replacement (Efron and Tibshirani 1993, chapter 6): labels of one
item stay together. Items of the same counts are alike, so a draw is one of a multinomial. The
draws' spread is taken of the logarithm of one less the coefficient, the disagreement that was seen
over that expected: near 1 the coefficients are skewed, and plain percentiles cover too little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.methods.buckets import Floats

DRAWS = 1000
#: With fewer items a bootstrap interval is too narrow (coverage 0.925 of 0.95 at 60).
FEW_ITEMS = 60


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its interval, 1 at most; nan where it has none (no variation at all)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Agreement:
    """How far raters agree.

    Attributes:
        percent: the share of pairs of labels of one item that agree.
        alpha, ac1: Krippendorff's and Gwet's.
        items, labels: that it rests on; items with two labels or more.
    """

    percent: Coefficient
    alpha: Coefficient
    ac1: Coefficient
    items: int
    labels: int


def agreement(
    counts: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    confidence: float = 0.95,
) -> Agreement:
    """Agreement among any number of raters.

    Args:
        counts: items by categories, how many labels of each; items of one label tell nothing
            of agreement, yet count among AC1's shares of the categories.
        rng: for the bootstrap.
        draws: of the bootstrap.
        confidence: of the intervals.

    Raises:
        ValueError: fewer than two categories, or no item with two labels.

    >>> once = agreement(np.array([[2, 0], [0, 2], [1, 1]]), np.random.default_rng(1), draws=9)
    >>> round(once.percent.value, 3), round(once.alpha.value, 3), round(once.ac1.value, 3)
    (0.667, 0.444, 0.333)
    """
    if counts.ndim != 2 or counts.shape[1] < 2:
        raise ValueError("agreement: counts of items by categories, two categories at least")
    kinds, how_often = np.unique(counts, axis=0, return_counts=True)
    paired = kinds.sum(1) >= 2
    items = int(how_often[paired].sum())
    if not items:
        raise ValueError("agreement: no item has two labels")
    drawn = rng.multinomial(len(counts), how_often / len(counts), draws).astype(float)
    every = np.vstack([how_often.astype(float), drawn])
    found = (_percent(kinds, every), _alpha(kinds, every), _ac1(kinds, every))
    percent, alpha, ac1 = (_coefficient(each, confidence) for each in found)
    alpha = Coefficient(_by_package(counts), alpha.low, alpha.high)
    return Agreement(percent, alpha, ac1, items, int(counts[counts.sum(1) >= 2].sum()))


def cohen_kappa(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    item: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    draws: int = DRAWS,
    confidence: float = 0.95,
) -> Coefficient:
    """Cohen's kappa of pairs of labels of two categories (0 and 1), items drawn as a whole.

    Args:
        first, second: the labels of each pair, such as a rater's and the known answer.
        item: of each pair, 0 to the number of items less one.
        rng, draws, confidence: of the bootstrap.
    """
    cells = np.zeros((int(item.max(initial=-1)) + 1, 4), dtype=np.int64)
    np.add.at(cells, (item, 2 * first + second), 1)
    kinds, how_often = np.unique(cells, axis=0, return_counts=True)
    drawn = rng.multinomial(how_often.sum(), how_often / how_often.sum(), draws).astype(float)
    sums = np.vstack([how_often.astype(float), drawn]) @ kinds
    return _coefficient(_kappa(sums / sums.sum(1, keepdims=True)), confidence)


def _kappa(cells: Floats) -> Floats:
    """Of shares of (0, 0), (0, 1), (1, 0), (1, 1), one table a row."""
    observed = cells[:, 0] + cells[:, 3]
    one, other = cells[:, 2] + cells[:, 3], cells[:, 1] + cells[:, 3]
    return _beyond(observed, one * other + (1 - one) * (1 - other))


def _beyond(observed: Floats, chance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(chance < 1, (observed - chance) / (1 - chance), np.nan)
    return found


def _coefficient(values: Floats, confidence: float) -> Coefficient:
    """The first is the estimate, the others are the bootstrap's."""
    known = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(known) < 2:
        return Coefficient(float(values[0]), np.nan, np.nan)
    if values[0] >= 1 or known.max() >= 1:
        # Little or no disagreement was seen: the plain percentiles, which the page warns of.
        low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
        return Coefficient(float(values[0]), float(low), float(high))
    disagreement = np.log(1 - known)
    reach = -special.ndtri((1 - confidence) / 2) * disagreement.std(ddof=1)
    low, high = 1 - (1 - values[0]) * np.exp([reach, -reach])
    return Coefficient(float(values[0]), float(low), float(high))


def _agreeing(kinds: NDArray[np.int64]) -> Floats:
    """The share of pairs of an item's labels that agree; 0 for an item of one label."""
    sizes = kinds.sum(1)
    pairs = np.maximum(sizes * (sizes - 1), 1)
    found: Floats = (kinds * (kinds - 1)).sum(1) / pairs
    return found


def _percent(kinds: NDArray[np.int64], weights: Floats) -> Floats:
    paired = kinds.sum(1) >= 2
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = weights[:, paired] @ _agreeing(kinds)[paired] / weights[:, paired].sum(1)
    return found


def _alpha(kinds: NDArray[np.int64], weights: Floats) -> Floats:
    paired = kinds.sum(1) >= 2
    own, weight = kinds[paired], weights[:, paired]
    sizes = own.sum(1)
    matches = weight @ ((own * (own - 1)).sum(1) / (sizes - 1))
    margins = weight @ own
    total = margins.sum(1)
    chance = (margins * (margins - 1)).sum(1) / (total - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(total > chance, (matches - chance) / (total - chance), np.nan)
    return found


def _ac1(kinds: NDArray[np.int64], weights: Floats) -> Floats:
    sizes = np.maximum(kinds.sum(1, keepdims=True), 1)
    rated = kinds.sum(1) > 0
    shares = weights[:, rated] @ (kinds / sizes)[rated] / weights[:, rated].sum(1, keepdims=True)
    chance = (shares * (1 - shares)).sum(1) / (kinds.shape[1] - 1)
    return _beyond(_percent(kinds, weights), chance)


def _by_package(counts: NDArray[np.int64]) -> float:
    from krippendorff import alpha  # only where agreement is asked for

    used = counts[:, counts.sum(0) > 0]
    if used.shape[1] < 2:
        return np.nan  # one category only: nothing to tell apart
    return float(alpha(value_counts=used, level_of_measurement="nominal"))
