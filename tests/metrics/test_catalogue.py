from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.metrics.catalogue import FILE, GROUPS, check_expressions, load_catalogue
from analysis.project import Project
from support import CHECKOUT

OWED = {
    "violative_view_rate",
    "proactive_removal_rate",
    "removal_before_views",
    "removal_within_24_hours",
    "median_time_to_action",
    "user_reports_per_million_views",
    "report_actionability",
    "appeal_rate",
    "overturn_rate",
    "automation_share",
}


def edit(project: Project, before: str, after: str) -> None:
    path = project.params / "metrics.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def message(project: Project) -> str:
    """What the first mistake in the catalogue says."""
    try:
        problems = check_expressions(load_catalogue(project))
    except UserError as error:
        return str(error)
    assert problems, "no mistake was found"
    return str(problems[0])


def test_the_catalogue_is_right_and_holds_what_is_owed() -> None:
    catalogue = load_catalogue(Project(CHECKOUT))
    assert check_expressions(catalogue) == []
    assert catalogue.metrics.keys() >= OWED
    assert {metric.group for metric in catalogue.metrics.values()} == GROUPS.keys()
    assert all(metric.source and metric.traps for metric in catalogue.metrics.values())


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            "AND d.automated",
            "AND d.automatd",
            ("automation_share.numerator", "did you mean 'automated'?"),
        ),
        ("group: speed", "group: sped", ("median_time_to_action.group", "'sped' given", "'speed'")),
        (
            "    fact: draws",
            "    fact: drows",
            ("violative_view_rate.fact", "did you mean 'draws'?"),
        ),
        (
            "reads: [exposure, content]",
            "reads: [exposre, content]",
            ("facts.views.reads", "did you mean 'exposure'?"),
        ),
        ("    good: down\n", "    gud: down\n", ("gud: no such key", "did you mean 'good'?")),
        (
            "kind: quantile",
            "kind: share",
            ("median_time_to_action", "kind share needs numerator and denominator"),
        ),
        (
            "denominator_fact: views",
            "denominator_fact: draws",
            ("clustered by draw", "both sides need the same"),
        ),
        (
            "time: e.hour",
            "time: e.surface",
            ("facts.views.time", "gives VARCHAR", "TIMESTAMP WITH TIME ZONE"),
        ),
        (
            "numerator: a.outcome = 'overturned'",
            "numerator: a.outcome",
            ("overturn_rate.numerator", "gives VARCHAR", "a truth value or a number"),
        ),
        (
            "numerator: a.outcome = 'overturned'",
            "numerator: a.outcome = 'over",
            ("overturn_rate.numerator", "no valid SQL"),
        ),
        (
            "numerator: a.outcome = 'overturned'",
            "numerator: 1) FROM appeals --",
            ("overturn_rate.numerator", "no valid SQL"),
        ),
        (
            'says: "{value} user',
            'says: "many user',
            ("user_reports_per_million_views.says", "{value}"),
        ),
        (
            "column: creator_id}",
            "column: creator}",
            ("clusters.creator.column", "did you mean 'creator_id'?"),
        ),
    ],
)
def test_a_mistake_says_where_what_and_the_nearest(
    project: Project, before: str, after: str, said: tuple[str, ...]
) -> None:
    edit(project, before, after)
    found = message(project)
    assert found.startswith(FILE)
    for each in said:
        assert each in found


def test_a_column_that_is_not_there_is_named_with_its_table(project: Project) -> None:
    edit(project, "AND d.automated", "AND automatd")
    assert "no column 'automatd' in decisions, content" in message(project)


def test_no_file_is_a_mistake_too(project: Project) -> None:
    Path(project.params / "metrics.yaml").unlink()
    assert message(project) == f"{FILE}: the file is missing"
