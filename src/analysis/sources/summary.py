"""What is known of each source: its loads, its quarantine, and how fresh each market's rows are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from analysis.project import Project
from analysis.sources.declared import AnySource, declared
from analysis.warehouse import TABLES, NoWarehouse, Table, Warehouse, noted_answer, open_warehouse
from analysis.warehouse.contracts import SETTLED

_LAST = """
SELECT source, table_name, count(*) AS loads, sum(rows_read) AS read, sum(added) AS added,
  sum(updated) AS updated, min(first_time) AS first_time, max(last_time) AS last_time,
  max(CASE WHEN NOT stopped THEN loaded_at END) AS loaded_at
FROM _loads GROUP BY source, table_name ORDER BY source, table_name
"""


@dataclass(frozen=True)
class Summary:
    """All loads of a source into a table, together.

    Attributes:
        read, added, updated: rows, of all loads.
        quarantined: rows that are in quarantine now, each once.
        reasons: the same, by why.
        first, last: the span of times of what was loaded, in UTC.
        loaded_at: the last load that went through.
        stale: whether that is longer ago than the source declares; None where it declares nothing.
        fresh: by market, the last time of any of the table's rows, in the market's own zone.
    """

    source: str
    table: str
    read: int
    added: int
    updated: int
    quarantined: int
    reasons: dict[str, int]
    first: datetime | None
    last: datetime | None
    loaded_at: datetime | None
    stale: bool | None
    fresh: dict[str, datetime]

    def lines(self) -> list[str]:
        """For a person, one line an item."""
        counts = f"{self.read:,} rows read, {self.added:,} added, {self.updated:,} updated"
        found = [f"{self.table}: {counts}, {self.quarantined:,} in quarantine"]
        found += [f"  {n:,}: {reason}" for reason, n in sorted(self.reasons.items())]
        if self.first and self.last:
            found.append(f"  times {self.first:%Y-%m-%d %H:%M} to {self.last:%Y-%m-%d %H:%M} UTC")
        if self.loaded_at:
            late = ", stale" if self.stale else ""
            found.append(f"  loaded {self.loaded_at:%Y-%m-%d %H:%M} UTC{late}")
        # A row does not say whose it is, and what a study reads is all of them.
        fresh = [f"    {m} until {at:%Y-%m-%d %H:%M %Z}" for m, at in self.fresh.items()]
        found += [f"  {self.table} of all sources:", *fresh] if fresh else []
        return found


def summaries(project: Project, now: datetime | None = None) -> list[Summary]:
    """Every source and table that was loaded, in order; none where there is no warehouse."""
    try:
        with open_warehouse(project) as warehouse:
            if "_loads" not in warehouse.columns():
                return []
            return list(_all(project, warehouse, now or datetime.now(UTC)))
    except NoWarehouse:
        return []


def _all(project: Project, warehouse: Warehouse, now: datetime) -> Iterator[Summary]:
    sources = declared(project)
    broken = (
        "SELECT source, table_name, reason, count(*) FROM _quarantine "
        f"WHERE reason NOT LIKE '{SETTLED}%' GROUP BY 1, 2, 3"
    )
    reasons = [(s, t, reason, int(n)) for s, t, reason, n in warehouse.rows(broken)]
    for name, table, _, read, added, updated, first, last, loaded in warehouse.rows(_LAST):
        own = {why: n for s, t, why, n in reasons if (s, t) == (name, table)}
        stale = is_stale(sources.get(name), loaded, now)
        fresh = dict(_fresh(project, warehouse, TABLES[table]))
        counts = (int(read), int(added), int(updated), sum(own.values()))
        yield Summary(name, table, *counts, own, first, last, loaded, stale, fresh)


def is_stale(source: AnySource | None, loaded: datetime | None, now: datetime) -> bool | None:
    """Whether the last load is longer ago than the source declares."""
    if source is None or source.fresh_within_hours is None:
        return None
    return loaded is None or now - loaded > timedelta(hours=source.fresh_within_hours)


def _fresh(project: Project, warehouse: Warehouse, table: Table) -> Iterator[tuple[str, datetime]]:
    if "market" not in table.columns or table.is_dated:
        return
    last = {market: at for market, at in warehouse.last_times(table.name).items() if market}
    for market, at in sorted(last.items()):
        zone = project.markets[market].zone if market in project.markets else "UTC"
        yield market, at.astimezone(ZoneInfo(zone))


def doubts(
    project: Project,
    tables: Sequence[str],
    end: date,
    end_utc: datetime,
    data_until: date | None,
) -> tuple[str, ...]:
    """What a study's page must say of the data of its window: incomplete, or stale.

    Args:
        project: whose sources say how fresh their rows must be.
        tables: that the study reads.
        end, end_utc: of the window, exclusive.
        data_until: the first local day that the study's clock does not hold whole.
    """
    found = []
    if data_until is not None and data_until < end:
        days = (end - data_until).days
        found.append(
            f"Incomplete: the last {days} day{'s' if days > 1 else ''} of this window have no "
            "complete data yet, and its numbers will change."
        )
    sources = declared(project) if (project.params / "sources.yaml").exists() else {}
    expected = [
        (name, table, source, source.fresh_within_hours)
        for name, source in sources.items()
        for table in source.mappings
        if table in tables and source.fresh_within_hours is not None
    ]
    loaded = _loaded(project) if expected else {}
    for name, table, source, hours in expected:
        at = loaded.get((name, table))
        # Before its first load a source is a declaration; rows may come another way.
        if at is None or at >= end_utc + timedelta(hours=hours):
            continue
        if is_stale(source, at, datetime.now(UTC)):
            found.append(
                f"Stale: {table} was last loaded from {name} on {at:%Y-%m-%d %H:%M} UTC, which "
                f"is longer ago than the {hours:g} hours expected."
            )
    return tuple(found)


def _loaded(project: Project) -> dict[tuple[str, str], datetime | None]:
    """When each source and table was last loaded to its end."""

    def ask(warehouse: Warehouse) -> list[tuple[str, str, str | None]]:
        if "_loads" not in warehouse.columns():
            return []
        rows = warehouse.rows(_LAST)
        return [(name, table, at and at.isoformat()) for name, table, *_, at in rows]

    told = noted_answer(project, "loads", ask)
    return {(name, table): at and datetime.fromisoformat(at) for name, table, at in told}
