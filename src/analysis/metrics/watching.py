"""What merges must watch, so that cubes follow: each fact's rows, and the tables they are made of.

A fact's `from` names its tables with an alias, `decisions AS d`: a changed row of the table is felt
by the rows that hold it. A table inside a subquery has no such alias; the fact's `links` says over
which column its rows are felt, as `decisions: a.content_id`. A table that has neither, that is
linked `anywhere` (rows are held against other rows of the table, as by a window function), or that
an expression looks into as a whole, `(SELECT max(decided_at) FROM decisions)`, may be felt
anywhere: when it changes, the fact's whole cube is built again.
"""

from __future__ import annotations

import re

from analysis.metrics.catalogue import Catalogue, Fact
from analysis.warehouse import Watch

#: The link of a table whose changes may reach any row of a fact.
ANYWHERE = "anywhere"


def watches(catalogue: Catalogue) -> list[Watch]:
    """What `merge` is given, so that it notes the local days of every fact that it touched."""
    return [
        Watch(name, fact.source, fact.market, fact.time, links(fact), fact.where)
        for name, fact in catalogue.facts.items()
    ]


def links(fact: Fact) -> dict[str, str]:
    """By table, how a fact's rows reach its rows: an alias, or `alias.column`.

    >>> links(Fact.model_validate({
    ...     "title": "t", "reads": ["appeals", "decisions"], "market": "d.market", "time": "a.t",
    ...     "from": "appeals AS a JOIN decisions AS d ON d.decision_id = a.decision_id",
    ...     "cluster": "c", "cluster_id": "d.creator_id"}))
    {'appeals': 'a', 'decisions': 'd'}
    """
    outer = _without_brackets(fact.source)
    found = {
        table: alias
        for table, alias in re.findall(r"\b(\w+)\s+AS\s+(\w+)", outer, flags=re.IGNORECASE)
        if table in fact.reads
    }
    told = {**found, **fact.links}
    return {table: link for table, link in told.items() if link != ANYWHERE}


def unlinked(catalogue: Catalogue, name: str) -> list[str]:
    """The tables that any row of a fact may feel: see above."""
    fact = catalogue.facts[name]
    times = catalogue.times(name).values()
    expressions = [*catalogue.sums(name), fact.where, *(f"{m.value} {m.where}" for m in times)]
    inside = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", " ".join(expressions), flags=re.IGNORECASE)
    return sorted((set(fact.reads) - links(fact).keys()) | set(inside))


def _without_brackets(sql: str) -> str:
    """SQL without what stands in brackets."""
    while (less := re.sub(r"\([^()]*\)", "", sql)) != sql:
        sql = less
    return sql
