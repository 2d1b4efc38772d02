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
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.errors import UserError
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.watching import watches
from analysis.project import Project
from analysis.sources.counts import TableLoad, load_name, note_loads
from analysis.sources.declared import AnySource, one
from analysis.sources.extract import Extracted, extract
from analysis.sources.stage import Staged, stage_held, stage_table, staging
from analysis.warehouse import TABLES, NoWarehouse, Table, Warehouse, Watch, merge, open_warehouse
from analysis.warehouse.contracts import SETTLED, unlinked
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
            if t.back:
                found.append(f"    {t.back:,} of them out of quarantine, where they waited")
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
        held, refused = _state(project, name)
        state = None if full or since else held
        found = extract(project, name, source, folder, state=state, since=since)
        if since and held:
            found = replace(found, state=held)
        with staging(project, found, folder) as stage:
            mapped = [
                _staged(project, stage, folder, name, TABLES[table], sql, refused, found)
                for table, sql in _mappings(source)
                if found.files or table in refused
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


def _staged(
    project: Project,
    stage: Warehouse,
    folder: Path,
    name: str,
    table: Table,
    mapping: str,
    refused: dict[str, pa.Table],
    found: Extracted,
) -> Staged:
    """A table's new rows, and what was refused before; this alone where nothing is new."""
    held = refused.get(table.name, _REFUSED.empty_table())
    if not found.files:
        return stage_held(stage, folder, table, held)
    where = f"{name}, {table.name}"
    return stage_table(stage, folder, where, table, mapping, project.policies, held)


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


_REFUSED = pa.schema([(name, pa.string()) for name in ("digest", "reason", "content", "load_id")])


def _state(project: Project, name: str) -> tuple[str | None, dict[str, pa.Table]]:
    """How far a source was read, and by table what of it is in quarantine."""
    try:
        with open_warehouse(project) as warehouse:
            if "_sources" not in warehouse.columns():
                return None, {}
            found = warehouse.rows("SELECT state FROM _sources WHERE source = ?", (name,))
            held = warehouse.arrow(
                "SELECT table_name, digest, reason, content, load_id FROM _quarantine "
                f"WHERE source = ? AND reason NOT LIKE '{SETTLED}%'",
                (name,),
            )
    except NoWarehouse:
        return None, {}
    tables = held.column("table_name")
    refused = {
        table: held.filter(pc.equal(tables, table)).drop_columns("table_name").cast(_REFUSED)
        for table in tables.unique().to_pylist()
    }
    return (str(found[0][0]) if found else None), refused


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
            tables = [table for table in tables if found.files or table.back]
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
    warehouse.take_in("_again", [staged.again])
    linked = " AND ".join(kept or ["TRUE"])
    back = warehouse.arrow(f"{selected} _again AS t WHERE {linked}").cast(_BROKEN)
    broken += [_of(table.name, rows), _of(table.name, _settled(rows, back, staged.past))]
    reasons = dict(Counter(rows.column("reason").to_pylist()))
    done = TableLoad(table.name, staged.read, 0, 0, reasons, staged.first, staged.last, len(back))
    if not source.tolerance.allows(done.quarantined, done.read):
        raise _Stopped(done)
    columns = ", ".join(table.columns)
    good = " UNION ALL ".join(
        f"SELECT {columns} FROM {name} AS t WHERE {linked}" for name in ("_good", "_again")
    )
    merged = merge(
        warehouse, table.name, good, load_id=load.load_id, markets=project.markets, watches=watched
    )
    read = done.read + done.back
    return replace(done, read=read, added=merged.added, updated=merged.updated)


def _of(table: str, rows: pa.Table) -> pa.Table:
    return rows.append_column("table_name", pa.array([table] * len(rows), pa.string()))


def _settled(refused: pa.Table, back: pa.Table, past: Path) -> pa.Table:
    """What leaves the quarantine: it keeps its place there, and says so."""
    replaced = pq.read_table(past).cast(_BROKEN)
    again = pc.is_in(replaced.column("digest"), refused.column("digest").combine_chunks())
    rows = pa.concat_tables([back, replaced.filter(pc.invert(again))])
    reasons = [f"{SETTLED}{reason}" for reason in rows.column("reason").to_pylist()]
    place = rows.schema.get_field_index("reason")
    return rows.set_column(place, "reason", pa.array(reasons, pa.string()))


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
