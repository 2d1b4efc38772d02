"""Trino behind the warehouse's interface, by its own driver: to read what others load there.

Its SQL is checked to parse in Trino's dialect and its rows' way to Arrow is tested; no server of
Trino's is started by the tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

import pyarrow as pa

from analysis.errors import UserError
from analysis.warehouse.interface import QueryError, Warehouse

if TYPE_CHECKING:
    from trino.dbapi import Connection

PASSWORD_VARIABLE = "TRINO_PASSWORD"  # noqa: S105 (the variable's name, no password)
READS = "trino:// is only read here; load its tables with what writes your lake"

#: Arrow's types by the first word of Trino's.
ARROW = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double": pa.float64(),
    "decimal": pa.float64(),
    "varchar": pa.string(),
    "char": pa.string(),
    "json": pa.string(),
    "date": pa.date32(),
}


class TrinoWarehouse(Warehouse):
    """A catalogue's schema with the canonical tables, only read.

    Raises:
        UserError: the driver is not installed, the URL lacks a part, or it is opened to write.
    """

    dialect = "trino"

    def __init__(self, url: str, *, write: bool = False) -> None:
        parts = urlsplit(url)
        self.catalog, _, self.schema = parts.path.strip("/").partition("/")
        if write:
            raise UserError("warehouse", READS)
        if not (parts.hostname and parts.username and self.catalog and self.schema):
            problem = "a part lacks; Allowed: trino://USER@HOST:PORT/CATALOG/SCHEMA"
            raise UserError("warehouse", problem)
        self._place = f"trino://{parts.hostname}/{self.catalog}/{self.schema}"
        self.connection = _connect(parts, self.catalog, self.schema)

    @property
    def where(self) -> str:
        return self._place

    def close(self) -> None:
        self.connection.close()  # type: ignore[no-untyped-call]  # the driver has no types there

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        with _refusals():
            cursor = self.connection.cursor()
            cursor.execute(sql, list(parameters) or None)
            rows = cursor.fetchall()
        return as_arrow([(each[0], each[1]) for each in cursor.description], rows)

    def columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        held = (
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = ? ORDER BY table_name, ordinal_position"
        )
        for table, column in self.rows(held, [self.schema]):
            found.setdefault(table, []).append(column)
        return found

    def perform(self, *_: object) -> NoReturn:
        raise UserError("warehouse", READS)

    def transaction(self) -> NoReturn:
        self.perform()

    def take_in(self, *_: object) -> NoReturn:
        self.perform()

    def keep(self, *_: object) -> NoReturn:
        self.perform()


def as_arrow(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Rows as the driver gives them, columns with their names and Trino's types.

    >>> as_arrow([("n", "bigint"), ("share", "decimal(3,1)")], [[1, 0.5], [None, 1]]).to_pydict()
    {'n': [1, None], 'share': [0.5, 1.0]}
    """
    kinds = [_kind(kind) for _, kind in columns]
    values = [[_plain(row[place], kind) for row in rows] for place, kind in enumerate(kinds)]
    arrays = [pa.array(each, kind) for each, kind in zip(values, kinds, strict=True)]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in columns])


def _kind(declared: str) -> pa.DataType:
    if declared.startswith("timestamp"):
        return pa.timestamp("us", "UTC" if "with time zone" in declared else None)
    return ARROW.get(re.split(r"[( ]", declared)[0], pa.string())


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_floating(kind):
        return float(value)
    return str(value) if pa.types.is_string(kind) else value


def _connect(parts: SplitResult, catalog: str, schema: str) -> Connection:
    try:
        from trino.auth import BasicAuthentication
        from trino.dbapi import connect
    except ImportError:
        problem = 'a trino:// URL needs the extra `trino`: pip install -e ".[trino]"'
        raise UserError("warehouse", problem) from None
    user = unquote(parts.username or "")
    password = unquote(parts.password or "") or os.environ.get(PASSWORD_VARIABLE)
    # A password goes over an encrypted line only; the driver refuses another.
    opened: Connection = connect(  # type: ignore[no-untyped-call]  # nor here
        host=parts.hostname,
        port=parts.port or (443 if password else 8080),
        user=user,
        catalog=catalog,
        schema=schema,
        timezone="UTC",
        http_scheme="https" if password else "http",
        auth=BasicAuthentication(user, password) if password else None,
    )
    return opened


@contextmanager
def _refusals() -> Iterator[None]:
    """The engine's errors as ours, so that no other module need know the driver's."""
    from trino.exceptions import Error, HttpError, TrinoConnectionError, TrinoUserError

    try:
        yield
    except TrinoUserError as error:
        line = str(error.message).splitlines()[0]
        named = re.search(r"Column '([^']+)' cannot be resolved", line)
        raise QueryError(line, named[1].split(".")[-1] if named else None) from None
    except (HttpError, TrinoConnectionError) as error:
        # The driver's words hold the address, and may hold more.
        raise UserError("warehouse", f"trino: no answer ({type(error).__name__})") from None
    except Error as error:
        raise QueryError(str(error).splitlines()[0]) from None
