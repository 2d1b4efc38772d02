"""Records of thousands of runs, as a year of a large project leaves them, without executing any."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, product
from pathlib import Path

from analysis.calendar import Kind, containing
from analysis.project import Project
from analysis.report.record import PAGE, RECORD, RunRecord
from analysis.studies.findings import Comparison, Finding
from samples import record

STUDIES = ("core_metrics", "moderation_quality", "prevalence", "time_to_action", "user_reports")
METRICS, HEADLINES, SEED = 44, 6, 20260302
NEWEST = date(2026, 3, 2)
REGIONS = "<!--neighbours--><!--/neighbours--><!--verified--><!--/verified-->"


def put_many(project: Project, count: int) -> None:
    """Fills a site with so many runs: five studies, every market, weeks back from one."""
    for kept in islice(many(project), count):
        put_lean(project.reports, kept)


def put_lean(reports: Path, kept: RunRecord) -> None:
    """A run's record, beside a page with nothing but its regions."""
    folder = reports / kept.identity
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_text(kept.model_dump_json(indent=1), encoding="utf-8")
    (folder / PAGE).write_text(f"<title>x</title>{REGIONS}", encoding="utf-8")


def many(project: Project, first: date = NEWEST) -> Iterator[RunRecord]:
    """Runs week by week, the newest first."""
    choice = random.Random(SEED)  # noqa: S311  # a sample, no secret
    week = containing(first, Kind.WEEK)
    while True:
        for study, market in product(STUDIES, project.markets.values()):
            kept = record(
                study=study,
                title=study.replace("_", " ").capitalize(),
                market=market.code,
                market_name=market.name,
                zone=market.zone,
                window=week.label,
                start=week.start,
                end=week.end,
                data_until=week.end,
                started_at=datetime(2026, 3, 9, tzinfo=UTC)
                - timedelta(days=(first - week.start).days),
                findings=tuple(
                    _finding(at, week.previous().label, choice) for at in range(METRICS)
                ),
            )
            failed = choice.random() < 0.01
            changes = {"status": "failed", "reason": "ValueError in cell 4", "findings": ()}
            yield kept.model_copy(update=changes) if failed else kept
        week = week.previous()


def _finding(at: int, before: str, choice: random.Random) -> Finding:
    value = choice.uniform(0.01, 0.9) / (1 + at % 5)
    difference, half = choice.gauss(0, 0.02), choice.uniform(0.01, 0.04)
    verdict = "no_change" if abs(difference) <= half else "up" if difference > 0 else "down"
    words = {"no_change": "no clear change from", "up": "up from", "down": "down from"}[verdict]
    text = f"{words} {100 * (value - difference):.3g} in {before}"
    comparisons = tuple(
        Comparison(
            label=label,
            value=value - difference,
            difference=difference,
            low=difference - half,
            high=difference + half,
            verdict=verdict,
            meaning="neutral" if verdict == "no_change" else ("worse", "better", "neutral")[at % 3],
            text=text,
        )
        for label in (before, "the same window last year")
    )
    return Finding(
        name=f"metric_{at}",
        title=f"Metric {('one', 'two', 'three', 'four', 'five')[at % 5]} of group {at // 5}",
        text=f"{100 * value:.3g} of 100 posts were of kind {chr(97 + at % 26)} (95% interval "
        f"{100 * (value - half):.3g} to {100 * (value + half):.3g}); {text}; no clear change from "
        "the same window last year.",
        value=value,
        low=value - half,
        high=value + half,
        unit="share",
        sample=f"{choice.randrange(100, 9000):,} labelled draws",
        comparisons=comparisons,
        verdict=verdict,
        meaning=comparisons[0].meaning,
        headline=at < HEADLINES,
        notes=("Views of content in review are left out, and so is what was decided on later.",),
    )
