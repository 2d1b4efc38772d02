"""One metric for one market and window, in the words and by the rules of core_metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.calendar import Market, Window
from analysis.errors import NoData, UserError, unknown
from analysis.metrics.catalogue import Catalogue, Metric, load_catalogue
from analysis.metrics.plain import plain_sql
from analysis.project import Project
from analysis.safeguards.disclosure import SUPPRESSED
from analysis.studies import core_metrics
from analysis.studies.base import open_study
from analysis.studies.findings import Finding
from analysis.studies.metric_groups import ALLOWED, BEFORE, YEAR, allowed_for

STUDY = "core_metrics"


@dataclass(frozen=True)
class Asked:
    """What is known of one metric.

    Attributes:
        metric: from the catalogue.
        catalogue: which it belongs to.
        market, window: what was asked for.
        finding: the number, its interval and its comparisons, as the study tells them.
        cells: the same as the study's table has it.
        remark: on its changes; empty for none.
        sql: a query that gives the number.
    """

    metric: Metric
    catalogue: Catalogue
    market: Market
    window: Window
    finding: Finding
    cells: dict[str, str]
    remark: str
    sql: str

    def lines(self) -> list[str]:
        """For a person."""
        metric, fact = self.metric, self.catalogue.facts[self.metric.base_fact]
        return [
            f"{metric.title} ({self.finding.name}): {self.market.name}, {self.window}",
            metric.question,
            "",
            self.finding.text,
            "",
            *self._changes(),
            *([self.remark] if self.remark else []),
            f"sample: {self.finding.sample}",
            f"uncertainty: from {self.catalogue.clusters[fact.cluster].title}, kept together",
            *(f"keep in mind: {note}" for note in self.finding.notes),
            f"after: {metric.source}",
            "",
            "counted by (`study sql` takes it):",
            self.sql,
        ]

    def _changes(self) -> list[str]:
        labels = [each.label for each in self.finding.comparisons]
        # A withheld number has no comparisons, and an alert is a third.
        return [
            f"change from {label}: {self.cells[f'{name}_change']}, {self.cells[f'{name}_verdict']}"
            for label, name in zip(labels, (BEFORE, YEAR), strict=False)
        ]

    def values(self) -> dict[str, Any]:
        """For a program."""
        return {
            "metric": self.finding.name,
            "question": self.metric.question,
            "market": self.market.code,
            "window": self.window.label,
            "finding": self.finding.model_dump(mode="json"),
            "traps": self.metric.traps,
            "source": self.metric.source,
            "sql": self.sql,
        }


def ask_metric(project: Project, name: str, market: str, window: str) -> Asked:
    """A metric as a run of core_metrics has it, all comparisons of that run allowed for.

    Raises:
        UserError: a metric, market or window that is not there (names the nearest), or no rows.
    """
    catalogue = load_catalogue(project)
    if name not in catalogue.metrics:
        raise unknown("metric", name, catalogue.metrics)
    given = {**project.study(STUDY).parameters, "market": market, "window": window}
    study = open_study(STUDY, **given)
    try:
        measured = core_metrics.estimate(study, core_metrics.load(study))
    except NoData as none:
        raise UserError("window", str(none)) from None
    plain = plain_sql(catalogue, name, study.market, study.window)
    with study.warehouse() as warehouse:
        plain = warehouse.translate(plain, pretty=True)
    finding, cells = measured.findings[name], measured.words(name).row()
    remark = ALLOWED if allowed_for(measured, [name]) else ""
    if finding.statement().unsafe(study.rules):  # as its page has it
        finding, cells, remark = finding.withheld(), dict.fromkeys(cells, SUPPRESSED), ""
    metric = catalogue.metrics[name]
    return Asked(metric, catalogue, study.market, study.window, finding, cells, remark, plain)
