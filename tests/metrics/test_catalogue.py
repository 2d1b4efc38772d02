from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.metrics.catalogue import FILE, GROUPS, load_catalogue, policy_sql
from analysis.metrics.expressions import check_expressions
from analysis.project import Project
from analysis.warehouse import scratch
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
    "gravest_violative_view_rate",
    "severity_weighted_exposure",
    "reach_of_removed_posts",
    "views_before_removal",
    "median_views_before_removal",
    "p95_views_before_removal",
    "removals",
    "removals_per_thousand_posts",
    "gravest_category_share",
    "restored_share",
    "successful_appeal_rate",
    "over_enforcement",
    "leakage",
    "moderator_accuracy",
    "agreement",
    "p90_time_to_action",
    "p95_time_to_action",
    "median_time_from_first_view",
    "p90_time_from_first_view",
    "p95_time_from_first_view",
    "median_time_from_report",
    "p90_time_from_report",
    "p95_time_from_report",
    "backlog_age",
    "service_level",
    "report_actionability_by_post",
    "duplicate_reports_per_post",
    "recidivism_30_days",
    "recidivism_90_days",
    "repeat_share",
    "accounts_at_three_strikes",
    "items_per_hour",
    "sensitive_items_per_day",
}


def edit(project: Project, before: str, after: str) -> None:
    path = project.params / "metrics.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def message(project: Project) -> str:
    """What the first mistake in the catalogue says."""
    try:
        place = project.params / "metrics.yaml"
        problems = check_expressions(load_catalogue(project), place)
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
        ("AND d.automated", "AND count(*) > 1", ("automation_share.numerator", "over many rows")),
        (
            "AND d.automated",
            "AND row_number() OVER (ORDER BY d.decided_at) > 1",
            ("automation_share.numerator", "over many rows"),
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
        ("    by: policy\n", "    by: polcy\n", ("removals.by", "did you mean 'policy'?")),
        (
            "    always: true\n",
            "    by: policy\n",
            ("violative_view_rate", "kind share takes no by"),
        ),
        (
            "kind: quantile",
            "kind: share",
            ("median_time_to_action: kind share needs numerator and denominator",),
        ),
        (
            "denominator_fact: views",
            "denominator_fact: draws",
            ("clustered by draw", "both sides need the same"),
        ),
        (
            "    links: {appeals: anywhere, decisions: anywhere}",
            "    links: {appeals: anywhere, decisions: anywhere}\n    settles: 28",
            ("facts.waiting_appeals.settles", "any of its rows may feel a change of appeals"),
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


def test_a_column_that_is_not_there_is_named_with_its_line_and_table(project: Project) -> None:
    edit(project, "AND d.automated", "AND automatd")
    lines = (project.params / "metrics.yaml").read_text("utf-8").splitlines()
    line = next(at for at, text in enumerate(lines, 1) if "automatd" in text)
    said = message(project)
    assert said.startswith(f"{FILE}, line {line}: metrics.automation_share.numerator: ")
    assert "no column 'automatd' in decisions, content" in said


def test_the_line_is_the_one_within_a_long_expression(project: Project) -> None:
    edit(project, "o.next_at <= o.decided_at", "o.next_att <= o.decided_at")
    lines = (project.params / "metrics.yaml").read_text("utf-8").splitlines()
    line = next(at for at, text in enumerate(lines, 1) if "o.next_att" in text)
    assert message(project).startswith(f"{FILE}, line {line}: metrics.recidivism_30_days")


def test_severities_are_those_of_the_policies() -> None:
    project = Project(CHECKOUT)
    sql = policy_sql("severity(p.policy) > 1 AND sensitive(q.policy)", project.policies)
    with scratch() as warehouse:
        for name, policy in project.policies.items():
            asked = sql.replace("p.policy", f"'{name}'").replace("q.policy", f"'{name}'")
            assert warehouse.rows(f"SELECT {asked}") == [
                (policy.severity > 1 and policy.sensitive,)
            ]
        assert warehouse.rows(
            f"SELECT {policy_sql('severity(p)', project.policies)} FROM (SELECT NULL AS p)"
        ) == [(0,)]


def test_metrics_that_ask_the_same_share_a_histogram() -> None:
    catalogue = load_catalogue(Project(CHECKOUT))
    quantiles = [m for m in catalogue.metrics.values() if m.kind == "quantile"]
    kept = {fact: catalogue.times(fact) for fact in catalogue.facts}
    assert sum(map(len, kept.values())) < len(quantiles)
    assert len(kept["reports"]) == 2  # ended, and still waiting


def test_no_file_is_a_mistake_too(project: Project) -> None:
    Path(project.params / "metrics.yaml").unlink()
    assert message(project) == f"{FILE}: the file is missing"
