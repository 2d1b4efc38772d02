"""How the number is known: the same share by other estimators, and whether the weights add up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.methods.buckets import Floats
from analysis.methods.prediction_powered import prediction_powered
from analysis.methods.prevalence import Counts
from analysis.studies.findings import Finding, Verdict
from analysis.studies.prevalence_sample import calibrated, scores
from analysis.studies.shares import share_scale

if TYPE_CHECKING:
    from analysis.studies.prevalence import Measured

#: Posts that a score stratum holds at least, and the most strata.
STRATUM, STRATA = 20, 5
#: Weights further from adding up than this many of their standard errors don't fit the frame.
FAR = 4.0


@dataclass(frozen=True)
class Check:
    """Another estimate of the same share.

    Attributes:
        title, says: what it is, and how it differs.
        value, error: the share and its standard error, 0 to 1.
    """

    title: str
    says: str
    value: float
    error: float


def estimators(measured: Measured) -> list[Check]:
    """The headline, then the others."""
    draws, items = measured.drawn.draws, measured.drawn.draws.items
    named = [
        ("Ratio over distinct posts", "the headline", measured.estimate),
        ("Horvitz-Thompson", "needs the total of views", items.horvitz_thompson()),
        ("Hájek", "counts a post as often as it was drawn", draws.hajek()),
        ("Hansen-Hurwitz", "the same, and needs the total", draws.hansen_hurwitz()),
    ]
    stratum, shares = _score_strata(measured)
    if len(shares) > 1:
        says = f"views in {len(shares)} ranges of the score are known"
        named.append(("Post-stratified", says, items.stratified(stratum, shares)))
    found = [Check(t, says, float(e.value), float(e.error)) for t, says, e in named]
    return [*found, _powered(measured)]


def _powered(measured: Measured) -> Check:
    items, frame = measured.drawn.draws.items, measured.loaded.frame
    model = calibrated(measured.loaded.drawn.values())
    drawn = measured.drawn.items()
    predicted = model.risk(scores(drawn), drawn["impressions"].to_numpy(float))
    views = frame["views"].to_numpy(float)
    mean = float(np.average(model.risk(scores(frame), views), weights=views))
    found = prediction_powered(items.label, predicted, items.weight, items.missed, mean=mean)
    says = f"adds the calibrated score of every post, at a power of {found.power:.2f}"
    return Check("Prediction-powered (PPI++)", says, found.value, found.error)


def _score_strata(measured: Measured) -> tuple[Counts, Floats]:
    """Ranges of the score with equal numbers of drawn posts, and the views in each."""
    drawn, frame = scores(measured.drawn.items()), measured.loaded.frame
    many = min(STRATA, len(drawn) // STRATUM)
    edges = np.unique(np.quantile(drawn, np.linspace(0, 1, max(many, 1) + 1)[1:-1]))
    stratum = np.searchsorted(edges, drawn, side="right").astype(np.intp)
    of_frame = np.searchsorted(edges, scores(frame), side="right")
    views = np.bincount(of_frame, frame["views"].to_numpy(float), len(edges) + 1)
    empty = np.bincount(stratum, minlength=len(edges) + 1) == 0
    if empty.any():
        return stratum, np.ones(1)
    return stratum, views / views.sum()


def check_table(measured: Measured, checks: list[Check]) -> Table:
    """The estimators side by side; only the first is the study's answer."""
    share = measured.share
    scale, first = share_scale(share.value, share.low, share.high), checks[0]
    rows = [
        {
            "title": check.title,
            "says": check.says,
            "value": scale.short(check.value),
            "error": f"{100 * check.error:.2g} points",
            "apart": _apart(check, first),
            "value_share": check.value,
            "error_share": check.error,
        }
        for check in checks
    ]
    columns = (
        Column("title", "Estimator"),
        Column("says", "What is different"),
        Column("value", "Share"),
        Column("error", "Standard error"),
        Column("apart", "From the headline, in standard errors"),
    )
    note = (
        "One sample, several ways to weigh it. They are shown as a check of each other: a gap of "
        "several standard errors would mean that totals, probabilities or scores are wrong."
    )
    caption, least = "The same share by other estimators", measured.drawn.labelled
    return Table("estimators", caption, pd.DataFrame(rows), columns, note, rests_on=least)


def _apart(check: Check, first: Check) -> str:
    larger = max(check.error, first.error)
    if check is first or not larger > 0:
        return "–"
    return f"{(check.value - first.value) / larger:+.1f}".replace("-", "−")


def weights_finding(measured: Measured) -> Finding:
    """Whether the weights add up to the views that were recorded."""
    items = measured.drawn.draws.items
    total = float(items.weight.sum())
    error = float(np.sqrt((items.weight**2 * items.missed).sum()))
    off = abs(total - 1) > FAR * error
    text = (
        f"{total:.0%} of the recorded views is what the sample's weights add up to; by chance it "
        f"would be 100%, give or take {2 * error:.0%}."
    )
    text += " That is too far: views or probabilities of the sample are not those recorded." * off
    verdict: Verdict = "no_change"
    if off:
        verdict = "up" if total > 1 else "down"
    return Finding(
        name="weights_add_up",
        title="Whether the sample fits the views",
        text=text,
        value=total,
        low=total - 2 * error,
        high=total + 2 * error,
        unit="ratio",
        confidence=0.95,
        sample=f"{measured.drawn.labelled:,} labelled draws",
        verdict=verdict,
        meaning="worse" if off else "neutral",
        headline=off,
    )
