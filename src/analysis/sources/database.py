"""Tables of a relational database as dlt resources, by its sql_database source, in Arrow."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from analysis.errors import UserError
from analysis.sources.declared import Database, Raw, secret
from analysis.sources.files import check_header

if TYPE_CHECKING:
    from sqlalchemy import Engine

_ROWS = 50_000


def resources(name: str, source: Database, since: datetime | None) -> list[Any]:
    """A resource for each raw table.

    Raises:
        UserError: nobody answers, or a table or column is not as declared.
    """
    engine = _engine(name, secret(source.url_from, name))
    return [_resource(name, engine, table, raw, since) for table, raw in source.raw.items()]


def _engine(name: str, url: str) -> Engine:
    import sqlalchemy as sa

    try:
        made = sa.make_url(url)
        if made.drivername in ("postgresql", "postgres"):
            made = made.set(drivername="postgresql+psycopg")
        engine = sa.create_engine(made)
        engine.connect().close()
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError) as error:
        problem = f"its URL names no database that can be read ({type(error).__name__})"
        raise UserError(name, f"{problem}; such as postgresql://USER@HOST/DATABASE") from None
    except sa.exc.DBAPIError as error:
        # The driver's own words may hold the URL.
        problem = f"the database does not answer ({type(error.orig).__name__})"
        raise UserError(name, f"{problem}; check its URL and that it can be reached") from None
    return engine


def _resource(name: str, engine: Engine, table: str, raw: Raw, since: datetime | None) -> Any:
    import dlt
    import sqlalchemy as sa
    from dlt.sources.sql_database import sql_table

    schema, _, there = (raw.table or table).rpartition(".")
    where = f"{name}, {raw.table or table}"
    try:
        columns = sa.inspect(engine).get_columns(there, schema or None)
    except sa.exc.NoSuchTableError:
        raise UserError(where, "the database has no such table or view, or shows it not") from None
    check_header([str(each["name"]) for each in columns], raw, where)
    cursor = (
        dlt.sources.incremental(
            raw.cursor,
            initial_value=_starts(columns, raw, since, where),
            lag=raw.overlap,
            primary_key=(),  # rows are told apart by the merge: a corrected one must come through
            on_cursor_value_missing="include",
        )
        if raw.cursor
        else None
    )
    found = sql_table(
        engine,
        table=there,
        schema=schema or None,
        backend="pyarrow",
        chunk_size=_ROWS,
        reflection_level="full",
        included_columns=list(raw.columns),
        incremental=cursor,
    )
    return found.with_name(table)


def _starts(columns: Any, raw: Raw, since: datetime | None, where: str) -> Any:
    """`--since` as a value of the cursor's type."""
    import sqlalchemy as sa

    if since is None:
        return None
    kind = next(each["type"] for each in columns if each["name"] == raw.cursor)
    if isinstance(kind, sa.DateTime):
        return since if kind.timezone else since.replace(tzinfo=None)
    if isinstance(kind, sa.Date):
        return since.date()
    raise UserError(where, f"--since needs a cursor of time; {raw.cursor} is {kind}; use --full")
