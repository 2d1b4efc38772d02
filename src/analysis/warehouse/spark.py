"""Spark behind the warehouse's interface: in this process, its tables Parquet in one folder."""

from __future__ import annotations

import json
import logging
import re
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import UserError
from analysis.warehouse.interface import NoWarehouse, QueryError, Warehouse, refusals
from analysis.warehouse.tables import ALL_TABLES, INSTANT
from analysis.writing import aside

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


#: The file that says which folders of Parquet make up each table.
PARTS = "tables.json"
#: A table in more parts is written anew as one.
MOST_PARTS = 16

#: Settings of Spark in this process: it speaks to nobody else, and draws no bars.
PROCESS = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
#: Settings of a session: instants are UTC's, and what can't be cast is an error.
SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}

#: Arrow's types by those that tables are declared with.
ARROW = {
    "SMALLINT": pa.int16(),
    "BIGINT": pa.int64(),
    "DOUBLE": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    INSTANT: pa.timestamp("us", "UTC"),
}

Parts = dict[str, list[str]]


class SparkWarehouse(Warehouse):
    """A warehouse in a folder, its tables folders of Parquet, read and written by local Spark.

    One small file says which folders make up each table. What is written is new folders; a
    transaction is there when that file is replaced, all at once, and what no longer belongs to a
    table goes at the next one, so that those who read still find it. One writer at a time.

    Raises:
        UserError: Spark is not installed, or Java.
        NoWarehouse: the folder is not there, and it is opened to read.
    """

    dialect = "spark"

    def __init__(self, folder: Path, *, write: bool = False, cores: int = 2) -> None:
        if not write and not (folder / PARTS).is_file():
            raise NoWarehouse("warehouse", f"{folder.name} is not there yet; load something first")
        self.folder = folder
        self.session = _session(cores)
        self._within = False
        folder.mkdir(parents=True, exist_ok=True)
        self._parts = self._read_parts()
        self._shown: set[str] = set()
        if write:
            self.prepare()
        for name in self._parts:
            self._show(name)

    @property
    def where(self) -> str:
        return self.folder.name

    def close(self) -> None:
        """Forgets the tables; the session stays for the next, as one takes seconds to start."""
        for name in self._shown:
            self.session.catalog.dropTempView(name)
        self._shown.clear()

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        with _refusals():
            return self._frame(sql, parameters).toArrow()

    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Spark's temporary views can't be written to; see `insert`."""
        with _refusals():
            self._frame(sql, parameters)

    def columns(self) -> dict[str, list[str]]:
        return {name: list(ALL_TABLES[name].columns) for name in sorted(self._parts)}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        before = {name: list(parts) for name, parts in self._parts.items()}
        self._within = True
        try:
            yield
        except BaseException:
            changed = [name for name in before if before[name] != self._parts[name]]
            self._parts = before
            for name in changed:
                self._show(name)
            raise
        finally:
            self._within = False
        self._commit()

    def prepare(self) -> None:
        with self.transaction():
            for name, table in ALL_TABLES.items():
                if name not in self._parts:
                    kinds = {c: ARROW[k.replace("JSON", "VARCHAR")] for c, k in table.kinds.items()}
                    part = f"{name}/{uuid4().hex}"
                    (self.folder / part).mkdir(parents=True)
                    empty = pa.schema(kinds).empty_table()
                    pq.write_table(empty, self.folder / part / "empty.parquet")
                    self._parts[name] = [part]

    def take_in(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        if isinstance(rows, pa.Table):
            # Of columns in chunks of unlike lengths PySpark 4.3 takes the first chunk alone.
            frame = self.session.createDataFrame(rows.combine_chunks())
        else:
            frame = self.session.read.option("mergeSchema", "true").parquet(*map(str, rows))
        self._name(name, frame)

    def keep(self, name: str, sql: str) -> None:
        with _refusals():
            # Worked out once and kept, as a temporary table is; a view would follow its tables.
            self._name(name, self._frame(self.translate(sql), ()).localCheckpoint())

    def insert(self, table: str, rows: str, parameters: Sequence[object] = ()) -> None:
        with _refusals(), self._alone():
            added = self._frame(self.translate(_typed(table, f"({rows})")), parameters)
            self._write(table, added, also=self._parts[table])
            if len(self._parts[table]) > MOST_PARTS:
                self._write(table, self.session.table(table))

    def replace_rows(self, table: str, rows: str) -> None:
        same = ALL_TABLES[table].same_key("old", "new")
        gone = f"EXISTS (SELECT 1 FROM {rows} AS new WHERE {same})"
        kept = f"SELECT * FROM {table} AS old WHERE NOT {gone}"
        with _refusals(), self._alone():
            both = f"{_typed(table, f'({kept})')} UNION ALL {_typed(table, rows)}"
            self._write(table, self._frame(self.translate(both), ()))

    def _frame(self, sql: str, parameters: Sequence[object]) -> DataFrame:
        return self.session.sql(sql, args=list(parameters)) if parameters else self.session.sql(sql)

    def _name(self, name: str, frame: DataFrame) -> None:
        frame.createOrReplaceTempView(name)
        self._shown.add(name)

    def _show(self, name: str) -> None:
        places = [str(self.folder / part) for part in self._parts[name]]
        self._name(name, self.session.read.parquet(*places))

    def _write(self, name: str, frame: DataFrame, also: Sequence[str] = ()) -> None:
        """A table's rows as a new folder, beside folders of it that stay."""
        part = f"{name}/{uuid4().hex}"
        frame.write.parquet(str(self.folder / part))
        self._parts[name] = [*also, part]
        self._show(name)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A statement is a transaction of its own where it is in none."""
        if self._within:
            yield
        else:
            with self.transaction():
                yield

    def _read_parts(self) -> Parts:
        try:
            found: Parts = json.loads((self.folder / PARTS).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def _commit(self) -> None:
        before = self._read_parts()
        if before == self._parts:
            return
        with aside(self.folder / PARTS) as new:
            new.write_text(json.dumps(self._parts), encoding="utf-8")
        used = {part for parts in (*before.values(), *self._parts.values()) for part in parts}
        for old in self.folder.glob("*/*"):
            if old.relative_to(self.folder).as_posix() not in used:
                shutil.rmtree(old)


def _typed(table: str, rows: str) -> str:
    """A query's rows with the types of a table's columns; Parquet takes what it is given."""
    return ALL_TABLES[table].typed(f"{rows} AS more")


def _session(cores: int) -> SparkSession:
    try:
        from pyspark.errors import PySparkRuntimeError
        from pyspark.sql import SparkSession
    except ImportError:
        problem = 'a spark:// URL needs the extra `spark`: pip install -e ".[spark]", and Java 17'
        raise UserError("warehouse", problem) from None
    builder = SparkSession.builder.master(f"local[{cores}]").appName("safety-studies")
    for name, value in {**PROCESS, "spark.sql.shuffle.partitions": str(cores)}.items():
        builder = builder.config(name, value)
    # Its own log repeats each refused query with Java's stack; what it says is in the error.
    # And of pandas, newer than it knows, nothing is used here.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    try:
        first = builder.getOrCreate()
    except PySparkRuntimeError:
        raise UserError("warehouse", "Spark does not start; it needs Java 17 or later") from None
    first.sparkContext.setLogLevel("ERROR")
    # Tables' names belong to one session, so that two warehouses may be open.
    session = first.newSession()
    for name, value in SESSION.items():
        session.conf.set(name, value)
    return session


def _refusals() -> AbstractContextManager[None]:
    from pyspark.errors import PySparkException

    return refusals(PySparkException, _refused)


def _refused(error: Exception) -> QueryError:
    """The engine's own words: their first line, and the column that it did not find."""
    text = str(error)
    named = re.search(r"with name `([^`]+)`(?:\.`([^`]+)`)?", text)
    offered = re.search(r"Did you mean one of the following\? \[([^\]]*)\]", text)
    return QueryError(
        text.splitlines()[0],
        (named[2] or named[1]) if named else None,
        re.findall(r"`([^`]+)`(?=,|$)", offered[1]) if offered else (),
    )
