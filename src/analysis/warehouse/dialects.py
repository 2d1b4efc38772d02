"""SQL from DuckDB's dialect, in which the project writes it, to an engine's own, by SQLGlot.

What SQLGlot leaves as it stands, or would give another meaning, is carried here: a local time from
an instant and a zone, seconds between two instants, truth values as numbers, fractions.

SQLGlot with each engine's own Arrow driver, and not Ibis: Ibis 12.0.0 beside the locked duckdb
2.0.0 and sqlglot 30.30.0 connects, aggregates and makes empty tables, views and memtables, but
`list_tables` and `sql` raise AttributeError (no `fetch_arrow_table`), `drop_table`, `drop_view`,
`create_table` from a frame or with `overwrite` raise ParserException (at "EXISTS"), and its Spark
needs pyspark < 4.1. Ours to keep are this module and about 200 lines an engine; a switch later
would touch this room alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.tokenizer_core import TokenType

from analysis.warehouse.tables import ALL_TABLES


@lru_cache(maxsize=512)
def translate(sql: str, dialect: str, *, pretty: bool = False) -> str:
    """A statement of DuckDB's dialect in another; DuckDB's own stays as it is written.

    >>> translate("SELECT timezone(zone, at) FROM t WHERE m = ?", "postgres")
    'SELECT TIMEZONE(zone, at) FROM t WHERE m = $1'
    """
    if dialect == "duckdb":
        return sql
    given = _numbered(sql) if dialect == "postgres" else sql
    tree = annotate_types(sqlglot.parse_one(given, read="duckdb"), schema=SCHEMA, dialect="duckdb")
    # Children first, so that what takes a node's place holds them as they were carried.
    for node in reversed(list(tree.walk())):
        node.replace(_carried(node, dialect))
    return tree.sql(dialect=dialect, pretty=pretty)


def _carried(node: exp.Expr, dialect: str) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.lower() == "timezone":
        zone, instant = node.expressions
        return LOCAL[dialect](zone, instant)
    if isinstance(node, exp.Placeholder) and dialect == "postgres":
        return exp.Parameter(this=exp.Literal.number(node.name))
    if isinstance(node, exp.TimeToUnix) and isinstance(node.this, exp.Sub) and dialect in SECONDS:
        return _call(SECONDS[dialect], dialect, end=node.this.left, start=node.this.right)
    if isinstance(node, exp.CTE) and dialect != "postgres":
        node.set("materialized", None)  # a hint that others don't know
    if isinstance(node, exp.TimeToUnix) and dialect in EPOCH:
        return _call(EPOCH[dialect], dialect, instant=node.this)
    if isinstance(node, exp.Cast) and node.this.is_type("boolean") and dialect in BY_WHOLE_NUMBERS:
        return exp.cast(exp.cast(node.this, "INT"), node.to)
    if isinstance(node, exp.Div):
        # DuckDB divides as doubles; of whole numbers and decimals others keep few digits, or none.
        node.set("this", exp.cast(node.this, "DOUBLE"))
    if isinstance(node, exp.PercentileDisc) and node.expression and dialect == "spark":
        # By name, as SQLGlot would make an approximate one of it.
        share = exp.Anonymous(this="PERCENTILE_DISC", expressions=[node.expression])
        return exp.WithinGroup(this=share, expression=_order(node.this))
    if isinstance(node, exp.DataType) and node.is_type("json") and dialect in DOCUMENTS:
        return exp.DataType.build(DOCUMENTS[dialect], dialect=dialect)
    return node


def _order(by: exp.Expr) -> exp.Order:
    return exp.Order(expressions=[exp.Ordered(this=by, nulls_first=False)])


def _call(text: str, dialect: str, **parts: exp.Expr) -> exp.Expr:
    """An expression of the dialect with parts of a tree in the places of names in braces."""
    tree = sqlglot.parse_one(text, read=dialect)
    return tree.transform(
        lambda node: (
            parts[node.name].copy()
            if isinstance(node, exp.Column) and node.name in parts and not node.table
            else node
        )
    )


def _function(name: str) -> Callable[[exp.Expr, exp.Expr], exp.Expr]:
    """A function of the instant and the zone; its name is written as it stands."""
    return lambda zone, instant: exp.Anonymous(this=name, expressions=[instant, zone])


#: The local time that clocks in a zone show at an instant.
LOCAL: dict[str, Callable[[exp.Expr, exp.Expr], exp.Expr]] = {
    "postgres": lambda zone, at: exp.Anonymous(this="timezone", expressions=[zone, at]),
    "spark": _function("from_utc_timestamp"),
    "trino": _function("at_timezone"),
    "bigquery": _function("DATETIME"),
    "snowflake": lambda zone, at: exp.Anonymous(
        this="CONVERT_TIMEZONE", expressions=[exp.Literal.string("UTC"), zone, at]
    ),
}

#: Seconds from one instant to another, with their fraction, as doubles.
SECONDS = {
    "postgres": "CAST(EXTRACT(EPOCH FROM (end - start)) AS DOUBLE PRECISION)",
    "spark": "(CAST(unix_micros(end) - unix_micros(start) AS DOUBLE) / 1000000.0)",
    "trino": "(CAST(date_diff('millisecond', start, end) AS DOUBLE) / 1000.0)",
    "bigquery": "(CAST(TIMESTAMP_DIFF(end, start, MICROSECOND) AS FLOAT64) / 1000000.0)",
    "snowflake": "(CAST(TIMESTAMPDIFF(MICROSECOND, start, end) AS DOUBLE) / 1000000.0)",
}

#: Seconds from 1970 to an instant, with their fraction, where what SQLGlot takes has none.
EPOCH = {
    "spark": "(CAST(unix_micros(instant) AS DOUBLE) / 1000000.0)",
    "bigquery": "(CAST(UNIX_MICROS(instant) AS FLOAT64) / 1000000.0)",
    "snowflake": "(CAST(DATE_PART(EPOCH_MICROSECOND, instant) AS DOUBLE) / 1000000.0)",
}

#: The type of a document where that which SQLGlot takes can't be compared, or is none.
DOCUMENTS = {"postgres": "jsonb", "spark": "string"}

#: Where a truth value becomes a fraction only by way of a whole number.
BY_WHOLE_NUMBERS = ("postgres", "bigquery", "snowflake")

#: The project's own tables, so that SQLGlot knows which columns hold truth values.
SCHEMA: dict[str, object] = {table.name: table.kinds for table in ALL_TABLES.values()}


def _numbered(sql: str) -> str:
    """A statement with PostgreSQL's placeholders, which have numbers, in the order of the text.

    A tree's walk has another order where a query of several parts begins with WITH.
    """
    places = (
        token.start
        for token in sqlglot.tokenize(sql, read="duckdb")
        if token.token_type is TokenType.PLACEHOLDER
    )
    for number, place in reversed([*enumerate(places, start=1)]):
        sql = f"{sql[:place]}${number}{sql[place + 1 :]}"
    return sql


def only_reads(query: str, dialect: str, most: int | None) -> str:
    """A person's query, in its own dialect, as one that gives at most so many rows.

    Raises:
        SyntaxError: it is no query, more than one, or would do something else than read; the
            message is for the person.

    >>> only_reads("select 1 ;", "postgres", 10)
    'SELECT * FROM (\\nselect 1\\n) AS asked LIMIT 10'
    """
    try:
        found = [each for each in sqlglot.parse(query, read=dialect) if each is not None]
    except SqlglotError as error:
        raise SyntaxError(str(error).splitlines()[0]) from None
    if len(found) != 1:
        raise SyntaxError(f"one query is run at a time; {len(found)} given")
    writes = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Into)
    if not isinstance(found[0], exp.Query) or any(found[0].find_all(*writes)):
        kind = found[0].key.upper()
        raise SyntaxError(f"{kind} is no query; the warehouse is only read here, by select …")
    # Lines of its own, so that a comment at the query's end stays within the brackets.
    asked = f"SELECT * FROM (\n{query.strip().rstrip(';').rstrip()}\n) AS asked"
    return asked if most is None else f"{asked} LIMIT {most:d}"
