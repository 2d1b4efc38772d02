"""A source's new rows into the warehouse: staged, mapped, checked, merged, all or nothing.

The mapping and the table's own checks run in an engine of the stage (DuckDB, on disk), whatever
the warehouse is; links are looked up in the warehouse. Rows, quarantine, counts and the state from
which the next load goes on are written in one transaction.
"""

from __future__ import annotations

import fcntl
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from analysis.errors import UserError
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.watching import watches
from analysis.project import Project
from analysis.sources.counts import TableLoad, load_name, note_loads
from analysis.sources.declared import AnySource, one
from analysis.sources.extract import Extracted, extract
from analysis.sources.stage import Staged, stage_table, staging
from analysis.warehouse import TABLES, NoWarehouse, Warehouse, Watch, merge, open_warehouse
from analysis.warehouse.contracts import unlinked
from analysis.warehouse.tables import ALL_TABLES


@dataclass(frozen=True)
class Load:
    """What a load of a source did."""

    source: str
    load_id: str
    raw: dict[str, int]
    tables: tuple[TableLoad, ...]

    def lines(self) -> list[str]:
        """For a person, one line an item."""
        read = ", ".join(f"{n:,} {table}" for table, n in self.raw.items()) or "nothing new"
        found = [f"{self.source}: read {read}"]
        for t in self.tables:
            same = t.read - t.added - t.updated - t.quarantined
            counts = f"{t.added:,} added, {t.updated:,} updated, {same:,} as they were"
            found.append(f"  {t.table}: {counts}, {t.quarantined:,} in quarantine")
            found += [f"    {n:,}: {reason}" for reason, n in sorted(t.reasons.items())]
        return found


def acquire(
    project: Project,
    name: str,
    *,
    where: str | None = None,
    since: datetime | None = None,
    full: bool = False,
) -> Load:
    """Loads what is new in a source; cubes and runs made of the rows that it touches follow.

    Args:
        where: another place than the declared one, for sources of files.
        since: read again what changed since then.
        full: read everything again; rows that are gone at the source stay here.

    Raises:
        UserError: a mistake in params/, the source can't be read, is not as declared, or more rows
            break their contract than it tolerates. Nothing was merged then.
    """
    source, watched = one(project, name), watches(load_catalogue(project))
    if where is not None:
        if not hasattr(source, "where"):
            raise UserError("--from", f"{name} is no source of files")
        source = source.model_copy(update={"where": where})
    load_id = load_name(name)
    with _alone(project, name) as folder:
        held = _state(project, name)
        state = None if full or since else held
        found = extract(project, name, source, folder, state=state, since=since)
        if since and held:
            found = replace(found, state=held)
        with staging(project, found, folder) as stage:
            mapped = [
                stage_table(stage, folder, f"{name}, {table}", TABLES[table], sql, project.policies)
                for table, sql in _mappings(source)
                if found.files
            ]
        with open_warehouse(project, write=True) as warehouse:
            return _write(
                project,
                warehouse,
                source,
                Load(name, load_id, found.rows, ()),
                found,
                mapped,
                watched,
            )


def _mappings(source: AnySource) -> list[tuple[str, str]]:
    """Tables before those that are linked to them: as they are declared."""
    return [(name, source.mappings[name]) for name in TABLES if name in source.mappings]


