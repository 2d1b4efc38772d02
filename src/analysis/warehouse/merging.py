"""Rows into a canonical table by its key, and which local days of which markets that touched.

A merge adds what is new, replaces what differs, and leaves the rest alone, so that loading the
same rows twice changes nothing. What it touched is noted per table, and per fact that is made of
the table (`Watch`), by market and local day: cubes rebuild those days, runs that read them are
stale, and no others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa

from analysis.calendar import Market
from analysis.warehouse.days import DAY, day_sql, zones_sql
from analysis.warehouse.interface import Warehouse
from analysis.warehouse.tables import TABLES, Table

CHANGED = "_changed"


@dataclass(frozen=True)
class Watch:
    """Rows made of tables, whose local days are noted when one of those tables changes.

    Attributes:
        name: what the days are noted under.
        source, where: FROM and WHERE, in SQL.
        market, time: expressions over the rows.
        links: by table, how its rows reach these: an alias of the table's own rows, or
            `alias.column`, the column (of the same name in the table) over which they are joined.
    """

    name: str
    source: str
    market: str
    time: str
    links: Mapping[str, str]
    where: str = "TRUE"

    def reached_by(self, table: Table) -> str:
        """The condition that a row is made of a changed row of a table."""
        alias, _, column = self.links[table.name].partition(".")
        names = [column] if column else table.key
        same = (table.same(name, f"changed.{name}", f"{alias}.{name}") for name in names)
        return f"EXISTS (SELECT 1 FROM {CHANGED} AS changed WHERE {' AND '.join(same)})"


class Merged(NamedTuple):
    """What a merge did: rows that were not there, rows that were there and differ."""

    added: int
    updated: int


def own_watch(table: Table) -> Watch:
    """A table's own rows, on the local day of its own time."""
    if table.market_through is None:
        source = f"{table.name} AS t"
        return Watch(table.name, source, "t.market", f"t.{table.time}", {table.name: "t"})
    other, column = table.market_through
    source = f"{table.name} AS t JOIN {other} AS via ON via.{column} = t.{column}"
    return Watch(table.name, source, "via.market", f"t.{table.time}", {table.name: "t"})


def merge(
    warehouse: Warehouse,
    name: str,
    rows: str,
    *,
    load_id: str,
    markets: Mapping[str, Market],
    watches: Sequence[Watch],
) -> Merged:
    """Brings a query's rows into a canonical table, within the caller's transaction.

    Args:
        name: the table.
        rows: SQL that gives its columns, one row a key.
        load_id: what the touched days are noted under.
        markets: whose days are local; rows of other markets count by UTC's day.
        watches: what else is made of tables, and would be stale without.

    Returns:
        How many rows were added and updated.
    """
    table = TABLES[name]
    warehouse.keep(CHANGED, _changed(table, rows))
    known = f"SELECT count(*) FROM {CHANGED}"
    total, updated = (
        int(warehouse.rows(sql)[0][0])
        for sql in (known, f"{known} AS changed WHERE {_held(table)}")
    )
    if not total:
        return Merged(0, 0)
    watched = [] if table.is_dated else [own_watch(table)]
    watched += [watch for watch in watches if name in watch.links]
    before = _days(warehouse, table, watched, markets)
    warehouse.replace_rows(name, CHANGED)
    warehouse.deal(name, CHANGED)
    _note(warehouse, before | _days(warehouse, table, watched, markets), load_id)
    if table.is_dated:
        warehouse.stamp(name, load_id)
    return Merged(total - updated, updated)


Day = tuple[str, str, date]


def _days(
    warehouse: Warehouse, table: Table, watched: Sequence[Watch], markets: Mapping[str, Market]
) -> set[Day]:
    """The name, market and local day of every row made of a changed row, as the tables are now."""
    zones, bound, width = zones_sql(list(markets.values()), None)
    parts = [
        f"SELECT DISTINCT {number} AS watch, coalesce({watch.market}, '') AS market, "
        f"coalesce({day_sql(watch.time, width)}, CAST(floor(epoch({watch.time}) / {DAY}) AS INT)) "
        f"AS day FROM {watch.source} LEFT JOIN zones ON zones.market = {watch.market} "
        f"WHERE {watch.time} IS NOT NULL AND ({watch.where}) AND {watch.reached_by(table)}"
        for number, watch in enumerate(watched)
    ]
    if not parts:
        return set()
    sql = f"WITH zones AS (SELECT * FROM {zones}) {' UNION ALL '.join(parts)}"
    first = date(1970, 1, 1)
    return {
        (watched[number].name, market, first + timedelta(days=day))
        for number, market, day in warehouse.rows(sql, bound)
    }


def _note(warehouse: Warehouse, days: set[Day], load_id: str) -> None:
    names, markets, dates = zip(*sorted(days), strict=True) if days else ((), (), ())
    noted = pa.table(
        {
            "name": pa.array(names, pa.string()),
            "market": pa.array(markets, pa.string()),
            "day": pa.array(dates, pa.date32()),
        }
    )
    warehouse.take_in("_noted", noted)
    load = "SELECT name, market, day, CAST(? AS VARCHAR) AS load_id FROM _noted"
    warehouse.insert("_touched", load, (load_id,))


def _changed(table: Table, rows: str) -> str:
    """The rows that are not held as they are.

    Held against the rows of their keys alone, which an engine finds without reading all others.
    """
    same = " AND ".join(table.same(c, f"held.{c}", f"s.{c}") for c in table.columns)
    columns = ", ".join(f"s.{name}" for name in table.columns)
    return (
        f"WITH s AS ({table.typed(f'({rows}) AS given')}), held AS ("
        f"SELECT old.* FROM {table.name} AS old "
        f"WHERE EXISTS (SELECT 1 FROM s WHERE {table.same_key('old', 's')})) "
        f"SELECT {columns} FROM s WHERE NOT EXISTS (SELECT 1 FROM held WHERE {same})"
    )


def _held(table: Table) -> str:
    return f"EXISTS (SELECT 1 FROM {table.name} AS held WHERE {table.same_key('held', 'changed')})"
