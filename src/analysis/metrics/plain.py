"""A metric as one plain query: for a person to read, to run with `study sql`, and to change.

Independent of the cube, so that each can be held against the other.
"""

from __future__ import annotations

from analysis.calendar import Market, Window
from analysis.metrics.catalogue import Catalogue, Metric
from analysis.metrics.words import BASES


def plain_sql(catalogue: Catalogue, name: str, market: Market, window: Window) -> str:
    """The query that gives a metric's number for one market and window, in the number's unit."""
    metric = catalogue.metrics[name]
    top, bottom = (
        _rows(catalogue, fact, market, window) for fact in (metric.fact, metric.base_fact)
    )
    if metric.waiting is not None:
        return _waited(metric, name, top)
    if metric.kind == "quantile":
        found = f"quantile_disc({metric.value}, {metric.quantile:g})"
        return f"SELECT {found} AS {name}\n{top}\n  AND ({metric.where})"
    if metric.kind == "count":
        return f"SELECT {_sum(metric.numerator)} AS {name}\n{top}"
    if top == bottom:
        ratio = f"{_sum(metric.numerator)}\n  / nullif({_sum(metric.denominator)}, 0)"
        return f"SELECT {_factor(metric)}{ratio} AS {name}\n{top}"
    numerator, denominator = (
        f"(SELECT {_sum(sql)}\n{rows})"
        for sql, rows in ((metric.numerator, top), (metric.denominator, bottom))
    )
    return f"SELECT {_factor(metric)}{numerator}\n/ {denominator} AS {name}"


def _waited(metric: Metric, name: str, rows: str) -> str:
    """A quantile of Kaplan and Meier's curve: the first time by which as many have ended."""
    return f"""WITH times AS (
SELECT {metric.value} AS spent, ({metric.waiting}) AS waits
{rows}
  AND ({metric.where})
), steps AS (
SELECT spent, sum(CASE WHEN waits THEN 0.0 ELSE 1.0 END) AS ended,
  sum(count(*)) OVER (ORDER BY spent DESC) AS at_risk
FROM times GROUP BY spent
), curve AS (
SELECT spent, sum(CASE WHEN ended < at_risk THEN ln(1 - ended / at_risk) ELSE -1e9 END)
  OVER (ORDER BY spent) AS log_left
FROM steps
)
SELECT min(spent) AS {name} FROM curve WHERE log_left <= ln(1 - {metric.quantile:g})"""


def _factor(metric: Metric) -> str:
    return f"{BASES[metric.kind]:.0f} * " if metric.kind in BASES else ""


def _sum(sql: str | None) -> str:
    return f"sum(CAST(({sql}) AS DOUBLE))"


def _rows(catalogue: Catalogue, name: str, market: Market, window: Window) -> str:
    """FROM and WHERE: a fact's rows on a market's local days."""
    fact = catalogue.facts[name]
    # As instants by the project's own zones, which an engine's may be older than.
    start, end = (
        f"CAST('{at:%Y-%m-%d %H:%M:%S}+00:00' AS TIMESTAMP WITH TIME ZONE)"
        for at in window.instants(market)
    )
    within = [
        *([f"({fact.where})"] if fact.where != "TRUE" else []),
        f"{fact.market} = {_text(market.code)}",
        f"{fact.time} >= {start}",
        f"{fact.time} < {end}",
    ]
    return f"FROM {fact.source}\nWHERE " + "\n  AND ".join(within)


def _text(value: str) -> str:
    """A text as SQL has it, whatever quotes it holds."""
    return "'" + value.replace("'", "''") + "'"
