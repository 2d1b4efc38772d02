"""A gap between two rates, split into what is in the mix and what is in the rates.

Source: Kitagawa (1955), "Components of a difference between two rates", Journal of the American
Statistical Association 50:1168-1194 (two components, each at the average of the other's weights, so
that nothing is left over).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class GapParts:
    """A gap by category, in the rates' own unit.

    Attributes:
        mix: from having more or less of the category; against the average rate, so that more of
            a category with a low rate counts as negative.
        rate: from another rate within the category.
        residual: of the gap between the published totals, what the categories do not add up to.
    """

    mix: Floats
    rate: Floats
    residual: float

    @property
    def effect(self) -> Floats:
        """Mix and rate together, by category."""
        return self.mix + self.rate

    @property
    def gap(self) -> float:
        """The whole: mix, rate and residual add up to it exactly."""
        return float(np.sum(self.mix) + np.sum(self.rate) + self.residual)


def kitagawa(
    shares: ArrayLike,
    rates: ArrayLike,
    reference_shares: ArrayLike,
    reference_rates: ArrayLike,
    *,
    gap: float | None = None,
) -> GapParts:
    """Splits the difference of two weighted rates by category.

    Args:
        shares: of each category; made to add up to one.
        rates: of each category.
        reference_shares, reference_rates: of what it is compared with.
        gap: between the totals as published; what the categories do not give of it is the
            residual. None: between the totals that the categories give, without residual.

    Raises:
        ValueError: the lengths differ, or shares are negative or all zero.
    """
    own, other = _shares(shares), _shares(reference_shares)
    rate, reference = np.asarray(rates, dtype=float), np.asarray(reference_rates, dtype=float)
    if not own.shape == other.shape == rate.shape == reference.shape:
        raise ValueError("kitagawa: a share and a rate on both sides for every category")
    centre = (np.sum(own * rate) + np.sum(other * reference)) / 2
    mix = (own - other) * ((rate + reference) / 2 - centre)
    within = (rate - reference) * (own + other) / 2
    explained = float(np.sum(mix) + np.sum(within))
    return GapParts(mix, within, 0.0 if gap is None else gap - explained)


def _shares(values: ArrayLike) -> Floats:
    shares = np.asarray(values, dtype=float)
    if np.any(shares < 0) or not np.sum(shares) > 0:
        raise ValueError("kitagawa: shares are at least 0, and not all 0")
    return np.asarray(shares / np.sum(shares))
