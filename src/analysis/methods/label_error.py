"""What a share would be if labels were right, given how often they are.

Rogan and Gladen (1978, American Journal of Epidemiology 107, 71-76, equations 2 and 7). Where
violations are rare, a labeller who calls one harmless item in a hundred violating makes most of
the violations, and no sample size mends it: the uncertainty of the specificity comes in whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Estimate, confidence_draws


@dataclass(frozen=True)
class Accuracy:
    """How many of some items with a known answer were labelled right."""

    right: int
    of: int

    @property
    def value(self) -> float:
        return self.right / self.of

    @property
    def error(self) -> float:
        """Its standard error, one added to each side so that 100 % is not taken as certain
        (Agresti and Coull 1998)."""
        share = (self.right + 1) / (self.of + 2)
        return float(np.sqrt(share * (1 - share) / (self.of + 2)))


@dataclass(frozen=True)
class Corrected:
    """A share corrected for errors of labels.

    Attributes:
        value: as the formula has it; below zero where labels call more items violating than their
            specificity explains by itself. It is not clipped.
        error: the standard error, both accuracies' included.
        low, high: the interval, not clipped either.
        dominated: the specificity's own uncertainty exceeds the estimate, so that the sample says
            next to nothing.
    """

    value: float
    error: float
    low: float
    high: float
    dominated: bool

    @property
    def below_zero(self) -> bool:
        return self.value < 0


def rogan_gladen(
    found: Estimate,
    sensitivity: Accuracy,
    specificity: Accuracy,
    rng: np.random.Generator,
    *,
    confidence: float = 0.95,
    times: int = 20_000,
) -> Corrected:
    """The corrected share with its interval.

    The interval melds the confidence distributions of the three numbers (Bayer, Fay and Graubard
    2023, Statistics in Medicine 42, 1822-1867): each end takes each number's own limit on the side
    that moves it outwards, drawn at random, and the quantile of the result.

    Args:
        found: the share as labelled.
        sensitivity: of violating items with a known answer, how many were labelled violating.
        specificity: of harmless ones, how many were labelled harmless.
        rng: where chance comes from.
        confidence: of the interval.
        times: random draws for each end.

    Raises:
        ValueError: sensitivity and specificity add up to 1 or less: the labels say nothing.
    """
    sure = sensitivity.value + specificity.value - 1
    if sure <= 0:
        raise ValueError(
            f"rogan_gladen: sensitivity {sensitivity.value:.3f} and specificity "
            f"{specificity.value:.3f} add up to 1 or less, so labels are no better than chance"
        )
    value = float((found.value + specificity.value - 1) / sure)
    variance = float(found.variance) + (1 - value) ** 2 * specificity.error**2
    error = float(np.sqrt(variance + value**2 * sensitivity.error**2)) / sure
    low, high = _melded(found, sensitivity, specificity, rng, confidence, times)
    dominated = specificity.error / sure > abs(value)
    return Corrected(value, error, min(low, value), max(high, value), dominated)


def _melded(
    found: Estimate,
    sensitivity: Accuracy,
    specificity: Accuracy,
    rng: np.random.Generator,
    confidence: float,
    times: int,
) -> tuple[float, float]:
    tail = (1 - confidence) / 2
    lower, upper = confidence_draws(found, rng, times)
    spec_lower, spec_upper = _binomial(specificity, rng, times)
    sens_lower, sens_upper = _binomial(sensitivity, rng, times)
    ends = (
        (lower, spec_lower, (sens_lower, sens_upper)),
        (upper, spec_upper, (sens_upper, sens_lower)),
    )
    limits = []
    for (share, spec, (below, above)), at in zip(ends, (tail, 1 - tail), strict=True):
        # A better sensitivity moves a positive share down and a negative one up.
        excess = share + spec - 1
        sens = np.where(excess > 0, above, below)
        with np.errstate(divide="ignore"):
            corrected = excess / np.maximum(sens + spec - 1, 1e-9)
        limits.append(float(np.quantile(corrected, at)))
    return limits[0], limits[1]


def _binomial(seen: Accuracy, rng: np.random.Generator, times: int) -> tuple[Floats, Floats]:
    """Draws from the lower and the upper confidence distribution (Clopper and Pearson's)."""
    right, wrong = seen.right, seen.of - seen.right
    lower = rng.beta(right, wrong + 1, times) if right else np.zeros(times)
    upper = rng.beta(right + 1, wrong, times) if wrong else np.ones(times)
    return lower, upper
