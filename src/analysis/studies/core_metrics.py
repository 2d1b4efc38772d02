"""core_metrics: what the notebook of this name calls.

Every metric of params/metrics.yaml for one market and window, held against the window before and
the same window last year. Definitions are in the catalogue, statistics in `methods`, and the
sentences in `metrics_words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import pandas as pd
from pydantic import Field

from analysis.calendar import Window
from analysis.errors import NoData, UserError
from analysis.figures.displays import Column, Figure, Table
from analysis.figures.trend import Break, Trend, trend_figure
from analysis.methods.buckets import Floats
from analysis.metrics.catalogue import GROUPS, Catalogue
from analysis.metrics.cube import Slice, build_cubes, open_cubes
from analysis.metrics.estimate import Move, Rules, Series, estimate_all, judge
from analysis.project import Project
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Finding
from analysis.studies.metric_words import MetricWords, move_word, summary

BEFORE, YEAR = "before", "year"
NOT_MOVED = 2


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    trend_windows: int = Field(26, ge=4, le=104, description="how many windows the charts show")
    confidence: float = Field(0.95, ge=0.8, le=0.99, description="of the intervals")
    main_points: int = Field(6, ge=1, le=10, description="the most metrics among the main points")


@dataclass(frozen=True)
class Loaded:
    """The sums that a run reads.

    Attributes:
        rows: the slice of the cubes.
        others: the places of the windows to compare with; None where the data do not hold one.
        trend: the places of the windows of the charts, oldest first.
        last: the last local day with data.
    """

    rows: Slice
    others: dict[str, int | None]
    trend: tuple[int, ...]
    last: date


def prepare(project: Project) -> None:
    """Makes the cubes that are missing, once before many runs; a run alone makes them itself."""
    build_cubes(project)


def load(study: Study) -> Loaded:
    """Reads the market's sums in the window, in those before it, and in the same one last year.

    Raises:
        NoData: the market has no rows, or none in the window.
    """
    cubes = open_cubes(study.project)
    days = cubes.days(study.market, cubes.catalogue.clock(study.spec.clock))
    if days is None:
        raise NoData(f"the data hold no rows of {study.market.name}")
    first, last = days
    windows = _windows(study.window, first, study.parameters.trend_windows)
    trend = tuple(reversed(range(len(windows))))
    year = study.window.year_before()
    if year.start >= first and year not in windows:
        windows.append(year)
    places = {window: place for place, window in enumerate(windows)}
    others = {BEFORE: places.get(study.window.previous()), YEAR: places.get(year)}
    loaded = Loaded(cubes.slice(study.market, windows), others, trend, last)
    if not loaded.rows.any(0):
        span = f"the data hold {first} to {last}"
        raise NoData(f"no rows of {study.market.name} in {study.window}; {span}")
    return loaded


def _windows(window: Window, first: date, most: int) -> list[Window]:
    """The window and those of its kind before it that the data hold whole, newest first."""
    found = [window]
    while len(found) < most and found[-1].previous().start >= first:
        found.append(found[-1].previous())
    return found


@dataclass(frozen=True)
class Measured:
    """Every metric with its intervals and verdicts.

    Attributes:
        study, loaded: what was measured.
        series: by metric, over the loaded windows; the window in question is the first.
        moves: by metric and comparison (`before`, `year`).
        rules: when a difference was called a move.
    """

    study: Study
    loaded: Loaded
    series: dict[str, Series]
    moves: dict[tuple[str, str], Move]
    rules: Rules

    @property
    def catalogue(self) -> Catalogue:
        return self.loaded.rows.catalogue

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """Every metric's finding, by metric, main points first."""
        ranked = sorted(self.series, key=self._rank)
        points = [name for name in ranked if self._rank(name)[0] < NOT_MOVED]
        points = points[: self.study.parameters.main_points]
        return {name: self.words(name).finding(headline=name in points) for name in ranked}

    def _rank(self, name: str) -> tuple[int, float]:
        """Metrics that always belong to the main points, then moves, then the rest; each by how
        far beyond its uncertainty it moved, or how near it came."""
        moves = [self.moves[name, other] for other in self.loaded.others]
        called = [move.score for move in moves if move.called]
        if self.series[name].metric.always:
            return 0, 0.0
        return (1, -max(called)) if called else (NOT_MOVED, -max(move.score for move in moves))

    def words(self, name: str) -> MetricWords:
        """A metric's number and comparisons, to be said."""
        return MetricWords(
            self.series[name],
            {other: self.moves[name, other] for other in self.loaded.others},
            {BEFORE: self.study.window.previous(), YEAR: self.study.window.year_before()},
            self.study.window,
            self.study.project.settings.minimum_cell,
            self._warnings(name),
        )

    def _warnings(self, name: str) -> tuple[str, ...]:
        """What is particular to this window: days that are missing or not yet known."""
        after, window = self.loaded.last + timedelta(days=1), self.study.window
        found = []
        if window.end > after:
            found.append(f"The data end with {self.loaded.last}; the window is not complete.")
        hours = self.series[name].metric.matures_hours
        if hours and window.end + timedelta(hours=hours) > after:
            found.append(
                f"What came in the last {hours:g} hours of the data is not counted yet, so this "
                "number rests on the earlier days and will still move."
            )
        return tuple(found)


