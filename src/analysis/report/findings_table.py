"""Findings of all runs as data: one table that others can build on, as Parquet and as CSV.

Each column is declared once, here; the files' types and the data dictionary are made from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from analysis.errors import UserError
from analysis.report.data import FORMULA, HIDDEN_START
from analysis.report.record import RunRecord
from analysis.report.summary import Stamp, Summary
from analysis.studies.findings import Comparison, Finding
from analysis.writing import aside

PARQUET, CSV = "findings.parquet", "findings.csv"
#: Raised when a column changes its name, type or meaning; adding one at the end does not.
VERSION = "1"
_STAMPS = b"runs"
Cell = Callable[[RunRecord, Finding, Comparison | None], Any]


@dataclass(frozen=True)
class Column:
    """A column: its name, Arrow type and meaning, and where its value comes from.

    Attributes:
        meaning: what a value says, its unit, and when it is empty.
    """

    name: str
    type: pa.DataType
    meaning: str
    value: Cell


def _run(name: str, kind: pa.DataType, meaning: str, of: str = "") -> Column:
    return Column(name, kind, meaning, lambda run, _finding, _other: getattr(run, of or name))


def _said(name: str, kind: pa.DataType, meaning: str, of: str = "") -> Column:
    return Column(name, kind, meaning, lambda _run, finding, _other: getattr(finding, of or name))


def _other(name: str, kind: pa.DataType, meaning: str, of: str) -> Column:
    def value(_run: RunRecord, _finding: Finding, other: Comparison | None) -> Any:
        return getattr(other, of) if other else None

    return Column(name, kind, f"{meaning} Empty without a comparison.", value)


def _count(_run: RunRecord, finding: Finding, _other: Comparison | None) -> int:
    return len(finding.comparisons)


_TEXT, _NUMBER, _DAY = pa.string(), pa.float64(), pa.date32()
_VERDICTS = (
    "Of the first comparison: up or down beyond its uncertainty, no_change within it; level is "
    "compared with nothing, unclear has too little data."
)
COLUMNS = (
    _run("study", _TEXT, "The study, by its name."),
    _run("market", _TEXT, "The market's code (ISO 3166 alpha-2)."),
    _run("market_name", _TEXT, "Its name in English."),
    _run("window", _TEXT, "The window, as in 2026-W10."),
    _run("variant", _TEXT, "The named set of parameters; empty for the study's own."),
    _run("start", _DAY, "The window's first local day."),
    _run("end", _DAY, "The first local day after the window."),
    _said(
        "finding", _TEXT, "Its name; with study, market, window and variant a row's key.", "name"
    ),
    _said("title", _TEXT, "The finding's name for readers."),
    _said("text", _TEXT, "The whole statement in words."),
    _said("value", _NUMBER, "The number, in `unit`; empty without data or where suppressed."),
    _said("low", _NUMBER, "The lower end of its interval, in `unit`; empty where it has none."),
    _said("high", _NUMBER, "The upper end of its interval, in `unit`; empty where it has none."),
    _said("unit", _TEXT, "share (0 to 1), per_million, hours, count, ratio, mean or rank."),
    _said("confidence", _NUMBER, "Of the interval, 0 to 1; empty for a published count or rank."),
    _said("sample", _TEXT, "What the number rests on, in words; small counts are not said."),
    _said("verdict", _TEXT, _VERDICTS),
    _said("meaning", _TEXT, "What that verdict means for safety: better, worse or neutral."),
    _said("headline", pa.bool_(), "Whether it belongs to the main points of its page."),
    _other("compared_with", _TEXT, "What the first comparison is with, as in 2026-W09.", "label"),
    _other("compared_value", _NUMBER, "The other number, in `unit`.", "value"),
    _other("difference", _NUMBER, "This number minus the other, in `unit`.", "difference"),
    _other("difference_low", _NUMBER, "The lower end of the difference's interval.", "low"),
    _other("difference_high", _NUMBER, "The upper end of the difference's interval.", "high"),
    Column("comparisons", pa.int32(), "How many it has; its page has them all.", _count),
    _run("executed_at", pa.timestamp("us", tz="UTC"), "When the run began.", "started_at"),
    _run("key", _TEXT, "Of the run: the same key, the same numbers."),
    _run("revision", _TEXT, "Of the code, as git names it."),
)
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
_KEY = ("study", "market", "window", "variant")


def write_findings(reports: Path, runs: Sequence[Summary]) -> bool:
    """Writes both files where a run came, changed or went since they were written.

    Rows of runs that are as they were come from the Parquet file; only others' records are read.

    Args:
        reports: the site's folder.
        runs: every run of the site.

    Returns:
        Whether they were written.
    """
    stamps = {run.identity: run.stamp for run in runs}
    kept, known = _kept(reports / PARQUET)
    if known == stamps and (not runs or (reports / CSV).is_file()):
        return False
    same = {name for name, stamp in stamps.items() if known.get(name) == stamp}
    tables = [_only(kept, same)] if kept is not None and same else []
    tables.append(_rows(reports, [run for run in runs if run.identity not in same]))
    table = pa.concat_tables(tables).sort_by([(name, "ascending") for name in _KEY])
    _write(
        reports / PARQUET,
        lambda path: pq.write_table(_noted(table, stamps), path, compression="zstd"),
    )
    _write(reports / CSV, lambda path: pa_csv.write_csv(defused(table), path))
    return True


def _rows(reports: Path, runs: Iterable[Summary]) -> pa.Table:
    found: dict[str, list[Any]] = {column.name: [] for column in COLUMNS}
    for run in runs:
        record = RunRecord.read(reports / run.identity)
        if record is None:
            continue
        for finding in record.findings:
            other = next(iter(finding.comparisons), None)
            for column in COLUMNS:
                found[column.name].append(column.value(record, finding, other))
    return pa.table(found, schema=SCHEMA)


def _only(table: pa.Table, identities: set[str]) -> pa.Table:
    """The rows of some runs."""
    variant = pc.fill_null(table["variant"], "")
    at = pc.if_else(pc.equal(variant, ""), "", pc.binary_join_element_wise("@", variant, ""))
    path = pc.binary_join_element_wise(table["study"], table["market"], table["window"], "/")
    names = pc.binary_join_element_wise(path, at, "")
    return table.filter(pc.is_in(names, pa.array(sorted(identities))))


def _kept(path: Path) -> tuple[pa.Table | None, dict[str, Stamp]]:
    """The rows there are and the state of each run that they are of; none where the columns or
    what they mean have changed since."""
    try:
        table = pq.read_table(path)
        said = json.loads(table.schema.metadata[_STAMPS])
        if said["version"] != VERSION or not table.schema.equals(SCHEMA):
            return None, {}
        return table.replace_schema_metadata(None), dict(said["stamps"])
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError):
        return None, {}


def _noted(table: pa.Table, stamps: dict[str, Stamp]) -> pa.Table:
    said = json.dumps({"version": VERSION, "stamps": stamps})
    return table.replace_schema_metadata({_STAMPS: said.encode()})


def defused(table: pa.Table) -> pa.Table:
    """A table whose texts no spreadsheet takes for formulas, see `data.defuse`."""
    starts = f"^[{HIDDEN_START}]*[{''.join(_escaped(each) for each in FORMULA)}]"
    columns = [
        pc.if_else(
            pc.match_substring_regex(column, starts),
            pc.binary_join_element_wise("'", column, ""),
            column,
        )
        if pa.types.is_string(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)


def _escaped(letter: str) -> str:
    return f"\\x{{{ord(letter):x}}}"


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        with aside(path) as new:
            write(new)
    except OSError as error:
        problem = f"{path.name} can't be written: {error.strerror}; it is as it was"
        raise UserError("reports", problem) from None
