"""Tries every SQL expression of the catalogue on empty tables, and says what is wrong and where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.errors import UserError, nearest, shorten
from analysis.metrics.catalogue import FILE, Catalogue, Fact
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
        tried = [
            *(_check_fact(catalogue, name, warehouse) for name in catalogue.facts),
            *(_check_metric(catalogue, name, warehouse) for name in catalogue.metrics),
        ]
        return [problem.error(place) for problems in tried for problem in problems]


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
    wanted = {
        "from": ("1", ""),
        "where": (fact.where, "BOOLEAN"),
        "market": (fact.market, "VARCHAR"),
        "time": (fact.time, "TIMESTAMP WITH TIME ZONE"),
        "cluster_id": (fact.cluster_id, ""),
        **{f"dimensions.{key}": (sql, "VARCHAR") for key, sql in fact.dimensions.items()},
    }
    for key, (sql, kind) in wanted.items():
        problem = _try(fact, f"facts.{name}.{key}", sql, (kind,) if kind else (), warehouse)
        if problem:
            return [problem]  # the rest would say the same again
    felt = unlinked(catalogue, name) if fact.settles is not None else []
    if felt:
        said = (
            f"{fact.settles} given, but any of its rows may feel a change of {', '.join(felt)}; "
            "Allowed: a column for each in links, or no settles"
        )
        return [_Problem(f"facts.{name}.settles", said)]
    return []


def _check_metric(catalogue: Catalogue, name: str, warehouse: Warehouse) -> list[_Problem]:
    metric = catalogue.metrics[name]
    wanted: list[tuple[str, str, str, tuple[str, ...]]]
    wanted = [(key, fact, sql, SUMMED) for key, fact, sql in metric.expressions()]
    if metric.value is not None:
        wanted.append(("value", metric.fact, metric.value, NUMBERS))
    if metric.waiting is not None:
        wanted.append(("waiting", metric.fact, metric.waiting, ("BOOLEAN",)))
    wanted.append(("where", metric.fact, metric.where, ("BOOLEAN",)))
    tried = (
        _try(catalogue.facts[fact], f"metrics.{name}.{key}", sql, kinds, warehouse)
        for key, fact, sql, kinds in wanted
    )
    return [problem for problem in tried if problem]


NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
SUMMED = ("BOOLEAN", *NUMBERS)


def _try(
    fact: Fact, key: str, sql: str, kinds: tuple[str, ...], warehouse: Warehouse
) -> _Problem | None:
    """What is wrong with an expression over a fact's rows; None where nothing is."""
    try:
        # Brackets of its own lines, so that a comment or a stray bracket can't leave them.
        kind = warehouse.describe(f"SELECT (\n{sql}\n) AS tried FROM {fact.source}")["tried"]
    except QueryError as error:
        return _Problem(key, _explain(error, fact), error.column)
    if kinds and kind.split("(")[0] not in kinds:
        allowed = (
            "a truth value or a number"
            if kinds is SUMMED
            else ("a number" if kinds is NUMBERS else kinds[0])
        )
        return _Problem(key, f"{shorten(sql)!r} gives {kind}; Allowed: {allowed}")
    return None


def _explain(error: QueryError, fact: Fact) -> str:
    if error.column is None:
        return f"no valid SQL: {error}"
    columns = sorted({column for table in fact.reads for column in TABLES[table].columns})
    close = nearest(error.column, columns)
    hint = f"did you mean {close!r}? " if close else ""
    tables = ", ".join(fact.reads)
    return f"no column {error.column!r} in {tables}; {hint}Allowed: {', '.join(columns)}"
