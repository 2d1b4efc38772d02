"""One metric by the levels of a dimension, such as each policy's violative view rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.calendar import Market, Window
from analysis.errors import UserError, unknown
from analysis.metrics.catalogue import Metric, load_catalogue
from analysis.metrics.cube import Cubes, Slice, open_cubes
from analysis.metrics.estimate import Series, estimate
from analysis.project import Project
from analysis.studies.base import open_study
from analysis.studies.metric_words import MetricWords
from analysis.studies.one_metric import STUDY

#: So many windows before the one in question tell how alike the rows of one unit are, where the
#: window itself holds too few events to show it.
BEFORE = 7


@dataclass(frozen=True)
class ByLevel:
    """A metric at each level of a dimension.

    Attributes:
        metric: from the catalogue.
        dimension: what tells the rows apart.
        market, window: what was asked for.
        series: by level, the one with the largest number first.
        minimum_cell: counts below it are not said.
    """

    metric: Metric
    dimension: str
    market: Market
    window: Window
    series: dict[str, Series]
    minimum_cell: int

    def lines(self) -> list[str]:
        """For a person."""
        name = next(iter(self.series.values())).name
        title = f"{self.metric.title} ({name}) by {self.dimension}"
        said = {level: words.text() for level, words in self._words().items()}
        width = max(map(len, said))
        return [
            f"{title}: {self.market.name}, {self.window}",
            self.metric.question,
            "",
            *(f"{level:<{width}}  {text}" for level, text in said.items()),
            "",
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
                level: {
                    "value": series.value(0),
                    "low": series.limits(0)[0],
                    "high": series.limits(0)[1],
                    "confidence": series.confidence,
                    "text": words.text(),
                }
                for (level, series), words in zip(
                    self.series.items(), self._words().values(), strict=True
                )
            },
        }

    def _words(self) -> dict[str, MetricWords]:
        return {
            level: MetricWords(series, {}, {}, self.window, self.minimum_cell)
            for level, series in self.series.items()
        }


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
        level or "(none)": estimate(rows, name, confidence=confidence)
        for level, rows in _levels(cubes, whole, study.market, metric, dimension).items()
    }
    ordered = sorted(found.items(), key=lambda each: -(each[1].value(0) or 0.0))
    minimum = project.settings.minimum_cell
    return ByLevel(metric, dimension, study.market, study.window, dict(ordered), minimum)


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
