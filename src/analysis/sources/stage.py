"""The stage: raw rows become a canonical table's, and what breaks its contract is parted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from analysis.errors import UserError, nearest
from analysis.project import Policy, Project
from analysis.sources.extract import Extracted
from analysis.warehouse import DuckDBWarehouse, QueryError, Table, Warehouse
from analysis.warehouse.contracts import (
    CONFLICT,
    SAME,
    check_columns,
    reasons_sql,
    rules,
    texts_sql,
    typed_sql,
    unlinked,
)


@dataclass(frozen=True)
class Staged:
    """A table's rows, ready.

    Attributes:
        good: Parquet of the table's columns, and of `_row` and `_digest` for what links refuse.
        broken: Parquet of digest, reason and content.
        again: Parquet of the table's columns and these three, of rows in quarantine that lacked
            nothing but what they are linked to.
        past: Parquet of digest, reason and content of rows in quarantine of whose key another came.
        read: rows that the mapping gave.
        first, last: of the good rows' times.
    """

    table: Table
    good: Path
    broken: Path
    again: Path
    past: Path
    read: int
    first: datetime | None
    last: datetime | None


@contextmanager
def staging(project: Project, found: Extracted, folder: Path) -> Iterator[Warehouse]:
    """An engine with the raw tables, the project's `markets` and `policies`, and two functions.

    `pseudonym(text)` is a 63-bit id that is the same everywhere and always; `instant(text,
    formats, zone)` reads a local time of one of several formats.
    """
    with DuckDBWarehouse(folder / "stage.duckdb", write=True) as stage:
        for table, paths in found.files.items():
            stage.take_in(table, paths)
        stage.take_in("markets", _markets(project))
        stage.take_in("policies", _policies(project.policies))
        # What none of the formats reads stays as it is, for the contract to refuse.
        read = "timezone('UTC', timezone(zone, try_strptime(x, formats)))"
        text = f"coalesce(strftime({read}, '%Y-%m-%dT%H:%M:%S.%fZ'), x)"
        stage.execute(f"CREATE TEMP MACRO instant(x, formats, zone) AS {text}")
        half = "CAST(md5_number_lower(CAST(x AS VARCHAR)) >> 1 AS BIGINT)"
        stage.execute(f"CREATE TEMP MACRO pseudonym(x) AS {half}")
        yield stage


def _markets(project: Project) -> pa.Table:
    rows = [{"market": m.code, "zone": m.zone, "name": m.name} for m in project.markets.values()]
    return pa.Table.from_pylist(rows)


def _policies(policies: Mapping[str, Policy]) -> pa.Table:
    names = ("policy", "title", "tiktok", "meta", "dsa")
    rows = [
        {"policy": name, "title": p.title, "tiktok": p.tiktok, "meta": p.meta, "dsa": p.dsa}
        for name, p in policies.items()
    ]
    return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in names]))


def stage_table(
    stage: Warehouse,
    folder: Path,
    where: str,
    table: Table,
    mapping: str,
    policies: Collection[str],
    held: pa.Table,
) -> Staged:
    """Maps raw rows to a table and parts the good from the broken.

    Args:
        held: digest, reason, content and load_id of the table's rows in quarantine.

    Raises:
        UserError: the mapping names a column that is not there, or does not give what the table
            takes.
    """
    try:
        given = stage.describe(mapping)
        check_columns(table, given, where)
        stage.keep("_mapped", f"SELECT row_number() OVER () AS _n, * FROM ({mapping}) AS mapped")
    except QueryError as error:
        raise UserError(where, _explained(error, stage)) from None
    stage.keep("_typed", typed_sql(table, given, "_mapped"))
    row = ", ".join(f"{name} := m.{name}" for name in given)
    stage.keep(
        "_checked",
        f"SELECT t.*, {reasons_sql(rules(table, given, policies, 'now()'))} AS _reason, "
        f"CAST(to_json(struct_pack({row})) AS VARCHAR) AS _row "
        "FROM _typed AS t JOIN _mapped AS m USING (_n)",
    )
    stage.keep("_judged", _doubled(table))
    return _parted(stage, folder, table, held)


def stage_held(stage: Warehouse, folder: Path, table: Table, held: pa.Table) -> Staged:
    """The rows in quarantine alone, where a source has nothing new."""
    columns = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in table.kinds.items())
    nothing = f"SELECT {columns}, '' AS _row, '' AS _digest, '' AS _reason WHERE FALSE"
    stage.keep("_judged", nothing)
    return _parted(stage, folder, table, held)


def _parted(stage: Warehouse, folder: Path, table: Table, held: pa.Table) -> Staged:
    """Writes what was judged, and what of the rows in quarantine follows from it."""
    good, broken, again, past = (
        folder / f"{table.name}.{part}.parquet" for part in ("good", "broken", "again", "past")
    )
    columns, refused = ", ".join(table.columns), "digest, reason, content"
    stage.to_parquet(f"SELECT {columns}, _row, _digest FROM _judged WHERE _reason = ''", good)
    stage.to_parquet(
        "SELECT _digest AS digest, _reason AS reason, _row AS content "
        "FROM _judged WHERE _reason <> ''",
        broken,
    )
    _read_again(stage, table, held)
    stage.to_parquet(f"SELECT {columns}, {refused} FROM _held WHERE _newest AND NOT _met", again)
    stage.to_parquet(f"SELECT {refused} FROM _held WHERE _replaced OR NOT _newest", past)
    span = f"CAST(min({table.time}) AS TIMESTAMPTZ), CAST(max({table.time}) AS TIMESTAMPTZ)"
    sql = f"SELECT (SELECT count(*) FROM _judged), {span} FROM _judged WHERE _reason = ''"
    read, first, last = stage.rows(sql)[0]
    return Staged(table, good, broken, again, past, int(read), first, last)


def _read_again(stage: Warehouse, table: Table, held: pa.Table) -> None:
    """The rows in quarantine as `_held`, typed, with what has come of the key of each.

    `_met`: this load has a row of its key; `_replaced`: a good one; `_newest`: the last of its key
    among those that wait for what they are linked to, null for a row that is broken otherwise.
    """
    stage.take_in("_refused", held)
    texts = dict.fromkeys(table.columns, "VARCHAR")
    values = ", ".join(f"json_extract_string(content, '$.{name}') AS {name}" for name in texts)
    stage.keep("_texts", "SELECT row_number() OVER () AS _n, * FROM _refused")
    stage.keep("_valued", f"SELECT _n, {values} FROM _texts")
    met = f"SELECT 1 FROM _judged AS j WHERE {table.same_key('j', 't')}"
    waits = f"r.reason IN ({texts_sql([rule.reason for rule in unlinked(table)]) or 'NULL'})"
    key = ", ".join(f"t.{name}" for name in table.key)
    stage.keep(
        "_held",
        f"SELECT t.* EXCLUDE (_n), r.digest, r.reason, r.content, EXISTS ({met}) AS _met, "
        f"EXISTS ({met} AND j._reason = '') AS _replaced, CASE WHEN {waits} THEN row_number() "
        f"OVER (PARTITION BY {key}, {waits} ORDER BY r.load_id DESC) = 1 END AS _newest "
        f"FROM ({typed_sql(table, texts, '_valued')}) AS t JOIN _texts AS r USING (_n)",
    )


def _doubled(table: Table) -> str:
    """Keys that rows share: of the same rows the first is kept, of different ones none."""
    key, all_columns = ", ".join(table.key), ", ".join(table.columns)
    valid = "_reason = ''"
    different = f"count(DISTINCT hash({all_columns})) FILTER ({valid}) OVER (PARTITION BY {key})"
    place = f"row_number() OVER (PARTITION BY {key}, {valid} ORDER BY _n)"
    copy = "row_number() OVER (PARTITION BY _row ORDER BY _n)"
    return (
        f"SELECT *, md5(_row || '/' || {copy}) AS _digest FROM ("
        f"SELECT * REPLACE (CASE WHEN _reason <> '' THEN _reason WHEN _different > 1 "
        f"THEN '{CONFLICT}' WHEN _place > 1 THEN '{SAME}' ELSE '' END AS _reason) FROM ("
        f"SELECT *, {different} AS _different, {place} AS _place FROM _checked)) AS judged"
    )


def _explained(error: QueryError, stage: Warehouse) -> str:
    if error.column is None:
        return str(error)
    known = {column for held in stage.columns().values() for column in held}
    close = nearest(error.column, [*error.candidates, *known])
    hint = f"; did you mean {close!r}?" if close else ""
    return f"no column {error.column!r}{hint}"
