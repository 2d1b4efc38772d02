"""DuckDB behind the warehouse's interface: one file, any number of readers or one writer."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import duckdb
import numpy as np

from analysis.calendar import Market
from analysis.errors import UserError
from analysis.warehouse.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

VERSIONS = "CREATE TABLE IF NOT EXISTS _versions (table_name VARCHAR PRIMARY KEY, version VARCHAR)"


class NoWarehouse(UserError):
    """Nothing was loaded yet; commands that can do without rows go on."""


class DuckDBWarehouse:
    """A warehouse in one DuckDB file. Use it as a context.

    Values reach SQL as bound parameters (`?`), never as text.
    """

    dialect = "duckdb"

    def __init__(self, path: Path, *, write: bool = False) -> None:
        self.path = path
        self.connection = _connect(path, write=write)
        self.connection.execute("SET TimeZone = 'UTC'")
        if write:
            self.connection.execute(VERSIONS)
            for table in TABLES.values():
                self.connection.execute(table.ddl())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.connection.close()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement that gives nothing back."""
        self.connection.execute(sql, list(parameters))

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """A query's rows, for a few of them; instants are in UTC.

        Raises:
            QueryError: the engine refuses it.
        """
        with _refusals():
            found = self.connection.sql(sql, params=list(parameters))
            if any("TIME ZONE" in str(kind) for kind in found.types):
                # DuckDB makes Python's instants with pytz, which nothing else here needs.
                columns = [column.to_pylist() for column in found.to_arrow_table().columns]
                return list(zip(*columns, strict=True))
            return found.fetchall()

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """A query's result as a pandas frame.

        Raises:
            QueryError: the engine refuses it.
        """
        with warnings.catch_warnings(), _refusals():
            # DuckDB 2.0 drops columns in place where a query gives instants; pandas 3 minds.
            warnings.filterwarnings("ignore", "The inplace keyword", DeprecationWarning)
            return self.connection.execute(sql, list(parameters)).df()

    def describe(self, sql: str) -> dict[str, str]:
        """Names and SQL types of what a query gives, without running it.

        Raises:
            QueryError: it is no valid query; says which column is not there, if that is why.
        """
        with _refusals():
            found = self.connection.execute(f"DESCRIBE {sql}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in found}

    def limited(self, sql: str, most: int | None) -> str:
        """A person's query as one that gives at most so many rows; the engine stops there.

        None sets no limit: the rest of what is checked is the same.

        Raises:
            QueryError: it is no query, more than one, or would do something else than read.
        """
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

    def columns(self) -> dict[str, list[str]]:
        """The columns of every table that is there, by table."""
        found: dict[str, list[str]] = {}
        query = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        for table, column in self.rows(query):
            found.setdefault(table, []).append(column)
        return found

    def to_parquet(self, sql: str, path: Path, *, row_group: int = 20_480) -> None:
        """Writes a query's result as Parquet, in its order; small row groups make slices cheap."""
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {row_group}"
        self.connection.execute(f"COPY ({sql}) TO ? ({options})", [str(path)])

    def stamp(self, table: str, version: str) -> None:
        """Says which version of its rows a table now holds; runs that read it follow."""
        self.execute("INSERT OR REPLACE INTO _versions VALUES (?, ?)", (table, version))

    def versions(self) -> dict[str, str]:
        """The version of every table that was loaded."""
        return dict(self.rows("SELECT table_name, version FROM _versions ORDER BY ALL"))

    def complete_until(self, table: str, market: Market) -> date | None:
        """The first local day of a market that a table does not hold whole; None without rows.

        A day is whole when the last row's time reaches its end. A market without rows of its own
        falls back on all rows; published figures end for all markets with the newest report.
        """
        spec = TABLES[table]
        found: date | None = None
        if spec.columns[spec.time].startswith("DATE"):
            return cast("date | None", self.rows(f"SELECT max(period_end) FROM {table}")[0][0])
        ends = f"CAST(timezone(?, max({spec.time}) + to_hours({spec.grain_hours})) AS DATE)"
        query, bound = f"SELECT {ends} FROM {table}", [market.zone]
        if "market" in spec.columns:
            found = self.rows(f"{query} WHERE market = ?", [*bound, market.code])[0][0]
        return found or self.rows(query, bound)[0][0]


class ParquetReader:
    """Reads Parquet files without a warehouse, and so without its lock."""

    def __init__(self) -> None:
        # A slice is a few row groups: starting more threads takes longer than reading them.
        self.connection = duckdb.connect(config={"threads": 1})

    def arrays(self, sql: str, parameters: Sequence[object]) -> dict[str, NDArray[Any]]:
        """A query's result as an array per column; rows keep the file's order."""
        found = self.connection.execute(sql, list(parameters)).fetchnumpy()
        return {name: np.asanyarray(values) for name, values in found.items()}


class QueryError(Exception):
    """A query that the engine refuses. The message is one line.

    Attributes:
        column: the column that is not there, where that is why.
        candidates: what the engine would have known in its place.
    """

    def __init__(
        self, message: str, column: str | None = None, candidates: Sequence[str] = ()
    ) -> None:
        super().__init__(message)
        self.column = column
        self.candidates = tuple(candidates)

    @classmethod
    def of(cls, error: duckdb.Error) -> QueryError:
        """The engine's own words: their first line without the kind of error, and its guess."""
        text = str(error)
        line = text.splitlines()[0].partition(": ")[2]
        named = re.search(r'(?:column named|[Cc]olumn) "([^"]+)"', line)
        offered = re.search(r"^Candidate bindings: (.*)$", text, flags=re.MULTILINE)
        guess = re.search(r"^Did you mean .*$", text, flags=re.MULTILINE)
        return cls(
            f"{line} {guess[0]}" if guess else line,
            named[1] if named else None,
            re.findall(r'"([^"]+)"', offered[1]) if offered else (),
        )


@contextmanager
def _refusals() -> Iterator[None]:
    """The engine's errors as ours, so that no other module need know the driver's."""
    try:
        yield
    except duckdb.Error as error:
        raise QueryError.of(error) from None


def scratch() -> DuckDBWarehouse:
    """An empty warehouse in memory, with every canonical table: to try expressions on."""
    return DuckDBWarehouse(Path(":memory:"), write=True)


def _connect(path: Path, *, write: bool) -> duckdb.DuckDBPyConnection:
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
