"""Findings of all runs as data: one table that others can build on, as Parquet and as CSV.

Each column is declared once, here; the files' types and the data dictionary are made from it.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from analysis.errors import UserError
from analysis.report.data import FORMULA, HIDDEN_START
from analysis.report.record import RunRecord
from analysis.report.summary import Stamp, Summary
from analysis.studies.findings import Comparison, Finding
from analysis.writing import aside

PARQUET, CSV = "findings.parquet", "findings.csv"
#: Raised when a column changes its name, type or meaning; adding one at the end does not.
VERSION = "2"
_STAMPS = "runs"
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
    _said(
        "unit",
        _TEXT,
        "share (0 to 1), per_hundred, per_thousand, per_million, hours, count, ratio, mean, rank.",
    ),
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
    _said("noun", _TEXT, "What a count or a mean is of, such as removals; empty elsewhere."),
)
SCHEMA = pa.schema([(column.name, column.type) for column in COLUMNS])
#: No rows; `Schema.empty_table` imports pandas on its way, as all that Arrow makes of lists does.
_NONE = pa.Table.from_batches([], SCHEMA)
#: The same as JSON has it: days and instants are texts.
_WRITTEN = pa.schema(
    [(each.name, _TEXT if pa.types.is_temporal(each.type) else each.type) for each in SCHEMA]
)
#: Columns in which most values are unlike any other: a dictionary of them would be a detour.
_OWN = ("text", "value", "low", "high", "compared_value", "difference")
_REPEATED = [name for name in SCHEMA.names if not name.startswith(_OWN)]
_WORDS = [name for name in _REPEATED if SCHEMA.field(name).type == _TEXT]


class Part(NamedTuple):
    """What the files hold of a run: its state, its rows, and how many bytes they are in the CSV."""

    stamp: Stamp
    rows: int
    size: int


class Files(NamedTuple):
    """Rows, the same as lines of CSV, and what each run has of both, in their order."""

    table: pa.Table
    lines: memoryview
    parts: dict[str, Part]


class Span(NamedTuple):
    """Rows of runs that lie together in `Files`, and their lines."""

    files: Files
    row: int
    rows: int
    byte: int
    size: int


def write_findings(reports: Path, runs: Sequence[Summary]) -> bool:
    """Writes both files where a run came, changed or went since they were written.

    Only records of those runs are read. Rows and lines of all others are taken over as they lie:
    200,000 rows are neither sorted nor put in words again for the sake of 44.

    Args:
        reports: the site's folder.
        runs: every run of the site.

    Returns:
        Whether they were written.
    """
    ordered = sorted(runs, key=lambda run: (run.study, run.market, run.window, run.variant or ""))
    stamps = {run.identity: run.stamp for run in ordered}
    known = _known(reports)
    if {name: part.stamp for name, part in (known or {}).items()} == stamps and (known or not runs):
        return False
    old = _kept(reports, known) if known else _EMPTY
    same = {name for name, part in old.parts.items() if part.stamp == stamps.get(name)}
    new = _made(reports, [run for run in ordered if run.identity not in same])
    spans = list(_spans(stamps, old, new, same))
    table = pa.concat_tables([each.files.table.slice(each.row, each.rows) for each in spans])
    parts = {name: (old if name in same else new).parts[name] for name in stamps}
    lines = [each.files.lines[each.byte : each.byte + each.size] for each in spans]
    _write(reports / CSV, lambda path: _write_lines(lines, path))
    _write(reports / PARQUET, lambda path: _write_parquet(table, parts, path))
    return True


def _spans(names: Iterable[str], old: Files, new: Files, same: set[str]) -> Iterator[Span]:
    """Where each run's rows lie, in order; those that follow one another as one."""
    places = {id(files): dict(_places(files)) for files in (old, new)}
    span = Span(old, 0, 0, 0, 0)
    for name in names:
        files = old if name in same else new
        part, (row, byte) = files.parts[name], places[id(files)][name]
        if files is span.files and row == span.row + span.rows:
            span = span._replace(rows=span.rows + part.rows, size=span.size + part.size)
        else:
            yield span
            span = Span(files, row, part.rows, byte, part.size)
    yield span


def _places(files: Files) -> Iterator[tuple[str, tuple[int, int]]]:
    row = byte = 0
    for name, part in files.parts.items():
        yield name, (row, byte)
        row, byte = row + part.rows, byte + part.size


