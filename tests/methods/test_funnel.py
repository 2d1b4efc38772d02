"""Funnels and shrinkage: noise ranks nobody, and what is odd shows."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.funnel import funnel, shrink


def test_a_small_team_is_not_ranked_on_noise() -> None:
    """None wrong of five is not better than 20 wrong of 1,000 where all teams have 5 % wrong."""
    hits = np.array([0.0, 20.0, 52.0, 49.0, 55.0, 47.0])
    trials = np.array([5.0, 1000.0, 1000.0, 1000.0, 1000.0, 1000.0])
    found = shrink(hits, trials)
    assert found.value[1] < found.value[0] < found.value[2]
    assert found.kept[0] < 0.3 < found.kept[1]
    assert found.high[0] - found.low[0] > 2 * (found.high[1] - found.low[1])


@pytest.mark.parametrize("spread", [(27, 3), (80, 20), (2700, 300)])
def test_shrunk_intervals_cover_the_units_truth(spread: tuple[int, int]) -> None:
    """Over units, as empirical Bayes promises it: 250 worlds of 16 units."""
    rng, kept, better = np.random.default_rng(11), [], []
    for _ in range(250):
        trials = rng.integers(8, 120, 16).astype(float)
        truth = rng.beta(*spread, 16)
        hits = rng.binomial(trials.astype(int), truth).astype(float)
        found = shrink(hits, trials)
        kept.append(np.mean((found.low <= truth) & (truth <= found.high)))
        plain, own = (np.mean((each - truth) ** 2) for each in (hits / trials, found.value))
        better.append(own < plain)
    assert 0.925 <= np.mean(kept) <= 1
    assert np.mean(better) > 0.8


def test_units_like_the_average_lie_within_the_funnel() -> None:
    rng = np.random.default_rng(12)
    inner, outer, spread = [], [], []
    for _ in range(300):
        trials = rng.integers(8, 200, 24).astype(float)
        found = funnel(rng.binomial(trials.astype(int), 0.9).astype(float), trials)
        inner.append(np.mean(found.place != 0))
        outer.append(np.mean(np.abs(found.place) == 2))
        spread.append(found.dispersion)
    assert np.mean(inner) <= 0.05
    assert np.mean(outer) <= 0.002
    assert np.mean(spread) < 1.2


def test_an_odd_unit_lies_outside_and_widens_little() -> None:
    trials = np.full(24, 200.0)
    hits = np.random.default_rng(13).binomial(200, 0.9, 24).astype(float)
    hits[3] = 110
    found = funnel(hits, trials)
    assert found.place[3] == -2
    assert np.abs(np.delete(found.place, 3)).max() <= 1
    assert found.dispersion < 2


def test_limits_narrow_with_size_and_stay_within_shares() -> None:
    found = funnel(np.array([9.0, 90.0, 900.0]), np.array([10.0, 100.0, 1000.0]))
    for low, high in (found.inner, found.outer):
        assert np.all((low >= 0) & (high <= 1))
        assert high[0] - low[0] > high[-1] - low[-1]


def test_what_can_not_be_worked_out_is_said() -> None:
    with pytest.raises(ValueError, match="two units"):
        shrink(np.array([1.0]), np.array([2.0]))
    with pytest.raises(ValueError, match="each with trials"):
        shrink(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
