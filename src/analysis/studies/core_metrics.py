"""core_metrics: what the notebook of this name calls.

Every metric of params/metrics.yaml for one market and window, held against the window before and
the same window last year. Definitions are in the catalogue, statistics in `methods`, and the
sentences in `metrics_words`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from pydantic import Field

from analysis.calendar import Window
from analysis.errors import NoData, UserError
from analysis.figures.displays import Figure, Table
from analysis.metrics.catalogue import Catalogue
from analysis.metrics.cube import Cubes, Slice, build_cubes, open_cubes
from analysis.metrics.estimate import Move, Rules, Series, estimate_all, judge
from analysis.metrics.levels import Levels
from analysis.metrics.monitoring import Promise, Watched
from analysis.metrics.provisional import Provisional, provisional
from analysis.project import Project
from analysis.studies import metric_alerts, metric_definitions, metric_levels, metric_provisional
from analysis.studies.base import Study, StudyParameters
from analysis.studies.findings import Finding
from analysis.studies.metric_groups import BEFORE, YEAR, metric_groups
from analysis.studies.metric_moves import shown, summary
from analysis.studies.metric_words import MetricWords

NOT_MOVED = 2


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    trend_windows: int = Field(26, ge=4, le=104, description="how many windows the charts show")
    history_windows: int = Field(
        65, ge=4, le=260, description="how many windows say what is expected of this one"
    )
    confidence: float = Field(0.95, ge=0.8, le=0.99, description="of the intervals")
    main_points: int = Field(6, ge=1, le=6, description="the most sentences of main points")


@dataclass(frozen=True)
class Loaded:
    """The sums that a run reads.

    Attributes:
        rows: the slice of the cubes.
        others: the places of the windows to compare with; None where the data do not hold one.
        history: the places of the windows that follow one another up to this one, oldest first.
        trend: those of them that the charts show.
        last: the last local day with data.
        cubes: where the rows come from.
    """

    rows: Slice
    others: dict[str, int | None]
    history: tuple[int, ...]
    trend: tuple[int, ...]
    last: date
    cubes: Cubes

    @property
    def after(self) -> date:
        """The first local day without data."""
        return self.last + timedelta(days=1)


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
    windows = _windows(study.window, first, study.parameters.history_windows)
    history = tuple(reversed(range(len(windows))))
    trend = history[-study.parameters.trend_windows :]
    year = study.window.year_before()
    if year.start >= first and year not in windows:
        windows.append(year)
    places = {window: place for place, window in enumerate(windows)}
    others = {BEFORE: places.get(study.window.previous()), YEAR: places.get(year)}
    loaded = Loaded(cubes.slice(study.market, windows), others, history, trend, last, cubes)
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
        watched: what each metric was expected to be.
        promise: how often an alert may be false.
        provisional: the metrics whose window is still filling.
        levels: of the metrics that are watched by a dimension.
        by_level: how often an alert of a level may be false.
    """

    study: Study
    loaded: Loaded
    series: dict[str, Series]
    moves: dict[tuple[str, str], Move]
    rules: Rules
    watched: Watched
    promise: Promise
    provisional: dict[str, Provisional]
    levels: dict[str, Levels]
    by_level: Promise

    @property
    def catalogue(self) -> Catalogue:
        return self.loaded.rows.catalogue

    @cached_property
    def findings(self) -> dict[str, Finding]:
        """Every metric's finding, by metric, main points first."""
        ranked = sorted(self.series, key=self._rank)
        told = metric_alerts.misled(self)  # once, with what changed in counting
        found = {name: self.words(name).finding() for name in ranked}
        points = [
            name
            for name in ranked
            if self._rank(name)[0] < NOT_MOVED
            and name not in told
            and not found[name].statement().unsafe(self.study.rules)  # which no page would show
        ]
        said = sum(finding.headline for finding in self.monitoring)
        points = points[: self.study.parameters.main_points - said]
        return {
            name: each.model_copy(update={"headline": name in points})
            for name, each in found.items()
        }

    @cached_property
    def monitoring(self) -> list[Finding]:
        """What was watched: changes in counting, all alerts in one sentence, those by policy."""
        by_level = [each.finding() for each in metric_levels.words(self)]
        return [*metric_alerts.counting(self), metric_alerts.alerts(self), *by_level]

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
        return self._words[name]

    @cached_property
    def _words(self) -> dict[str, MetricWords]:
        windows = {BEFORE: self.study.window.previous(), YEAR: self.study.window.year_before()}
        warnings = self._warnings()
        return {
            name: MetricWords(
                series,
                {other: self.moves[name, other] for other in self.loaded.others},
                windows,
                self.study.window,
                self.study.project.settings.minimum_cell,
                warnings,
                self.watched.outlooks.get(name),
                self.provisional.get(name),
            )
            for name, series in self.series.items()
        }

    def _warnings(self) -> tuple[str, ...]:
        """What is particular to this window: days that are missing."""
        if self.study.window.end <= self.loaded.after:
            return ()
        return (f"The data end with {self.loaded.last}; the window is not complete.",)


