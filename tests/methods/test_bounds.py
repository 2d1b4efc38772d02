"""Worst-case bounds hold the truth, whoever chooses to appeal."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.bounds import overturn_bounds


def world(rng: np.random.Generator, decisions: int, wronged: float) -> tuple[np.ndarray, ...]:
    """Creators with three decisions each; those who were wronged appeal more often."""
    creator = np.repeat(np.arange(decisions // 3), 3)
    often = rng.beta(2, 2 / wronged - 2, decisions // 3)[creator]
    would = rng.random(len(creator)) < often
    appealed = rng.random(len(creator)) < np.where(would, 0.6, 0.25)
    waits = appealed & (rng.random(len(creator)) < 0.1)
    return appealed, appealed & would & ~waits, appealed & ~would & ~waits, creator, would


def test_by_hand() -> None:
    """Ten decisions, four appealed: one overturned, two upheld, one waits."""
    appealed = np.arange(10) < 4
    overturned, upheld = np.arange(10) == 0, (np.arange(10) == 1) | (np.arange(10) == 2)
    found = overturn_bounds(appealed, overturned, upheld, np.arange(10))
    assert (found.worst.low, found.worst.high) == pytest.approx((0.1, 0.8))
    assert (found.monotone.low, found.monotone.high) == pytest.approx((0.1, 0.5))
    assert found.worst.interval_low < 0.1
    assert found.worst.interval_high > 0.8


def test_the_truth_lies_within() -> None:
    """Those who appeal choose to: their own share is far off, the bounds are not."""
    rng = np.random.default_rng(14)
    *given, would = world(rng, 30_000, 0.15)
    found = overturn_bounds(*given)
    own = given[1].sum() / (given[1] | given[2]).sum()
    assert own > would.mean() + 0.1
    assert found.worst.low < would.mean() < found.worst.high
    assert found.monotone.low < would.mean() < found.monotone.high < found.worst.high


def test_intervals_cover_where_the_truth_lies_at_a_bound() -> None:
    """None of the others would be overturned: the truth is the lower bound, the hardest place."""
    rng, kept = np.random.default_rng(15), []
    for _ in range(600):
        creator = np.repeat(np.arange(200), 3)
        would = rng.random(600) < rng.beta(2, 18, 200)[creator]
        appealed = would | (rng.random(600) < 0.2)
        found = overturn_bounds(appealed, would, appealed & ~would, creator)
        kept.append(found.worst.interval_low <= 0.1 <= found.worst.interval_high)
    assert 0.93 <= np.mean(kept) <= 0.985


def test_all_appealed_and_decided_leaves_no_room() -> None:
    would = np.arange(300) % 10 == 0
    found = overturn_bounds(np.ones(300, bool), would, ~would, np.arange(300))
    assert found.worst.low == found.worst.high == pytest.approx(0.1)


def test_what_can_not_be_is_said() -> None:
    none = np.zeros(2, dtype=bool)
    with pytest.raises(ValueError, match="without an appeal"):
        overturn_bounds(none, ~none, none, np.arange(2))
    with pytest.raises(ValueError, match="no decision"):
        overturn_bounds(none[:0], none[:0], none[:0], np.arange(0))
