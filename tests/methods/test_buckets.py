from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.methods.buckets import correlation, ratio
from clusters import World, draw

COUNTS = arrays(float, (2, 12), elements=st.integers(0, 1000).map(float))


def test_the_jackknife_is_the_one_of_the_book() -> None:
    rng = np.random.default_rng(1)
    bottom = rng.integers(5, 50, 10).astype(float)
    top = rng.binomial(bottom.astype(int), 0.3).astype(float)
    without = [np.delete(top, i).sum() / np.delete(bottom, i).sum() for i in range(10)]
    by_hand = 9 / 10 * sum((each - np.mean(without)) ** 2 for each in without)
    found = ratio(top, bottom)
    assert found.value == pytest.approx(top.sum() / bottom.sum())
    assert found.variance == pytest.approx(by_hand, rel=1e-12)


def test_the_standard_error_agrees_with_a_cluster_robust_regression() -> None:
    events, rows = draw(World(2000, 20, 0.1, 0.1), np.random.default_rng(2), 1)
    found = ratio(events[0], rows[0])
    shares = events[0] / rows[0]
    fitted = sm.WLS(shares, np.ones_like(shares), weights=rows[0]).fit(
        cov_type="cluster", cov_kwds={"groups": np.arange(len(shares))}
    )
    assert fitted.params[0] == pytest.approx(found.value, rel=1e-12)
    assert fitted.bse[0] == pytest.approx(float(found.variance) ** 0.5, rel=0.02)


@given(COUNTS, st.floats(0.01, 100))
def test_the_unit_does_not_matter(sums: np.ndarray, factor: float) -> None:
    top, bottom = sums[0], sums[1] + 1
    found, scaled = ratio(top, bottom), ratio(factor * top, bottom)
    assert scaled.value == pytest.approx(factor * found.value)
    assert scaled.variance == pytest.approx(factor**2 * found.variance, rel=1e-6, abs=1e-12)
    assert scaled.degrees == pytest.approx(found.degrees, rel=1e-3)


@given(COUNTS, st.permutations(range(12)))
def test_the_order_of_the_buckets_does_not_matter(sums: np.ndarray, order: list[int]) -> None:
    found, turned = ratio(sums[0], sums[1] + 1), ratio(sums[0][order], (sums[1] + 1)[order])
    assert turned.value == pytest.approx(found.value)
    assert turned.variance == pytest.approx(found.variance, abs=1e-15)


def test_windows_merge_exactly_and_days_variances_do_not_add_up() -> None:
    """Creators active on many days: the sum of the days' variances understates the true one."""
    rng = np.random.default_rng(3)
    events, rows = draw(World(500, 40, 0.1, 0.3), rng, 1)
    days = 7
    tops = np.repeat(events, days, axis=0)  # every day, the same creators do the same
    bottoms = np.repeat(rows, days, axis=0)
    week = ratio(tops.sum(0), bottoms.sum(0))
    independent = ratio(tops, bottoms).variance.sum() / days**2
    assert week.variance > 2 * independent
    assert week.variance == pytest.approx(float(ratio(events[0], rows[0]).variance), rel=1e-9)


def test_few_large_buckets_leave_few_degrees_of_freedom() -> None:
    rng = np.random.default_rng(4)
    even = ratio(rng.normal(100, 10, 128), np.full(128, 1000.0))
    top = np.full(128, 1.0)
    top[:2] = 300.0
    assert 80 < even.degrees <= 127
    assert ratio(top, np.full(128, 1000.0)).degrees < 5


def test_nothing_to_divide_by_gives_no_value() -> None:
    found = ratio(np.zeros((2, 4)), np.array([[0.0, 0, 0, 0], [1, 2, 3, 4]]))
    assert np.isnan(found.value[0])
    assert found.value[1] == 0


@pytest.mark.parametrize("shapes", [((3,), (4,)), ((1,), (1,)), ((), ())])
def test_shapes_that_do_not_fit_are_refused(
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    with pytest.raises(ValueError, match="two alike, G at least 2"):
        ratio(np.ones(shapes[0]), np.ones(shapes[1]))


def test_the_same_buckets_are_fully_correlated_and_a_constant_is_not() -> None:
    rng = np.random.default_rng(5)
    top, bottom = rng.poisson(5, 128).astype(float), np.full(128, 50.0)
    found = ratio(top, bottom)
    assert correlation(found, found) == pytest.approx(1)
    assert correlation(found, ratio(np.zeros(128), bottom)) == 0


def test_adding_up_daily_variances_understates_creators_active_on_many_days() -> None:
    """A creator violates alike on all days: days are not independent, and only buckets see it.

    The truth is the spread of the estimate over 400 platforms that are drawn alike.
    """
    rng = np.random.default_rng(7)
    creators, days, platforms = 1000, 28, 400
    found, by_buckets, by_days = (np.empty(platforms) for _ in range(3))
    for place in range(platforms):
        propensity = rng.beta(0.5, 9.5, creators)
        posts = rng.poisson(3.0, (days, creators)).astype(float)
        violating = rng.binomial(posts.astype(int), propensity).astype(float)
        bucket = rng.integers(0, 128, creators)
        top, bottom = (
            np.stack([np.bincount(bucket, each, 128) for each in rows])
            for rows in (violating, posts)
        )
        whole, daily = ratio(top.sum(0), bottom.sum(0)), ratio(top, bottom)
        share = bottom.sum(1) / bottom.sum()
        found[place], by_buckets[place] = whole.value, whole.variance
        by_days[place] = np.sum(share**2 * daily.variance)
    truth = found.var(ddof=1)
    assert truth / by_days.mean() > 2
    assert 0.85 < by_buckets.mean() / truth < 1.18  # the truth itself is known to 7 %
