"""Spark behind the warehouse's interface: in this process, its tables Parquet in one folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from analysis.errors import UserError
from analysis.warehouse.interface import NoWarehouse, QueryError, Warehouse
from analysis.warehouse.tables import ALL_TABLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkWarehouse(Warehouse):
    """A warehouse in a folder, a folder of Parquet files a table, read and written by local Spark.

    Plain Parquet has no transactions: a table's rows are replaced by a rename, each table by
    itself, and a merge that was cut short is done again.

    Raises:
        UserError: Spark is not installed.
        NoWarehouse: the folder is not there.
    """

    dialect = "spark"

    def __init__(self, folder: Path, *, write: bool = False, cores: int = 2) -> None:
        if not write and not folder.is_dir():
            raise NoWarehouse("warehouse", f"{folder.name} is not there yet; load something first")
        self.folder = folder
        self.session = _session(cores)
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            self.prepare()
        for name in self.columns():
            self._show(name)

    @property
    def where(self) -> str:
        return self.folder.name

    def close(self) -> None:
        """Forgets the tables; the session stays for the next, as one takes seconds to start."""
        for name in self.columns():
            self.session.catalog.dropTempView(name)

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        with _refusals():
            return _in_utc(self._frame(sql, parameters).toArrow())

    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Spark's temporary views can't be written to; see `insert`."""
        with _refusals():
            self._frame(sql, parameters)

    def columns(self) -> dict[str, list[str]]:
        there = [path for path in sorted(self.folder.iterdir()) if (path / "_SUCCESS").exists()]
        return {path.name: list(ALL_TABLES[path.name].columns) for path in there}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def prepare(self) -> None:
        for name, table in ALL_TABLES.items():
            if not (self.folder / name / "_SUCCESS").exists():
                columns = ", ".join(
                    f"CAST(NULL AS {_kind(k)}) AS {c}" for c, k in table.columns.items()
                )
                self._write(name, self._frame(self.translate(f"SELECT {columns} WHERE FALSE"), ()))

    def take_in(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        if isinstance(rows, pa.Table):
            frame = self.session.createDataFrame(rows)
        else:
            frame = self.session.read.option("mergeSchema", "true").parquet(*map(str, rows))
        frame.createOrReplaceTempView(name)

    def keep(self, name: str, sql: str) -> None:
        with _refusals():
            kept = self._frame(self.translate(sql), ()).localCheckpoint()
        kept.createOrReplaceTempView(name)

    def insert(self, table: str, rows: str, parameters: Sequence[object] = ()) -> None:
        columns = ", ".join(ALL_TABLES[table].columns)
        both = f"SELECT {columns} FROM {table} UNION ALL SELECT {columns} FROM ({rows}) AS more"
        with _refusals():
            self._write(table, self._frame(self.translate(both), parameters))
        self._show(table)

    def replace_rows(self, table: str, rows: str) -> None:
        spec = ALL_TABLES[table]
        same, columns = spec.same_key("old", "new"), ", ".join(spec.columns)
        gone = f"EXISTS (SELECT 1 FROM {rows} AS new WHERE {same})"
        kept = f"SELECT {columns} FROM {table} AS old WHERE NOT {gone}"
        sql = f"{kept} UNION ALL SELECT {columns} FROM {rows}"
        with _refusals():
            self._write(table, self._frame(self.translate(sql), ()))
        self._show(table)

    def _frame(self, sql: str, parameters: Sequence[object]) -> DataFrame:
        return self.session.sql(sql, args=list(parameters)) if parameters else self.session.sql(sql)

    def _write(self, name: str, frame: DataFrame) -> None:
        """Aside, then renamed; what was there goes last."""
        place, aside, old = (self.folder / f"{name}{end}" for end in ("", ".new", ".old"))
        shutil.rmtree(aside, ignore_errors=True)
        frame.write.parquet(str(aside))
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        aside.rename(place)
        shutil.rmtree(old, ignore_errors=True)

    def _show(self, name: str) -> None:
        self.session.read.parquet(str(self.folder / name)).createOrReplaceTempView(name)


def _kind(declared: str) -> str:
    return declared.removesuffix(" NOT NULL").replace("JSON", "VARCHAR")


def _in_utc(found: pa.Table) -> pa.Table:
    """Spark names UTC's zone as the session does; Arrow's own name for it is what others give."""
    return found


def _session(cores: int) -> SparkSession:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        problem = 'a spark:// URL needs the extra `spark`: pip install -e ".[spark]", and Java 17'
        raise UserError("warehouse", problem) from None
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.ansi.enabled": "true",
    }
    builder = SparkSession.builder.master(f"local[{cores}]").appName("safety-studies")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


@contextmanager
def _refusals() -> Iterator[None]:
    """The engine's errors as ours, so that no other module need know the driver's."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        text = str(error)
        named = re.search(r"with name `([^`]+)`(?:\.`([^`]+)`)?", text)
        offered = re.search(r"Did you mean one of the following\? \[([^\]]*)\]", text)
        raise QueryError(
            text.splitlines()[0],
            (named[2] or named[1]) if named else None,
            re.findall(r"`([^`]+)`(?=,|$)", offered[1]) if offered else (),
        ) from None
