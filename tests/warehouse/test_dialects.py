"""SQL carried to other dialects: it parses there, joins nothing with everything, keeps meanings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from analysis.calendar import Market
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.scan import Span, scan_sql
from analysis.project import Project
from analysis.warehouse.dialects import translate
from analysis.warehouse.tables import ALL_TABLES
from support import CHECKOUT

FACTS = load_catalogue(Project(CHECKOUT)).used_facts()
MARKETS = (Market("JP", "Japan", "Asia/Tokyo"), Market("O'", "One with a quote", "Asia/Kolkata"))


def scan(fact: str, dialect: str) -> exp.Expr:
    """A fact's scan as the dialect's own parser reads it."""
    sql, bound = scan_sql(load_catalogue(Project(CHECKOUT)), fact, Span(MARKETS))
    carried = translate(sql, dialect)
    assert "O'" not in carried
    assert bound == ["JP", "Asia/Tokyo", "O'", "Asia/Kolkata"]
    return sqlglot.parse_one(carried, read=dialect)


def cross_joins(tree: exp.Expr) -> Iterator[str]:
    """The joins that no equality holds together: each row of one side meets all of the other's."""
    for join in tree.find_all(exp.Join):
        equalities = join.args["on"].find_all(exp.EQ) if join.args.get("on") else ()
        tied = any(
            isinstance(each.left, exp.Column)
            and isinstance(each.right, exp.Column)
            and each.left.table != each.right.table
            for each in equalities
        )
        if not (tied or join.args.get("using")):
            yield join.sql()


@pytest.mark.parametrize("dialect", ["trino", "snowflake", "bigquery", "postgres", "spark"])
@pytest.mark.parametrize("fact", FACTS)
def test_every_scan_parses_and_has_no_cross_join(fact: str, dialect: str) -> None:
    tree = scan(fact, dialect)
    assert list(cross_joins(tree)) == []
    placeholders = [*tree.find_all(exp.Placeholder), *tree.find_all(exp.Parameter)]
    assert len(placeholders) == 2 * len(MARKETS)
    tables = {table.name for table in tree.find_all(exp.Table)}
    named = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert tables - named - {"zones", ""} <= ALL_TABLES.keys()


def test_values_keep_their_places_after_with() -> None:
    sql = (
        "WITH z AS (SELECT ? AS b) SELECT b FROM z WHERE b > ? UNION ALL SELECT '?' FROM z LIMIT ?"
    )
    carried = translate(sql, "postgres")
    assert carried == sql.replace("?", "$1", 1).replace("> ?", "> $2").replace("T ?", "T $3")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 FROM decisions AS d CROSS JOIN content AS c",
        "SELECT 1 FROM decisions AS d, content AS c",
        "SELECT 1 FROM decisions AS d JOIN content AS c ON TRUE",
        "SELECT 1 FROM decisions AS d JOIN content AS c ON d.market = 'JP'",
    ],
)
def test_a_cross_join_would_be_found(sql: str) -> None:
    assert len(list(cross_joins(sqlglot.parse_one(sql)))) == 1


@pytest.mark.parametrize(
    ("sql", "dialect", "expected"),
    [
        ("SELECT timezone(z, a)", "spark", "SELECT FROM_UTC_TIMESTAMP(a, z)"),
        ("SELECT timezone(z, a)", "trino", "SELECT AT_TIMEZONE(a, z)"),
        (
            "SELECT timezone(z, a)",
            "snowflake",
            "SELECT CONVERT_TIMEZONE('UTC', z, a)",
        ),
        (
            "SELECT CAST(d.automated AS DOUBLE) FROM decisions AS d",
            "postgres",
            "SELECT CAST(CAST(d.automated AS INT) AS DOUBLE PRECISION) FROM decisions AS d",
        ),
        (
            "SELECT CAST(d.views_before AS DOUBLE) FROM decisions AS d",
            "postgres",
            "SELECT CAST(d.views_before AS DOUBLE PRECISION) FROM decisions AS d",
        ),
        ("SELECT a / 3600.0", "trino", "SELECT CAST(a AS DOUBLE) / 3600.0"),
        (
            "SELECT quantile_disc(a, 0.5) FROM t",
            "spark",
            "SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY a NULLS LAST) FROM t",
        ),
        ("SELECT ?, ? FROM t", "postgres", "SELECT $1, $2 FROM t"),
        (
            "SELECT epoch(a - timezone(z, b))",
            "trino",
            "SELECT (CAST(DATE_DIFF('MILLISECOND', AT_TIMEZONE(b, z), a) AS DOUBLE) / 1000.0)",
        ),
    ],
)
def test_meanings_are_carried(sql: str, dialect: str, expected: str) -> None:
    assert translate(sql, dialect) == expected
