"""A sampling plan for a market's posts, and other designs of the same precision beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Counts, limits
from analysis.methods.sampling_design import (
    Calibration,
    Expected,
    Round,
    draw_probabilities,
    draws_for,
    draws_within,
    expect,
    neyman,
    resample,
)
from analysis.studies.base import Study
from analysis.studies.prevalence_sample import scores

#: Populations of labels for the expected interval; each is sampled many times.
POPULATIONS = 10
STRATA = 5
#: Of all posts with views, the most that a sample is planned to take.
MOST = 0.9
STRATIFIED = f"{STRATA} strata by score (Neyman)"
#: The normal quantile of a 95 % interval.
Z = 1.959963984540054


@dataclass(frozen=True)
class Loaded:
    """What a plan rests on.

    Attributes:
        frame: content_id, views, risk_score, surface of every post with views in the window.
        model: chance to violate by score, from labelled draws.
        sensitive: of violating posts drawn, the part whose policy is marked sensitive.
    """

    frame: pd.DataFrame
    model: Calibration
    sensitive: float

    @cached_property
    def share(self) -> Floats:
        views = self.frame["views"].to_numpy(np.float64)
        found: Floats = views / views.sum()
        return found

    @cached_property
    def risk(self) -> Floats:
        return self.model.risk(scores(self.frame), self.frame["views"].to_numpy(np.float64))


@dataclass(frozen=True)
class Design:
    """One way to draw, and what to expect of it at the plan's precision.

    Attributes:
        title: of the design.
        probability: that one draw takes each post.
        expected: at the draws that make it as precise as the plan.
    """

    title: str
    probability: Floats
    expected: Expected


@dataclass(frozen=True)
class Plan:
    """What is to be drawn.

    Attributes:
        study, loaded: what was asked, and what it rests on.
        designs: the plan's own first, then others of the same precision.
        low, high: the expected interval (medians over simulated samples).
    """

    study: Study
    loaded: Loaded
    designs: tuple[Design, ...]
    low: float
    high: float

    @property
    def own(self) -> Design:
        return self.designs[0]

    def sensitive(self, design: Design) -> float:
        """Sensitive violating posts that reviewers are expected to see."""
        return design.expected.events * self.loaded.sensitive


def make_plan(study: Study, loaded: Loaded) -> Plan:
    """The design of least variance within the budget, or of the precision that was asked for."""
    share, risk = loaded.share, loaded.risk
    probability = draw_probabilities(share, risk, defensive=study.parameters.defensive)
    own = expect(share, risk, probability, _draws(study, loaded, probability))
    others = {
        "Views at random": share,
        "Views times score": draw_probabilities(share, risk, power=1.0, defensive=0.0),
        STRATIFIED: _stratified(share, risk),
    }
    designs = [Design("Views times root of score", probability, own)]
    for title, other in others.items():
        draws = draws_for(share, risk, other, own.error)
        designs.append(Design(title, other, expect(share, risk, other, draws)))
    low, high = _interval(study, loaded, probability, own.draws)
    return Plan(study, loaded, tuple(designs), low, high)


def _draws(study: Study, loaded: Loaded, probability: Floats) -> int:
    parameters = study.parameters
    if parameters.precision:
        value = float((loaded.share * loaded.risk).sum())
        error = parameters.precision * value / Z
        return draws_for(loaded.share, loaded.risk, probability, error)
    return draws_within(probability, min(parameters.labels, most_labels(loaded)))


def most_labels(loaded: Loaded) -> float:
    """More posts than this part of a small market are labelled one by one, and not sampled."""
    return MOST * len(loaded.frame)


def _strata(share: Floats, risk: Floats) -> Counts:
    """Ranges of risk, each with the same part of views times root of risk."""
    order = np.argsort(risk, kind="stable")
    mass = np.cumsum((share * np.sqrt(risk))[order])
    stratum = np.empty(len(risk), np.intp)
    stratum[order] = np.minimum((mass / mass[-1] * STRATA).astype(np.intp), STRATA - 1)
    return stratum


def _stratified(share: Floats, risk: Floats) -> Floats:
    """The chance of each post where views are drawn at random within strata."""
    stratum = _strata(share, risk)
    views: Floats = np.bincount(stratum, share, STRATA).astype(float)
    rates = np.bincount(stratum, share * risk, STRATA) / np.maximum(views, 1e-300)
    part = neyman(views, rates, 1)
    found: Floats = share * (part / np.maximum(views, 1e-300))[stratum]
    return found


def _interval(study: Study, loaded: Loaded, probability: Floats, draws: int) -> tuple[float, float]:
    """The expected ends: medians over samples of simulated populations, as parts of the truth."""
    rng, times = study.rng(), study.parameters.simulations // POPULATIONS
    ends: list[tuple[Floats, Floats]] = []
    for _ in range(POPULATIONS):
        label = (rng.random(len(loaded.risk)) < loaded.risk).astype(float)
        found = resample([Round(loaded.share, label, probability, draws, loaded.risk)], times, rng)
        truth = float((loaded.share * label).sum())
        if truth > 0:
            low, high = limits(found, trials=draws)
            ends.append((low / truth, high / truth))
    value = float((loaded.share * loaded.risk).sum())
    if not ends:  # nothing is expected to violate: the rule of three
        return 0.0, min(3.0 / draws, 1.0)
    below, above = (float(np.median(np.concatenate(e))) for e in zip(*ends, strict=True))
    return value * below, min(value * above, 1.0)


@dataclass(frozen=True)
class Stratum:
    """A range of the chance to violate.

    Attributes:
        low, high: its ends, 0 to 1.
        views: its part of all views.
        rate: of its views, the part expected to violate.
        draws: by Neyman's allocation.
    """

    low: float
    high: float
    views: float
    rate: float
    draws: float


def strata(made: Plan) -> list[Stratum]:
    """The strata of the design with strata, lowest chance first; those without views left out."""
    share, risk = made.loaded.share, made.loaded.risk
    (design,) = (each for each in made.designs if each.title == STRATIFIED)
    stratum = _strata(share, risk)
    found = []
    for number in range(STRATA):
        own = stratum == number
        if own.any():
            views, rate = float(share[own].sum()), float(np.average(risk[own], weights=share[own]))
            draws = design.expected.draws * float(design.probability[own].sum())
            found.append(
                Stratum(float(risk[own].min()), float(risk[own].max()), views, rate, draws)
            )
    return found