@contextmanager
def _alone(project: Project, name: str) -> Iterator[Path]:
    """An empty folder for a load, of which a source has one at a time; a killed one's is cleared.

    Raises:
        UserError: the source is being loaded already.
    """
    place = project.data / "staging"
    place.mkdir(parents=True, exist_ok=True)
    folder = place / name
    with (place / f".{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(name, "it is being loaded already; wait for that load") from None
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _state(project: Project, name: str) -> str | None:
    try:
        with open_warehouse(project) as warehouse:
            if "_sources" not in warehouse.columns():
                return None
            found = warehouse.rows("SELECT state FROM _sources WHERE source = ?", (name,))
            return str(found[0][0]) if found else None
    except NoWarehouse:
        return None


class _Stopped(Exception):
    """More rows are broken than the source tolerates."""

    def __init__(self, table: TableLoad) -> None:
        self.table = table


def _write(
    project: Project,
    warehouse: Warehouse,
    source: AnySource,
    load: Load,
    found: Extracted,
    mapped: list[Staged],
    watched: Sequence[Watch],
) -> Load:
    broken: list[pa.Table] = []
    try:
        with warehouse.transaction():
            tables = [
                _table(project, warehouse, source, load, staged, watched, broken)
                for staged in mapped
            ]
            _quarantine(warehouse, load, broken)
            note_loads(warehouse, load.source, load.load_id, tables)
            state = pa.table({"source": [load.source], "state": [found.state]})
            warehouse.take_in("_state", state)
            warehouse.replace_rows("_sources", "_state")
    except _Stopped as stop:
        with warehouse.transaction():
            _quarantine(warehouse, load, broken)
            note_loads(warehouse, load.source, load.load_id, [stop.table], stopped=True)
        raise _too_many(load, stop.table) from None
    return replace(load, tables=tuple(tables))


def _table(
    project: Project,
    warehouse: Warehouse,
    source: AnySource,
    load: Load,
    staged: Staged,
    watched: Sequence[Watch],
    broken: list[pa.Table],
) -> TableLoad:
    table = staged.table
    warehouse.take_in("_good", [staged.good])
    warehouse.take_in("_broken", [staged.broken])
    selected = "SELECT digest, reason, content FROM"
    refused = [warehouse.arrow(f"{selected} _broken")]
    kept = []
    for rule in unlinked(table):
        reason = rule.reason.replace("'", "''")
        sql = f"SELECT _digest AS digest, '{reason}' AS reason, _row AS content"
        refused.append(warehouse.arrow(f"{sql} FROM _good AS t WHERE {rule.broken}"))
        kept.append(f"NOT ({rule.broken})")
    rows = pa.concat_tables([each.cast(_BROKEN) for each in refused])
    broken.append(rows.append_column("table_name", pa.array([table.name] * len(rows), pa.string())))
    reasons = dict(Counter(rows.column("reason").to_pylist()))
    done = TableLoad(table.name, staged.read, 0, 0, reasons, staged.first, staged.last)
    if not source.tolerance.allows(done.quarantined, done.read):
        raise _Stopped(done)
    good = (
        f"SELECT {', '.join(table.columns)} FROM _good AS t WHERE {' AND '.join(kept or ['TRUE'])}"
    )
    merged = merge(
        warehouse, table.name, good, load_id=load.load_id, markets=project.markets, watches=watched
    )
    return replace(done, added=merged.added, updated=merged.updated)


_BROKEN = pa.schema([(name, pa.string()) for name in ("digest", "reason", "content")])


def _quarantine(warehouse: Warehouse, load: Load, broken: list[pa.Table]) -> None:
    """The broken rows of every table; one that was there already stays one."""
    rows = pa.concat_tables(broken) if broken else None
    if rows is None or not len(rows):
        return
    for name, value in (("source", load.source), ("load_id", load.load_id)):
        rows = rows.append_column(name, pa.array([value] * len(rows), pa.string()))
    warehouse.take_in("_refused", rows)
    columns = ", ".join(ALL_TABLES["_quarantine"].columns)
    warehouse.keep("_refused_rows", f"SELECT {columns} FROM _refused")
    warehouse.replace_rows("_quarantine", "_refused_rows")


def _too_many(load: Load, table: TableLoad) -> UserError:
    worst = sorted(table.reasons.items(), key=lambda each: -each[1])[:5]
    said = "; ".join(f"{n:,} {reason}" for reason, n in worst)
    counts = f"{table.quarantined:,} of {table.read:,} rows break the contract of {table.table}"
    look = "see _quarantine; mend the source, or raise its tolerance in params/sources.yaml"
    return UserError(load.source, f"{counts} ({said}); nothing was merged; {look}")
