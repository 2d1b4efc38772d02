"""The range for one more peer: covers what it says, is not moved by odd peers, known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from scipy.stats.mstats import winsorize

from analysis.methods.peers import Scale, _shrunk, peers, rank


@pytest.mark.parametrize("count", [10, 30, 49])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_coverage_of_one_more_unit(count: int, level: float) -> None:
    """Logit-normal shares, as the published ones are: 4,000 draws, 4 standard errors."""
    random = np.random.default_rng(20230703)
    draws = special.expit(random.normal(2.9, 0.9, size=(4_000, count + 1)))
    held = [peers(row[1:], level=level).beyond(row[0]) == "within" for row in draws]
    error = np.sqrt(level * (1 - level) / len(held))
    # Winsorising costs degrees of freedom, so the range may be a little wide, never narrow.
    assert -4 * error < np.mean(held) - level < 4 * error + 0.02


def test_odd_peers_do_not_hide_an_odd_unit() -> None:
    random = np.random.default_rng(7)
    clean = special.expit(random.normal(3, 0.5, size=49))
    planted = clean.copy()
    planted[:2] = 0.05
    one, other = peers(clean), peers(planted)
    assert other.low == pytest.approx(one.low, abs=0.02)
    assert peers(planted).beyond(0.6) == "below"
    naive = special.logit(planted)
    assert special.expit(naive.mean() - 2.01 * naive.std(ddof=1)) < 0.6


def test_against_scipy_step_by_step() -> None:
    values = special.expit(np.random.default_rng(3).normal(size=40))
    logits = np.asarray(winsorize(special.logit(values), (0.1, 0.1)))
    spread = logits.std(ddof=1) / _shrunk(0.1)
    reach = stats.t.ppf(0.975, 40 - 8 - 1) * spread * np.sqrt(1 + 1 / 40)
    found = peers(values)
    assert special.logit(found.high) == pytest.approx(logits.mean() + reach)
    assert special.logit(found.low) == pytest.approx(logits.mean() - reach)
    assert found.median == pytest.approx(np.median(values))
    assert (found.lower_quartile, found.upper_quartile) == pytest.approx(
        tuple(np.percentile(values, [25, 75]))
    )


def test_without_winsorising_it_is_the_textbook_interval() -> None:
    """Nine values leave no tail of a tenth: mean ± t * s * sqrt(1 + 1/n)."""
    values = [51.4, 49.5, 48.7, 49.3, 51.6, 50.3, 48.8, 50.9, 49.9]
    found = peers(values, scale="identity")
    reach = 2.306004 * np.std(values, ddof=1) * np.sqrt(1 + 1 / 9)
    assert found.low == pytest.approx(np.mean(values) - reach, rel=1e-6)
    assert found.high == pytest.approx(np.mean(values) + reach, rel=1e-6)


@pytest.mark.parametrize("part", [0.02, 0.1, 0.25])
def test_what_winsorising_leaves_of_a_normal_spread(part: float) -> None:
    edges = stats.norm.ppf([part, 1 - part])
    grid = stats.norm.ppf((np.arange(400_000) + 0.5) / 400_000)
    assert _shrunk(part) == pytest.approx(np.clip(grid, *edges).std(), rel=1e-4)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=60), st.sampled_from([0.5, 0.9, 0.998]))
def test_published_zeros_and_ones_are_taken(values: list[float], level: float) -> None:
    found = peers(values, level=level, grain=0.001)
    assert 0 <= found.low <= found.high <= 1
    assert found.lower_quartile <= found.median <= found.upper_quartile


@pytest.mark.parametrize(
    ("values", "scale", "problem"),
    [
        ([0.1] * 4, "logit", "4 peers"),
        ([0.1] * 5 + [1.2], "logit", "outside 0 to 1"),
        ([0.1] * 5 + [1.0], "logit", "has none"),
        ([1.0] * 5 + [0.0], "log", "has none"),
        ([1.0] * 5 + [float("nan")], "identity", "has none"),
    ],
)
def test_what_has_no_spread(values: list[float], scale: Scale, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        peers(values, scale=scale)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.floats(0, 1))
def test_ranks_agree_with_scipy(others: list[float], value: float) -> None:
    everyone = np.array([value, *others])
    assert rank(value, others) == int(stats.rankdata(-everyone, method="min")[0])
