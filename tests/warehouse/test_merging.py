"""Merges: idempotent, by key, and exact about the local days that they touch."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from analysis.calendar import Market
from analysis.warehouse import (
    BUCKET_TABLE,
    Merged,
    QueryError,
    Warehouse,
    Watch,
    bucket_sql,
    merge,
    read_marks,
)
from analysis.warehouse.tables import TABLES
from engines import QUICK_ENGINES

MARKETS = {
    "JP": Market(code="JP", name="Japan", zone="Asia/Tokyo"),
    "US": Market(code="US", name="United States", zone="America/New_York"),
}
DECISION = """(CAST({id} AS BIGINT), 7, 70, '{market}', 'spam', '{action}', 'proactive', TRUE,
    TIMESTAMPTZ '{at}', 0)"""
WATCH = Watch(
    name="appeals_of",
    source="appeals AS a JOIN decisions AS d ON d.decision_id = a.decision_id",
    market="d.market",
    time="a.submitted_at",
    links={"appeals": "a", "decisions": "d"},
)


def decisions(*rows: dict[str, object]) -> str:
    columns = ", ".join(TABLES["decisions"].columns)
    whole = [{"market": "JP", "action": "remove", **row} for row in rows]
    values = ", ".join(DECISION.format(**row) for row in whole)
    return f"SELECT * FROM (VALUES {values}) AS rows({columns})"


def load(warehouse: Warehouse, table: str, rows: str, load_id: str) -> Merged:
    with warehouse.transaction():
        return merge(warehouse, table, rows, load_id=load_id, markets=MARKETS, watches=[WATCH])


def test_the_same_rows_twice_add_nothing(warehouse: Warehouse) -> None:
    rows = decisions({"id": 1, "at": "2026-03-02 12:00:00+00"})
    assert load(warehouse, "decisions", rows, "a") == Merged(1, 0)
    marks = read_marks(warehouse)
    assert load(warehouse, "decisions", rows, "b") == Merged(0, 0)
    assert read_marks(warehouse) == marks
    assert warehouse.rows("SELECT count(*) FROM decisions") == [(1,)]


@pytest.mark.parametrize("warehouse", QUICK_ENGINES, indirect=True)
def test_a_corrected_row_takes_the_place_of_the_old_one(warehouse: Warehouse) -> None:
    load(warehouse, "decisions", decisions({"id": 1, "at": "2026-03-02 12:00:00+00"}), "a")
    both = decisions(
        {"id": 1, "at": "2026-03-02 12:00:00+00", "action": "no_action"},
        {"id": 2, "at": "2026-03-02 12:00:00+00"},
    )
    assert load(warehouse, "decisions", both, "b") == Merged(1, 1)
    found = warehouse.rows("SELECT decision_id, action FROM decisions ORDER BY 1")
    assert found == [(1, "no_action"), (2, "remove")]


@pytest.mark.parametrize("warehouse", QUICK_ENGINES, indirect=True)
def test_days_are_touched_in_the_markets_own_zone(warehouse: Warehouse) -> None:
    late = "2026-03-02 16:30:00+00"  # already the third in Tokyo, still the second in New York
    rows = decisions({"id": 1, "at": late}, {"id": 2, "at": late, "market": "US"})
    load(warehouse, "decisions", rows, "a")
    assert set(read_marks(warehouse).days("decisions")) == {
        ("JP", date(2026, 3, 3)),
        ("US", date(2026, 3, 2)),
    }


@pytest.mark.parametrize("warehouse", QUICK_ENGINES, indirect=True)
def test_a_row_that_moves_touches_the_day_that_it_leaves(warehouse: Warehouse) -> None:
    load(warehouse, "decisions", decisions({"id": 1, "at": "2026-03-02 12:00:00+00"}), "a")
    load(warehouse, "decisions", decisions({"id": 1, "at": "2026-03-09 12:00:00+00"}), "b")
    touched = read_marks(warehouse).touched["decisions", "JP"]
    assert {day for day, load_id in touched if load_id == "b"} == {
        date(2026, 3, 2),
        date(2026, 3, 9),
    }


@pytest.mark.parametrize("warehouse", QUICK_ENGINES, indirect=True)
def test_a_late_row_marks_its_own_market_and_days_only(warehouse: Warehouse) -> None:
    both = decisions(
        {"id": 1, "at": "2026-03-02 12:00:00+00"},
        {"id": 2, "at": "2026-03-02 12:00:00+00", "market": "US"},
    )
    load(warehouse, "decisions", both, "a")
    before = read_marks(warehouse)
    load(warehouse, "decisions", decisions({"id": 3, "at": "2026-03-03 12:00:00+00"}), "b")
    after = read_marks(warehouse)
    week, earlier = (date(2026, 3, 2), date(2026, 3, 9)), (date(2026, 2, 23), date(2026, 3, 2))

    def changed(market: str, span: tuple[date, date]) -> bool:
        names = ["decisions"]
        return before.version(names, market, [span]) != after.version(names, market, [span])

    assert changed("JP", week)
    assert not changed("JP", earlier)
    assert not changed("US", week)


def test_a_watched_fact_is_touched_through_every_table_that_it_joins(warehouse: Warehouse) -> None:
    load(warehouse, "decisions", decisions({"id": 1, "at": "2026-03-02 12:00:00+00"}), "a")
    appeal = (
        "SELECT CAST(5 AS BIGINT) AS appeal_id, CAST(1 AS BIGINT) AS decision_id, "
        "TIMESTAMPTZ '2026-03-05 12:00:00+00' AS submitted_at, "
        "CAST(NULL AS TIMESTAMPTZ) AS resolved_at, CAST(NULL AS VARCHAR) AS outcome"
    )
    load(warehouse, "appeals", appeal, "b")
    assert read_marks(warehouse).touched["appeals_of", "JP"] == [(date(2026, 3, 5), "b")]
    assert read_marks(warehouse).touched["appeals", "JP"] == [(date(2026, 3, 5), "b")]
    rows = decisions({"id": 1, "at": "2026-03-02 12:00:00+00", "action": "restrict"})
    load(warehouse, "decisions", rows, "c")
    assert (date(2026, 3, 5), "c") in read_marks(warehouse).touched["appeals_of", "JP"]


SETTLED = Watch(
    name="settled",
    source="user_reports AS r",
    market="r.market",
    time="r.reported_at",
    links={"decisions": "r.content_id"},
    settles=28,
    newest=frozenset({"decisions"}),
)


def test_rows_that_settled_feel_no_later_row_and_what_waits_feels_the_newest(
    warehouse: Warehouse,
) -> None:
    columns = "report_id, content_id, reporter_id, market, policy, reported_at"
    reports = ", ".join(
        f"({number}, {content}, 1, 'JP', NULL, TIMESTAMPTZ '{day} 12:00:00+00')"
        for number, content, day in ((1, 7, "2026-01-10"), (2, 8, "2026-02-20"))
    )

    def touched(rows: str, load_id: str, table: str = "decisions") -> list[str]:
        given = (warehouse, table, rows)
        with warehouse.transaction():
            merge(*given, load_id=load_id, markets=MARKETS, watches=[SETTLED])
        found = read_marks(warehouse).touched.get(("settled", "JP"), [])
        return sorted(str(day) for day, load in found if load == load_id)

    def decision(number: int, at: str) -> str:
        return decisions({"id": number, "at": f"{at} 12:00:00+00"})

    touched(f"SELECT * FROM (VALUES {reports}) AS rows({columns})", "a", "user_reports")
    assert touched(decision(1, "2026-03-02"), "first") == ["2026-01-10", "2026-02-20"]
    assert touched(decision(2, "2026-03-01"), "past its 28 days") == []
    assert touched(decision(3, "2026-02-07"), "told late") == ["2026-01-10"]
    assert touched(decision(4, "2026-03-04"), "newest") == ["2026-02-20"]
    assert touched(decision(3, "2026-02-20"), "moved away") == ["2026-01-10"]


def test_what_fails_within_a_transaction_leaves_nothing(warehouse: Warehouse) -> None:
    rows = decisions({"id": 1, "at": "2026-03-02 12:00:00+00"})
    broken = Watch("broken", "nowhere AS n", "n.market", "n.at", {"decisions": "n"})
    with pytest.raises(QueryError), warehouse.transaction():
        merge(warehouse, "decisions", rows, load_id="a", markets=MARKETS, watches=[WATCH, broken])
    assert warehouse.rows("SELECT count(*) FROM decisions") == [(0,)]
    assert read_marks(warehouse).touched == {}


@pytest.mark.parametrize("warehouse", QUICK_ENGINES, indirect=True)
def test_instants_come_out_in_utc(warehouse: Warehouse) -> None:
    load(warehouse, "decisions", decisions({"id": 1, "at": "2026-03-02 12:00:00+09"}), "a")
    ((at,),) = warehouse.rows("SELECT decided_at FROM decisions")
    assert at == datetime(2026, 3, 2, 3, tzinfo=UTC)


def numbers(count: int) -> str:
    return ", ".join(f"(CAST({i} AS BIGINT))" for i in range(count))


def test_the_bucket_of_a_cluster_is_computed_once_as_it_is_loaded(warehouse: Warehouse) -> None:
    def posts(count: int) -> str:
        return (
            "SELECT i AS content_id, i % 4 AS creator_id, 'JP' AS market, 'xx' AS language, "
            "'feed' AS surface, TIMESTAMPTZ '2026-03-02 12:00:00+00' AS posted_at, "
            "NULL AS duration_s, NULL AS topic, NULL AS risk_score "
            f"FROM (VALUES {numbers(count)}) AS r(i)"
        )

    held = f"SELECT id, bucket FROM {BUCKET_TABLE} ORDER BY id"
    load(warehouse, "content", posts(2), "a")
    assert [identifier for identifier, _ in warehouse.rows(held)] == [0, 1]
    load(warehouse, "content", posts(9), "b")
    warehouse.stamp("content", "as a whole")
    right = f"SELECT i, {bucket_sql('i')} FROM (VALUES {numbers(4)}) AS r(i) ORDER BY i"
    assert warehouse.rows(held) == warehouse.rows(right)


def test_documents_are_merged_as_what_they_hold(warehouse: Warehouse) -> None:
    unit = (
        "SELECT 'reminder' AS experiment, CAST(1 AS BIGINT) AS unit_id, 'b' AS arm, "
        "NULL AS block, 'JP' AS market, TIMESTAMPTZ '2026-03-02 12:00:00+00' AS assigned_at, "
        "'{{\"age\": {age}}}' AS covariates, NULL AS outcomes"
    )
    assert load(warehouse, "experiment_units", unit.format(age=3), "a") == Merged(1, 0)
    assert load(warehouse, "experiment_units", unit.format(age=3), "b") == Merged(0, 0)
    assert load(warehouse, "experiment_units", unit.format(age=4), "c") == Merged(0, 1)
    ((held,),) = warehouse.rows("SELECT covariates FROM experiment_units")
    assert json.loads(held) == {"age": 4}
