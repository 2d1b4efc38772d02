"""The one scan of a fact: SQL that gives, per market, local day and bucket, every sum at once.

Only functions that engines share are used: `md5`, `substr`, `strpos`, `GROUPING SETS`. A market's
zone turns an instant into a local day inside the engine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from analysis.calendar import Market
from analysis.methods.quantiles import BIN_RATIO
from analysis.metrics.catalogue import Catalogue, Metric

#: Clusters are dealt into as many buckets; the variance comes from between them.
BUCKETS = 128
#: Times are kept from a second to a hundred years; what lies outside is counted at the ends.
HOURS = (1 / 3600, 876_000.0)


def sum_name(expression: str) -> str:
    """The column that holds an expression's sums."""
    return "sum_" + hashlib.sha256(expression.encode()).hexdigest()[:12]


def zones_sql(markets: Mapping[str, Market]) -> tuple[str, list[object]]:
    """Fills the small table of the markets' zones; codes and zones are bound values."""
    rows = ", ".join(["(?, ?)"] * len(markets))
    values: list[object] = [part for m in markets.values() for part in (m.code, m.zone)]
    return f"INSERT INTO _zones VALUES {rows}", values


def bucket_sql(identifier: str) -> str:
    """The bucket, 0 to 127, of a cluster's id: 7 bits of its MD5, the same on every engine."""
    digest = f"md5(CAST({identifier} AS VARCHAR))"
    high, low = (f"(strpos('0123456789abcdef', substr({digest}, {i}, 1)) - 1)" for i in (1, 2))
    return f"({high} % 8) * 16 + {low}"


def bin_sql(metric: Metric) -> str:
    """The logarithmic bin of a metric's time; NULL for rows that it does not count."""
    low, high = HOURS
    hours = f"greatest(least({metric.value}, {high!r}), {low!r})"
    return f"CASE WHEN ({metric.where}) THEN CAST(floor(ln({hours}) / ln({BIN_RATIO})) AS INT) END"


def scan_sql(catalogue: Catalogue, name: str) -> str:
    """The query that gives a fact's cube, sorted by market and day.

    Rows with an empty `measure` hold the sums; rows with a metric's name hold, per `bin`, how
    many (`n`) of its times lie there.
    """
    fact, times = catalogue.facts[name], catalogue.times(name)
    cluster = catalogue.clusters[fact.cluster]
    sums = catalogue.sums(name)
    rows = [
        f"{fact.market} AS market",
        f"CAST(timezone(zones.zone, {fact.time}) AS DATE) AS day",
        "units.bucket AS bucket",
        *(f"({sql}) AS {sum_name(sql)}" for sql in sums),
        *(f"{bin_sql(metric)} AS bin_{key}" for key, metric in times.items()),
    ]
    totals = [
        f"coalesce(sum(CAST({name} AS DOUBLE)), 0.0) AS {name}" for name in map(sum_name, sums)
    ]
    keys = [f"bin_{key}" for key in times]
    return f"""
WITH units AS (
  SELECT id, CAST({bucket_sql("id")} AS SMALLINT) AS bucket
  FROM (SELECT DISTINCT {cluster.column} AS id FROM {cluster.table}) AS ids
), rows AS (
  SELECT {", ".join(rows)}
  FROM {fact.source}
  JOIN units ON units.id = {fact.cluster_id}
  JOIN _zones AS zones ON zones.market = {fact.market}
  WHERE {fact.where}
)
SELECT market, day, bucket, {_measure(times)} AS measure, {_bin(keys)} AS bin,
  count(*) AS n{"".join(", " + total for total in totals)}
FROM rows
GROUP BY {_sets(keys)}
{_no_empty_bins(keys)}
ORDER BY market, day, bucket, measure, bin"""


def _measure(times: Mapping[str, Metric]) -> str:
    cases = " ".join(f"WHEN grouping(bin_{key}) = 0 THEN '{key}'" for key in times)
    return f"CASE {cases} ELSE '' END" if times else "''"


def _bin(keys: list[str]) -> str:
    return f"coalesce({', '.join(keys)}, 0)" if keys else "0"


def _sets(keys: list[str]) -> str:
    base = "market, day, bucket"
    sets = [f"({base})", *(f"({base}, {key})" for key in keys)]
    return f"GROUPING SETS ({', '.join(sets)})"


def _no_empty_bins(keys: list[str]) -> str:
    empty = " OR ".join(f"(grouping({key}) = 0 AND {key} IS NULL)" for key in keys)
    return f"HAVING NOT ({empty})" if keys else ""
