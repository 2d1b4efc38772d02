"""The metrics of one group in a table and in small multiples: what a page of core_metrics is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.figures.breaks import Break
from analysis.figures.displays import Column, Figure, Table
from analysis.figures.multiples import Multiples, multiples_figure
from analysis.figures.panels import Panel
from analysis.methods.buckets import Floats
from analysis.metrics.catalogue import GROUPS, Metric
from analysis.safeguards.disclosure.rates import RATE_UNITS, unsafe_each
from analysis.studies.metric_alerts import expected_clause, misled
from analysis.studies.metric_moves import move_word
from analysis.studies.words import join

if TYPE_CHECKING:
    from analysis.studies.core_metrics import Measured

BEFORE, YEAR = OTHERS = "before", "year"
#: What numbers without a sign are of.
COUNTED = {
    "per_hundred": "per 100",
    "per_thousand": "per 1,000",
    "per_million": "per million",
    "count": "count",
}
ALLOWED = (
    "Intervals are of each change by itself; verdicts allow for the comparisons of all metrics, so "
    "a change whose interval leaves out zero may be no clear one."
)
UNWATCHED = "–: too few events or windows to expect anything."


@dataclass(frozen=True)
class MetricGroup:
    """The metrics of one group of the catalogue, in its order.

    Attributes:
        name: its key.
        measured: what the metrics were measured in.
        metrics: their names.
    """

    name: str
    measured: Measured
    metrics: tuple[str, ...]

    @property
    def title(self) -> str:
        return GROUPS[self.name]

    def table(self) -> Table:
        """Number, interval, changes and verdicts, a row for each metric."""
        study = self.measured.study
        window, before = study.window, study.window.previous().label
        year = study.window.year_before().label
        columns = (
            Column("title", "Metric"),
            Column("value", f"{window}"),
            Column("interval", f"{study.parameters.confidence:.0%} interval"),
            Column("expected", "Expected"),
            Column(f"{BEFORE}_change", f"Change from {before}"),
            Column(f"{BEFORE}_verdict", "Verdict"),
            Column(f"{YEAR}_change", f"Change from {year}"),
            Column(f"{YEAR}_verdict", "Verdict, year"),
        )
        rows = [self._row(name) for name in self.metrics]
        caption = f"{self.title} in {study.market.name}, {window}"
        note = "" if all(row["expected"] != "–" for row in rows) else UNWATCHED
        note = f"{note} {ALLOWED}".strip() if allowed_for(self.measured, self.metrics) else note
        name, least = f"{self.name}_metrics", study.rules.base  # a row goes with its finding
        return Table(name, caption, pd.DataFrame(rows), columns, note, rests_on=least)

    def _row(self, name: str) -> dict[str, str]:
        """A metric's cells, its unit with its title where its numbers have none."""
        counted = _counted(self.measured.series[name].metric)
        row = self.measured.words(name).row()
        return row | {"title": f"{row['title']} ({counted})"} if counted else row

    def figure(self) -> Figure | None:
        """Every metric over the windows before that has a number to show in one; None for none."""
        measured, study = self.measured, self.measured.study
        windows = [measured.loaded.rows.windows[place] for place in measured.loaded.trend]
        breaks = self._breaks()
        panels = [self._panel(name, breaks) for name in self.metrics]
        shown = [panel for panel in panels if np.isfinite(panel.value).any()]
        if not shown:
            return None
        made = Multiples(
            name=f"{self.name}_trends",
            subject=f"{self.title} in {study.market.name}",
            labels=[window.label for window in windows],
            starts=[window.start for window in windows],
            panels=shown,
            confidence=study.parameters.confidence,
            breaks=[made for made, _ in breaks],
        )
        caption = (
            f"Each panel has a scale of its own. Line: the number in each window; bars: its "
            f"{study.parameters.confidence:.0%} interval; diamond: {study.window}. Shaded: what "
            f"was expected of each window from those before it; triangles: alerts. {self._source()}"
        )
        few = [panel.title for panel in panels if panel not in shown]
        caption += f" Too few to show: {join(few)}." if few else ""
        return multiples_figure(made, title=self._says(), caption=caption)

    def _source(self) -> str:
        """What rows the numbers are of."""
        catalogue = self.measured.catalogue
        names = [name for key in self.metrics for name in _facts(catalogue.metrics[key])]
        return f"Source: {'; '.join(catalogue.facts[name].title for name in dict.fromkeys(names))}."

    def _says(self) -> str:
        """What moved of the group, as the figure's title."""
        measured = self.measured
        label = measured.study.window.previous().label
        moved = [
            f"{measured.series[name].metric.title} {measured.moves[name, BEFORE].verdict}"
            for name in self.metrics
            if measured.moves[name, BEFORE].called
        ]
        start = f"{self.title} in {measured.study.market.name}, {measured.study.window}"
        outlooks = measured.watched.outlooks
        raised = [name for name in self.metrics if name in outlooks and outlooks[name].now]
        diagnostics = [name for name in raised if measured.catalogue.metrics[name].diagnostic]
        apart = misled(measured) - set(diagnostics)
        alerts = [name for name in raised if name not in apart]
        if alerts:
            return f"{start}: alert{'s' if len(alerts) > 1 else ''} for {self._listed(alerts)}"
        if raised:
            return f"{start}: not to be read as behaviour: {self._listed(raised)}"
        if not moved:
            return f"{start}: no clear change from {label}"
        return f"{start}: {'; '.join(moved)} from {label}"

    def _listed(self, names: list[str]) -> str:
        return "; ".join(self.measured.series[name].metric.title for name in names)

    def _panel(self, name: str, breaks: list[tuple[Break, str]]) -> Panel:
        measured, series = self.measured, self.measured.series[name]
        words, places = measured.words(name), list(measured.loaded.trend)
        scale = words.trend_scale
        factor, label = words.factor, measured.study.window.previous().label
        shown = self._may_be_shown(name)
        factors = np.where(shown, factor, np.nan)  # over too few: no number
        ends, alerts, expected = self._expected(name, shown)
        told = words.unit in RATE_UNITS  # what a time or a count rests on is no base of a share
        return Panel(
            name=name,
            title=series.metric.title,
            value=series.found.value[places] * factors,
            low=series.interval.low[places] * factors,
            high=series.interval.high[places] * factors,
            units=np.where(shown & told, series.units[places], np.nan),
            unit=words.unit,
            show=lambda number: scale.short(number / factor),
            verdict=move_word(measured.moves[name, BEFORE].verdict, label) + expected,
            word=scale.symbol if scale.symbol.startswith(" ") else "",
            counted=_counted(series.metric),
            expected_low=ends[0] * factor,
            expected_high=ends[1] * factor,
            alerts=alerts,
            breaks=[at for at, (_, metric) in enumerate(breaks) if metric in ("all", name)],
        )

    def _may_be_shown(self, name: str) -> NDArray[np.bool_]:
        """Of which windows a number may be shown: of those that single nobody out."""
        series, rules = self.measured.series[name], self.measured.study.rules
        places, unit = list(self.measured.loaded.trend), self.measured.words(name).unit
        units = series.units[places]
        shown: NDArray[np.bool_] = np.isfinite(rules.enough(units, unit))
        finding = self.measured.findings[name]
        said = finding.statement()
        if unit not in RATE_UNITS:
            return shown & (not said.unsafe(rules))
        outlook, bases = self.measured.watched.outlooks.get(name), np.nan_to_num(units).round()
        ends = (series.found.value, series.interval.low, series.interval.high)
        numbers = [each[places] for each in ends]
        if outlook is not None:
            numbers += [outlook.low[-len(places) :], outlook.high[-len(places) :]]
        safe = shown & ~unsafe_each(np.array(numbers), bases, rules).any(0)
        safe[-1] &= not said.unsafe(rules)
        # Where a few cases are withheld and none is shown, zeros would say that there are none.
        return safe & ((safe == shown).all() or numbers[0][safe].any())

    def _expected(
        self, name: str, enough: NDArray[np.bool_]
    ) -> tuple[tuple[Floats, Floats], list[int], str]:
        """What was expected in the windows shown, where alerts were, and the last in words; nothing
        of windows whose number is not shown."""
        measured, outlook = self.measured, self.measured.watched.outlooks.get(name)
        count = len(measured.loaded.trend)
        if outlook is None:
            return (np.empty(0), np.empty(0)), [], ""
        words = measured.words(name)
        clause = expected_clause(outlook, measured.series[name].value(0), words.expected())
        alerts = np.flatnonzero(outlook.alarm[-count:]).tolist()
        low, high = (np.where(enough, e[-count:], np.nan) for e in (outlook.low, outlook.high))
        return (low, high), alerts, f", {clause}" if clause and enough[-1] else ""

    def _breaks(self) -> list[tuple[Break, str]]:
        """The known breaks of these metrics in this market, with whose they are."""
        measured = self.measured
        windows = [measured.loaded.rows.windows[place] for place in measured.loaded.trend]
        first, end = windows[0].start, windows[-1].end
        return [
            (Break(each.date, each.what), each.metric)
            for each in measured.study.project.annotations
            if each.market in ("all", measured.study.market.code)
            and each.metric in ("all", *self.metrics)
            and first <= each.date < end
        ]


def allowed_for(measured: Measured, names: Iterable[str]) -> bool:
    """Whether a change that by itself would be clear is none among all comparisons."""
    moves = (measured.moves[name, other] for name in names for other in OTHERS)
    clear = (m.difference for m in moves if m.difference and m.verdict == "no_change")
    return any(float(each.low) > 0 or float(each.high) < 0 for each in clear)


def _counted(metric: Metric) -> str:
    """What a metric's bare numbers are of; empty where they have a sign or its title says it."""
    return "" if " per " in metric.title else COUNTED.get(metric.kind, "")


def _facts(metric: Metric) -> tuple[str, str]:
    return metric.fact, metric.base_fact


def metric_groups(measured: Measured) -> list[MetricGroup]:
    """The groups that have a metric, in the catalogue's order."""
    metrics = {name: series.metric.group for name, series in measured.series.items()}
    made = [
        MetricGroup(group, measured, tuple(name for name in metrics if metrics[name] == group))
        for group in GROUPS
    ]
    return [group for group in made if group.metrics]
