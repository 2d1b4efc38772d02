"""The promise that alerts make, held against quarters in which nothing happens."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from analysis.calendar import Market, Window
from analysis.methods.alarms import alarms, begun, limits
from analysis.metrics.days_off import holiday_shares
from analysis.metrics.monitoring import Promise
from quiet import SHARES, WATCHED, WORLDS

QUARTERS, METRICS = 500, 7
#: As params/studies/core_metrics.yaml has it for the sixteen markets.
PROMISE = Promise(false_alarms=1, markets=16, fewest_events=10)
BY_LEVEL = Promise(false_alarms=4, markets=16, fewest_events=10)


@pytest.mark.parametrize("name", WORLDS)
def test_at_most_one_false_alert_a_quarter_and_group(name: str) -> None:
    """500 quarters of a market's group of seven metrics, with season, holidays and a process.

    Allowed by design are 0.06 a quarter; where weeks hang together for months, which a year of
    weeks can't tell from its season, more come, and still at most one in 95 of 100 quarters.
    """
    _, made = WORLDS[name].expected(np.random.default_rng(500), QUARTERS * METRICS)
    found = begun(alarms(made.score[:, -WATCHED:], limits(PROMISE.rate(WATCHED, METRICS))))
    raised = np.abs(found).reshape(QUARTERS, -1).sum(1)
    error = raised.std() / np.sqrt(QUARTERS)
    assert raised.mean() + 1.645 * error < (0.5 if name == "for months" else 0.15)
    assert (raised <= 1).mean() > (0.94 if name == "for months" else 0.98)


@pytest.mark.parametrize("name", SHARES)
def test_at_most_one_false_alert_a_quarter_by_policy(name: str) -> None:
    """Removals whose division among policies does not change, also in clumps and wandering."""
    rng, quarters = np.random.default_rng(500), 150
    raised = [SHARES[name].raised(rng, BY_LEVEL)[:, -WATCHED:].sum() for _ in range(quarters)]
    error = np.std(raised) / np.sqrt(quarters)
    assert np.mean(raised) + 1.645 * error < 0.6
    assert np.mean(np.array(raised) <= 1) > 0.88


def test_more_markets_and_metrics_do_not_mean_more_false_alerts() -> None:
    few, many = Promise(1, 4, 10), Promise(1, 40, 10)
    assert few.rate(13, 5) * 4 == pytest.approx(many.rate(13, 5) * 40)
    assert few.rate(13, 5) * 5 == pytest.approx(few.rate(13, 10) * 10)


def test_holidays_are_those_of_the_country_that_a_code_names() -> None:
    weeks = [
        Window(date(2025, 4, 21) + timedelta(weeks=i), date(2025, 4, 28) + timedelta(weeks=i))
        for i in range(3)
    ]
    golden = holiday_shares(Market("JP", "Japan", "Asia/Tokyo"), weeks)
    assert (golden * 7).round().tolist() == [0, 3, 2]  # 29 April, 3 and 4 May; 5 and 6 May
    assert holiday_shares(Market("XX", "Nowhere", "UTC"), weeks).tolist() == [0, 0, 0]
