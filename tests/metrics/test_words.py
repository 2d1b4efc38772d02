from __future__ import annotations

import pytest

from analysis.metrics.catalogue import Metric, load_catalogue
from analysis.metrics.words import scale
from analysis.project import Project
from support import CHECKOUT

METRICS = load_catalogue(Project(CHECKOUT)).metrics
SHARE = METRICS["violative_view_rate"]
HOURS = METRICS["median_time_to_action"]
MILLION = METRICS["user_reports_per_million_views"]
HUNDRED = METRICS["appeal_rate"]


@pytest.mark.parametrize(
    ("metric", "value", "low", "high", "said", "short"),
    [
        (SHARE, 0.0017, 0.0015, 0.0019, "17 of 10,000", "0.17%"),
        (SHARE, 0.93, 0.91, 0.95, "93 of 100", "93%"),
        (SHARE, 0.9312, 0.929, 0.934, "93.1 of 100", "93.1%"),
        (SHARE, 0.05, 0.02, 0.09, "50 of 1,000", "5.0%"),
        (SHARE, 0.0, 0.0, 0.003, "0 of 10,000", "0.00%"),
        (SHARE, 1.0, 0.97, 1.0, "100 of 100", "100%"),
        (HOURS, 5.2, 4.8, 5.7, "5.2 hours", "5.2 hours"),
        (HOURS, 0.75, 0.5, 1.2, "45.0 minutes", "45.0 minutes"),
        (HOURS, 120.0, 90.0, 150.0, "5.0 days", "5.0 days"),
        (MILLION, 0.001234, 0.0011, 0.0014, "1,234", "1,234"),
        (HUNDRED, 0.042, 0.03, 0.06, "4.2", "4.2"),
    ],
)
def test_numbers_have_as_many_figures_as_they_are_worth(
    metric: Metric, value: float, low: float, high: float, said: str, short: str
) -> None:
    found = scale(metric, value, low, high)
    assert found.said(value) == said
    assert found.short(value) == short


def test_a_difference_of_shares_is_in_points_and_has_a_sign() -> None:
    found = scale(SHARE, 0.19, 0.1, 0.3)
    assert found.change(-0.04, -0.09, 0.01) == "−4 points (−9 to +1)"
    assert found.change(0.0, -0.09, 0.01) == "0 points (−9 to +1)"


def test_a_unit_that_is_a_word_stands_once_in_a_range() -> None:
    assert scale(HOURS, 5.2, 4.8, 5.7).range(4.8, 5.7) == "4.8 to 5.7 hours"
    assert scale(SHARE, 0.19, 0.1, 0.3).range(0.1, 0.3) == "10% to 30%"


def test_no_interval_is_no_obstacle() -> None:
    assert scale(HOURS, 20.0, None, None).said(20.0) == "20 hours"
