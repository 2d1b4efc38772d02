from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.lateness import FEWEST, Final, final


def shares(rng: np.random.Generator, windows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of a share after five days of a week and after seven, and the units of the five.

    The share moves from week to week, differs at the weekend, and a day's units are alike.
    """
    level = rng.normal(-1.5, 0.15, (windows, 1)) + np.array([0, 0, 0, 0, 0, 0.2, 0.3])
    units = rng.poisson(rng.uniform(40, 160, (windows, 1)) * np.ones(7))
    rates = rng.beta(*(60 * each for each in (1 / (1 + np.exp(-level)), 1 / (1 + np.exp(level)))))
    events = rng.binomial(units, rates)

    def logit(days: int) -> np.ndarray:
        top, bottom = events[:, :days].sum(1), units[:, :days].sum(1)
        return np.log((top + 0.5) / (bottom - top + 0.5))

    return logit(5), logit(7), units[:, :5].sum(1).astype(float)


@pytest.mark.parametrize("windows", [10, 26])
def test_intervals_hold_where_numbers_end(windows: int) -> None:
    """Nominal 0.95, over 4,000 windows still filling (standard error 0.0035)."""
    rng, held = np.random.default_rng(20260302), 0
    for _ in range(4000):
        known, ended, size = shares(rng, windows + 1)
        made = final(known[:-1], ended[:-1], size[:-1], known[-1], size[-1], confidence=0.95)
        assert made is not None
        held += int(made.low <= ended[-1] <= made.high)
    assert 0.935 <= held / 4000 <= 0.965


def test_windows_that_rise_later_are_expected_to() -> None:
    rng = np.random.default_rng(3)
    made = [final_of(*shares(rng, 27)) for _ in range(200)]
    assert np.mean([each.middle - now for each, now in made]) > 0.03


def final_of(known: np.ndarray, ended: np.ndarray, size: np.ndarray) -> tuple[Final, float]:
    made = final(known[:-1], ended[:-1], size[:-1], known[-1], size[-1], confidence=0.95)
    assert made is not None
    return made, float(known[-1])


def test_a_window_with_fewer_units_is_less_sure() -> None:
    known, ended, size = shares(np.random.default_rng(4), 26)
    few, many = (final(known, ended, size, -1.5, n, confidence=0.95) for n in (50.0, 800.0))
    assert few is not None
    assert many is not None
    assert few.high - few.low > 2 * (many.high - many.low)


def test_too_few_revisions_or_no_number_say_nothing() -> None:
    known, ended, size = shares(np.random.default_rng(5), FEWEST)
    assert final(known, ended, size, -1.5, 100, confidence=0.95) is not None
    assert final(known[1:], ended[1:], size[1:], -1.5, 100, confidence=0.95) is None
    assert final(known, ended, size, np.nan, 100, confidence=0.95) is None
