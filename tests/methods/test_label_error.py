"""Shares corrected for errors of labels: by hand, refused, below zero, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.label_error import Accuracy, rogan_gladen
from analysis.methods.prevalence import Estimate


def plain(events: float, size: int) -> Estimate:
    """A simple random sample."""
    share = events / size
    return Estimate(np.array(share), np.array(share * (1 - share) / size), np.array(1 / size))


def test_by_hand() -> None:
    """Rogan and Gladen: (0.2 + 0.95 - 1) / (0.9 + 0.95 - 1)."""
    rng = np.random.default_rng(1)
    found = rogan_gladen(plain(200, 1000), Accuracy(180, 200), Accuracy(950, 1000), rng)
    assert found.value == pytest.approx(0.15 / 0.85)
    assert found.low < found.value < found.high
    assert not found.below_zero
    assert not found.dominated
    # Sure accuracies leave the sample's own error, over the same divisor.
    sure = Accuracy(900_000, 1_000_000), Accuracy(950_000, 1_000_000)
    many = rogan_gladen(plain(200, 1000), *sure, rng)
    assert many.error == pytest.approx(np.sqrt(0.16 / 1000) / 0.85, rel=1e-3)
    assert many.error < found.error


def test_below_zero_is_said_and_not_clipped() -> None:
    rng = np.random.default_rng(2)
    found = rogan_gladen(plain(10, 1000), Accuracy(90, 100), Accuracy(970, 1000), rng)
    assert found.value == pytest.approx((0.01 - 0.03) / 0.87)
    assert found.below_zero
    assert found.low < found.value < found.high


def test_a_specificity_less_certain_than_the_estimate_dominates() -> None:
    rng = np.random.default_rng(3)
    few = rogan_gladen(plain(40, 10_000), Accuracy(90, 100), Accuracy(299, 300), rng)
    many = rogan_gladen(plain(40, 10_000), Accuracy(90, 100), Accuracy(99_900, 100_000), rng)
    assert few.dominated
    assert not many.dominated


@pytest.mark.parametrize("right", [50, 40])
def test_labels_no_better_than_chance_are_refused(right: int) -> None:
    rng = np.random.default_rng(4)
    with pytest.raises(ValueError, match="add up to 1 or less"):
        rogan_gladen(plain(10, 100), Accuracy(50, 100), Accuracy(right, 100), rng)


def test_the_interval_covers() -> None:
    """600 samples each: at least 0.93, where 0.95 would have a Monte Carlo error of 0.009."""
    rng = np.random.default_rng(20260302)
    for share, size, (sens, spec), golds in (
        (0.05, 2000, (0.9, 0.97), (150, 600)),
        (0.01, 4000, (0.8, 0.995), (60, 1500)),
        (0.3, 800, (0.85, 0.9), (200, 200)),
    ):
        apparent, held = share * sens + (1 - share) * (1 - spec), 0
        for _ in range(600):
            found = rogan_gladen(
                plain(max(1, rng.binomial(size, apparent)), size),
                Accuracy(rng.binomial(golds[0], sens), golds[0]),
                Accuracy(rng.binomial(golds[1], spec), golds[1]),
                rng,
                times=500,
            )
            held += found.low <= share <= found.high
        assert held / 600 >= 0.93