def estimate(study: Study, loaded: Loaded) -> Measured:
    """Every metric's number and interval, and whether it moved."""
    rules = Rules(
        *(_threshold(study, name) for name in ("fewest_events", "false_calls", "smallest_change"))
    )
    confidence = study.parameters.confidence
    series = estimate_all(loaded.rows, confidence=confidence)
    moves = {
        (name, other): shown(move, series[name], loaded.others[other], study.rules)
        for (name, other), move in judge(series, 0, loaded.others, rules).items()
    }
    promise, by_level = (
        Promise(
            _threshold(study, name), len(study.project.markets), _threshold(study, "fewest_watched")
        )
        for name in ("false_alerts", "false_alerts_by_level")
    )
    watched = metric_alerts.watch_metrics(study, loaded, series, promise)
    found = provisional(
        loaded.cubes,
        series,
        [loaded.rows.windows[place] for place in loaded.history],
        loaded.history,
        study.market,
        after=loaded.after,
    )
    levels = metric_levels.watch(study, loaded, by_level)
    return Measured(study, loaded, series, moves, rules, watched, promise, found, levels, by_level)


def _threshold(study: Study, name: str) -> float:
    if name not in study.spec.thresholds:
        raise UserError(f"params/studies/{study.name}.yaml", f"thresholds: {name} is missing")
    return study.spec.thresholds[name]


def what_moved(measured: Measured) -> Finding:
    """How many metrics moved, and which: the first sentence of the analysis."""
    study, moves = measured.study, measured.moves
    titles = {name: series.metric.title for name, series in measured.series.items()}
    windows = {BEFORE: study.window.previous(), YEAR: study.window.year_before()}
    made = sum(move.difference is not None for move in moves.values())
    note = (
        f"A verdict allows for {made} comparisons at once: of the moves called, at most "
        f"{measured.rules.false_calls:.0%} are expected to be chance. Changes below "
        f"{measured.rules.smallest_change:.0%} are not called."
    )
    return summary(titles, moves, windows, note)


def main_points(measured: Measured) -> list[Finding]:
    """Changes in counting and alerts, the metrics that are always told, what moved, clearest
    first."""
    found = [*measured.monitoring, *measured.findings.values()]
    return [finding for finding in found if finding.headline]


def watching(measured: Measured) -> list[Finding]:
    """What was watched, where it is no main point."""
    return [finding for finding in measured.monitoring if not finding.headline]


def other_metrics(measured: Measured) -> list[Finding]:
    """The metrics that are no main points, in the catalogue's order."""
    found = (measured.findings[name] for name in measured.series)
    return [finding for finding in found if not finding.headline]


def by_group(measured: Measured) -> Iterator[Figure | Table]:
    """Every metric: small multiples and a table for each group of the catalogue."""
    for group in metric_groups(measured):
        figure = group.figure()
        yield from [figure] if figure else []
        yield group.table()


def detection(measured: Measured) -> Iterator[Figure | Table]:
    """How soon a lasting move of a fifth of each metric would raise an alert."""
    return metric_alerts.detection(measured)


def by_level(measured: Measured) -> list[Table]:
    """The levels of what is watched by a dimension, and how soon a change of one is noticed."""
    return [each.table() for each in metric_levels.words(measured) if each.levels.watched]


def still_filling(measured: Measured) -> list[Table]:
    """The numbers that are not final yet and where they will end; nothing where all are."""
    return metric_provisional.still_filling(measured)


def definitions(measured: Measured) -> Table:
    """What each metric means and what a reader should keep in mind."""
    return metric_definitions.definitions(measured.catalogue)


def counting(measured: Measured) -> Table:
    """How each metric is counted, as params/metrics.yaml has it."""
    return metric_definitions.counting(measured.catalogue)
