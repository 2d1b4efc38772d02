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

Intervals draw whole items with replacement: labels of one item stay together, and items of the same
counts are alike, so a draw is one of a multinomial. The draws' quantiles are corrected for bias and
skewness (BCa: Efron 1987, Journal of the American Statistical Association 82, 171-185; acceleration
from leaving items out one by one), at the levels of Student's t with one degree less than there are
items (the expanded percentiles of Hesterberg 2015, The American Statistician 69, 371-386): plain
percentiles cover too little of a few items. tests/benchmarks/quality.py has the coverage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.methods.buckets import Floats

DRAWS = 1000
#: With fewer items on which any rater differs from the most frequent label, intervals cover too
#: little (0.85 of 0.95 with five of 30 items).
FEW_RARER = 6
#: The bootstrap's bias is kept within these quantiles.
_SURE = 1e-3


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
        rarer: items with any label but the most frequent.
    """

    percent: Coefficient
    alpha: Coefficient
    ac1: Coefficient
    items: int
    labels: int
    rarer: int


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
    every = _resampled(how_often, rng, draws)
    found = (_percent(kinds, every), _alpha(kinds, every), _ac1(kinds, every))
    percent, alpha, ac1 = (_coefficient(each, how_often, confidence) for each in found)
    alpha = Coefficient(_by_package(counts), alpha.low, alpha.high)
    usual = int(np.argmax(how_often @ kinds))
    rarer = int(how_often[paired & (kinds.sum(1) > kinds[:, usual])].sum())
    labels = int(counts[counts.sum(1) >= 2].sum())
    return Agreement(percent, alpha, ac1, items, labels, rarer)


def _resampled(how_often: NDArray[np.int64], rng: np.random.Generator, draws: int) -> Floats:
    """How often each kind of item is there: as it is, with one of each kind left out, drawn."""
    size, own = int(how_often.sum()), how_often.astype(float)
    drawn = rng.multinomial(size, own / size, draws)
    return np.vstack([own, own - np.eye(len(own)), drawn])


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
    sums = _resampled(how_often, rng, draws) @ kinds
    values = _kappa(sums / np.maximum(sums.sum(1, keepdims=True), 1))
    return _coefficient(values, how_often, confidence)


def _kappa(cells: Floats) -> Floats:
    """Of shares of (0, 0), (0, 1), (1, 0), (1, 1), one table a row."""
    observed = cells[:, 0] + cells[:, 3]
    one, other = cells[:, 2] + cells[:, 3], cells[:, 1] + cells[:, 3]
    return _beyond(observed, one * other + (1 - one) * (1 - other))


def _beyond(observed: Floats, chance: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(chance < 1, (observed - chance) / (1 - chance), np.nan)
    return found


def _coefficient(values: Floats, how_often: NDArray[np.int64], confidence: float) -> Coefficient:
    """Of the coefficient as it is, with one of each kind left out, and of the draws (BCa)."""
    value, (left_out, drawn) = float(values[0]), np.split(values[1:], [len(how_often)])
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(known) < 2:
        return Coefficient(value, np.nan, np.nan)
    size = int(how_often.sum())
    away = np.where(np.isfinite(left_out), left_out, value)
    away = how_often @ away / size - away
    spread = float(how_often @ away**2)
    bent = float(how_often @ away**3) / (6 * spread**1.5) if spread > 0 else 0.0
    below = float((known < value).mean() + (known == value).mean() / 2)
    bias = float(special.ndtri(np.clip(below, _SURE, 1 - _SURE)))
    reach = special.stdtrit(max(size - 1, 1), (1 + confidence) / 2)
    ends = [bias + side * reach for side in (-1, 1)]
    levels = [float(special.ndtr(bias + end / (1 - bent * end))) for end in ends]
    low, high = np.quantile(known, levels)
    return Coefficient(value, float(low), float(high))


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