def estimate(study: Study, loaded: Loaded) -> Measured:
    """Every metric's number and interval, and whether it moved."""
    rules = Rules(
        *(_threshold(study, name) for name in ("fewest_events", "false_calls", "smallest_change"))
    )
    confidence = study.parameters.confidence
    series = estimate_all(loaded.rows, confidence=confidence)
    moves = judge(series, 0, loaded.others, rules)
    return Measured(study, loaded, series, moves, rules)


def _threshold(study: Study, name: str) -> float:
    if name not in study.spec.thresholds:
        raise UserError(f"params/studies/{study.name}.yaml", f"thresholds: {name} is missing")
    return study.spec.thresholds[name]


def what_moved(measured: Measured) -> Finding:
    """How many metrics moved, and which: the first sentence of the analysis."""
    study, moves = measured.study, measured.moves
    titles = {name: series.metric.title for name, series in measured.series.items()}
    return summary(
        titles, moves, {BEFORE: study.window.previous(), YEAR: study.window.year_before()}
    )


def main_points(measured: Measured) -> list[Finding]:
    """The metrics that are always told, then what moved, clearest first."""
    return [finding for finding in measured.findings.values() if finding.headline]


def other_metrics(measured: Measured) -> list[Finding]:
    """The metrics that are no main points, in the catalogue's order."""
    found = (measured.findings[name] for name in measured.series)
    return [finding for finding in found if not finding.headline]


def overview(measured: Measured) -> Table:
    """Every metric in one table: now, before, a year before."""
    rows = [
        {"group": GROUPS[series.metric.group], **measured.words(name).row()}
        for name, series in measured.series.items()
    ]
    order = list(GROUPS.values())
    rows.sort(key=lambda row: order.index(row["group"]))
    study = measured.study
    before, year = study.window.previous().label, study.window.year_before().label
    columns = (
        Column("group", "Group"),
        Column("title", "Metric"),
        Column("value", f"{study.window}"),
        Column("interval", f"{study.parameters.confidence:.0%} interval"),
        Column(BEFORE, before),
        Column(f"{BEFORE}_change", f"Change from {before}"),
        Column(f"{BEFORE}_verdict", "Verdict"),
        Column(YEAR, year),
        Column(f"{YEAR}_change", f"Change from {year}"),
        Column(f"{YEAR}_verdict", "Verdict, year"),
    )
    note = (
        f"Changes with their intervals. A verdict allows for {len(measured.moves)} comparisons at "
        f"once: of the moves called, at most {measured.rules.false_calls:.0%} are expected to be "
        f"chance. Changes below {measured.rules.smallest_change:.0%} are not called."
    )
    caption = f"All metrics of {study.market.name} in {study.window}"
    return Table("metrics", caption, pd.DataFrame(rows), columns, note)


