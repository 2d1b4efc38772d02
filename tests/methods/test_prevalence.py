"""Estimators of a rare share from unequal draws: by hand, by invariants, and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.methods.prevalence import Draws, Estimate, limits, worth


def drawn(seed: int, size: int = 40, draws: int = 30, rounds: int = 2) -> Draws:
    """Draws of small rounds, each of its own items, that are half of the views each."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(rounds):
        views = rng.lognormal(2, 1, size)
        share = views / views.sum() / rounds
        probability = views * rng.uniform(0.2, 1, size)
        probability /= probability.sum()
        label = rng.random(size) < 0.3
        taken = rng.choice(size, draws, p=probability)
        arrays = (taken + number * size, np.full(draws, number), label[taken])
        parts.append((*arrays, share[taken], probability[taken]))
    item, around, label, share, probability = (
        np.concatenate(each) for each in zip(*parts, strict=True)
    )
    return Draws(item, around, label.astype(float), share, probability)


def test_by_hand() -> None:
    """Three draws of one round: the first item twice, which violates, and one that does not."""
    draws = Draws(
        np.array([7, 7, 3]),
        np.zeros(3, int),
        np.array([1.0, 1.0, 0.0]),
        np.array([0.2, 0.2, 0.3]),
        np.array([0.4, 0.4, 0.1]),
    )
    assert draws.hansen_hurwitz().value == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert draws.hajek().value == pytest.approx(1 / (0.5 + 0.5 + 3))
    once, other = 1 - 0.6**3, 1 - 0.9**3
    assert draws.items.horvitz_thompson().value == pytest.approx(0.2 / once)
    assert draws.items.ratio().value == pytest.approx(0.2 / once / (0.2 / once + 0.3 / other))


@given(st.integers(0, 10_000))
def test_what_must_hold(seed: int) -> None:
    draws = drawn(seed)
    items = draws.items
    assert len(items.label) == len(set(draws.item.tolist()))
    found = items.ratio()
    assert 0 <= found.value <= 1
    low, high = limits(found, trials=60)
    assert 0 <= low <= found.value <= high <= 1
    # The unit in which views are counted makes no difference to the ratio.
    other = Draws(draws.item, draws.round, draws.label, draws.share * 1e6, draws.probability)
    assert other.items.ratio().value == pytest.approx(float(found.value))
    # Nor does the order of the draws.
    order = np.random.default_rng(seed).permutation(len(draws.item))
    turned = Draws(*(getattr(draws, name)[order] for name in vars(draws) if name in NAMES))
    assert turned.items.ratio().value == pytest.approx(float(found.value))
    # Of all that violates, the share is all; the other way round, what is left.
    flipped = Draws(draws.item, draws.round, 1 - draws.label, draws.share, draws.probability)
    assert flipped.items.ratio().value == pytest.approx(1 - float(found.value))


NAMES = ("item", "round", "label", "share", "probability")


def test_a_census_has_no_error() -> None:
    share, label = np.array([0.5, 0.3, 0.2]), np.array([0.0, 1.0, 0.0])
    item = np.repeat(np.arange(3), 4000)
    draws = Draws(item, np.zeros(12_000, int), label[item], share[item], np.full(12_000, 1 / 3))
    found = draws.items.ratio()
    assert found.value == pytest.approx(0.3)
    assert limits(found) == (pytest.approx(0.3), pytest.approx(0.3))


def test_without_events_the_limit_is_the_rule_of_three() -> None:
    none = Estimate(np.array(0.0), np.array(0.0), np.array(0.0))
    low, high = limits(none, trials=1000)
    assert low == 0
    assert high == pytest.approx(1 - 0.05 ** (1 / 1000))


def test_the_effective_size_of_a_plain_sample_is_its_size() -> None:
    """A binomial sample of 40 in 2,000 is worth 2,000; Clopper and Pearson's limits by SciPy."""
    from scipy.stats import binomtest

    ends = binomtest(40, 2000).proportion_ci(method="exact")
    assert worth(0.02, ends.low, ends.high) == pytest.approx(2000, rel=1e-6)


def test_post_strata_without_an_item_are_refused() -> None:
    items = drawn(1).items
    stratum = np.zeros(len(items.label), int)
    whole = items.stratified(stratum, np.array([1.0]))
    assert whole.value == pytest.approx(float(items.ratio().value))
    with pytest.raises(ValueError, match="a stratum has views but no item"):
        items.stratified(stratum, np.array([0.9, 0.1]))
