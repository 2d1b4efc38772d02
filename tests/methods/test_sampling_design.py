"""Designs: Barnett's table, what is least, what is expected against what happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from analysis.methods.prevalence import limits
from analysis.methods.sampling_design import (
    Round,
    calibrate,
    draw_probabilities,
    draws_for,
    draws_within,
    expect,
    neyman,
    resample,
    stratified_error,
)
from prevalence_worlds import binormal, kept, reference


def test_barnetts_table_for_youtube() -> None:
    """Strata of 80, 10, 5, 1 and 4 % of views, 4,000 draws by Neyman."""
    shares = np.array([0.80, 0.10, 0.05, 0.01, 0.04])
    rates = np.array([0.0005, 0.005, 0.01, 0.05, 0.0025])
    assert (shares * rates).sum() == pytest.approx(0.0020)
    draws = neyman(shares, rates, 4000)
    assert draws.round().tolist() == [2098, 828, 584, 256, 234]
    assert 100 * stratified_error(shares, rates, draws.round()) == pytest.approx(0.0539, abs=5e-5)


@given(st.integers(0, 1000))
def test_no_other_allocation_is_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares, rates = rng.dirichlet(np.ones(4)), rng.uniform(0.001, 0.4, 4)
    best = stratified_error(shares, rates, neyman(shares, rates, 1000))
    other = stratified_error(shares, rates, 1000 * rng.dirichlet(np.ones(4)))
    assert best <= other * (1 + 1e-9)


def test_the_root_is_best_and_the_mixture_bounds_the_weights() -> None:
    world = binormal(0.01, 0.9, 1, items=20_000)
    errors = {
        power: expect(
            world.share, world.score, draw_probabilities(world.share, world.score, power=power), 500
        ).error
        for power in (0.0, 0.25, 0.5, 0.75, 1.0)
    }
    assert min(errors, key=lambda power: errors[power]) == 0.5
    sure = draw_probabilities(world.share, np.where(world.share > 0, 1e-9, 0), defensive=0.1)
    assert (sure >= 0.1 * world.share).all()


def test_draws_for_an_error_and_within_a_budget_are_the_nearest() -> None:
    world = binormal(0.01, 0.9, 2, items=5000)
    probability = draw_probabilities(world.share, world.score)
    draws = draws_for(world.share, world.score, probability, 0.002)
    assert expect(world.share, world.score, probability, draws).error <= 0.002
    assert expect(world.share, world.score, probability, draws - 1).error > 0.002
    draws = draws_within(probability, 300)
    assert expect(world.share, world.score, probability, draws).items <= 300
    assert expect(world.share, world.score, probability, draws + 1).items > 300
    with pytest.raises(ValueError, match="5000 items or fewer"):
        draws_within(probability, 5000)


def test_what_is_expected_happens() -> None:
    """4,000 samples of a small world: mean within 1 %, error within 5 % of what was expected."""
    world = binormal(0.02, 0.9, 3, items=3000)
    probability = draw_probabilities(world.share, world.score)
    planned = expect(world.share, world.label, probability, 400)
    rng = np.random.default_rng(20260302)
    found = resample([Round(world.share, world.label, probability, 400, world.score)], 4000, rng)
    assert found.value.mean() == pytest.approx(world.truth, rel=0.01)
    assert found.value.std() == pytest.approx(planned.error, rel=0.05)
    assert found.variance.mean() == pytest.approx(planned.error**2, rel=0.06)


def test_rounds_add_up() -> None:
    """A population in two rounds gives the whole's share, each with draws of its own."""
    world = binormal(0.05, 0.9, 4, items=2000)
    first = np.arange(2000) < 1200
    rounds = []
    for own, draws in ((first, 300), (~first, 150)):
        probability = draw_probabilities(world.share[own], world.score[own])
        rounds.append(
            Round(world.share[own], world.label[own], probability, draws, world.score[own])
        )
    found = resample(rounds, 2000, np.random.default_rng(5))
    assert found.value.mean() == pytest.approx(world.truth, rel=0.015)
    low, high = limits(found, trials=450)
    assert np.mean((low <= world.truth) & (world.truth <= high)) >= 0.93


def test_calibration_finds_what_made_the_labels() -> None:
    rng = np.random.default_rng(6)
    odds, views = rng.normal(-3, 1.5, 200_000), rng.lognormal(3, 1.5, 200_000)
    label = rng.random(200_000) < special.expit(-1 + 1.2 * odds - 0.3 * np.log(views))
    found = calibrate(special.expit(odds), views, label)
    assert (found.level, found.slope, found.reach) == pytest.approx((-1, 1.2, -0.3), abs=0.08)
    # Without any event the score is kept, and only its level is low.
    none = calibrate(special.expit(odds[:100]), views[:100], np.zeros(100))
    assert none.slope == pytest.approx(1, abs=0.3)
    assert (none.risk(special.expit(odds), views) < 0.05).all()


def test_the_reference_simulation_keeps_its_word() -> None:
    """800 of the 2,000 samples of tests/benchmarks/prevalence_coverage.py.

    The Monte Carlo error of a coverage of 0.955 is 0.007; that of the efficiency is nil, since it
    comes from the design's own variance.
    """
    found = kept(reference(), 4000, 800, 0)
    assert 0.935 <= found.coverage <= 0.98
    assert found.exact >= 2.4
    assert found.efficiency == pytest.approx(found.exact, rel=0.15)
    assert found.wald < 0.92
    assert found.width < 1.25


@pytest.mark.parametrize(
    ("prevalence", "draws", "auc"),
    [(1e-2, 1000, 0.5), (1e-2, 4000, 0.9), (1e-3, 16_000, 0.8), (1e-3, 1500, 0.97)],
)
def test_a_part_of_the_grid_keeps_its_word(prevalence: float, draws: int, auc: float) -> None:
    """300 samples in smaller worlds; 0.90 is 2.4 Monte Carlo errors (0.0126) below 0.93."""
    found = kept(binormal(prevalence, auc, 7, items=200_000), draws, 300, 7)
    assert found.expected >= 8
    assert found.coverage >= 0.90
