"""prevalence: what the notebook of this name calls.

One headline number, the ratio over distinct items of `methods/prevalence.py`; where the views are
(`prevalence_domains`), what wrong labels would do (`prevalence_labels`), and how it is known
(`prevalence_checks`, `prevalence_validation`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field

from analysis.calendar import Window
from analysis.errors import NoData
from analysis.figures.breaks import Break
from analysis.figures.displays import Figure, Table
from analysis.figures.trend import Trend, trend_figure
from analysis.methods.domains import gap
from analysis.methods.prevalence import Estimate
from analysis.studies import (
    prevalence_checks,
    prevalence_domains,
    prevalence_labels,
    prevalence_validation,
)
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Comparison, Finding
from analysis.studies.prevalence_sample import Drawn, load_draws, load_frame
from analysis.studies.shares import Share, share_scale, to_share

METRIC = "violative_view_rate"
TITLE = "Violative view rate"
SOURCE = "Source: labelled draws from the stream of views."
LABELS = (
    "An estimate from labelled draws, not a count. Errors of the labels are not in its interval; "
    "the section on labels says what they could do."
)


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    history: int = Field(13, ge=2, le=104, description="windows in the trend, and for accuracies")
    confidence: float = Field(0.95, ge=0.8, le=0.99, description="of the intervals")
    simulations: int = Field(1000, ge=100, le=20_000, description="samples drawn anew to check it")


@dataclass(frozen=True)
class Loaded:
    """What a run reads.

    Attributes:
        drawn: the labelled draws of the window and of those before it, by window.
        frame: every post with views in the window (see `load_frame`).
    """

    drawn: dict[Window, Drawn]
    frame: pd.DataFrame


@dataclass(frozen=True)
class Measured:
    """The headline estimate in every window.

    Attributes:
        study: what was asked.
        loaded: what was read.
        estimates, shares: by window.
    """

    study: Study
    loaded: Loaded
    estimates: dict[Window, Estimate]
    shares: dict[Window, Share]

    @property
    def drawn(self) -> Drawn:
        return self.loaded.drawn[self.study.window]

    @property
    def estimate(self) -> Estimate:
        return self.estimates[self.study.window]

    @property
    def share(self) -> Share:
        return self.shares[self.study.window]

    def may_be_shown(self, window: Window) -> bool:
        """Whether a window's share rests on enough labelled draws."""
        return self.loaded.drawn[window].labelled >= self.study.rules.base

    @property
    def confidence(self) -> float:
        return float(self.study.parameters.confidence)


def load(study: Study) -> Loaded:
    """The draws of the window and of the windows before it, and the window's frame.

    Raises:
        NoData: the window has no labelled draw of the market.
    """
    windows = [study.window]
    for _ in range(study.parameters.history - 1):
        windows.append(windows[-1].previous())
    drawn = load_draws(study, windows)
    if study.window not in drawn:
        raise NoData(f"no labelled draws of {study.market.name} in {study.window}")
    return Loaded(drawn, load_frame(study, study.window))


def estimate(study: Study, loaded: Loaded) -> Measured:
    """The share of views that went to violating content, in every window."""
    estimates = {window: d.draws.items.ratio() for window, d in loaded.drawn.items()}
    confidence = study.parameters.confidence
    shares = {
        window: to_share(found, loaded.drawn[window].labelled, confidence)
        for window, found in estimates.items()
    }
    return Measured(study, loaded, estimates, shares)


def headline(measured: Measured) -> Finding:
    """The number, its interval, what it rests on, and whether it moved."""
    study, share, drawn = measured.study, measured.share, measured.drawn
    before = _against_before(measured)
    what = f"views in {study.market.name} went to violating content in {study.window}"
    text = share.said(what)
    if before:
        text += f" {before.text[0].upper()}{before.text[1:]}."
    return Finding(
        name=METRIC,
        title=TITLE,
        text=text,
        value=share.value or 0.0,
        low=share.low,
        high=share.high,
        unit="share",
        confidence=measured.confidence,
        sample=f"{drawn.labelled:,} labelled draws of {len(drawn.draws.items.label):,} posts",
        comparisons=(before,) if before else (),
        verdict=before.verdict if before else "level",
        meaning=before.meaning if before else "neutral",
        headline=True,
        notes=_notes(measured),
    )


