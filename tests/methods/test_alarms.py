from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.alarms import alarms, begun, first_of, limits, noticed, run_length


@pytest.mark.parametrize(
    ("total", "moved", "published"),
    [(4, 0, 335.37), (5, 0, 930.0), (4, 0.5, 26.6), (4, 1, 8.38), (5, 1, 10.4), (5, 2, 4.01)],
)
def test_run_lengths_are_those_published(total: float, moved: float, published: float) -> None:
    """Montgomery (2012), tables 9.3 and 9.4, k = 0.5: both sides give 168 and 465 at rest, which
    is half of one side's. An approximation, best where runs are long."""
    assert run_length(total, moved) == pytest.approx(published, rel=0.01 if moved < 2 else 0.04)


@pytest.mark.parametrize("rate", [1 / 20, 1 / 100, 1 / 400])
def test_false_alarms_come_at_the_rate_that_was_allowed(rate: float) -> None:
    found = alarms(np.random.default_rng(1).standard_normal((4000, 400)), limits(rate))
    # Where both rules raise one alarm there are fewer of them than each by itself would give.
    assert 0.75 * rate < np.abs(found).mean() < 1.03 * rate
    assert found.sum() / np.abs(found).sum() == pytest.approx(0, abs=0.1)


def test_a_large_move_is_seen_at_once_and_a_small_one_by_its_sum() -> None:
    made = limits(1 / 400)
    assert alarms(np.array([0.0, 0.0, made.single + 0.1]), made).tolist() == [0, 0, 1]
    assert alarms(np.array([0.0, -made.single - 0.1, 0.0]), made).tolist() == [0, -1, 0]
    small = np.full(30, 1.5)
    first = int(np.flatnonzero(alarms(small, made))[0])
    assert small[0] < made.single
    assert first == int(np.floor(made.total / 1.0))
    assert int(np.flatnonzero(alarms(small, made))[1]) == 2 * first + 1  # the sum begins anew


def test_what_is_missing_changes_no_sum() -> None:
    made = limits(1 / 50)
    whole = alarms(np.full(8, 1.8), made)
    gaps = alarms(np.repeat([[1.8, np.nan]], 8, axis=0).ravel(), made)
    assert gaps[::2].tolist() == whole.tolist()
    assert not gaps[1::2].any()


def test_each_series_has_limits_of_its_own() -> None:
    scores = np.full((2, 1), 2.5)
    assert alarms(scores, [limits(1 / 5), limits(1 / 1000)]).ravel().tolist() == [1, 0]


def test_larger_moves_are_noticed_sooner() -> None:
    draws = np.random.default_rng(2).standard_normal((2000, 13))
    moved = np.repeat([[0.5], [1.0], [3.0]], 13, axis=1)
    chance = noticed(moved, [limits(1 / 200)] * 3, draws)
    assert (np.diff(chance, axis=1) >= 0).all()
    assert (np.diff(chance, axis=0) > 0)[:, 1:].all()
    assert chance[2, 3] > 0.9


@pytest.mark.parametrize("rate", [0.0, 0.5, -1.0])
def test_rates_that_make_no_sense_are_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        limits(rate)


def test_an_alarm_that_goes_on_is_one() -> None:
    up = np.zeros(30)
    up[[3, 4, 8, 20]] = 1  # four windows of quiet end it: 9 to 19
    up[10] = -1
    assert np.flatnonzero(begun(up)).tolist() == [3, 10, 20]
    assert first_of(up)[[3, 4, 8, 10, 20, 21]].tolist() == [3, 3, 3, 10, 20, -1]
