"""Shares of survey samples and their common intervals, as R's `survey` has them.

Linearised variances of weighted shares with strata and clusters (Binder 1983, International
Statistical Review 51, 279-292), and the intervals of its `svyciprop` (Lumley 2010, Complex Surveys,
section 2.3). tests/methods/test_survey.py holds them to R. The studies use them to show what these
intervals do where violations are rare; their own is `prevalence.limits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import optimize, special

from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Counts, Labels

Method = Literal["mean", "logit", "asin", "beta", "likelihood"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Surveyed:
    """A share of a sample.

    Attributes:
        value: 0 to 1.
        variance: of the value.
        size: rows.
        degrees: clusters less strata.
    """

    value: float
    variance: float
    size: int
    degrees: int

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.variance))


def linearised(
    label: Labels, weight: Floats, stratum: Counts | None = None, cluster: Counts | None = None
) -> Surveyed:
    """The weighted share with its variance between clusters within strata.

    Draws with replacement with probability p are clusters of their own with weights 1 / p.

    Args:
        label, weight: of each row.
        stratum: of each row; None for a single one.
        cluster: of each row, numbered through all strata; None where each row is its own.

    Raises:
        ValueError: a stratum with a single cluster, whose variance can't be known.
    """
    size = len(label)
    stratum = np.zeros(size, np.intp) if stratum is None else stratum
    cluster = np.arange(size) if cluster is None else cluster
    value = float((weight * label).sum() / weight.sum())
    influence = weight * (label - value) / weight.sum()
    _, first, of_row = np.unique(cluster, return_index=True, return_inverse=True)
    total, of_cluster = np.bincount(of_row, influence), stratum[first]
    many = np.bincount(of_cluster)
    used = many > 0
    if (many[used] < 2).any():
        raise ValueError("linearised: a stratum has a single cluster; join it to another")
    means = np.bincount(of_cluster, total) / np.maximum(many, 1)
    squares = np.bincount(of_cluster, (total - means[of_cluster]) ** 2)
    variance = float((squares[used] * many[used] / (many[used] - 1)).sum())
    return Surveyed(value, variance, size, len(total) - int(used.sum()))


def common_limits(
    value: Floats,
    variance: Floats,
    size: int,
    degrees: float,
    method: Method,
    *,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """The interval of a share by one of the methods of `svyciprop`.

    Args:
        value, variance: shares strictly between 0 and 1, and their variances.
        size: rows of the sample.
        degrees: of freedom of the variance.
        method: `mean` is Wald's; `logit` and `asin` are Wald's on these scales; `beta` is Korn and
            Graubard's (1998); `likelihood` has Rao and Scott's scaled deviance.
        level: such as 0.95.
    """
    reach = -float(special.stdtrit(degrees, (1 - level) / 2))
    error = np.sqrt(variance)
    if method == "mean":
        return value - reach * error, value + reach * error
    if method == "logit":
        spread = reach * error / (value * (1 - value))
        odds = special.logit(value)
        return special.expit(odds - spread), special.expit(odds + spread)
    if method == "asin":
        middle, spread = np.arcsin(np.sqrt(value)), reach * error / np.sqrt(4 * value * (1 - value))
        return np.sin(middle - spread) ** 2, np.sin(middle + spread) ** 2
    if method == "beta":
        return _beta_limits(value, variance, size, reach, level)
    return _likelihood_limits(value, variance, reach)


def _beta_limits(
    value: Floats, variance: Floats, size: int, reach: float, level: float
) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    worth = value * (1 - value) / variance * (float(special.stdtrit(size - 1, tail)) / reach) ** 2
    events, rest = value * worth, (1 - value) * worth
    low = special.betaincinv(events, rest + 1, tail)
    high = special.betaincinv(events + 1, rest, 1 - tail)
    return np.asarray(low, np.float64), np.asarray(high, np.float64)


def _likelihood_limits(value: Floats, variance: Floats, reach: float) -> tuple[Floats, Floats]:
    """Where the deviance of as many independent trials as the sample is worth grows by the square
    of the quantile."""
    ends = [
        _deviance_ends(float(p), float(p * (1 - p) / v), reach)
        for p, v in zip(np.atleast_1d(value), np.atleast_1d(variance), strict=True)
    ]
    low, high = (np.reshape(each, np.shape(value)) for each in zip(*ends, strict=True))
    return low, high


def _deviance_ends(share: float, worth: float, reach: float) -> tuple[float, float]:
    both = np.array([share, 1 - share])

    def above(odds: float) -> float:
        other = special.expit([odds, -odds])
        return float(2 * worth * special.rel_entr(both, other).sum() - reach**2)

    middle = float(special.logit(share))
    low = optimize.brentq(above, middle - 50, middle)
    high = optimize.brentq(above, middle, middle + 50)
    return float(special.expit(low)), float(special.expit(high))
