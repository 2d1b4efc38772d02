"""Worlds whose prevalence is known, and what the headline estimate does in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from analysis.methods.prevalence import limits
from analysis.methods.sampling_design import Round, draw_probabilities, expect, resample
from analysis.studies import Study
from analysis.studies.prevalence_sample import load_frame, load_posts

ITEMS, SEED = 500_000, 20260218


@dataclass(frozen=True)
class World:
    """A frame with its truth: views as shares of all, labels, scores."""

    share: np.ndarray
    label: np.ndarray
    score: np.ndarray

    @property
    def truth(self) -> float:
        return float((self.share * self.label).sum())


@dataclass(frozen=True)
class Kept:
    """What many samples showed.

    Attributes:
        expected: positive draws of a sample, on average; `distinct` posts among them.
        coverage: of the nominal 95 % interval.
        efficiency: variance of as many simple random draws of views over that of the estimate,
            as simulated; `exact` by the formula of the design's variance.
        width: median width over that of the normal interval of one who knows the true variance.
        wald: coverage of the estimate plus or minus 1.96 estimated standard errors.
        above, below: how often the truth lay above and below the interval.
        plug_in: median of the plug-in effective sample size, over the realised one.
    """

    expected: float
    distinct: float
    coverage: float
    efficiency: float
    exact: float
    width: float
    wald: float
    above: float
    below: float
    plug_in: float


def reference() -> World:
    """The reference simulation; the stream is read in the order that its text has."""
    rng = np.random.default_rng(SEED)
    views = np.ceil(rng.lognormal(2.0, 1.5, ITEMS))
    odds = -8.6 + 1.9 * rng.normal(size=ITEMS)
    label = rng.random(ITEMS) < special.expit(odds)
    score = special.expit(0.9 * odds + rng.normal(0, 0.6, ITEMS))
    return World(views / views.sum(), label.astype(float), score)


def binormal(prevalence: float, auc: float, seed: int, items: int = ITEMS) -> World:
    """Violating posts at random, and a calibrated score that ranks them with this AUC."""
    rng = np.random.default_rng([SEED, seed])
    views = np.ceil(rng.lognormal(2.0, 1.5, items))
    label = rng.random(items) < prevalence
    apart = np.sqrt(2) * special.ndtri(auc)
    seen = rng.normal(size=items) + apart * label
    score = special.expit(special.logit(prevalence) + apart * seen - apart**2 / 2)
    return World(views / views.sum(), label.astype(float), score)


def platform(study: Study) -> World:
    """The posts of the demo platform that a study's market viewed in its window, with its truth."""
    frame = load_posts(study, study.window)
    truth = study.sql("SELECT content_id, violates FROM demo_truth_content", limit=None)
    label = frame["content_id"].map(truth.set_index("content_id")["violates"]).to_numpy(float)
    views = frame["views"].to_numpy(float)
    return World(views / views.sum(), label, frame["risk_score"].to_numpy(float))


def recorded(study: Study) -> float:
    """The truth of the window's weeks, each by its views."""
    truth = study.sql(
        """
        SELECT CAST(timezone(?, starts_at) AS DATE) AS week, effect FROM demo_truth
        WHERE kind = 'violative_view_rate' AND market = ?
        """,
        (study.market.zone, study.market.code),
    )
    effect = truth.set_index(pd.to_datetime(truth["week"]).dt.date)["effect"]
    frame = load_frame(study, study.window)
    return float(np.average(frame["week"].map(effect), weights=frame["views"]))


def kept(
    world: World, draws: int, times: int, seed: int, *, defensive: float = 0.05, power: float = 0.5
) -> Kept:
    """Draws many samples of a world, and holds each interval against the truth."""
    rng = np.random.default_rng([SEED, 1, seed])
    probability = draw_probabilities(world.share, world.score, power=power, defensive=defensive)
    found = resample([Round(world.share, world.label, probability, draws, world.score)], times, rng)
    low, high = limits(found, trials=draws)
    truth = world.truth
    spread = found.value.std(ddof=1)
    simple = truth * (1 - truth)
    seen = found.variance > 0
    plug_in = found.value[seen] * (1 - found.value[seen]) / found.variance[seen]
    planned = expect(world.share, world.label, probability, draws)
    return Kept(
        expected=draws * float((probability * world.label).sum()),
        distinct=planned.events,
        coverage=float(np.mean((low <= truth) & (truth <= high))),
        efficiency=float(simple / draws / spread**2) if spread else np.inf,
        exact=simple / draws / planned.error**2 if planned.error else np.inf,
        width=float(np.median(high - low) / (2 * special.ndtri(0.975) * spread)),
        wald=float(np.mean(np.abs(found.value - truth) <= 1.96 * found.error)),
        above=float(np.mean(truth > high)),
        below=float(np.mean(truth < low)),
        plug_in=float(np.median(plug_in) / (simple / spread**2)) if seen.any() else np.nan,
    )