def _made(reports: Path, runs: Sequence[Summary]) -> Files:
    """The rows of some runs from their records."""
    found, counts = list[bytes](), list[int]()
    for run in runs:
        record = RunRecord.read(reports / run.identity)
        findings = record.findings if record else ()
        found += [_row(record, finding) for finding in findings if record]
        counts.append(len(findings))
    table = _table(found)
    lines, plain, parts, row = io.BytesIO(), defused(table), dict[str, Part](), 0
    for run, count in zip(runs, counts, strict=True):
        start = lines.tell()
        pa_csv.write_csv(plain.slice(row, count), lines, _BARE)
        parts[run.identity] = Part(run.stamp, count, lines.tell() - start)
        row += count
    return Files(_short(table), lines.getbuffer(), parts)


def _row(run: RunRecord, finding: Finding) -> bytes:
    """A row as a line of JSON."""
    other = next(iter(finding.comparisons), None)
    values = {column.name: column.value(run, finding, other) for column in COLUMNS}
    return json.dumps(values, default=lambda day: day.isoformat()).encode()


def _table(rows: Sequence[bytes]) -> pa.Table:
    """Rows as a table, by way of JSON: of a list Arrow asks pandas whether it is its own, and
    importing pandas takes longer than all new rows."""
    if not rows:
        return _NONE
    text = b"\n".join(rows)
    read = pa_json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    parse = pa_json.ParseOptions(explicit_schema=_WRITTEN)
    return pa_json.read_json(io.BytesIO(text), read, parse).cast(SCHEMA)


def _known(reports: Path) -> dict[str, Part] | None:
    """What each run has of the files; None where their columns or what these mean have changed
    since, or the two do not belong together."""
    try:
        schema = pq.read_schema(reports / PARQUET)
        said = json.loads(schema.metadata[_STAMPS.encode()])
        parts = {name: Part(*part) for name, *part in said["parts"]}
        size = len(_header()) + sum(part.size for part in parts.values())
        if said["version"] != VERSION or not schema.equals(SCHEMA):
            return None
        return parts if (reports / CSV).stat().st_size == size else None
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError):
        return None


def _kept(reports: Path, parts: dict[str, Part]) -> Files:
    """The files as they are; empty where they can't be read."""
    try:
        # Not by `read_table`, which imports what many files need; threads cost more than they give.
        with pq.ParquetFile(reports / PARQUET, read_dictionary=_WORDS) as file:
            table = file.read(use_threads=False)
        with (reports / CSV).open("rb") as opened:
            lines = mmap(opened.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError):
        return _EMPTY
    if table.num_rows != sum(part.rows for part in parts.values()):
        return _EMPTY
    return Files(table.replace_schema_metadata(None), memoryview(lines)[len(_header()) :], parts)


def _short(table: pa.Table) -> pa.Table:
    """The same with repeated words as numbers, as the file holds them."""
    columns = [
        table[name].dictionary_encode() if name in _WORDS else table[name]
        for name in table.column_names
    ]
    return pa.table(columns, names=table.column_names)


_EMPTY = Files(_short(_NONE), memoryview(b""), {})
_BARE = pa_csv.WriteOptions(include_header=False)


@cache
def _header() -> bytes:
    text = io.BytesIO()
    pa_csv.write_csv(_NONE, text)
    return text.getvalue()


def _write_lines(lines: Iterable[memoryview], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines([_header(), *lines])


def _write_parquet(table: pa.Table, parts: dict[str, Part], path: Path) -> None:
    said = json.dumps(
        {"version": VERSION, "parts": [(name, *part) for name, part in parts.items()]}
    )
    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": _REPEATED}
    # Without Arrow's own schema, by which readers would get dictionaries in place of texts.
    with pq.ParquetWriter(path, table.schema, store_schema=False, **options) as writer:
        writer.write_table(table.unify_dictionaries())
        writer.add_key_value_metadata({_STAMPS: said})


def defused(table: pa.Table) -> pa.Table:
    """A table whose texts no spreadsheet takes for formulas, see `data.defuse`."""
    starts = f"^([{HIDDEN_START}]*[{''.join(_escaped(each) for each in FORMULA)}])"
    columns = [
        pc.replace_substring_regex(column, pattern=starts, replacement=r"'\1")
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
