"""PostgreSQL behind the warehouse's interface, by its Arrow driver (ADBC)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import UserError
from analysis.warehouse.interface import (
    NoWarehouse,
    QueryError,
    Warehouse,
    listed,
    refusals,
)
from analysis.warehouse.tables import ALL_TABLES

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Connection


class PostgresWarehouse(Warehouse):
    """A warehouse in the default schema of a PostgreSQL database.

    Raises:
        UserError: the driver is not installed, or nobody answers; the URL's password is not said.
        NoWarehouse: it is opened to read, and holds none of the tables.
    """

    dialect = "postgres"

    def __init__(self, url: str, *, write: bool = False) -> None:
        self._place = _place(url)
        self.connection = _connect(url, self._place)
        self.perform("SET TIME ZONE 'UTC'")
        if write:
            self.prepare()
        elif not ALL_TABLES.keys() & self.columns().keys():
            self.close()
            raise NoWarehouse("warehouse", f"{self.where} has no tables yet; load something first")

    @property
    def where(self) -> str:
        return self._place

    def close(self) -> None:
        self.connection.close()

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        with _refusals(), self.connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)
            return _numbers(cursor.fetch_arrow_table())

    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with _refusals(), self.connection.cursor() as cursor:
            cursor.execute(sql, list(parameters) or None)

    def ask(self, query: str, parameters: Sequence[object], most: int | None) -> pa.Table:
        """A person's own query, in a transaction that can't write, whatever functions it calls."""
        self.perform("BEGIN READ ONLY")
        try:
            return super().ask(query, parameters, most)
        finally:
            self.perform("ROLLBACK")

    def columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        held = (
            "SELECT table_name::text, column_name::text FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        )
        for table, column in listed(self.fetch(held)):
            found.setdefault(table, []).append(column)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.perform("BEGIN")
        try:
            yield
        except BaseException:
            self.perform("ROLLBACK")
            raise
        self.perform("COMMIT")

    def take_in(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        if not isinstance(rows, pa.Table):
            rows = pa.concat_tables(
                [pq.read_table(path) for path in rows], promote_options="default"
            )
        self.perform(f"DROP TABLE IF EXISTS pg_temp.{name}")
        with _refusals(), self.connection.cursor() as cursor:
            cursor.adbc_ingest(name, rows, mode="create", temporary=True)

    def keep(self, name: str, sql: str) -> None:
        self.perform(f"DROP TABLE IF EXISTS pg_temp.{name}")
        self.execute(f"CREATE TEMP TABLE {name} AS {sql}")
        self.perform(f"ANALYZE {name}")


def _numbers(found: pa.Table) -> pa.Table:
    """PostgreSQL's `numeric`, which its driver gives as text, as whole numbers or fractions."""
    for place, field in enumerate(found.schema):
        if isinstance(field.type, pa.OpaqueType) and field.type.type_name == "numeric":
            text = found.column(place).cast(pa.string())
            try:
                values = text.cast(pa.int64())
            except pa.ArrowInvalid:
                values = text.cast(pa.float64())
            found = found.set_column(place, field.name, values)
    return found


def _place(url: str) -> str:
    """A URL as it may be shown: without user and password."""
    parts = urlsplit(url)
    return f"postgresql://{parts.hostname or ''}{parts.path}"


def _connect(url: str, place: str) -> Connection:
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError:
        problem = f'{place} needs the extra `postgres`: pip install -e ".[postgres]"'
        raise UserError("warehouse", problem) from None
    try:
        opened: Connection = dbapi.connect(url, autocommit=True)
        return opened
    except Error as error:
        # The driver's words may hold the URL, and so the password.
        reason = re.findall(
            r"FATAL: +([^\n]*)|(could not [^\n]*|[Cc]onnection refused)", str(error)
        )
        said = next((a or b for a, b in reason), "nobody answers there")
        raise UserError("warehouse", f"{place} can't be opened: {said}") from None


def _refusals() -> AbstractContextManager[None]:
    from adbc_driver_manager import Error

    return refusals(Error, _refused)


def _refused(error: Exception) -> QueryError:
    """The engine's own words: their first line, and the column that it did not find."""
    text = str(error)
    said = re.search(r"(?:ERROR|FATAL): +([^\n]*)", text)
    named = re.search(r'column "?([\w.]+)"? does not exist', text)
    line = said[1] if said else text.splitlines()[0]
    return QueryError(line, named[1].split(".")[-1] if named else None)
