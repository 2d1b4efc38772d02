"""The one scan of a fact: SQL that gives, per market, local day and bucket, every sum at once.

Only what engines share is used. Logarithms are of doubles, over a constant, so that bins are the
same on every engine. Groups are of whole numbers: markets by their place, local days by their
number, histograms by theirs.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from analysis.calendar import Market, day_number
from analysis.methods.quantiles import BIN_RATIO
from analysis.metrics.catalogue import Catalogue, Fact, Times, instant_sql
from analysis.metrics.watching import links
from analysis.warehouse import BUCKET_TABLE, day_sql, units_sql, zones_sql

#: The temporary table of a span's own rows.
OWN_ROWS = "_own_rows"
#: Numbers are kept from a second (in hours) to a thousand million; what lies outside is counted at
#: the ends, so that a count of none lies in the lowest bin.
HOURS = (1 / 3600, 1e9)
#: The logarithm of a bin's upper edge over its lower one.
BIN_WIDTH = math.log(BIN_RATIO)


def sum_name(expression: str) -> str:
    """The column that holds an expression's sums."""
    return "sum_" + hashlib.sha256(expression.encode()).hexdigest()[:12]


def dimension_name(name: str) -> str:
    """The column that holds a dimension's levels; an empty text where a row has none."""
    return f"by_{name}"


def bin_sql(times: Times) -> str:
    """The logarithmic bin of a number; NULL for rows that are not counted."""
    low, high = HOURS
    hours = f"greatest(least(CAST({times.value} AS DOUBLE), {high!r}), {low!r})"
    counted = f"({times.where}) AND ({times.value}) IS NOT NULL"
    return f"CASE WHEN {counted} THEN CAST(floor(ln({hours}) / {BIN_WIDTH!r}) AS INT) END"


@dataclass(frozen=True)
class Span:
    """A part of a fact: some local days of some markets.

    Attributes:
        markets: whose rows are scanned, in the order of their codes.
        days: the first local day and the first after the last; None for every day.
    """

    markets: tuple[Market, ...]
    days: tuple[date, date] | None = None


def own_rows_sql(fact: Fact, span: Span) -> str | None:
    """The rows of a span in the one table whose time places them; None where no such is joined.

    DuckDB takes a fifth of a table to lie in any span and joins what else there is accordingly, all
    of it; of a table that holds these rows alone it knows how few they are.
    """
    time = re.fullmatch(r"(\w+)\.(\w+)", fact.time)
    named = _named(time[1]).findall(fact.source) if time else []
    if not time or not span.days or len(named) != 1 or links(fact).get(named[0]) != time[1]:
        return None
    low, high = (instant_sql(at) for at in _instants(span.markets, span.days))
    return f"SELECT * FROM {named[0]} WHERE {time[2]} >= {low} AND {time[2]} < {high}"


def _named(alias: str) -> re.Pattern[str]:
    """The tables that go by an alias, wherever in a fact's source."""
    return re.compile(rf"\b(\w+)\s+AS\s+{alias}\b", re.IGNORECASE)


def measures(times: Collection[str]) -> dict[str, int]:
    """The number, from 1, that tells each histogram's rows apart; 0 are the sums."""
    return {key: number for number, key in enumerate(sorted(times), start=1)}


def scan_sql(
    catalogue: Catalogue, name: str, span: Span, *, own_rows: bool = False
) -> tuple[str, list[object]]:
    """The query that gives a fact's cube, in no order; with its bound values.

    A market is its place in the span, a `day` the number of days since 1 January 1970. Rows of
    `measure` 0 hold the sums; those of a histogram's number hold, per `bin`, how many (`n`) of its
    numbers lie there, and no sums.

    Args:
        catalogue: with the fact.
        name: of the fact.
        span: which of its rows.
        own_rows: `OWN_ROWS` holds what :func:`own_rows_sql` gives.
    """
    fact, times = catalogue.facts[name], catalogue.times(name)
    sums, cluster = catalogue.sums(name), catalogue.clusters[fact.cluster]
    zones, bound, width = zones_sql(span.markets, span.days)
    rows = [
        "zones.place AS market",
        f"{day_sql(fact.time, width)} AS day",
        "units.bucket AS bucket",
        *(f"coalesce({sql}, '') AS {dimension_name(key)}" for key, sql in fact.dimensions.items()),
        *(f"({sql}) AS {sum_name(sql)}" for sql in sums),
        *(f"{bin_sql(each)} AS bin_{key}" for key, each in times.items()),
    ]
    where, within, source = [f"({fact.where})"], "", fact.source
    units = units_sql(cluster.table, cluster.column)
    if span.days:  # of rows that were merged, and their clusters dealt
        units = f"SELECT id, bucket FROM {BUCKET_TABLE}"
        instant = "CAST(? AS TIMESTAMP WITH TIME ZONE)"
        where += [f"{fact.time} >= {instant}", f"{fact.time} < {instant}"]
        start, end = _instants(span.markets, span.days)
        source = fact.source_within(start, end)
        bound += [start.isoformat(), end.isoformat()]
        first, last = map(day_number, span.days)
        within = f"WHERE day >= {first} AND day < {last}"
    if own_rows:
        alias = fact.time.partition(".")[0]
        source = _named(alias).sub(f"{OWN_ROWS} AS {alias}", source)
    keys = ", ".join(["market", "day", "bucket", *map(dimension_name, fact.dimensions)])
    names = [sum_name(sql) for sql in sums]
    totals = "".join(f", coalesce(sum(CAST(counted.{n} AS DOUBLE)), 0.0) AS {n}" for n in names)
    none = "".join(f", CAST(NULL AS DOUBLE) AS {n}" for n in names)
    parts = [
        f"SELECT {keys}, 0 AS measure, 0 AS bin, count(*) AS n{totals} FROM counted GROUP BY {keys}"
    ] + [
        f"SELECT {keys}, {number} AS measure, bin_{key} AS bin, count(*) AS n{none} "
        f"FROM counted WHERE bin_{key} IS NOT NULL GROUP BY {keys}, bin_{key}"
        for key, number in measures(times).items()
    ]
    # With the name of where they come from, so that other dialects know their types.
    given = [*keys.split(", "), *names, *(f"bin_{key}" for key in times)]
    columns = ", ".join(f"scanned.{name}" for name in given)
    once = "MATERIALIZED" if times else ""  # what is read once need not lie in memory
    union = "\nUNION ALL\n".join(parts)
    sql = f"""
WITH units AS (
  {units}
), scanned AS (
  SELECT {", ".join(rows)}
  FROM {source}
  JOIN units ON units.id = {fact.cluster_id}
  JOIN {zones} ON zones.market = {fact.market}
  WHERE {" AND ".join(where)}
), counted AS {once} (
  SELECT {columns} FROM scanned {within}
)
{union}"""
    return sql, bound


def _instants(markets: tuple[Market, ...], days: tuple[date, date]) -> tuple[datetime, datetime]:
    """Bounds of the days' instants in all markets, by which an engine skips what lies elsewhere."""
    starts, ends = zip(*(map(market.start_of, days) for market in markets), strict=True)
    return min(starts), max(ends)
