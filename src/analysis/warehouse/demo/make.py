"""Makes the demo warehouse aside, carries over what it does not make, and puts it in place."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from analysis.errors import UserError, shorten
from analysis.project import Project
from analysis.warehouse import warehouse_file
from analysis.warehouse.demo.build import MADE, TRUTH, Progress, build, demo_version
from analysis.warehouse.duckdb import DuckDBWarehouse
from analysis.warehouse.tables import TABLES

SCALES = (0.001, 1000.0)


@dataclass(frozen=True)
class DemoSummary:
    """What was made.

    Attributes:
        rows: rows by table.
        seconds: how long it took.
        path: the warehouse's file.
        version: as `demo_version` gives it.
    """

    rows: dict[str, int]
    seconds: float
    path: Path
    version: str


def make_demo(
    project: Project,
    *,
    seed: int | None = None,
    scale: float = 1.0,
    progress: Progress | None = None,
) -> DemoSummary:
    """Replaces the project's warehouse by a simulated one.

    The file is written aside and renamed, so that a reader sees the old one or the new one whole.
    Tables that the demo does not make (published figures) are carried over.

    Args:
        project: whose warehouse, markets and policies are used.
        seed: of the simulation; the project's where none is given.
        scale: multiplies the rows; 1 makes about four million.
        progress: called with what is being made and the share that is done.

    Raises:
        UserError: the warehouse is no DuckDB file, is in use, or the disk is full.
    """
    if not SCALES[0] <= scale <= SCALES[1]:
        raise UserError("scale", f"{scale:g} given; {SCALES[0]:g} to {SCALES[1]:g} allowed")
    started = time.perf_counter()
    seed = project.settings.seed if seed is None else seed
    path = warehouse_file(project)
    partial = path.with_name(path.name + ".partial")
    settle(path)
    sweep(partial)
    version = demo_version(project, seed, scale)
    try:
        with DuckDBWarehouse(partial, write=True) as warehouse:
            build(warehouse, project, seed, scale, progress)
            rows = finish(warehouse, version)
            carry_over(warehouse, path)
        partial.replace(path)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        first = shorten(str(error).splitlines()[0], 200)
        raise UserError("warehouse", f"the demo can't be written: {first}") from None
    finally:
        remove(partial)
    return DemoSummary(rows, time.perf_counter() - started, path, version)


def settle(path: Path) -> None:
    """Makes sure that nobody has the old warehouse open, and that it holds all that was written.

    Opening it to write takes its lock and, if a program died in the midst of writing, works off
    the log that it left beside, which would otherwise be taken for a part of the new file.

    Raises:
        UserError: it is in use, or no DuckDB file.
    """
    if not path.exists():
        path.with_name(path.name + ".wal").unlink(missing_ok=True)
        return
    try:
        duckdb.connect(path).close()
    except duckdb.ConnectionException:
        raise UserError("warehouse", f"{path.name} is open in this program; close it") from None
    except duckdb.Error:
        DuckDBWarehouse(path, write=True).close()  # Says what is wrong in the one way.


def sweep(partial: Path) -> None:
    """Removes what a killed run left.

    Raises:
        UserError: another run is at work on it.
    """
    if not partial.exists():
        return
    try:
        duckdb.connect(partial).close()
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            raise UserError("warehouse", "another demo is being made; wait for it") from None
    except duckdb.Error:
        pass  # Killed before it held anything.
    remove(partial)


def remove(partial: Path) -> None:
    """Removes a file aside, its log and what DuckDB moved out of memory for it."""
    for left in (partial, partial.with_name(partial.name + ".wal")):
        left.unlink(missing_ok=True)
    shutil.rmtree(partial.with_name(partial.name + ".tmp"), ignore_errors=True)


def finish(warehouse: DuckDBWarehouse, version: str) -> dict[str, int]:
    """Stamps the tables, writes everything to the file, and counts the rows."""
    for table in MADE:
        warehouse.stamp(table, version)
    warehouse.execute("CHECKPOINT")
    tables = (*MADE, *TRUTH)
    return {name: warehouse.rows(f"SELECT count(*) FROM {name}")[0][0] for name in tables}


def carry_over(warehouse: DuckDBWarehouse, old: Path) -> None:
    """Copies the tables that the demo does not make, with their versions, from the old file.

    The file is taken to write, so that nothing is added to it unseen.
    """
    if not old.exists():
        return
    quoted = str(old).replace("'", "''")
    warehouse.execute(f"ATTACH '{quoted}' AS old")
    held = "SELECT table_name FROM duckdb_tables() WHERE database_name = 'old'"
    there = {name for (name,) in warehouse.rows(held)}
    for name in TABLES.keys() & there - set(MADE):
        warehouse.execute(f"INSERT INTO {name} BY NAME SELECT * FROM old.{name}")
    if "_versions" in there:
        kept = f"SELECT * FROM old._versions WHERE table_name NOT IN {MADE}"
        warehouse.execute(f"INSERT INTO _versions {kept}")
    warehouse.execute("DETACH old")
