"""The one door to an engine: no other room imports a database driver."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import UserError
from analysis.project import Project
from analysis.warehouse.asking import Answer, RowsCut, ask_frame, ask_rows
from analysis.warehouse.buckets import BUCKETS, bucket_sql, units_sql
from analysis.warehouse.duckdb import DuckDBWarehouse, ParquetReader, scratch
from analysis.warehouse.interface import NoWarehouse, QueryError, Warehouse
from analysis.warehouse.marks import Marks, read_marks
from analysis.warehouse.merging import Merged, Watch, merge
from analysis.warehouse.tables import TABLES, Table
from analysis.warehouse.zones import zones_sql

__all__ = [
    "BUCKETS",
    "TABLES",
    "Answer",
    "DuckDBWarehouse",
    "Marks",
    "Merged",
    "NoWarehouse",
    "ParquetReader",
    "QueryError",
    "RowsCut",
    "Table",
    "Warehouse",
    "Watch",
    "ask_frame",
    "ask_rows",
    "bucket_sql",
    "merge",
    "open_warehouse",
    "read_marks",
    "scratch",
    "units_sql",
    "warehouse_file",
    "zones_sql",
]


def open_warehouse(project: Project, *, write: bool = False) -> Warehouse:
    """The project's warehouse; use it as a context, so that the file's lock is let go.

    Args:
        project: whose `warehouse` URL is opened.
        write: take the file alone, to load; otherwise any number of readers share it.

    Raises:
        UserError: the URL's kind is not known, the file is locked, missing or no warehouse.
    """
    return DuckDBWarehouse(warehouse_file(project), write=write)


def warehouse_file(project: Project) -> Path:
    """The file that the project's warehouse URL names; a relative one lies in the project.

    Raises:
        UserError: the URL is not DuckDB's.
    """
    kind, _, place = project.warehouse_url.partition("://")
    if kind != "duckdb":
        raise UserError("warehouse", f"{kind!r} given, no known engine; Allowed: duckdb:///PATH")
    return project.root / (place[1:] if place.startswith("//") else place.removeprefix("/"))
