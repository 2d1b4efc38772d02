"""Tries every SQL expression of the catalogue on empty tables, and says what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from analysis.errors import UserError, nearest, shorten
from analysis.metrics.catalogue import FILE, Catalogue, Fact, Metric
from analysis.metrics.watching import unlinked
from analysis.params import line_of
from analysis.warehouse import TABLES, QueryError, Warehouse, scratch


def check_expressions(catalogue: Catalogue, place: Path | None = None) -> list[UserError]:
    """Tries every expression on empty tables; every mistake found, none when all is well.

    Args:
        catalogue: what to try.
        place: the file that it was read from; with it, each mistake gives its line.
    """
    with scratch() as warehouse:
        # Those of a fact at once, which takes a tenth of the time; where that fails, one by one.
        doubtful = {name for name in catalogue.facts if not _are_right(catalogue, name, warehouse)}
        tried = [
            *(
                _check_fact(catalogue, name, warehouse)
                for name in catalogue.facts
                if name in doubtful
            ),
            *(
                _check_metric(catalogue, name, warehouse)
                for name, metric in catalogue.metrics.items()
                if {metric.fact, metric.base_fact} & doubtful
            ),
        ]
        return [problem.error(place) for problems in tried for problem in problems]


def _are_right(catalogue: Catalogue, name: str, warehouse: Warehouse) -> bool:
    """Whether a fact's expressions, and those of the metrics over it, all give what they should."""
    fact = catalogue.facts[name]
    tried = [each for each in _of_fact(fact) if each.key != "from"] + [
        each
        for metric in catalogue.metrics.values()
        for over, each in _of_metric(metric)
        if over == name
    ]
    names = [f"tried_{place}" for place in range(len(tried))]
    listed = (f"{_summed(each.sql)} AS {own}" for each, own in zip(tried, names, strict=True))
    try:
        found = warehouse.describe(f"SELECT {', '.join(listed)} FROM {fact.source}")
    except QueryError:
        return False
    kinds = [kind.split("(")[0] for kind in found.values()]
    right = all(
        not each.kinds or kind in each.kinds for each, kind in zip(tried, kinds, strict=False)
    )
    return list(found) == names and right and not _unsettled(catalogue, name)


class _Tried(NamedTuple):
    """An expression under a key, and the types that it may have; none where any will do."""

    key: str
    sql: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Problem:
    """What is wrong with the expression under a key, and the word that shows where."""

    key: str
    said: str
    word: str | None = None

    def error(self, place: Path | None) -> UserError:
        line = place and line_of(place, self.key.split("."), self.word)
        return UserError(f"{FILE}, line {line}" if line else FILE, f"{self.key}: {self.said}")


def _check_fact(catalogue: Catalogue, name: str, warehouse: Warehouse) -> list[_Problem]:
    fact = catalogue.facts[name]
    for each in _of_fact(fact):
        problem = _try(fact, f"facts.{name}.{each.key}", each, warehouse)
        if problem:
            return [problem]  # the rest would say the same again
    felt = _unsettled(catalogue, name)
    if not felt:
        return []
    said = (
        f"{fact.settles} given, but any of its rows may feel a change of {', '.join(felt)}; "
        "Allowed: a column for each in links, or no settles"
    )
    return [_Problem(f"facts.{name}.settles", said)]


def _of_fact(fact: Fact) -> list[_Tried]:
    return [
        _Tried("from", "1"),
        _Tried("where", fact.where, ("BOOLEAN",)),
        _Tried("market", fact.market, ("VARCHAR",)),
        _Tried("time", fact.time, ("TIMESTAMP WITH TIME ZONE",)),
        _Tried("cluster_id", fact.cluster_id),
        *(_Tried(f"dimensions.{k}", sql, ("VARCHAR",)) for k, sql in fact.dimensions.items()),
    ]


def _unsettled(catalogue: Catalogue, name: str) -> list[str]:
    """The tables that keep a fact from settling, as it says that it does."""
    return [] if catalogue.facts[name].settles is None else unlinked(catalogue, name)


def _check_metric(catalogue: Catalogue, name: str, warehouse: Warehouse) -> list[_Problem]:
    tried = (
        _try(catalogue.facts[over], f"metrics.{name}.{each.key}", each, warehouse)
        for over, each in _of_metric(catalogue.metrics[name])
    )
    return [problem for problem in tried if problem]


def _of_metric(metric: Metric) -> Iterator[tuple[str, _Tried]]:
    """Every expression, with the fact that it is over."""
    for key, fact, sql in metric.expressions():
        yield fact, _Tried(key, sql, SUMMED)
    if metric.value is not None:
        yield metric.fact, _Tried("value", metric.value, NUMBERS)
    if metric.waiting is not None:
        yield metric.fact, _Tried("waiting", metric.waiting, ("BOOLEAN",))
    yield metric.fact, _Tried("where", metric.where, ("BOOLEAN",))


NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
SUMMED = ("BOOLEAN", *NUMBERS)


def _summed(sql: str) -> str:
    """An expression as the scan has it, over all rows: it can't be over many rows by itself.

    Brackets of its own lines, so that a comment or a stray bracket can't leave them.
    """
    return f"max((\n{sql}\n))"


def _try(fact: Fact, key: str, tried: _Tried, warehouse: Warehouse) -> _Problem | None:
    """What is wrong with an expression over a fact's rows; None where nothing is."""
    try:
        query = f"SELECT {_summed(tried.sql)} AS tried FROM {fact.source}"
        kind = warehouse.describe(query)["tried"]
    except QueryError as error:
        if "aggregate function calls cannot" in str(error):
            said = f"{shorten(tried.sql)!r} is over many rows; Allowed: what one row gives"
            return _Problem(key, said)
        return _Problem(key, _explain(error, fact), error.column)
    if tried.kinds and kind.split("(")[0] not in tried.kinds:
        allowed = (
            "a truth value or a number"
            if tried.kinds is SUMMED
            else ("a number" if tried.kinds is NUMBERS else tried.kinds[0])
        )
        return _Problem(key, f"{shorten(tried.sql)!r} gives {kind}; Allowed: {allowed}")
    return None


def _explain(error: QueryError, fact: Fact) -> str:
    if error.column is None:
        return f"no valid SQL: {error}"
    columns = sorted({column for table in fact.reads for column in TABLES[table].columns})
    close = nearest(error.column, columns)
    hint = f"did you mean {close!r}? " if close else ""
    tables = ", ".join(fact.reads)
    return f"no column {error.column!r} in {tables}; {hint}Allowed: {', '.join(columns)}"
