"""Whether the interval keeps its word: this window's design, drawn many times anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Estimate, inclusion, limits, worth
from analysis.methods.sampling_design import Round, resample
from analysis.methods.survey import Method, common_limits
from analysis.studies.findings import Finding
from analysis.studies.prevalence_sample import calibrated, scores

if TYPE_CHECKING:
    from analysis.studies.prevalence import Measured

#: Populations of labels for the simulation; each is sampled many times.
POPULATIONS = 20
#: With fewer violating posts expected no interval can be relied on.
FEWEST = 8
WALD = "estimate ± standard errors (Wald)"
COMMON: dict[str, Method] = {
    WALD: "mean",
    "Wald's on the log odds": "logit",
    "Korn and Graubard's beta interval": "beta",
}
#: Coverage may fall short of what is promised by this much before the page says so.
LET_GO = 0.02
SIMULATED = (
    "Simulated from this window's own posts, views and probabilities, with violating posts by "
    "calibrated score. Where a widely viewed post violates against its score, the truth is harder "
    "than this simulation."
)


@dataclass(frozen=True)
class Validation:
    """This window's design, drawn anew from populations whose truth is known.

    Attributes:
        samples: how many.
        coverage: of the interval.
        others: of intervals that are in common use, by name.
        events: violating posts that a sample held, on average.
        realised: effective sample size: that of random views with the variance seen; nan where
            nothing violated in any population.
        plug_in: the median of what each sample would claim by `value (1 - value) / variance`.
        worth: what the median interval is worth.
    """

    samples: int
    coverage: float
    others: dict[str, float]
    events: float
    realised: float
    plug_in: float
    worth: float


def validate(measured: Measured) -> Validation:
    """Draws the sample many times anew, in populations that the calibrated scores describe.

    Each population has violating posts at random, by calibrated score; its truth is then known. A
    post that was not drawn has the chance per view of posts with scores like its own.
    """
    rng, parameters = measured.study.rng(), measured.study.parameters
    frames = list(_rounds(measured))
    model = calibrated(measured.loaded.drawn.values())
    risks = [model.risk(scores(f), f["views"].to_numpy(float)) for f, _ in frames]
    times = max(1, parameters.simulations // POPULATIONS)
    truths, parts = [], []
    for _ in range(POPULATIONS):
        labels = [(rng.random(len(risk)) < risk).astype(float) for risk in risks]
        rounds = [
            Round(f["share"].to_numpy(), label, f["probability"].to_numpy(), draws, risk)
            for (f, draws), label, risk in zip(frames, labels, risks, strict=True)
        ]
        truth = sum(float((each.share * each.label).sum()) for each in rounds)
        truths.append(np.full(times, truth))
        parts.append(resample(rounds, times, rng))
    events = sum(
        float((inclusion(f["probability"].to_numpy(), draws) * risk).sum())
        for (f, draws), risk in zip(frames, risks, strict=True)
    )
    found = Estimate(
        *(
            np.concatenate([getattr(each, name) for each in parts])
            for name in ("value", "variance", "largest")
        )
    )
    return _held(found, np.concatenate(truths), events, measured)


def _rounds(measured: Measured) -> Iterator[tuple[pd.DataFrame, int]]:
    """The posts of each sampling round with share and probability, and its number of draws."""
    rows, draws = measured.drawn.rows, measured.drawn.draws
    frame = measured.loaded.frame
    frame = frame[frame["week"].isin(set(rows["week"]))]
    frame = frame.assign(share=frame["views"] / frame["views"].sum(), score=scores(frame))
    chance = draws.probability / draws.share  # of a view, up to a constant of the round
    seen = scores(rows)
    for week, posts in frame.groupby("week"):
        own = np.flatnonzero(rows["week"] == week)
        order = own[np.argsort(seen[own], kind="stable")]
        per_view = np.interp(posts["score"], seen[order], chance[order])
        probability = posts["share"] * per_view
        yield posts.assign(probability=probability / probability.sum()), len(own)


def _held(found: Estimate, truth: Floats, events: float, measured: Measured) -> Validation:
    confidence = measured.confidence
    low, high = limits(found, confidence=confidence, trials=measured.drawn.labelled)
    off, seen = found.value - truth, found.variance > 0
    spread = found.value[seen] * (1 - found.value[seen]) / found.variance[seen]
    errors = float(np.mean(off**2))
    return Validation(
        samples=len(truth),
        coverage=float(np.mean((low <= truth) & (truth <= high))),
        others={title: _common(found, truth, method, measured) for title, method in COMMON.items()},
        events=events,
        realised=float(np.mean(truth * (1 - truth))) / errors if errors else float("nan"),
        plug_in=float(np.median(spread)) if seen.any() else float("nan"),
        worth=worth(
            *(float(np.median(x)) for x in (found.value, low, high)), confidence=confidence
        ),
    )


def _common(found: Estimate, truth: Floats, method: Method, measured: Measured) -> float:
    """Coverage of a common interval; one without an event or a variance has no width."""
    draws = measured.drawn.draws
    seen = (found.variance > 0) & (found.value > 0) & (found.value < 1)
    size, degrees = measured.drawn.labelled, measured.drawn.labelled - len(draws.sizes)
    value, variance = found.value[seen], found.variance[seen]
    ends = common_limits(value, variance, size, degrees, method, level=measured.confidence)
    return float(np.sum((ends[0] <= truth[seen]) & (truth[seen] <= ends[1])) / len(truth))


def validation_finding(measured: Measured, found: Validation) -> Finding:
    """Whether the interval keeps its word for this design, and what the sample is worth."""
    own = worth(*measured.share.ends, confidence=measured.confidence)
    error = np.sqrt(found.coverage * (1 - found.coverage) / found.samples)
    wanted = measured.confidence
    held = found.coverage >= wanted - LET_GO - 2 * error
    text = (
        f"{found.coverage:.1%} of {found.samples:,} samples drawn anew by this window's design had "
        f"the truth within their {wanted:.0%} interval; with the usual estimate plus or minus its "
        f"standard errors it would have been {found.others[WALD]:.1%}."
    )
    if np.isfinite(own):
        text += (
            f" The {measured.drawn.labelled:,} draws are worth {rounded(own)} views drawn at "
            "random, judged by the width of the interval."
        )
    notes = [SIMULATED]
    if found.events < FEWEST:
        text += " So few violating posts are expected that the interval is not to be relied on."
    elif not held:
        text += " That is less than it promises: read the interval as too narrow."
    return Finding(
        name="interval_coverage",
        title="Whether the interval keeps its word",
        text=text,
        value=found.coverage,
        low=max(0.0, found.coverage - 2 * float(error)),
        high=min(1.0, found.coverage + 2 * float(error)),
        unit="share",
        confidence=0.95,
        sample=f"{found.samples:,} simulations",
        verdict="level" if held and found.events >= FEWEST else "unclear",
        headline=found.events < FEWEST or not held,
        notes=tuple(notes),
    )


def rounded(number: float) -> str:
    """A size to two figures, with its thousands apart.

    >>> rounded(1771.3), rounded(86.2)
    ('1,800', '86')
    """
    return f"{float(f'{number:.2g}'):,.0f}"


def validation_table(measured: Measured, found: Validation) -> Table:
    """Realised coverage and sizes, in figures."""
    own = worth(*measured.share.ends, confidence=measured.confidence)
    rows = [
        ("Samples drawn anew", f"{found.samples:,}"),
        ("Violating posts expected in a sample", f"{found.events:.1f}"),
        (f"Realised coverage of the {measured.confidence:.0%} interval", f"{found.coverage:.1%}"),
        *((f"Realised coverage of {title}", f"{held:.1%}") for title, held in found.others.items()),
        ("Effective size, realised: random views with the same variance", _size(found.realised)),
        ("Effective size by the width of the median interval", _size(found.worth)),
        ("Effective size of this window's own interval", _size(own)),
        ("Effective size that the plug-in formula would claim", _size(found.plug_in)),
    ]
    frame = pd.DataFrame(rows, columns=["what", "value"])
    columns = (Column("what", "Of this window's design"), Column("value", "Value"))
    caption = f"The design of {measured.study.window} drawn anew"
    return Table("validation", caption, frame, columns, SIMULATED, rests_on=found.samples)


def _size(number: float) -> str:
    return rounded(number) if np.isfinite(number) else "–"
