"""The one door to an engine: no other room imports a database driver."""

from __future__ import annotations

from analysis.warehouse.asking import Answer, RowsCut, ask_frame, ask_rows
from analysis.warehouse.buckets import BUCKET_TABLE, BUCKETS, bucket_sql, units_sql
from analysis.warehouse.days import day_sql, zones_sql
from analysis.warehouse.duckdb import DuckDBWarehouse, scratch
from analysis.warehouse.interface import NoWarehouse, QueryError, Warehouse
from analysis.warehouse.marks import Marks, read_marks
from analysis.warehouse.merging import Merged, Watch, merge
from analysis.warehouse.noted import (
    noted_answer,
    noted_complete_until,
    noted_last_times,
    noted_marks,
)
from analysis.warehouse.opening import open_warehouse, warehouse_file, warehouse_mark
from analysis.warehouse.tables import TABLES, Table

__all__ = [
    "BUCKETS",
    "BUCKET_TABLE",
    "TABLES",
    "Answer",
    "DuckDBWarehouse",
    "Marks",
    "Merged",
    "NoWarehouse",
    "QueryError",
    "RowsCut",
    "Table",
    "Warehouse",
    "Watch",
    "ask_frame",
    "ask_rows",
    "bucket_sql",
    "day_sql",
    "merge",
    "noted_answer",
    "noted_complete_until",
    "noted_last_times",
    "noted_marks",
    "open_warehouse",
    "read_marks",
    "scratch",
    "units_sql",
    "warehouse_file",
    "warehouse_mark",
    "zones_sql",
]
