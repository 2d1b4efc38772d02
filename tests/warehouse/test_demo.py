"""The demo warehouse holds the canonical contract: keys, links, times in order and in the span."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from analysis.project import Project
from analysis.warehouse import TABLES, Warehouse, open_warehouse
from analysis.warehouse.demo.build import MADE
from analysis.warehouse.demo.world import END_DAY, FIRST_DAY


@pytest.fixture(scope="module")
def warehouse(demo: Project) -> Iterator[Warehouse]:
    with open_warehouse(demo) as opened:
        yield opened


@pytest.mark.parametrize("table", MADE)
def test_keys_are_unique(warehouse: Warehouse, table: str) -> None:
    keys = ", ".join(TABLES[table].key)
    rows, distinct = warehouse.rows(
        f"SELECT (SELECT count(*) FROM {table}), "
        f"(SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table}))"
    )[0]
    assert rows == distinct > 0


@pytest.mark.parametrize(
    ("table", "column", "parent"),
    [
        ("exposure", "content_id", "content"),
        ("user_reports", "content_id", "content"),
        ("decisions", "content_id", "content"),
        ("prevalence_draws", "content_id", "content"),
        ("appeals", "decision_id", "decisions"),
        ("demo_truth_content", "content_id", "content"),
    ],
)
def test_links_hold(warehouse: Warehouse, table: str, column: str, parent: str) -> None:
    lost = f"SELECT count(*) FROM {table} ANTI JOIN {parent} USING ({column})"
    assert warehouse.rows(lost) == [(0,)]


@pytest.mark.parametrize("table", [name for name in MADE if "market" in TABLES[name].columns])
def test_every_market_has_rows(warehouse: Warehouse, demo: Project, table: str) -> None:
    found = {code for (code,) in warehouse.rows(f"SELECT DISTINCT market FROM {table}")}
    assert found == set(demo.markets)


#: Every instant of the demo; a row's market says where its day begins and ends.
INSTANTS = [
    (table, column)
    for table in MADE
    for column, kind in TABLES[table].columns.items()
    if kind.startswith("TIMESTAMP") and table not in ("appeals", "experiment_units")
]


@pytest.mark.parametrize(("table", "column"), INSTANTS)
def test_times_lie_in_the_span(
    warehouse: Warehouse, demo: Project, table: str, column: str
) -> None:
    query = f"SELECT market, min({column}), max({column}) FROM {table} GROUP BY market"
    for code, first, last in warehouse.rows(query):
        market = demo.market(code)
        assert market.start_of(FIRST_DAY) <= first <= last < market.start_of(END_DAY)


def test_appeals_lie_in_the_span(warehouse: Warehouse, demo: Project) -> None:
    query = (
        "SELECT market, max(greatest(submitted_at, resolved_at)) "
        "FROM appeals JOIN decisions USING (decision_id) GROUP BY market"
    )
    for code, last in warehouse.rows(query):
        assert last < demo.market(code).start_of(END_DAY)


@pytest.mark.parametrize("code", ["AU", "CL", "IN", "NP", "SA", "US"])
def test_the_last_day_is_whole(warehouse: Warehouse, demo: Project, code: str) -> None:
    assert warehouse.complete_until("exposure", demo.market(code)) == date(2026, 3, 9)


BROKEN = {
    "viewed before posted": """
        FROM exposure JOIN content USING (content_id) WHERE hour + INTERVAL 1 hour <= posted_at""",
    "viewed elsewhere": """
        FROM exposure e JOIN content c USING (content_id) WHERE e.market <> c.market""",
    "more viewers than views": "FROM exposure WHERE viewers NOT BETWEEN 1 AND views",
    "reported before posted": """
        FROM user_reports JOIN content USING (content_id) WHERE reported_at < posted_at""",
    "reported before any view": """
        FROM user_reports r ANTI JOIN exposure e
        ON e.content_id = r.content_id AND e.hour <= r.reported_at""",
    "reported after removal": """
        FROM user_reports r JOIN decisions d USING (content_id)
        WHERE action = 'remove' AND reported_at > decided_at""",
    "decided before posted": """
        FROM decisions JOIN content USING (content_id) WHERE decided_at <= posted_at""",
    "decided on a report before any": """
        FROM decisions d ANTI JOIN user_reports r
        ON r.content_id = d.content_id AND r.reported_at < d.decided_at
        WHERE detection = 'user_report'""",
    "decided by whom else": """
        FROM decisions d JOIN content c USING (content_id)
        WHERE d.creator_id <> c.creator_id OR d.market <> c.market""",
    "decided after an action": """
        FROM decisions a JOIN decisions b USING (content_id)
        WHERE a.action <> 'no_action' AND b.decided_at > a.decided_at""",
    "viewed after removal": """
        FROM exposure JOIN decisions USING (content_id)
        WHERE action = 'remove' AND hour > decided_at""",
    "an unknown action": """
        FROM decisions WHERE action NOT IN ('remove', 'restrict', 'age_restrict', 'no_action')
        OR detection NOT IN ('proactive', 'user_report')""",
    "appealed without action": """
        FROM appeals JOIN decisions USING (decision_id)
        WHERE action = 'no_action' OR submitted_at <= decided_at""",
    "resolved before submitted": "FROM appeals WHERE resolved_at <= submitted_at",
    "an outcome without a time": """
        FROM appeals WHERE (outcome IS NULL) <> (resolved_at IS NULL)
        OR outcome NOT IN ('overturned', 'upheld')""",
    "rated before posted": """
        FROM ratings JOIN content ON content_id = item_id WHERE started_at <= posted_at""",
    "rated for no time": "FROM ratings WHERE finished_at <= started_at",
    "rated twice by one": """
        FROM (FROM ratings SELECT count(*) n GROUP BY item_id, rater_id) WHERE n > 1""",
    "a gold label that is false": """
        FROM ratings JOIN demo_truth_content ON content_id = item_id
        WHERE gold_label <> violates""",
    "drawn before posted": """
        FROM prevalence_draws JOIN content USING (content_id) WHERE drawn_at < posted_at""",
    "drawn with no chance": """
        FROM prevalence_draws WHERE NOT draw_probability BETWEEN 1e-12 AND 1 OR impressions < 1""",
    "a policy without a violation": """
        FROM prevalence_draws WHERE (policy IS NULL) = label""",
    "a score out of bounds": "FROM content WHERE NOT risk_score BETWEEN 0 AND 1",
}


@pytest.mark.parametrize("rule", BROKEN)
def test_no_row_breaks_the_order_of_things(warehouse: Warehouse, rule: str) -> None:
    assert warehouse.rows(f"SELECT count(*) {BROKEN[rule]}") == [(0,)]


def test_views_before_a_removal_are_all_its_views(warehouse: Warehouse) -> None:
    query = """
        SELECT count(*), count(*) FILTER (views_before <> coalesce(total, 0))
        FROM decisions
        LEFT JOIN (SELECT content_id, sum(views) AS total FROM exposure GROUP BY content_id)
            USING (content_id)
        WHERE action = 'remove'"""
    removals, wrong = warehouse.rows(query)[0]
    assert removals > 1000
    assert wrong == 0


def test_views_before_other_decisions_are_between_the_hours(warehouse: Warehouse) -> None:
    query = """
        WITH bounds AS (
            SELECT decision_id, any_value(views_before) AS views_before,
                coalesce(sum(views) FILTER (hour + INTERVAL 1 hour <= decided_at), 0) AS low,
                coalesce(sum(views) FILTER (hour <= decided_at), 0) AS high
            FROM decisions LEFT JOIN exposure USING (content_id)
            WHERE action <> 'remove' GROUP BY decision_id)
        SELECT count(*), count(*) FILTER (views_before NOT BETWEEN low AND high) FROM bounds"""
    decisions, wrong = warehouse.rows(query)[0]
    assert decisions > 5000
    assert wrong == 0


def test_ids_do_not_tell_the_order(warehouse: Warehouse) -> None:
    query = "SELECT corr(content_id, epoch(posted_at)), max(content_id) FROM content"
    correlation, highest = warehouse.rows(query)[0]
    assert abs(correlation) < 0.03
    assert highest < 2**52  # A double holds it exactly.


def test_demo_env(demo_env: Project) -> None:
    assert Project.find() == demo_env
