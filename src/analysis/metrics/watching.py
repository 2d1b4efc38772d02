"""What merges must watch, so that cubes follow: each fact's rows, and the tables they are made of.

A fact's `from` names its tables with an alias, `decisions AS d`: a changed row of the table is felt
by the rows that hold it. A table inside a subquery has no such alias; the fact's `links` says over
which column its rows are felt, as `decisions: a.content_id`. A table that has neither, that is
linked `anywhere` (rows are held against other rows of the table, as by a window function), or that
an expression looks into as a whole may be felt anywhere: when it changes, the fact's whole cube is
built again.

A fact that `settles` says after how many days its rows are final. Then a change is felt by the rows
that are joined with it over a column and were not final at its time, however late it arrives; and
what metrics reckon up to the newest time of a table, `(SELECT max(decided_at) FROM decisions)`, by
the rows that were not final then.
"""

from __future__ import annotations

import re

from analysis.metrics.catalogue import Catalogue, Fact
from analysis.warehouse import TABLES, Watch

#: The link of a table whose changes may reach any row of a fact.
ANYWHERE = "anywhere"


def watches(catalogue: Catalogue) -> list[Watch]:
    """What `merge` is given, so that it notes the local days of every fact that it touched."""
    return [
        Watch(
            name,
            fact.source,
            fact.market,
            fact.time,
            links(fact),
            fact.where,
            fact.settles,
            newest(catalogue, name),
            fact.source_within,
        )
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
    reckoned = _expressions(catalogue, name)
    if fact.settles is not None:
        reckoned = NEWEST.sub(_kept_unless_newest, reckoned)
    inside = INSIDE.findall(f"{reckoned} {fact.where}")
    return sorted((set(fact.reads) - links(fact).keys()) | set(inside))


def newest(catalogue: Catalogue, name: str) -> frozenset[str]:
    """The tables up to whose newest time the metrics over a fact that settles reckon."""
    if catalogue.facts[name].settles is None:
        return frozenset()
    found = NEWEST.finditer(_expressions(catalogue, name))
    return frozenset(each["table"] for each in found if not _kept_unless_newest(each))


INSIDE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)", re.IGNORECASE)
NEWEST = re.compile(
    r"\(\s*SELECT\s+max\(\s*(?P<column>\w+)\s*\)\s+FROM\s+(?P<table>\w+)\s*\)", re.IGNORECASE
)


def _kept_unless_newest(found: re.Match[str]) -> str:
    """Nothing in the place of a look for a table's newest time, any other as it stands."""
    table = TABLES.get(found["table"])
    return "" if table is not None and found["column"] == table.time else found[0]


def _expressions(catalogue: Catalogue, name: str) -> str:
    """All that metrics sum and measure of a fact's rows."""
    times = (f"{each.value} {each.where}" for each in catalogue.times(name).values())
    return " ".join([*catalogue.sums(name), *times])


def _without_brackets(sql: str) -> str:
    """SQL without what stands in brackets."""
    while (less := re.sub(r"\([^()]*\)", "", sql)) != sql:
        sql = less
    return sql
