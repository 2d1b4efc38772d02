from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import UserError
from analysis.figures.displays import Table
from analysis.project import Project
from analysis.safeguards.disclosure import SUPPRESSED
from analysis.studies import core_metrics, open_study
from analysis.studies.findings import NOT_SHOWN
from analysis.studies.one_metric import ask_metric


def test_each_metric_is_told_as_the_study_tells_it(demo_env: Project) -> None:
    study = open_study("core_metrics", market="US", window="2026-W10")
    measured = core_metrics.estimate(study, core_metrics.load(study))
    tables = [each for each in core_metrics.by_group(measured) if isinstance(each, Table)]
    rows = pd.concat([table.frame for table in tables])
    rows.index = pd.Index(rows["title"].str.replace(r" \((per [\w,]+|count)\)$", "", regex=True))
    told = {n: f for n, f in measured.findings.items() if not f.statement().unsafe(study.rules)}
    assert len(told) > 10
    for name, finding in told.items():
        asked = ask_metric(demo_env, name, "US", "2026-W10")
        assert asked.finding == finding
        said = "\n".join(asked.lines())
        cells = rows.loc[finding.title]
        assert f"2026-W09: {cells['before_change']}, {cells['before_verdict']}" in said
        assert f"2025-W10: {cells['year_change']}, {cells['year_verdict']}" in said
        for part in (finding.text, finding.sample, asked.metric.source, *asked.metric.traps):
            assert part in said


def test_a_clear_interval_of_a_change_that_is_not_called_is_explained(demo_env: Project) -> None:
    study = open_study("core_metrics", market="US", window="2026-W10")
    measured = core_metrics.estimate(study, core_metrics.load(study))
    apart = {
        name
        for (name, _), move in measured.moves.items()
        if move.verdict == "no_change" and move.difference.low * move.difference.high > 0
    }
    told = {
        name
        for name in measured.findings
        if "may be no clear one" in "\n".join(ask_metric(demo_env, name, "US", "2026-W10").lines())
    }
    withheld = {n for n, f in measured.findings.items() if f.statement().unsafe(study.rules)}
    assert apart - withheld
    assert told == apart - withheld


def test_a_number_that_a_page_withholds_is_withheld_here(demo_env: Project) -> None:
    study = open_study("core_metrics", market="NP", window="2026-W10")
    measured = core_metrics.estimate(study, core_metrics.load(study))
    few = {n: f for n, f in measured.findings.items() if f.statement().unsafe(study.rules)}
    assert few
    for name, finding in few.items():
        asked = ask_metric(demo_env, name, "NP", "2026-W10")
        assert asked.finding.value is None
        assert asked.finding.text == NOT_SHOWN
        assert finding.text not in "\n".join(asked.lines())
        assert set(asked.cells.values()) == {SUPPRESSED}


@pytest.mark.parametrize(
    ("name", "market", "window", "said"),
    [
        ("violative_vew_rate", "JP", "2026-W10", "did you mean 'violative_view_rate'?"),
        ("appeal_rate", "JPN", "2026-W10", "did you mean 'JP'?"),
        ("appeal_rate", "JP", "2026-W60", "no such week"),
        ("appeal_rate", "JP", "2023-W10", "no rows of Japan in 2023-W10; the data hold"),
    ],
)
def test_what_is_not_there_is_named(
    demo_env: Project, name: str, market: str, window: str, said: str
) -> None:
    with pytest.raises(UserError) as caught:
        ask_metric(demo_env, name, market, window)
    assert said in str(caught.value)