def trends(measured: Measured) -> list[Figure]:
    """A chart for each main point."""
    points = {finding.name for finding in main_points(measured)}
    return [_trend(measured, name) for name in measured.findings if name in points]


def _trend(measured: Measured, name: str) -> Figure:
    series, study = measured.series[name], measured.study
    places = list(measured.loaded.trend)
    windows = [measured.loaded.rows.windows[place] for place in places]
    words, value = measured.words(name), series.value(0)
    value_of, low_of, high_of = (
        (array[places] * words.factor).tolist() for array in _arrays(series)
    )
    trend = Trend(
        name=f"trend_{name}",
        subject=f"{series.metric.title} in {study.market.name}",
        labels=[window.label for window in windows],
        starts=[window.start for window in windows],
        value=value_of,
        low=low_of,
        high=high_of,
        unit=words.unit,
        show=lambda number: words.scale.short(number / words.factor),
        confidence=series.confidence,
        marked=len(places) - 1,
        breaks=_breaks(study, name, windows[0].start, windows[-1].end),
    )
    verdict = move_word(measured.moves[name, BEFORE].verdict, study.window.previous().label)
    shown = "no value" if value is None else words.scale.short(value)
    title = f"{trend.subject}: {shown} in {study.window}, {verdict}"
    band = f"Band: {series.confidence:.0%} interval of each window by itself."
    return trend_figure(trend, title=title, caption=f"{series.metric.question} {band}")


def _breaks(study: Study, metric: str, first: date, end: date) -> list[Break]:
    """The known breaks of a metric in this market, between two days."""
    return [
        Break(each.date, each.what)
        for each in study.project.annotations
        if each.market in ("all", study.market.code)
        and each.metric in ("all", metric)
        and first <= each.date < end
    ]


def _arrays(series: Series) -> tuple[Floats, Floats, Floats]:
    return series.found.value, series.interval.low, series.interval.high


def definitions(measured: Measured) -> Table:
    """What each metric means and what a reader should keep in mind."""
    rows = [
        {"title": m.title, "question": m.question, "traps": " ".join(m.traps), "source": m.source}
        for m in measured.catalogue.metrics.values()
    ]
    columns = (
        Column("title", "Metric"),
        Column("question", "What it answers"),
        Column("traps", "Keep in mind"),
        Column("source", "After"),
    )
    return Table("definitions", "What the metrics mean", pd.DataFrame(rows), columns)


def counting(measured: Measured) -> Table:
    """How each metric is counted, as params/metrics.yaml has it."""
    catalogue = measured.catalogue
    rows = [_counted(catalogue, name) for name in catalogue.metrics]
    columns = (
        Column("title", "Metric"),
        Column("rows", "Counted over"),
        Column("sql", "Counted as (SQL)"),
        Column("cluster", "Rows kept together"),
    )
    note = (
        "Rows of one creator are alike, and intervals allow for it; labelled draws are independent "
        "of each other by design."
    )
    return Table("counting", "How the metrics are counted", pd.DataFrame(rows), columns, note)


def _counted(catalogue: Catalogue, name: str) -> Mapping[str, str]:
    metric = catalogue.metrics[name]
    facts = [catalogue.facts[fact] for fact in dict.fromkeys((metric.fact, metric.base_fact))]
    if metric.kind == "quantile":
        sql = f"quantile {metric.quantile:g} of {metric.value} where {metric.where}"
        sql += f"; still waiting where {metric.waiting}" if metric.waiting else ""
    elif metric.kind == "count":
        sql = f"sum of ({metric.numerator})"
    else:
        sql = f"sum of ({metric.numerator}) over sum of ({metric.denominator})"
    return {
        "title": metric.title,
        "rows": "; ".join(fact.title for fact in facts),
        "sql": sql,
        "cluster": catalogue.clusters[facts[0].cluster].title,
    }
