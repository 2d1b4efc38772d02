"""What every engine gives: the small interface that the rest of the project is written against.

SQL is written once, in DuckDB's dialect; an engine carries it to its own (`translate`). Values are
bound to `?`, never written into the text.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, date, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

from analysis.calendar import Market
from analysis.errors import UserError
from analysis.warehouse.buckets import BUCKET_TABLE, new_buckets_sql
from analysis.warehouse.tables import ALL_TABLES, TABLES

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: How many rows of Parquet lie together: small groups make slices cheap.
ROW_GROUP = 20_480


class NoWarehouse(UserError):
    """Nothing was loaded yet; commands that can do without rows go on."""


class QueryError(Exception):
    """A query that the engine refuses. The message is one line.

    Attributes:
        column: the column that is not there, where that is why.
        candidates: what the engine would have known in its place.
        quotes: whether the message may quote a row's value.
    """

    def __init__(
        self,
        message: str,
        column: str | None = None,
        candidates: Sequence[str] = (),
        *,
        quotes: bool = True,
    ) -> None:
        super().__init__(message)
        self.column = column
        self.quotes = quotes
        self.candidates = tuple(candidates)


@contextmanager
def refusals(
    kinds: type[Exception] | tuple[type[Exception], ...], told: Callable[[Exception], Exception]
) -> Iterator[None]:
    """An engine's errors as ours, so that no other module need know the driver's."""
    try:
        yield
    except kinds as error:
        raise told(error) from None


class Warehouse(ABC):
    """An engine with the canonical tables. Use it as a context."""

    #: The engine's dialect, as SQLGlot calls it.
    dialect: ClassVar[str]
    #: Whether it guesses how many rows lie in a span of time, and is better told.
    guesses: ClassVar[bool] = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What an engine has to bring.

    @abstractmethod
    def close(self) -> None:
        """Lets go of the engine."""

    @abstractmethod
    def fetch(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """A query's result, in the engine's own dialect.

        Raises:
            QueryError: the engine refuses it.
        """

    @abstractmethod
    def perform(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """A statement that gives nothing back, in the engine's own dialect."""

    @abstractmethod
    def columns(self) -> dict[str, list[str]]:
        """The columns of every table that is there, by table."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[None]:
        """All that is done within is there together, or not at all.

        An engine without transactions does each statement as it comes; what is done within must
        then be safe to repeat.
        """

    @abstractmethod
    def take_in(self, name: str, rows: pa.Table | Sequence[Path]) -> None:
        """Makes a temporary table of an Arrow table's rows, or of Parquet files'."""

    @abstractmethod
    def keep(self, name: str, sql: str) -> None:
        """Makes a temporary table of what a query gives; one of the same name is replaced."""

    @property
    @abstractmethod
    def where(self) -> str:
        """The place that the warehouse is at, without secrets: for people."""

    # What follows for all.

    def translate(self, sql: str, *, pretty: bool = False) -> str:
        """SQL of DuckDB's dialect in the engine's own; in lines, for people, where asked."""
        from analysis.warehouse.dialects import translate  # 0.2 s that DuckDB need not pay

        return translate(sql, self.dialect, pretty=pretty)

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """A query's result as an Arrow table.

        Raises:
            QueryError: the engine refuses it.
        """
        return self.fetch(self.translate(sql), parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """A query's rows, for a few of them; instants are in UTC.

        Raises:
            QueryError: the engine refuses it.
        """
        return listed(self.arrow(sql, parameters))

    def frame(self, sql: str, parameters: Sequence[object] = ()) -> pd.DataFrame:
        """A query's result as a pandas frame.

        Raises:
            QueryError: the engine refuses it.
        """
        return framed(self.arrow(sql, parameters))

    def describe(self, sql: str) -> dict[str, str]:
        """Names and types of what a query gives, without running it.

        Raises:
            QueryError: it is no valid query; says which column is not there, if that is why.
        """
        found = self.arrow(f"SELECT * FROM ({sql}) AS described LIMIT 0")
        return {field.name: str(field.type) for field in found.schema}

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Runs a statement that gives nothing back."""
        self.perform(self.translate(sql), parameters)

    def ask(self, query: str, parameters: Sequence[object], most: int | None) -> pa.Table:
        """A person's own query, in the engine's own dialect, of at most so many rows.

        Raises:
            QueryError: it is no query, more than one, or would do something else than read.
        """
        from analysis.warehouse.dialects import only_reads

        try:
            asked = only_reads(query, self.dialect, most)
        except SyntaxError as error:
            raise QueryError(str(error)) from None
        return self.fetch(asked, parameters)

    def to_parquet(self, sql: str, path: Path, parameters: Sequence[object] = ()) -> None:
        """Writes a query's result as Parquet, in its order."""
        import pyarrow.parquet as pq  # a plan writes none

        found = self.arrow(sql, parameters)
        pq.write_table(found, path, compression="zstd", row_group_size=ROW_GROUP)

    def prepare(self) -> None:
        """Makes the canonical tables, and those in which versions are kept, where they lack.

        A table of an earlier version gets the columns that came since; these owe no value. One
        that was filled before there were buckets gets those of all its clusters.
        """
        held = self.columns()
        for table in ALL_TABLES.values():
            self.execute(table.ddl())
            for column in table.columns.keys() - set(held.get(table.name, table.columns)):
                kind = table.columns[column]
                self.execute(f"ALTER TABLE {table.name} ADD COLUMN {column} {kind}")
        if BUCKET_TABLE not in held:
            for name in sorted(held.keys() & TABLES.keys()):
                self.deal(name, name)

    def replace_rows(self, table: str, rows: str) -> None:
        """Puts the rows of a temporary table in the place of those of the same key."""
        spec = ALL_TABLES[table]
        same = spec.same_key(table, "new")
        self.execute(f"DELETE FROM {table} WHERE EXISTS (SELECT 1 FROM {rows} AS new WHERE {same})")
        self.insert(table, f"SELECT * FROM {rows}")

    def insert(self, table: str, rows: str, parameters: Sequence[object] = ()) -> None:
        """Adds a query's rows to one of the project's own tables, by the columns' names."""
        columns = ", ".join(ALL_TABLES[table].columns)
        self.execute(
            f"INSERT INTO {table} ({columns}) SELECT {columns} FROM ({rows}) AS more", parameters
        )

    def deal(self, table: str, rows: str) -> None:
        """Keeps the buckets of the clusters in some rows of a table, of those that have none."""
        for column in ALL_TABLES[table].clusters:
            self.insert(BUCKET_TABLE, new_buckets_sql(rows, column))

    def stamp(self, table: str, version: str) -> None:
        """Says which version of its rows a table now holds; runs that read it follow."""
        import pyarrow as pa  # a plan stamps nothing

        if table in ALL_TABLES:  # what is not a table of ours is a mark of its loader
            self.deal(table, table)
        self.take_in("_stamped", pa.table({"table_name": [table], "version": [version]}))
        self.replace_rows("_versions", "_stamped")

    def versions(self) -> dict[str, str]:
        """The version of every table that was loaded."""
        if "_versions" not in self.columns():
            return {}
        return dict(self.rows("SELECT table_name, version FROM _versions ORDER BY table_name"))

    def complete_until(self, table: str, market: Market) -> date | None:
        """The first local day of a market that a table does not hold whole; None without rows.

        A day is whole when the last row's time reaches its end. A market without rows of its own
        falls back on all rows; published figures end for all markets with the newest report.
        """
        return complete_day(table, market, self.last_times(table, market.code)) or complete_day(
            table, market, self.last_times(table)
        )

    def last_times(self, table: str, market: str | None = None) -> LastTimes:
        """By market, the last time in a table's rows; of one market only, where one is given.

        Rows of no market, and the ends of dated tables, stand under None.
        """
        spec = TABLES[table]
        if spec.is_dated:
            found = self.rows(f"SELECT NULL, max(period_end) FROM {table}")
        elif "market" not in spec.columns:
            found = self.rows(f"SELECT NULL, timezone('UTC', max({spec.time})) FROM {table}")
        else:
            which, bound = (" WHERE market = ?", [market]) if market is not None else ("", [])
            last = f"SELECT market, timezone('UTC', max({spec.time})) FROM {table}{which}"
            last += " GROUP BY market"
            found = self.rows(last, bound)
        known = {code: last for code, last in found if last is not None}
        if spec.is_dated:
            return known
        # Without a zone as they come: PyArrow makes instants with the help of pandas, which
        # commands that only plan go without.
        return {code: last.replace(tzinfo=UTC) for code, last in known.items()}


LastTimes = dict[str | None, Any]


def complete_day(table: str, market: Market, last_times: LastTimes) -> date | None:
    """The first local day of a market that a table with such last times does not hold whole."""
    if not last_times:
        return None
    spec = TABLES[table]
    last = last_times.get(market.code) or max(last_times.values())
    if spec.is_dated:
        return cast("date", last)
    return market.local_day(last + timedelta(hours=spec.grain_hours))


def listed(found: pa.Table) -> list[tuple[Any, ...]]:
    """An Arrow table's rows as Python's values."""
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def framed(found: pa.Table) -> pd.DataFrame:
    """An Arrow table as a frame, dates and instants as pandas has them."""
    frame: pd.DataFrame = found.to_pandas(date_as_object=False)
    return frame
