"""Parts of a population from one sample: differences, and small domains that borrow strength."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.methods.buckets import Floats


@dataclass(frozen=True)
class Pooled:
    """Domains' rates drawn towards their common mean.

    Attributes:
        value, low, high: by domain.
        weight: how much of each value is the domain's own, 0 to 1.
    """

    value: Floats
    low: Floats
    high: Floats
    weight: Floats


def pool(value: Floats, effective: Floats, *, confidence: float = 0.95) -> Pooled:
    """Empirical Bayes with gamma rates and Poisson events (Clayton and Kaldor 1987, Biometrics 43,
    671-681), the prior's mean and variance by moments (Marshall 1991, Applied Statistics 40,
    283-294).

    The intervals take the prior as known, so with few domains they are too narrow.

    Args:
        value: each domain's own estimate, 0 where no event was seen.
        effective: the independent trials that it is worth; 0 for a domain without a sample, which
            gets the common mean.
        confidence: of the intervals.

    >>> found = pool(np.array([0.0, 0.01, 0.05]), np.array([10.0, 1000.0, 1000.0]))
    >>> found.value.round(4).tolist(), found.weight.round(2).tolist()
    ([0.0267, 0.0115, 0.0484], [0.11, 0.92, 0.92])
    """
    known = np.where(effective > 0, value, 0.0)
    total = effective.sum()
    mean = (known * effective).sum() / total
    spread = (effective * (known - mean) ** 2).sum() / total
    between = max(spread - mean * len(effective) / total, 1e-12 * mean**2)
    rate, shape = mean / between, mean**2 / between
    events, trials = known * effective + shape, effective + rate
    tail = (1 - confidence) / 2
    low, high = (special.gammaincinv(events, p) / trials for p in (tail, 1 - tail))
    return Pooled(events / trials, low, high, effective / trials)


@dataclass(frozen=True)
class Gap:
    """A first share minus a second, with its interval."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def gap(first: tuple[float, float, float], second: tuple[float, float, float]) -> Gap:
    """The difference of two shares from separate samples, from value, low and high of each.

    The method of variance estimates recovery keeps the skewness of both intervals (Zou and Donner
    2008, Statistics in Medicine 27, 1693-1702).

    >>> gap((0.02, 0.015, 0.028), (0.01, 0.007, 0.015)).clear
    True
    """
    (one, low, high), (other, low_other, high_other) = first, second
    value = one - other
    below = float(np.hypot(one - low, high_other - other))
    above = float(np.hypot(high - one, other - low_other))
    return Gap(value, value - below, value + above)
