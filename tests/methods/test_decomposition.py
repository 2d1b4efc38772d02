"""Kitagawa's split: adds up exactly, agrees with a worked example and with other formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.decomposition import kitagawa

categories = st.integers(1, 8).flatmap(
    lambda n: st.tuples(
        *(st.lists(st.floats(0.001, 1), min_size=n, max_size=n) for _ in range(4)),
        st.floats(-0.5, 0.5),
    )
)


@given(categories)
def test_the_parts_add_up_to_the_gap(
    drawn: tuple[list[float], list[float], list[float], list[float], float],
) -> None:
    shares, rates, other_shares, other_rates, gap = drawn
    parts = kitagawa(shares, rates, other_shares, other_rates)
    total = np.average(rates, weights=shares) - np.average(other_rates, weights=other_shares)
    assert parts.gap == pytest.approx(total, abs=1e-12)
    assert parts.residual == 0
    published = kitagawa(shares, rates, other_shares, other_rates, gap=gap)
    assert published.gap == pytest.approx(gap, abs=1e-12)
    assert published.residual == pytest.approx(gap - total, abs=1e-12)


@given(categories)
def test_the_other_way_round_every_part_changes_its_sign(
    drawn: tuple[list[float], list[float], list[float], list[float], float],
) -> None:
    shares, rates, other_shares, other_rates, _ = drawn
    there = kitagawa(shares, rates, other_shares, other_rates)
    back = kitagawa(other_shares, other_rates, shares, rates)
    np.testing.assert_allclose(there.mix, -back.mix, atol=1e-12)
    np.testing.assert_allclose(there.rate, -back.rate, atol=1e-12)


@given(categories)
def test_the_sums_are_those_of_oaxaca_and_blinder_taken_both_ways(
    drawn: tuple[list[float], list[float], list[float], list[float], float],
) -> None:
    """An independent formula: the mean of the splits at either side's weights."""
    s, r, t, q = (np.array(part) for part in drawn[:4])
    s, t = s / s.sum(), t / t.sum()
    parts = kitagawa(s, r, t, q)
    mix = ((s - t) @ q + (s - t) @ r) / 2
    rate = (t @ (r - q) + s @ (r - q)) / 2
    assert parts.mix.sum() == pytest.approx(mix, abs=1e-12)
    assert parts.rate.sum() == pytest.approx(rate, abs=1e-12)


def test_a_worked_example() -> None:
    """By hand: 0.6*0.9+0.4*0.5 = 0.74 against 0.5*0.8+0.5*0.6 = 0.70."""
    parts = kitagawa([0.6, 0.4], [0.9, 0.5], [0.5, 0.5], [0.8, 0.6])
    np.testing.assert_allclose(parts.rate, [0.055, -0.045])
    np.testing.assert_allclose(parts.mix, [0.1 * (0.85 - 0.72), -0.1 * (0.55 - 0.72)])
    assert parts.gap == pytest.approx(0.04)


def test_more_of_a_category_with_a_low_rate_lowers_the_total() -> None:
    parts = kitagawa([0.8, 0.2], [0.5, 0.9], [0.2, 0.8], [0.5, 0.9])
    np.testing.assert_allclose(parts.rate, 0)
    assert (parts.mix < 0).all()


@pytest.mark.parametrize(
    ("shares", "rates", "problem"),
    [
        ([0.5, 0.5], [0.1], "every category"),
        ([-0.5, 1.5], [0.1, 0.2], "at least 0"),
        ([0, 0], [0.1, 0.2], "not all 0"),
    ],
)
def test_input_that_has_no_split(shares: list[float], rates: list[float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        kitagawa(shares, rates, [0.5, 0.5], [0.1, 0.2])
