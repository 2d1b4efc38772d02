"""The one scan of a fact: SQL that gives, per market, local day and bucket, every sum at once.

Only what engines share is used: `GROUPING SETS`, and no `HAVING` on a set (Spark has none). A
market's zone turns an instant into a local day inside the engine. Logarithms are of doubles, over a
constant, so that bins are the same on every engine. Groups are of whole numbers, markets by their
place.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.calendar import Market
from analysis.methods.quantiles import BIN_RATIO
from analysis.metrics.catalogue import Catalogue, Times
from analysis.warehouse import BUCKET_TABLE, units_sql

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


def scan_sql(catalogue: Catalogue, name: str, span: Span) -> tuple[str, list[object]]:
    """The query that gives a fact's cube, sorted by month, market and day; with its bound values.

    A market is its place in the span. Rows with an empty `measure` hold the sums; rows with a
    histogram's key hold, per `bin`, how many (`n`) of its numbers lie there.
    """
    fact, times = catalogue.facts[name], catalogue.times(name)
    sums, cluster = catalogue.sums(name), catalogue.clusters[fact.cluster]
    zones, bound = _zones(span.markets)
    rows = [
        "zones.place AS market",
        f"CAST(timezone(zones.zone, {fact.time}) AS DATE) AS day",
        "units.bucket AS bucket",
        *(f"coalesce({sql}, '') AS {dimension_name(key)}" for key, sql in fact.dimensions.items()),
        *(f"({sql}) AS {sum_name(sql)}" for sql in sums),
        *(f"{bin_sql(each)} AS bin_{key}" for key, each in times.items()),
    ]
    where, within = [f"({fact.where})"], "TRUE"
    units = units_sql(cluster.table, cluster.column)
    if span.days:  # of rows that were merged, and their clusters dealt
        units = f"SELECT id, bucket FROM {BUCKET_TABLE}"
        instant = "CAST(? AS TIMESTAMP WITH TIME ZONE)"
        where += [f"{fact.time} >= {instant}", f"{fact.time} < {instant}"]
        within = "day >= CAST(? AS DATE) AND day < CAST(? AS DATE)"
        bound += [*_instants(span.markets, span.days), *map(str, span.days)]
    keys = ["market", "day", "bucket", *map(dimension_name, fact.dimensions)]
    names = [sum_name(sql) for sql in sums]
    totals = [f"coalesce(sum(CAST(counted.{n} AS DOUBLE)), 0.0) AS {n}" for n in names]
    sql = f"""
WITH units AS (
  {units}
), counted AS (
  SELECT {", ".join(rows)}
  FROM {fact.source}
  JOIN units ON units.id = {fact.cluster_id}
  JOIN {zones} ON zones.market = {fact.market}
  WHERE {" AND ".join(where)}
), grouped AS (
  SELECT {", ".join([*keys, *_measures(times), "count(*) AS n", *totals])}
  FROM counted
  WHERE {within}
  GROUP BY {_sets(keys, times)}
)
SELECT {", ".join([*keys, "measure, coalesce(bin, 0) AS bin, n", *names])}
FROM grouped
WHERE measure = '' OR bin IS NOT NULL
ORDER BY date_trunc('month', day), {", ".join(keys)}, measure, bin"""
    return sql, bound


def _zones(markets: tuple[Market, ...]) -> tuple[str, list[object]]:
    rows = ", ".join(
        f"(CAST({place} AS SMALLINT), CAST(? AS VARCHAR), CAST(? AS VARCHAR))"
        for place in range(len(markets))
    )
    bound: list[object] = [part for m in markets for part in (m.code, m.zone)]
    return f"(VALUES {rows}) AS zones(place, market, zone)", bound


def _instants(markets: tuple[Market, ...], days: tuple[date, date]) -> tuple[str, str]:
    """Bounds of the days' instants in all markets, by which an engine skips what lies elsewhere."""
    starts, ends = zip(*(map(market.start_of, days) for market in markets), strict=True)
    return min(starts).isoformat(), max(ends).isoformat()


def _measures(times: Mapping[str, Times]) -> tuple[str, str]:
    """Which metric's times a group counts, and the bin: NULL where that metric counts no row."""
    if not times:
        return "'' AS measure", "CAST(NULL AS INT) AS bin"
    cases = " ".join(f"WHEN grouping(bin_{key}) = 0 THEN '{key}'" for key in times)
    bins = ", ".join(f"bin_{key}" for key in times)
    return f"CASE {cases} ELSE '' END AS measure", f"coalesce({bins}, NULL) AS bin"


def _sets(keys: Sequence[str], times: Mapping[str, Times]) -> str:
    base = ", ".join(keys)
    sets = [f"({base})", *(f"({base}, bin_{key})" for key in times)]
    return f"GROUPING SETS ({', '.join(sets)})"
