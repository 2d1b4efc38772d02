"""Shares of alike labels: against statsmodels' clustered variances, and what the intervals keep."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from analysis.methods.clustered import Codes, clustered_shares


def drawn(
    rng: np.random.Generator, items: int = 250, raters: int = 24
) -> tuple[Codes, Codes, np.ndarray, np.ndarray]:
    """Three labels an item, of raters with skills of their own; some items are hard for all.

    The labels are right with chance 0.8625 over all.
    """
    item = np.repeat(np.arange(items), 3)
    rater = (rng.integers(0, raters, items)[:, None] + 3 * np.arange(3)).ravel() % raters
    skill, hard = rng.beta(18, 2, raters), np.where(rng.random(items) < 0.15, 0.25, 0.0)
    weight = np.repeat(np.where(rng.random(items) < 0.3, 1.8, 11.8), 3)
    chance = np.clip(skill[rater] - hard[item], 0, 1)
    return item, rater, weight, rng.random(len(item)) < chance


def test_one_way_is_the_sandwich_of_statsmodels() -> None:
    item, rater, weight, right = drawn(np.random.default_rng(3))
    for cluster in (item, rater):
        fit = sm.WLS(right.astype(float), np.ones(len(right)), weights=weight).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": True}
        )
        own = clustered_shares(right, np.zeros_like(item), 1, [cluster], weights=weight)
        assert own.value[0] == pytest.approx(fit.params[0], abs=1e-12)
        assert own.variance[0] == pytest.approx(fit.bse[0] ** 2, rel=1e-10)


def test_two_ways_are_those_of_statsmodels() -> None:
    item, rater, weight, right = drawn(np.random.default_rng(8))
    fit = sm.WLS(right.astype(float), np.ones(len(right)), weights=weight).fit(
        cov_type="cluster",
        cov_kwds={"groups": np.stack([item, rater], 1), "use_correction": True},
    )
    own = clustered_shares(right, np.zeros_like(item), 1, [item, rater], weights=weight)
    # The part that both ways count has no correction for n here: 1 part in 750. Other draws may
    # have less over both ways than over one; ours is no smaller than either.
    assert own.variance[0] == pytest.approx(fit.bse[0] ** 2, rel=4e-3)


def test_labels_that_are_not_alike_have_the_binomial_interval() -> None:
    """Every label its own item: Clopper and Pearson's, but for what the variance is uncertain."""
    hits = np.arange(400) < 30
    rows = np.arange(400)
    found = clustered_shares(hits, np.zeros(400, int), 1, [rows])
    exact = stats.binomtest(30, 400).proportion_ci(method="exact")
    assert found.low[0] == pytest.approx(exact.low, abs=0.002)
    assert found.high[0] == pytest.approx(exact.high, abs=0.002)


def test_groups_do_not_know_each_other() -> None:
    item, rater, weight, right = drawn(np.random.default_rng(5))
    group = (item % 3).astype(np.int64)
    every = clustered_shares(right, group, 4, [item, rater], weights=weight)
    for at in range(3):
        rows = group == at
        alone = clustered_shares(
            right[rows], np.zeros(rows.sum(), int), 1, [item[rows], rater[rows]],
            weights=weight[rows],
        )  # fmt: skip
        for name in ("value", "variance", "low", "high", "rows", "clusters"):
            assert getattr(every, name)[at] == pytest.approx(getattr(alone, name)[0], rel=1e-9)
    assert np.isnan(every.value[3])
    assert np.isnan(every.low[3])


def test_where_all_are_right_items_alone_count() -> None:
    item = np.repeat(np.arange(20), 3)
    found = clustered_shares(np.ones(60, bool), np.zeros(60, int), 1, [item])
    assert found.high[0] == 1
    assert found.low[0] == pytest.approx(0.025 ** (1 / 20), abs=1e-9)
    assert not found.trusted[0]


@pytest.mark.parametrize("raters", [16, 40])
def test_intervals_cover_the_truth(raters: int) -> None:
    """New raters, new items each time; weights, skills and hard items as on the demo platform.

    Nominal 0.95; 800 repetitions, so 0.93 to 0.985 leaves three standard errors.
    """
    rng, kept = np.random.default_rng(20260302), []
    for _ in range(800):
        item, rater, weight, right = drawn(rng, raters=raters)
        found = clustered_shares(right, np.zeros_like(item), 1, [item, rater], weights=weight)
        kept.append(found.low[0] <= 0.8625 <= found.high[0])
    assert 0.93 <= np.mean(kept) <= 0.985
    # What goes wrong without the raters: the same labels, taken to be alike by item alone.
    assert raters > 16 or _by_item_alone() < 0.9


def _by_item_alone() -> float:
    rng, kept = np.random.default_rng(20260302), []
    for _ in range(300):
        item, _, weight, right = drawn(rng, items=600, raters=16)
        found = clustered_shares(right, np.zeros_like(item), 1, [item], weights=weight)
        kept.append(found.low[0] <= 0.8625 <= found.high[0])
    return float(np.mean(kept))


def test_what_can_not_be_worked_out_is_said() -> None:
    rows = np.zeros(3, int)
    with pytest.raises(ValueError, match="one or two"):
        clustered_shares(np.ones(3, bool), rows, 1, [])
    with pytest.raises(ValueError, match="negative"):
        clustered_shares(np.ones(3, bool), rows, 1, [rows], weights=np.array([1.0, -1.0, 1.0]))
