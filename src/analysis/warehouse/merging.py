"""Rows into a canonical table by its key, and which local days of which markets that touched.

A merge adds what is new, replaces what differs, and leaves the rest alone, so that loading the
same rows twice changes nothing. What it touched is noted per table, and per fact that is made of
the table (`Watch`), by market and local day: cubes rebuild those days, runs that read them are
stale, and no others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from analysis.calendar import Market, numbered_day
from analysis.warehouse.days import DAY, day_sql, zones_sql
from analysis.warehouse.interface import Warehouse
from analysis.warehouse.tables import TABLES, Table

#: The changed rows as they are given; and these beside the rows whose place they take.
CHANGED, FELT = "_changed", "_felt"
INSTANT = "CAST(? AS TIMESTAMP WITH TIME ZONE)"
#: What stands for the time of a row that has none, which any row may feel.
LONG_AGO = "CAST('1900-01-01T00:00:00+00:00' AS TIMESTAMP WITH TIME ZONE)"


@dataclass(frozen=True)
class Watch:
    """Rows made of tables, whose local days are noted when one of those tables changes.

    Attributes:
        name: what the days are noted under.
        source, where: FROM and WHERE, in SQL.
        market, time: expressions over the rows.
        links: by table, how its rows reach these: an alias of the table's own rows, or
            `alias.column`, the column (of the same name in the table) over which they are joined.
        settles: how many days after its own time a row is final: what it is joined with over a
            column, and the newest time of a table, no longer matter to it when they are later.
            None where it may never be.
        newest: tables whose newest time rows that are not settled are reckoned up to.
        source_within: the same FROM where only rows of times from one instant up to another are
            asked for, of which an engine reads less; None where there is none.
    """

    name: str
    source: str
    market: str
    time: str
    links: Mapping[str, str]
    where: str = "TRUE"
    settles: int | None = None
    newest: frozenset[str] = frozenset()
    source_within: Callable[[datetime, datetime], str] | None = None

    def follows(self, table: str) -> bool:
        """Whether its rows may feel a change of a table."""
        return table in self.links or table in self.newest

    def reached_by(self, table: Table, since: Since) -> tuple[str, list[object]]:
        """The condition that a row feels the changed rows of a table; with its bound values."""
        conditions, bound = [], list[object]()
        if table.name in self.links:
            alias, _, column = self.links[table.name].partition(".")
            names = [column] if column else table.key
            same = [table.same(name, f"changed.{name}", f"{alias}.{name}") for name in names]
            if column and self.settles is not None:
                at = f"changed.{table.time}"
                same.append(f"({at} IS NULL OR {at} <= {self._settled})")
            conditions.append(
                f"EXISTS (SELECT 1 FROM {FELT} AS changed WHERE {' AND '.join(same)})"
            )
        if table.name in self.newest and since is not None:
            conditions.append(f"{self._settled} > {INSTANT}")
            bound.append(since.isoformat())
        return " OR ".join(conditions) or "FALSE", bound

    def source_of(self, table: Table, first: datetime | None) -> str:
        """FROM of at least the rows that feel changed rows of a table, the earliest of a time."""
        joined = "." in self.links.get(table.name, "") and table.name not in self.newest
        if not joined or self.settles is None or self.source_within is None or first is None:
            return self.source
        return self.source_within(first - timedelta(days=self.settles), NEVER)

    @property
    def _settled(self) -> str:
        """The instant at which a row is final."""
        return f"{self.time} + INTERVAL {self.settles} DAY"


#: From when on the newest time of a table tells otherwise; None where it is what it was.
Since = datetime | None
#: Earlier than any row, and later.
EVER, NEVER = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


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
    warehouse.keep(FELT, _felt(table))
    total, felt = (
        int(warehouse.rows(f"SELECT count(*) FROM {kept}")[0][0]) for kept in (CHANGED, FELT)
    )
    if not total:
        return Merged(0, 0)
    watched = [] if table.is_dated else [own_watch(table)]
    watched += [watch for watch in watches if watch.follows(name)]
    looked_up = any(name in watch.newest for watch in watched)
    newest, earliest = f"max({table.time})", f"min(coalesce({table.time}, {LONG_AGO}))"
    first = None if table.is_dated else _time(warehouse, earliest, FELT)
    was = _time(warehouse, newest, name) if looked_up else None
    before = _days(warehouse, table, watched, markets, first)
    warehouse.replace_rows(name, CHANGED)
    warehouse.deal(name, CHANGED)
    now = _time(warehouse, newest, name) if looked_up else None
    since = min(was or EVER, now or EVER) if was != now else None
    _note(warehouse, before | _days(warehouse, table, watched, markets, first, since), load_id)
    if table.is_dated:
        warehouse.stamp(name, load_id)
    return Merged(2 * total - felt, felt - total)


Day = tuple[str, str, date]


def _time(warehouse: Warehouse, of: str, relation: str) -> datetime | None:
    """The newest or the earliest time of some rows."""
    # Without a zone as it comes, see `Warehouse.last_times`.
    ((at,),) = warehouse.rows(f"SELECT timezone('UTC', {of}) FROM {relation}")
    return None if at is None else at.replace(tzinfo=UTC)


def _days(
    warehouse: Warehouse,
    table: Table,
    watched: Sequence[Watch],
    markets: Mapping[str, Market],
    first: datetime | None,
    since: Since = None,
) -> set[Day]:
    """The name, market and local day of every row that feels the changed rows, as of now."""
    zones, bound, width = zones_sql(list(markets.values()), None)
    parts = []
    for number, watch in enumerate(watched):
        reached, values = watch.reached_by(table, since)
        bound += values
        day, source = day_sql(watch.time, width), watch.source_of(table, first)
        parts.append(
            f"SELECT DISTINCT {number} AS watch, coalesce({watch.market}, '') AS market, "
            f"coalesce({day}, CAST(floor(epoch({watch.time}) / {DAY}) AS INT)) AS day "
            f"FROM {source} LEFT JOIN zones ON zones.market = {watch.market} "
            f"WHERE {watch.time} IS NOT NULL AND ({watch.where}) AND ({reached})"
        )
    if not parts:
        return set()
    sql = f"WITH zones AS (SELECT * FROM {zones}) {' UNION ALL '.join(parts)}"
    return {
        (watched[number].name, market, numbered_day(day))
        for number, market, day in warehouse.rows(sql, bound)
    }


def _note(warehouse: Warehouse, days: set[Day], load_id: str) -> None:
    import pyarrow as pa  # a plan notes nothing

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


def _felt(table: Table) -> str:
    """The changed rows, and those of their keys as they were: both are felt."""
    columns = ", ".join(table.columns)
    same = table.same_key("old", "changed")
    return (
        f"SELECT {columns} FROM {CHANGED} UNION ALL SELECT {columns} FROM {table.name} AS old "
        f"WHERE EXISTS (SELECT 1 FROM {CHANGED} AS changed WHERE {same})"
    )
