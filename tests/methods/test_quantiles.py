from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.intervals import difference
from analysis.methods.quantiles import BIN_RATIO, Histogram, quantile

GROUPS = 128


def histogram(values: np.ndarray, bucket: np.ndarray) -> Histogram:
    bins = np.floor(np.log(values) / np.log(BIN_RATIO)).astype(np.int64)
    return Histogram(bucket.astype(np.int64), bins, np.ones(len(values)), GROUPS)


@given(
    st.lists(st.floats(0.001, 10_000), min_size=1, max_size=60),
    st.sampled_from([0.1, 0.5, 0.9, 0.95]),
)
def test_a_quantile_is_at_most_one_per_cent_off(values: list[float], share: float) -> None:
    found, limits = quantile(histogram(np.array(values), np.zeros(len(values))), share)
    exact = np.quantile(values, share, method="inverted_cdf")
    assert found.value == pytest.approx(exact, rel=0.0101)
    assert limits.low <= found.value <= limits.high or np.isnan(limits.low)


def test_no_values_give_no_quantile() -> None:
    nothing = np.array([], np.int64)
    found, limits = quantile(Histogram(nothing, nothing, np.array([]), GROUPS))
    assert np.isnan([found.value, limits.low, limits.high]).all()


@pytest.mark.parametrize("share", [0.0, 1.0, 50.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="not between 0 and 1"):
        quantile(histogram(np.array([1.0]), np.array([0])), share)


def two_windows(rng: np.random.Generator, creators: int, alike: float) -> list[Histogram]:
    """Lognormal times with a median of 5; creators differ in size and in speed."""
    bucket, own = rng.integers(0, GROUPS, creators), rng.normal(size=creators)
    sizes = rng.lognormal(-1.125, 1.5, creators) * 2
    made = []
    for _ in range(2):
        who = np.repeat(np.arange(creators), rng.poisson(sizes))
        noise = rng.normal(size=len(who))
        spread = np.sqrt(alike) * own[who] + np.sqrt(1 - alike) * noise
        made.append(histogram(5 * np.exp(1.2 * spread), bucket[who]))
    return made


@pytest.mark.parametrize(("creators", "alike"), [(30, 0.0), (300, 0.0), (300, 0.3), (1500, 0.3)])
def test_medians_and_their_differences_are_covered(creators: int, alike: float) -> None:
    rng, times = np.random.default_rng(7), 400
    covered, same = [], []
    for _ in range(times):
        (one, one_limits), (two, two_limits) = map(quantile, two_windows(rng, creators, alike))
        covered.append(one_limits.low <= 5 <= one_limits.high)
        made = difference(one, one_limits, two, two_limits)
        same.append(made.low <= 0 <= made.high)
    assert 0.92 <= np.mean(covered) <= 0.99
    assert 0.92 <= np.mean(same) <= 0.99
