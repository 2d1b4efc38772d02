"""A share from labels and predictions: the predictions' mean over everything, put right by labels.

The difference estimator (Särndal, Swensson and Wretman 1992, section 6.3), which machine learning
knows as prediction-powered inference, with the weight of the predictions tuned to make the variance
least (PPI++: Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453, section 6). Here for draws with
unequal probabilities: covariances are those of the design.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Labels


@dataclass(frozen=True)
class Powered:
    """A prediction-powered share.

    Attributes:
        value: the share; can leave 0 to 1 by chance.
        variance: of the value, by design, the power taken as fixed.
        power: how far predictions were used: 0 not at all, 1 as if they were labels.
    """

    value: float
    variance: float
    power: float

    @property
    def error(self) -> float:
        """The standard error."""
        return float(np.sqrt(self.variance))


def prediction_powered(
    label: Labels,
    prediction: Floats,
    weight: Floats,
    missed: Floats | float = 1.0,
    *,
    mean: float,
    mean_variance: float = 0.0,
    spread: float | None = None,
) -> Powered:
    """The tuned estimate.

    Args:
        label: whether each sampled item violates.
        prediction: of its label: a calibrated risk, a model's label.
        weight: views over the chance of being in the sample, in any unit.
        missed: one minus that chance; 1 for draws with replacement that count each time.
        mean: of the predictions over all views.
        mean_variance: of that mean, where it comes from a sample itself.
        spread: variance of the sample's mean prediction, where better known than from the sample.
    """
    part = weight / weight.sum()
    square = part**2 * missed
    off_label = label - (part * label).sum()
    off = prediction - (part * prediction).sum()
    spread = float((square * off**2).sum()) if spread is None else spread
    covariance = float((square * off_label * off).sum())
    known = spread + mean_variance
    power = float(np.clip(covariance / known, 0, 1)) if known > 0 else 0.0
    value = float((part * (label - power * prediction)).sum() + power * mean)
    residual = off_label - power * off
    variance = float((square * residual**2).sum()) + power**2 * mean_variance
    return Powered(value, variance, power)
