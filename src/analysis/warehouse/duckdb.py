"""DuckDB behind the warehouse's interface: one file, any number of readers or one writer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import UserError
from analysis.warehouse.interface import (
    ROW_GROUP,
    NoWarehouse,
    QueryError,
    Warehouse,
    listed,
    refusals,
)

# A command that plans opens no warehouse: an eighth of its time. What opens one imports the engine.
if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class DuckDBWarehouse(Warehouse):
    """A warehouse in one DuckDB file."""

    dialect = "duckdb"
    guesses = True

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self.connection = _connect(path, write=write)
        self.connection.execute("SET TimeZone = 'UTC'")
        # A table that is not there must not be looked for among the variables of this module.
        self.connection.execute("SET python_enable_replacements = false")
        if write:
            self.prepare()

    @property
    def where(self) -> str:
        return self.path.name

    def close(self) -> None:
        self.connection.close()

    def translate(self, sql: str, *, pretty: bool = False) -> str:  # noqa: ARG002 (as written)
        return sql

    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        with _refusals():
            return self.connection.sql(sql, params=list(parameters)).to_arrow_table()

    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        with _refusals():
            self.connection.execute(sql, list(parameters))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with _refusals():
            found = self.connection.sql(sql, params=list(parameters))
            # DuckDB makes Python's instants with pytz, which nothing else here needs.
            if any("TIME ZONE" in str(kind) for kind in found.types):
                return listed(found.to_arrow_table())
            return found.fetchall()

    def describe(self, sql: str) -> dict[str, str]:
        with _refusals():
            found = self.connection.execute(f"DESCRIBE {sql}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in found}

    def ask(self, query: str, parameters: Sequence[object], most: int | None) -> pa.Table:
        """A person's own query; DuckDB's own parser knows what SQLGlot's may not."""
        return self.fetch(_limited(query, most), parameters)

    def columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        query = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        for table, column in self.rows(query):
            found.setdefault(table, []).append(column)
        return found

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.begin()
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def take_in(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        if isinstance(rows, Sequence):
            read = "SELECT * FROM read_parquet(?, union_by_name = true)"
            files = [str(path) for path in rows]
            self.perform(f"CREATE OR REPLACE TEMP TABLE {name} AS {read}", [files])
        else:
            self.connection.register("_arrow", rows)
            self.keep(name, "SELECT * FROM _arrow")
            self.connection.unregister("_arrow")

    def keep(self, name: str, sql: str) -> None:
        self.perform(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def to_parquet(self, sql: str, path: Path, parameters: Sequence[object] = ()) -> None:
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}"
        place = "'" + str(path).replace("'", "''") + "'"
        with _refusals():
            self.connection.execute(f"COPY ({sql}) TO {place} ({options})", list(parameters))


def _limited(sql: str, most: int | None) -> str:
    """A person's query as one that gives at most so many rows; the engine stops there.

    None sets no limit: the rest of what is checked is the same.
    """
    import duckdb

    with _refusals():
        found = duckdb.extract_statements(sql)
    if len(found) != 1:
        raise QueryError(f"one query is run at a time; {len(found)} given")
    kind = found[0].type.name
    if kind != "SELECT":
        raise QueryError(f"{kind} is no query; the warehouse is only read here, by select …")
    # Lines of its own, so that a comment at the query's end stays within the brackets.
    asked = f"SELECT * FROM (\n{sql.strip().rstrip(';')}\n) AS asked"
    return asked if most is None else f"{asked} LIMIT {most:d}"


def refused(error: Exception) -> QueryError:
    """The engine's own words: their first line without the kind of error, and its guess."""
    import duckdb

    text = str(error)
    line = text.splitlines()[0].partition(": ")[2]
    named = re.search(r'(?:column named|[Cc]olumn) "([^"]+)"', line)
    offered = re.search(r"^Candidate bindings: (.*)$", text, flags=re.MULTILINE)
    guess = re.search(r"^Did you mean .*$", text, flags=re.MULTILINE)
    return QueryError(
        f"{line} {guess[0]}" if guess else line,
        named[1] if named else None,
        re.findall(r'"([^"]+)"', offered[1]) if offered else (),
        quotes=isinstance(error, duckdb.DataError | duckdb.InvalidInputException),
    )


def _refusals() -> AbstractContextManager[None]:
    import duckdb

    return refusals(duckdb.Error, refused)


def scratch() -> DuckDBWarehouse:
    """An empty warehouse in memory, with every canonical table: to try expressions on."""
    return DuckDBWarehouse(Path(":memory:"), write=True)


def _connect(path: Path, *, write: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    name = path.name
    if not write and not path.exists():
        raise NoWarehouse("warehouse", f"{name} is not there yet; make it with `study demo`")
    if write:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return duckdb.connect(path, read_only=not write)
    except duckdb.IOException as error:
        if "lock" in str(error).lower():
            holder = "another program has it open; close that notebook or wait for that run"
            raise UserError("warehouse", f"{name} is locked: {holder}") from None
        raise _unreadable(name) from None
    except duckdb.Error:
        raise _unreadable(name) from None


def _unreadable(name: str) -> UserError:
    problem = f"{name} is no readable DuckDB file; move it away and load again (`study demo`)"
    return UserError("warehouse", problem)
