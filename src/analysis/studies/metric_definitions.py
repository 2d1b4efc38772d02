"""The catalogue for readers: what each metric means, and how it is counted."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.metrics.catalogue import Catalogue


def definitions(catalogue: Catalogue) -> Table:
    """What each metric means and what a reader should keep in mind."""
    rows = [
        {"title": m.title, "question": m.question, "traps": " ".join(m.traps), "source": m.source}
        for m in catalogue.metrics.values()
    ]
    columns = (
        Column("title", "Metric"),
        Column("question", "What it answers"),
        Column("traps", "Keep in mind"),
        Column("source", "After"),
    )
    caption = "What the metrics mean, and what to keep in mind"
    return Table("definitions", caption, pd.DataFrame(rows), columns, folded=True)


def counting(catalogue: Catalogue) -> Table:
    """How each metric is counted, as params/metrics.yaml has it: code, which paper leaves out."""
    rows = [_counted(catalogue, name) for name in catalogue.metrics]
    columns = (
        Column("title", "Metric"),
        Column("rows", "Counted over"),
        Column("sql", "Counted as (SQL)"),
        Column("cluster", "Rows kept together"),
    )
    note = (
        "Rows of one creator are alike, and intervals allow for it; labelled draws are independent "
        "of each other by design."
    )
    caption = "How the metrics are counted"
    frame = pd.DataFrame(rows)
    return Table("counting", caption, frame, columns, note, folded=True, printed=False)


def _counted(catalogue: Catalogue, name: str) -> Mapping[str, str]:
    metric = catalogue.metrics[name]
    facts = [catalogue.facts[fact] for fact in dict.fromkeys((metric.fact, metric.base_fact))]
    if metric.kind == "quantile":
        sql = f"quantile {metric.quantile:g} of {metric.value} where {metric.where}"
        sql += f"; still waiting where {metric.waiting}" if metric.waiting else ""
    elif metric.kind == "count":
        sql = f"sum of ({metric.numerator})"
    else:
        sql = f"sum of ({metric.numerator}) over sum of ({metric.denominator})"
    return {
        "title": metric.title,
        "rows": "; ".join(fact.title for fact in facts),
        "sql": sql,
        "cluster": catalogue.clusters[facts[0].cluster].title,
    }
