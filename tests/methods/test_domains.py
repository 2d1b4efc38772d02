"""Parts of one sample: differences, and small parts that borrow strength."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.domains import gap, pool


@given(st.integers(0, 2000))
def test_pooled_values_lie_between_their_own_and_the_mean(seed: int) -> None:
    rng = np.random.default_rng(seed)
    value, effective = rng.uniform(0, 0.1, 6), rng.uniform(1, 500, 6)
    mean = np.average(value, weights=effective)
    found = pool(value, effective)
    low, high = np.minimum(value, mean), np.maximum(value, mean)
    assert ((found.value >= low - 1e-12) & (found.value <= high + 1e-12)).all()
    assert ((found.low < found.value) & (found.value < found.high)).all()


def test_pooling_is_nearer_the_truth() -> None:
    """Over 400 sets of 12 domains, and the more so the smaller the domain."""
    rng = np.random.default_rng(20260302)
    own = pooled = 0.0
    for _ in range(400):
        truth, trials = rng.gamma(4, 0.02 / 4, 12), rng.uniform(20, 400, 12)
        value = rng.poisson(truth * trials) / trials
        own += np.mean((value - truth) ** 2)
        pooled += np.mean((pool(value, trials).value - truth) ** 2)
    assert pooled < 0.6 * own


def test_a_gap_of_two_samples_covers() -> None:
    """Against the truth over 2,000 pairs of binomial samples: 0.95, give or take 0.02."""
    from analysis.methods.prevalence import Estimate, limits

    rng, size, rates = np.random.default_rng(1), 800, (0.02, 0.05)
    held, times = 0, 2000
    counts = [rng.binomial(size, rate, times) / size for rate in rates]
    ends = [limits(Estimate(v, v * (1 - v) / size, np.full(times, 1 / size))) for v in counts]
    for at in range(times):
        one, other = ((v[at], e[0][at], e[1][at]) for v, e in zip(counts, ends, strict=True))
        found = gap(one, other)
        held += found.low <= rates[0] - rates[1] <= found.high
    assert held / times == pytest.approx(0.955, abs=0.02)
