"""Who deviates: silent where nobody does, and right about who and in which direction."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from analysis.methods.clustered import Shares, clustered_shares
from analysis.methods.deviations import across, deviations

EVERY = np.ones(12, dtype=bool)


def labelled(rng: np.random.Generator, chances: np.ndarray, items: int) -> Shares:
    """Three labels an item for each group, alike within the item."""
    count = len(chances)
    group = np.repeat(np.arange(count), 3 * items)
    item = np.repeat(np.arange(count * items), 3)
    own = rng.beta(*(6 * np.array([chances, 1 - chances])).repeat(items, axis=1))
    return clustered_shares(rng.random(len(item)) < own[item], group, count, [item])


def test_where_nobody_deviates_it_is_silent() -> None:
    """With a margin and without: a false call at all in at most 5 % of 250 worlds."""
    rng = np.random.default_rng(1)
    called = {0.0: 0, 0.03: 0}
    for _ in range(250):
        shares = labelled(rng, np.full(12, 0.12), 60)
        for margin in called:
            called[margin] += bool(deviations(shares, EVERY, margin=margin).differs.any())
    assert called[0.0] / 250 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 250)
    assert called[0.03] <= 3


def test_of_the_calls_few_are_false() -> None:
    """Three of twelve deviate: the false discovery rate over 300 worlds, and what is found."""
    rng = np.random.default_rng(2)
    chances = np.full(12, 0.12)
    chances[:3] = [0.35, 0.3, 0.02]
    false, found = [], []
    for _ in range(300):
        differs = deviations(labelled(rng, chances, 80), EVERY, margin=0.0).differs
        calls = np.flatnonzero(differs)
        false.append(np.mean(calls > 2) if len(calls) else 0.0)
        found.append((differs[0] == 1) and (differs[1] == 1))
        assert (differs[:2] >= 0).all()
        assert differs[2] <= 0
    assert np.mean(false) <= 0.05 + 3 * np.std(false) / np.sqrt(300)
    assert np.mean(found) > 0.95


def test_groups_that_spread_evenly_differ_yet_none_stands_out() -> None:
    """Languages differ anyway; with many labels that is beyond chance, yet nobody is odd."""
    rng = np.random.default_rng(3)
    out = []
    for _ in range(300):
        chances = special.expit(special.logit(0.12) + rng.normal(0, 0.5, 12))
        found = deviations(labelled(rng, chances, 150), EVERY, margin=0.01)
        out.append(found.stands_out.any())
    assert np.mean(out) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


def test_one_odd_group_stands_out_and_does_not_move_the_others() -> None:
    rng = np.random.default_rng(4)
    chances = special.expit(special.logit(0.12) + rng.normal(0, 0.3, 12))
    chances[5] = 0.6
    found = deviations(labelled(rng, chances, 400), EVERY, margin=0.03)
    assert np.flatnonzero(found.stands_out).tolist() == [5]
    assert found.stands_out[5] == 1
    others = np.delete(found.others, 5)
    assert np.abs(others - 0.12).max() < 0.02  # the plain mean of the others would be near 0.16


def test_groups_too_small_are_neither_judged_nor_compared_with() -> None:
    rng = np.random.default_rng(5)
    shares = labelled(rng, np.array([0.1, 0.1, 0.1, 0.9]), 60)
    usable = np.array([True, True, True, False])
    found = deviations(shares, usable, margin=0.03)
    assert np.isnan(found.p_value[3])
    assert not found.differs.any()
    assert found.others[:3] == pytest.approx([0.1] * 3, abs=0.05)
    assert np.isnan(found.spread_p_value).all()  # too few others for a spread


def test_intervals_of_differences_cover() -> None:
    rng, kept = np.random.default_rng(6), []
    chances = np.append(0.3, np.full(11, 0.12))
    for _ in range(350):
        found = deviations(labelled(rng, chances, 80), EVERY, margin=0.03)
        kept.append(found.low[0] <= 0.18 <= found.high[0])
    assert 0.93 <= np.mean(kept) <= 0.985


def test_over_strata_one_odd_stratum_calls_nothing() -> None:
    gaps = np.array(
        [
            [0.20, 0.25, 0.18, 0.22, 0.30],  # in every stratum
            [0.90, 0.00, 0.01, -0.02, 0.01],  # in one
            [0.20, 0.22, np.nan, np.nan, np.nan],  # in two
            [0.02, 0.01, 0.03, 0.02, 0.02],  # within the margin
        ]
    )
    found = across(gaps, margin=0.03)
    assert (found.p_value <= 0.05).tolist() == [True, False, False, False]
    assert found.count.tolist() == [5, 5, 2, 5]
    assert np.isnan(found.p_value[2])
    assert found.low[0] < found.mean[0] < found.high[0]


def test_over_strata_it_is_silent_where_nothing_deviates() -> None:
    rng = np.random.default_rng(7)
    called = [
        bool(np.nanmin(across(rng.normal(0, 0.05, (15, 8)), margin=0.0).p_value) <= 0.05)
        for _ in range(600)
    ]
    assert np.mean(called) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)
