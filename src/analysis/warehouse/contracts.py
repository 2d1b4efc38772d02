"""A table's contract as SQL: which rows of a relation break it, and why.

The checks come from the table's own declaration and run in an engine, over columns. They are
DuckDB's SQL, and run where rows are staged; links to rows of other tables are looked up in the
warehouse that holds these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from analysis.errors import UserError, unknown
from analysis.warehouse.tables import Table

#: No platform's rows are older, and none lies further ahead than clocks differ.
EARLIEST = "TIMESTAMPTZ '2000-01-01 00:00:00+00'"
AHEAD_HOURS = 24
LONGEST = 200
SAME = "key doubled, the same row: kept once"
CONFLICT = "key doubled, different values: none is kept"
#: Before the reason of a row that left the quarantine: it was merged since, or one of its key was.
SETTLED = "settled: "
_WORDS = {
    "BIGINT": "a whole number",
    "DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "TIMESTAMP WITH TIME ZONE": "an instant with its offset from UTC",
    "DATE": "a date",
    "JSON": "JSON",
    "VARCHAR": "a text",
}


class Rule(NamedTuple):
    """Why a row is refused, and the condition under which it is; an unknown condition is none."""

    reason: str
    broken: str


def check_columns(table: Table, given: Mapping[str, str], where: str) -> None:
    """Compares what a mapping gives with what the table takes.

    Args:
        given: SQL types by column.
        where: the mapping, for messages.

    Raises:
        UserError: a column that the table does not have (names the nearest) or owes, or a time
            without a zone.
    """
    for name in given:
        if name not in table.columns:
            raise unknown(f"{where}, column", name, table.columns)
    owed = [n for n, kind in table.columns.items() if kind.endswith("NOT NULL") and n not in given]
    if owed:
        raise UserError(where, f"the column {', '.join(map(repr, owed))} is missing")
    for name, kind in given.items():
        if kind.startswith("TIMESTAMP") and "ZONE" not in kind and table.kinds[name] in _INSTANT:
            fix = f"write timezone('Asia/Tokyo', …) with the zone that {name!r} is written in"
            raise UserError(where, f"{name!r} is a time without a zone; {fix}")


_INSTANT = ("TIMESTAMP WITH TIME ZONE",)


def rules(
    table: Table, given: Mapping[str, str], policies: Collection[str], now: str
) -> list[Rule]:
    """The contract over a relation `t` of typed columns and `m` of the same as they were mapped.

    Args:
        given: SQL types of what was mapped, by column.
        policies: the project's own, as the closed list of `policy`.
        now: SQL of the instant at which rows are loaded.
    """
    found = [rule for name in table.columns for rule in _of_column(table, given, name, now)]
    choices = dict(table.choices) | ({"policy": tuple(policies)} if "policy" in given else {})
    found += [
        Rule(f"{name}: not one of the values allowed", f"t.{name} NOT IN ({texts_sql(allowed)})")
        for name, allowed in choices.items()
        if name in table.columns
    ]
    for first, second in table.order:
        found.append(Rule(f"{second}: less than {first}", f"t.{second} < t.{first}"))
    return found


def _of_column(table: Table, given: Mapping[str, str], name: str, now: str) -> Iterator[Rule]:
    kind, typed = table.kinds[name], f"t.{name}"
    if name in given:
        mapped = f"m.{name}"
        wrong = f"{typed} IS NULL AND nullif(CAST({mapped} AS VARCHAR), '') IS NOT NULL"
        yield Rule(f"{name}: not {_WORDS[kind]}", wrong)
    if table.columns[name].endswith("NOT NULL"):
        source = f"nullif(CAST(m.{name} AS VARCHAR), '') IS NULL" if name in given else "TRUE"
        yield Rule(f"{name}: no value", f"{typed} IS NULL AND {source}")
    if kind == "DOUBLE":
        yield Rule(f"{name}: not a finite number", f"NOT isfinite({typed})")
    if kind == "VARCHAR":
        control = f"regexp_matches({typed}, '[\\x00-\\x1f\\x7f]') OR length({typed}) > {LONGEST}"
        yield Rule(f"{name}: a control character, or longer than {LONGEST} characters", control)
    if name == "market":
        yield Rule(
            "market: not two capital letters", f"NOT regexp_full_match({typed}, '[A-Z]{{2}}')"
        )
    if kind in _INSTANT:
        yield Rule(f"{name}: before the year 2000", f"{typed} < {EARLIEST}")
        yield Rule(f"{name}: in the future", f"{typed} > {now} + INTERVAL {AHEAD_HOURS} HOUR")
    low, high = table.bounds.get(name, (None, None))
    limits = ((low, "<"), (high, ">"))
    outside = [f"{typed} {sign} {limit}" for limit, sign in limits if limit is not None]
    if outside:
        finite = f"isfinite({typed}) AND " if kind == "DOUBLE" else ""
        words = f"{low} to {high}" if high is not None else f"{low} or more"
        yield Rule(f"{name}: outside {words}", f"{finite}({' OR '.join(outside)})")


def texts_sql(values: Collection[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)


def typed_sql(table: Table, given: Mapping[str, str], relation: str) -> str:
    """A relation's columns as the table's types, with its `_n`; what is none becomes empty."""
    columns = [f"{_typed(table.kinds[name], name, given)} AS {name}" for name in table.columns]
    return f"SELECT m._n, {', '.join(columns)} FROM {relation} AS m"


def _typed(kind: str, name: str, given: Mapping[str, str]) -> str:
    if name not in given:
        return f"CAST(NULL AS {kind})"
    text, is_text = f"m.{name}", given[name] == "VARCHAR"
    cast = f"TRY_CAST({text} AS {kind})"
    if kind == "BIGINT" and given[name] not in ("BIGINT", "INTEGER", "SMALLINT"):
        # A cast to a whole number would round.
        whole = f"TRY_CAST({text} AS DOUBLE) = CAST({cast} AS DOUBLE)"
        return f"CASE WHEN {whole} THEN {cast} END"
    if kind in _INSTANT and is_text:
        offset = f"regexp_matches(trim({text}), '(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)$')"
        return f"CASE WHEN {offset} THEN {cast} END"
    return f"nullif({text}, '')" if kind == "VARCHAR" and is_text else cast


def reasons_sql(found: list[Rule]) -> str:
    """Every reason for which a row is refused, as one text; empty for a row that is right."""
    each = ", ".join(
        f"CASE WHEN {rule.broken} THEN {texts_sql([rule.reason])} END" for rule in found
    )
    return f"concat_ws('; ', {each})"


def unlinked(table: Table) -> list[Rule]:
    """For each link of a table, which rows of a relation `t` in the warehouse lack their other."""
    return [
        Rule(
            f"{column}: not in {other}",
            f"t.{column} IS NOT NULL AND NOT EXISTS "
            f"(SELECT 1 FROM {other} AS o WHERE o.{column} = t.{column})",
        )
        for column, other in table.links.items()
    ]
