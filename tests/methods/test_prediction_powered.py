"""Prediction-powered shares: held to ppi-python, and the truth by simulation.

ppi-python's published examples (galaxies, ballots and others of its README) load their data from a
drive of its authors and print no table of them, its paper gives no counts to make them from, and
its own tests draw data at random. So its estimator runs here on data that are made here, and on
the one case of its tests that has an exact answer.
"""

from __future__ import annotations

import numpy as np
import pytest
from ppi_py import ppi_mean_ci, ppi_mean_pointestimate
from scipy import special

from analysis.methods.prediction_powered import prediction_powered


def made(seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    risk = rng.beta(0.3, 4, size)
    return (rng.random(size) < risk).astype(float), np.clip(risk + rng.normal(0, 0.05, size), 0, 1)


def test_estimate_power_and_interval_are_those_of_ppi_python() -> None:
    (label, prediction), (_, unlabelled) = made(1, 600), made(2, 9000)
    pooled = np.var(np.concatenate([prediction, unlabelled]), ddof=1)
    found = prediction_powered(
        label,
        prediction,
        np.ones(600),
        mean=float(unlabelled.mean()),
        mean_variance=float(pooled / 9000),
        spread=float(pooled / 600),
    )
    assert 0.1 < found.power < 1
    theirs = ppi_mean_pointestimate(label, prediction, unlabelled)
    assert found.value == pytest.approx(float(theirs[0]), rel=1e-9)
    # Theirs takes each part's own variance for the interval.
    error = np.sqrt(
        np.var(label - found.power * prediction) / 600 + found.power**2 * np.var(unlabelled) / 9000
    )
    reach = special.ndtri(0.975) * error
    low, high = ppi_mean_ci(label, prediction, unlabelled, alpha=0.05)
    ends = found.value - reach, found.value + reach
    assert ends == pytest.approx((float(low[0]), float(high[0])), rel=1e-9)
    assert found.error == pytest.approx(error, rel=0.02)


def test_the_case_of_ppi_pythons_own_tests() -> None:
    """Its test_ppi_mean_pointestimate: predictions too high by 2, nothing but 2 unlabelled. With
    the mean known, predictions that are always off by as much count in full: the answer is 0."""
    label = np.random.default_rng(1).normal(0, 1, 100)
    found = prediction_powered(label, label + 2, np.ones(100), mean=2.0)
    theirs = ppi_mean_pointestimate(label, label + 2, np.full(10_000, 2.0), lam=1.0)
    assert found.value == pytest.approx(float(theirs[0]), abs=1e-12)
    assert found.value == pytest.approx(0, abs=1e-12)


def test_weights_are_those_of_ppi_python() -> None:
    (label, prediction), (_, unlabelled) = made(3, 500), made(4, 5000)
    weight = np.random.default_rng(5).lognormal(0, 0.8, 500)
    found = prediction_powered(label, prediction, weight, mean=float(unlabelled.mean()))
    theirs = ppi_mean_pointestimate(label, prediction, unlabelled, lam=found.power, w=weight)
    assert found.value == pytest.approx(theirs.item(), rel=1e-9)


def test_it_is_right_on_average_and_no_worse_than_labels_alone() -> None:
    """2,000 samples with unequal chances; the truth within 4 standard errors of the mean."""
    rng = np.random.default_rng(20260302)
    label, prediction = made(6, 3000)
    chance = np.clip(0.1 * (0.3 + 3 * prediction), 0, 0.9)
    truth, mean, values, errors = label.mean(), float(prediction.mean()), [], []
    plain = []
    for _ in range(2000):
        taken = rng.random(3000) < chance
        weight = 1 / chance[taken]
        found = prediction_powered(
            label[taken], prediction[taken], weight, 1 - chance[taken], mean=mean
        )
        values.append(found.value)
        errors.append(found.error)
        plain.append(np.average(label[taken], weights=weight))
    spread = np.std(values)
    assert abs(np.mean(values) - truth) < 4 * spread / np.sqrt(2000) + 0.01 * truth
    assert np.mean(errors) == pytest.approx(spread, rel=0.05)
    assert spread < 0.95 * np.std(plain)


def test_useless_predictions_are_left_aside() -> None:
    label, _ = made(7, 400)
    found = prediction_powered(label, np.full(400, 0.2), np.ones(400), mean=0.3)
    assert (found.power, found.value) == (0.0, pytest.approx(label.mean()))
