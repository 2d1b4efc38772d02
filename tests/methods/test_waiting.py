"""Shares that end within a time: statsmodels' curve, Greenwood's errors, and coverage."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.duration.survfunc import SurvfuncRight

from analysis.methods.waiting import ended_within

TIMES = np.array([1.0, 5.0, 10.0, 20.0])


def test_the_curve_is_kaplan_and_meiers() -> None:
    rng = np.random.default_rng(16)
    ends, leaves = rng.exponential(10, 800).round(1), rng.exponential(20, 800).round(1)
    waited, ended = np.minimum(ends, leaves), ends <= leaves
    found = ended_within(waited, ended, np.arange(800), TIMES)
    other = SurvfuncRight(waited, ended)
    at = np.searchsorted(other.surv_times, TIMES, side="right") - 1
    assert found.share == pytest.approx(1 - other.surv_prob[at], abs=1e-12)
    half = (found.high - found.low) / 2 / 1.96
    assert half == pytest.approx(other.surv_prob_se[at], rel=0.03)
    assert found.at_risk == pytest.approx([np.sum(waited >= each) for each in TIMES])


def test_waiting_is_not_left_out() -> None:
    """Half still wait: counting the ended alone would say that all end within ten hours."""
    waited = np.r_[np.full(50, 10.0), np.full(50, 30.0)]
    found = ended_within(waited, np.arange(100) < 50, np.arange(100), np.array([9.0, 10.0, 40.0]))
    assert found.share[:2] == pytest.approx([0, 0.5])
    assert np.isnan(found.share[2])  # nobody was seen for so long


def test_intervals_cover_with_clusters_and_waiting() -> None:
    """Four reports a creator, alike; 500 repetitions at the time when half have ended."""
    rng, kept = np.random.default_rng(17), []
    median = np.log(2) * 10
    for _ in range(500):
        creator = np.repeat(np.arange(100), 4)
        shared = rng.exponential(10, 100)[creator]
        ends = np.where(rng.random(400) < 0.5, shared, rng.exponential(10, 400))
        leaves = rng.exponential(25, 400)
        found = ended_within(
            np.minimum(ends, leaves), ends <= leaves, creator, np.array([median])
        )  # fmt: skip
        kept.append(found.low[0] <= 0.5 <= found.high[0])
    assert 0.93 <= np.mean(kept) <= 0.985
