from __future__ import annotations

import numpy as np
import pytest

from analysis.methods import expectation
from analysis.methods.expectation import FEWEST, HOLIDAY, SHIFT, expect, terms
from quiet import WATCHED, WEEKS, WORLDS, YEARS, Quiet

#: What most of `WORLDS` cover, and the one whose process a year can't tell from its season.
BOUNDS = {"for months": (0.92, 0.97)}


@pytest.mark.parametrize("name", WORLDS)
def test_the_band_holds_what_it_promises(name: str) -> None:
    """Nominal 0.95, over 1,000 series and 13 watched weeks each (standard error below 0.003)."""
    values, made = WORLDS[name].expected(np.random.default_rng(20260302), 1000)
    inside = (made.low <= values) & (values <= made.high)
    low, high = BOUNDS.get(name, (0.935, 0.965))
    assert low <= inside[:, -WATCHED:].mean() <= high


def test_predictions_are_those_of_the_joint_normal_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each window by the ones before it, worked out from the formula of a conditional normal."""
    monkeypatch.setattr(expectation, "CORRELATIONS", (0.6,))
    monkeypatch.setattr(expectation, "RATIOS", (0.5,))
    values, variance, made = Quiet(0.1, 0.1, 0.5).draw(np.random.default_rng(1), 2)
    found = expect(values, variance, made, watched=WATCHED)
    apart = np.abs(np.subtract.outer(np.arange(WEEKS), np.arange(WEEKS)))
    for row in range(2):
        centre = values[row, :-WATCHED].mean()
        process = 0.5 * np.median(variance[row]) * 0.6**apart
        whole = made.covariance + process + np.diag(variance[row])
        for t in (FEWEST, 40, WEEKS - 1):
            weights = np.linalg.solve(whole[:t, :t], whole[:t, t])
            middle = centre + weights @ (values[row, :t] - centre)
            assert found.middle[row, t] == pytest.approx(middle, abs=1e-6)


def test_a_holiday_that_lowers_each_year_is_expected_to() -> None:
    rng = np.random.default_rng(2)
    holidays = np.where(np.arange(WEEKS) % 6 == 4, 2 / 7, 0.0)
    fall = -0.3 * holidays / (2 / 7)
    values = 1 + fall + rng.normal(0, 0.03, (1, WEEKS))
    variance = np.full((1, WEEKS), 0.03**2)
    found = expect(values, variance, terms(YEARS, holidays), watched=WATCHED)
    off = np.flatnonzero(holidays > 0)[-2:]
    assert found.middle[0, off] - found.middle[0, off - 1] == pytest.approx(-0.3, abs=0.08)
    assert abs(HOLIDAY * 2 / 7) < 0.3  # learned against what is believed of it before


def test_a_known_shift_is_no_surprise_after_its_first_window() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0, 0.05, (1, WEEKS)) + np.where(np.arange(WEEKS) >= 58, 0.8, 0.0)
    variance = np.full((1, WEEKS), 0.05**2)
    made = terms(YEARS, np.zeros(WEEKS))
    unknown = expect(values, variance, made, watched=WATCHED)
    known = expect(values, variance, made, watched=WATCHED, shifts=[[58]])
    assert abs(unknown.score[0, 58]) > 5
    assert abs(known.score[0, 58]) < 1.5
    assert np.abs(known.score[0, 59:]).max() < 3
    assert known.high[0, 58] - known.low[0, 58] > SHIFT  # at its first, nobody knows how far


def test_what_is_missing_is_expected_and_not_scored() -> None:
    values, variance, made = Quiet(0.1, 0.05, 0.5).draw(np.random.default_rng(4), 1)
    values[0, [30, WEEKS - 1]] = np.nan
    found = expect(values, variance, made, watched=WATCHED)
    assert np.isnan(found.score[0, [30, WEEKS - 1]]).all()
    width = found.high[0] - found.low[0]
    assert width[WEEKS - 1] == pytest.approx(width[WEEKS - 2], rel=0.25)
    assert np.isnan(found.middle[0, :FEWEST]).all()
    assert np.isfinite(found.middle[0, FEWEST:]).all()


def test_weekdays_are_expected_where_windows_are_days() -> None:
    days = np.arange(WEEKS)
    usual = np.where(days % 7 >= 5, 0.3, 0.0)
    values = usual + np.random.default_rng(5).normal(0, 0.03, (1, WEEKS))
    made = terms(days / 365.25, np.zeros(WEEKS), days % 7)
    found = expect(values, np.full((1, WEEKS), 0.03**2), made, watched=WATCHED)
    assert found.middle[0, -WATCHED:] == pytest.approx(usual[-WATCHED:], abs=0.08)


def test_a_move_is_seen_at_first_and_then_followed() -> None:
    values, made = WORLDS["for months"].expected(np.random.default_rng(6), 1)
    assert made.seen.shape == values.shape
    assert made.seen[0, :-WATCHED] == pytest.approx(0, abs=1e-9)
    assert made.seen[0, -WATCHED] == made.seen[0].max() > 3 * made.seen[0, -1] > 0