def _against_before(measured: Measured) -> Comparison | None:
    study, share = measured.study, measured.share
    window = study.window.previous()
    if window not in measured.shares or not measured.may_be_shown(window):
        return None
    other = measured.shares[window]
    found = gap(share.ends, other.ends)
    verdict = "up" if found.low > 0 else "down" if found.high < 0 else "no_change"
    meaning = {"up": "worse", "down": "better", "no_change": "neutral"}[verdict]
    scale = share_scale(share.value, share.low, share.high)
    said = {
        "up": f"above {window.label} ({scale.short(other.ends[0])}), beyond its uncertainty",
        "down": f"below {window.label} ({scale.short(other.ends[0])}), beyond its uncertainty",
        "no_change": f"no clear change from {window.label} ({scale.short(other.ends[0])})",
    }
    return Comparison(
        label=window.label,
        value=other.ends[0],
        difference=found.value,
        low=found.low,
        high=found.high,
        verdict=verdict,
        meaning=meaning,
        text=said[verdict],
    )


def _notes(measured: Measured) -> tuple[str, ...]:
    drawn, window = measured.drawn, measured.study.window
    found = [LABELS, _other_estimate(measured)]
    if drawn.unlabelled:
        found.append(
            f"{drawn.unlabelled:,} draws have no label yet and are left out; if these differ from "
            "the others, so does the number."
        )
    if window.start.weekday() or window.end.weekday():
        found.append(
            "Draws are made week by week; of a week that this window cuts, the draws inside stand "
            "for the views inside."
        )
    return tuple(found)


def _other_estimate(measured: Measured) -> str:
    """What another page says of the same share, and why: its readers may have seen it."""
    other, share = float(measured.drawn.draws.hajek().value), measured.share
    scale = share_scale(share.value, share.low, share.high)
    return (
        f"This is the headline number of the rate. Core metrics says {scale.short(other)}: from "
        "the same draws it counts a post as often as it was drawn, so that days and markets add "
        "up, where this counts each post once, which is more precise; the gap is chance."
    )


def trend(measured: Measured) -> Figure:
    """The rate in consecutive windows, each by itself."""
    study = measured.study
    windows = [window for window in measured.shares if measured.may_be_shown(window)]
    windows = sorted({*windows, study.window}, key=lambda window: window.start)
    shares = [measured.shares[window] for window in windows]
    least = min(measured.loaded.drawn[window].labelled for window in windows)
    share = measured.share
    scale = share_scale(share.value, share.low, share.high)
    drawn = Trend(
        name="prevalence_trend",
        subject=f"{TITLE} in {study.market.name}",
        labels=[window.label for window in windows],
        starts=[window.start for window in windows],
        value=[each.ends[0] for each in shares],
        low=[each.low for each in shares],
        high=[each.high for each in shares],
        unit="share",
        show=scale.short,
        confidence=measured.confidence,
        marked=windows.index(study.window),
        breaks=[
            Break(each.date, each.what)
            for each in study.project.annotations
            if each.market in ("all", study.market.code)
            and each.metric in ("all", METRIC)
            and windows[0].start <= each.date < windows[-1].end
        ],
        rests_on=least,
    )
    low, high = np.nanmin(drawn.value), np.nanmax(drawn.value)
    title = (
        f"{TITLE}: {scale.short(share.ends[0])} in {study.window}; {scale.short(float(low))} to "
        f"{scale.short(float(high))} in {len(windows)} windows"
    )
    caption = (
        f"Share of views that went to violating content. Band: {measured.confidence:.0%} interval "
        f"of each window by itself, from its own draws, {least:,} or more. {SOURCE}"
    )
    return trend_figure(drawn, title=title, caption=caption)


def by_part(measured: Measured) -> list[Finding | Figure | Table]:
    """Where violating views are: which parts differ, the chart, the table."""
    # A part may be nearly all of the market: it is told only where the market is.
    told = measured.may_be_shown(measured.study.window)
    domains = prevalence_domains.estimate_domains(measured) if told else []
    if not domains:
        return [prevalence_domains.where(measured, domains)]
    return [
        prevalence_domains.where(measured, domains),
        prevalence_domains.domain_figure(measured, domains),
        prevalence_domains.domain_table(measured, domains),
    ]


def if_labels_err(measured: Measured) -> list[Finding | Table]:
    """What the number would be, were labels as often wrong as raters are."""
    found = prevalence_labels.label_errors(measured)
    finding = prevalence_labels.label_finding(measured, found)
    table = prevalence_labels.accuracy_table(measured, found)
    return [finding] if table.frame["right"].isna().all() else [finding, table]


def checks(measured: Measured) -> list[Finding | Table]:
    """The same share by other estimators, and whether the sample fits the views."""
    return [
        prevalence_checks.weights_finding(measured),
        prevalence_checks.check_table(measured, prevalence_checks.estimators(measured)),
    ]


def validation(measured: Measured) -> list[Finding | Table]:
    """What the interval does when this window's design is drawn many times anew."""
    found = prevalence_validation.validate(measured)
    return [
        prevalence_validation.validation_finding(measured, found),
        prevalence_validation.validation_table(measured, found),
    ]
