"""Q charts: deviates without a known rate, and levels of a count that are held against others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.methods.q_charts import charts, deviates

RATE = 1 / 800


def rng() -> np.random.Generator:
    return np.random.default_rng(20260302)


def test_deviates_are_the_binomial_middle_given_all_so_far() -> None:
    counts, size = np.array([[3.0, 0, 5, 1]]), np.array([[40.0, 30, 60, 20]])
    for at in range(1, 4):
        so_far, part = counts[0, : at + 1].sum(), size[0, at] / size[0, : at + 1].sum()
        own = stats.binom(so_far, part)
        middle = own.cdf(counts[0, at]) - own.pmf(counts[0, at]) / 2
        assert deviates(counts, size)[0, at] == pytest.approx(stats.norm.ppf(middle))


def test_deviates_of_a_rate_that_is_not_known_are_standard_normal() -> None:
    size = np.full((400, 60), 50.0)
    found = deviates(rng().poisson(5.0, size.shape).astype(float), size)[:, 5:]
    assert found.mean() == pytest.approx(0, abs=0.02)
    assert found.std() == pytest.approx(1, abs=0.03)
    assert np.mean(np.abs(found) > 1.96) == pytest.approx(0.05, abs=0.01)


def divided(change: float, at: int = 40) -> np.ndarray:
    """Five levels of 20 events a week; the first changes by a factor."""
    mean = np.full((5, 65), 20.0)
    mean[0, at:] *= change
    return rng().poisson(mean).astype(float)


def test_a_level_that_grows_does_not_make_the_others_fall() -> None:
    """The first has four fifths of all in the end; nothing else happened."""
    made = charts(divided(16, at=60), watched=26, rate=RATE)
    assert made.alarm[0, 60] == 1
    assert not made.alarm[1:].any()
    assert not made.alarm[0, :60].any()


def test_halves_and_doubles_are_noticed_after_they_happen() -> None:
    for change, side in ((0.5, -1), (2.0, 1)):
        raised = charts(divided(change), watched=26, rate=RATE).alarm[0]
        first = int(np.flatnonzero(raised)[0])
        assert 40 <= first < 50
        assert raised[first] == side


def test_events_in_clumps_count_for_less() -> None:
    clumps = rng().poisson(5.0, (15, 65)) * 4.0
    made = charts(clumps, watched=26, rate=RATE)
    assert np.median(made.worth) == pytest.approx(4, rel=0.35)
    assert not made.alarm.any()


def test_levels_without_events_are_no_trouble() -> None:
    counts = divided(1.0)
    counts[3] = 0
    counts[4, :60] = 0
    made = charts(counts, watched=26, rate=RATE)
    assert np.isfinite(made.score).all()
    assert not made.alarm[3].any()
