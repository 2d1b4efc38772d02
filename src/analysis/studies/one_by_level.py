"""One metric by the levels of a dimension, such as each policy's violative view rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.calendar import Market, Window
from analysis.errors import UserError, unknown
from analysis.metrics.catalogue import Metric, load_catalogue
from analysis.metrics.cube import Cubes, Slice, open_cubes
from analysis.metrics.estimate import Series, estimate
from analysis.metrics.words import BASES
from analysis.project import Project
from analysis.safeguards.disclosure import SUPPRESSED, Rules, Sheet, control
from analysis.safeguards.disclosure.rates import RATE_UNITS, count_of
from analysis.safeguards.disclosure.sheets import Value
from analysis.studies.base import open_study
from analysis.studies.metric_moves import unit_of
from analysis.studies.metric_words import MetricWords
from analysis.studies.one_metric import STUDY

#: So many windows before the one in question tell how alike the rows of one unit are, where the
#: window itself holds too few events to show it.
BEFORE = 7
#: What rows without a level are called, and all rows.
NONE, WHOLE = "(none)", "(all)"


@dataclass(frozen=True)
class ByLevel:
    """A metric at each level of a dimension.

    Attributes:
        metric: from the catalogue.
        dimension: what tells the rows apart.
        market, window: what was asked for.
        series: by level, the one with the largest number first, those that are withheld last.
        withheld: levels whose number disclosure control hides.
        rules: its.
    """

    metric: Metric
    dimension: str
    market: Market
    window: Window
    series: dict[str, Series]
    withheld: frozenset[str]
    rules: Rules

    def lines(self) -> list[str]:
        """For a person."""
        name = next(iter(self.series.values())).name
        title = f"{self.metric.title} ({name}) by {self.dimension}"
        said = self._said()
        width = max(map(len, said))
        return [
            f"{title}: {self.market.name}, {self.window}",
            self.metric.question,
            "",
            *(f"{level:<{width}}  {text}" for level, text in said.items()),
            "",
            *([self._why()] if self.withheld else []),
            "intervals hold for each alone; of many, one in twenty may miss",
            *(f"keep in mind: {trap}" for trap in self.metric.traps),
            f"after: {self.metric.source}",
        ]

    def values(self) -> dict[str, Any]:
        """For a program."""
        return {
            "market": self.market.code,
            "window": self.window.label,
            "dimension": self.dimension,
            "levels": {
                level: {**self._numbers(level), "text": text}
                for level, text in self._said().items()
            },
        }

    def _said(self) -> dict[str, str]:
        found = {
            level: MetricWords(series, {}, {}, self.window, self.rules.minimum).text()
            for level, series in self.series.items()
        }
        return found | dict.fromkeys(self.withheld, SUPPRESSED)

    def _numbers(self, level: str) -> dict[str, float | None]:
        series = self.series[level]
        low, high = series.limits(0)
        known = {"value": series.value(0), "low": low, "high": high}
        kept = dict.fromkeys(known) if level in self.withheld else known
        return {**kept, "confidence": series.confidence}

    def _why(self) -> str:
        few = f"a rate over fewer than {self.rules.base}, a count below {self.rules.minimum}"
        return f"{SUPPRESSED}: {few}, or what would give one away"


def ask_by_level(project: Project, name: str, market: str, window: str, dimension: str) -> ByLevel:
    """A metric at each level of a dimension that the market has ever had rows of.

    Raises:
        UserError: a metric, dimension, market or window that is not there (names the nearest), or
            no rows.
    """
    catalogue = load_catalogue(project)
    if name not in catalogue.metrics:
        raise unknown("metric", name, catalogue.metrics)
    metric = catalogue.metrics[name]
    facts = [catalogue.facts[fact] for fact in {metric.fact, metric.base_fact}]
    known = sorted(set.intersection(*(set(fact.dimensions) for fact in facts)))
    if not known:
        problem = f"{name} can't be told apart; its fact has no dimensions in params/metrics.yaml"
        raise UserError("--by", problem)
    if dimension not in known:
        raise unknown("--by", dimension, known)
    given = {**project.study(STUDY).parameters, "market": market, "window": window}
    study = open_study(STUDY, **given)
    cubes, windows = open_cubes(project), [study.window]
    while len(windows) <= BEFORE:
        windows.append(windows[-1].previous())
    whole = cubes.slice(study.market, windows)
    if not any(
        whole.sums(metric.base_fact, sql)[0].any() for sql in cubes.catalogue.sums(metric.base_fact)
    ):
        raise UserError("window", f"no rows of {study.market.name} in {study.window}")
    confidence = float(study.parameters.confidence)
    found = {
        level or NONE: estimate(rows, name, confidence=confidence)
        for level, rows in _levels(cubes, whole, study.market, metric, dimension).items()
    }
    hidden = withheld({**found, WHOLE: estimate(whole, name)}, study.rules) - {WHOLE}
    ordered = sorted(found, key=lambda level: _place(level, found[level], hidden))
    series = {level: found[level] for level in ordered}
    return ByLevel(metric, dimension, study.market, study.window, series, hidden, study.rules)


def _place(level: str, series: Series, hidden: frozenset[str]) -> tuple[bool, float, str]:
    """The largest number first; where a withheld one would stand among them says what it is."""
    last = level in hidden
    return last, 0.0 if last else -(series.value(0) or 0.0), level


def withheld(series: Mapping[str, Series], rules: Rules) -> frozenset[str]:
    """The levels whose number may not be shown beside the others' and that of all rows.

    As a page's table would have them: what each is a rate of, and the count that it tells.
    """
    unit = unit_of(next(iter(series.values())).metric)
    rows: list[list[Value]] = []
    for level, each in series.items():
        value, units = each.value(0), round(float(each.units[0]))
        told = None if value is None or unit not in RATE_UNITS else count_of(value, units)
        rows.append([level, told, units, value and value * BASES.get(each.metric.kind, 1.0)])
    keys = ("level", "cases", "units", "value")
    sheet = Sheet("by_level", keys, keys, ("", "count", "count", unit), rows)
    control([sheet], [], rules)
    small = {row for row, at in sheet.hidden}
    small |= {row for row, each in enumerate(series.values()) if _rests_on_few(each, rules)}
    return frozenset(level for row, level in enumerate(series) if row in small)


def _rests_on_few(series: Series, rules: Rules) -> bool:
    """Whether a number rests on fewer than it must, also one of zero, which bounds a rate."""
    units = float(series.units[0])
    return 0 < units < rules.least(unit_of(series.metric))


def _levels(
    cubes: Cubes, whole: Slice, market: Market, metric: Metric, dimension: str
) -> dict[str, Slice]:
    """A slice for each level; of an outcome, with all rows below what is counted."""
    fact = cubes.catalogue.facts[metric.fact]
    parts = {
        level: cubes.slice(market, whole.windows, {dimension: level})
        for level in cubes.levels(market, metric.fact, dimension)
    }
    if dimension not in fact.outcomes:
        return parts
    counted = [(f, sql) for key, f, sql in metric.expressions() if key in ("numerator", "events")]
    return {level: whole.counting(part, counted) for level, part in parts.items() if level}
