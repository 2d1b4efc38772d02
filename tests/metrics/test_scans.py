"""One scan serves every run: the queries that reach the tables of facts are counted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from analysis.calendar import Market, Window
from analysis.metrics.building import ensure
from analysis.metrics.catalogue import Fact, load_catalogue
from analysis.metrics.cube import Cubes
from analysis.metrics.scan import OWN_ROWS, Span, own_rows_sql, scan_sql
from analysis.project import Project
from analysis.warehouse import DuckDBWarehouse
from analysis.warehouse.tables import TABLES
from support import CHECKOUT

WEEKS = [Window.parse(f"2026-W{week:02d}") for week in range(1, 11)]
WINDOWS = [*WEEKS, Window.parse("2026-01"), Window.parse("2026-02")]
ZONES = ("Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Europe/London")
MARKETS = {
    code: Market(code, f"Market {code}", ZONES[place % 4])
    for place, code in enumerate(f"{first}{second}" for first in "ABCD" for second in "ABCDEFGHIJ")
}


class Counting(DuckDBWarehouse):
    """Notes every query that is asked of it."""

    asked: list[str]

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        self.asked.append(sql)
        return super().fetch(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        self.asked.append(sql)
        return super().rows(sql, parameters)

    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        self.asked.append(sql)
        super().perform(sql, parameters)

    def scans(self, table: str) -> int:
        """How many queries read a table."""
        return sum(re.search(rf"\b(FROM|JOIN) {table}\b", sql) is not None for sql in self.asked)


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counting]:
    """Forty markets, each with a post that is seen ten times every day."""
    monkeypatch.setattr(Counting, "asked", [], raising=False)
    rows = ", ".join(f"({place}, '{code}')" for place, code in enumerate(MARKETS))
    with Counting(Path(":memory:"), write=True) as made:
        made.execute(
            "INSERT INTO content SELECT id, id, market, 'xx', 'feed', "
            "TIMESTAMPTZ '2025-12-01 00:00:00+00', 20, 'topic', 0.5 "
            f"FROM (VALUES {rows}) AS rows(id, market)"
        )
        made.execute(
            "INSERT INTO exposure SELECT content_id, market, surface, "
            "TIMESTAMPTZ '2025-12-01 12:00:00+00' + to_days(day::INT), 10, 1 "
            "FROM content, range(100) AS days(day)"
        )
        for table in TABLES:
            made.stamp(table, "1")
        made.asked.clear()
        yield made


def test_480_runs_read_480_slices_after_one_scan(warehouse: Counting, tmp_path: Path) -> None:
    catalogue = load_catalogue(Project(CHECKOUT))
    first, _ = ensure(catalogue, MARKETS, warehouse, tmp_path)
    cubes = Cubes.of(catalogue, first, tmp_path)
    read = 0
    for market in MARKETS.values():
        for window in WINDOWS:
            assert ensure(catalogue, MARKETS, warehouse, tmp_path) == (first, [])  # as each run
            rows = cubes.slice(market, [window])
            assert rows.sums("views", "e.views").sum() == 10 * window.days
            read += 1
    assert read == 480
    over = [fact for fact in catalogue.used_facts() if "exposure" in catalogue.facts[fact].reads]
    assert warehouse.scans("exposure") == len(over)  # each fact's one scan, whatever the runs
    scanned = [sql for sql in warehouse.asked if "counted AS" in sql]
    assert len(scanned) == len(catalogue.used_facts())
    of_facts = {table for fact in catalogue.facts.values() for table in fact.reads}
    others = [sql for sql in warehouse.asked if sql not in scanned]
    assert not any(re.search(rf"\b{table}\b", sql) for sql in others for table in of_facts)


def test_a_spans_own_rows_are_of_the_table_whose_time_places_them() -> None:
    facts = load_catalogue(Project(CHECKOUT)).facts
    span = Span(tuple(MARKETS.values())[:1], (date(2026, 3, 7), date(2026, 3, 8)))
    said = own_rows_sql(facts["views"], span) or ""
    assert said.startswith("SELECT * FROM exposure WHERE hour >= CAST('2026-03-06T15:00:00+00:00'")
    assert "hour < CAST('2026-03-07T15:00:00+00:00'" in said
    assert "FROM decisions" in str(own_rows_sql(facts["seen_removals"], span))
    assert own_rows_sql(facts["waiting_appeals"], span) is None  # its time is made in a subquery
    assert own_rows_sql(facts["views"], Span(span.markets)) is None


def test_a_span_is_scanned_from_its_own_rows_alone() -> None:
    catalogue = load_catalogue(Project(CHECKOUT))
    span = Span(tuple(MARKETS.values())[:1], (date(2026, 3, 7), date(2026, 3, 8)))
    sql, _ = scan_sql(catalogue, "seen_removals", span, own_rows=True)
    assert f"FROM {OWN_ROWS} AS d JOIN" in sql
    assert "SELECT content_id FROM decisions WHERE" in sql  # what a subquery reads stays


@pytest.mark.parametrize(
    ("source", "time"),
    [
        ("posts AS c JOIN (SELECT b.id FROM drafts AS c) AS b ON b.id = c.id", "c.at"),
        ("(SELECT * FROM posts AS c) AS c", "c.at"),
        ("posts AS c JOIN drafts AS b ON b.id = c.id", "coalesce(b.at, c.at)"),
    ],
)
def test_a_source_whose_own_rows_are_not_plain_is_scanned_as_it_stands(
    source: str, time: str
) -> None:
    given = {"title": "t", "reads": ["posts"], "from": source, "market": "c.market", "time": time}
    fact = Fact.model_validate(given | {"cluster": "creator", "cluster_id": "c.creator_id"})
    span = Span(tuple(MARKETS.values())[:1], (date(2026, 3, 7), date(2026, 3, 8)))
    assert own_rows_sql(fact, span) is None
