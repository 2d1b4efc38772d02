"""Files by fsspec as dlt resources: CSV, JSON lines and Parquet in Arrow batches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from analysis.errors import UserError, nearest
from analysis.project import Project
from analysis.safeguards.secrets import redact
from analysis.sources.archives import opened
from analysis.sources.declared import Files, Raw

Read = Callable[[Path, str], Iterator[pa.Table]]
_LINES = 20_000
_GB = 2**30


def place(project: Project, where: str) -> str:
    """A folder as a URL; a path lies in the project.

    Raises:
        UserError: it is a folder of this machine, and not there.
    """
    if "://" in where:
        return where
    folder = (project.root / where).resolve()
    if not folder.is_dir():
        raise UserError("where", f"the folder {where!r} is not there; put the files into it")
    return folder.as_uri()


def resource(
    name: str, table: str, listed: list[Any], stage: Path, since: datetime | None, read: Read
) -> Any:
    """A resource of the files that were not read before.

    Args:
        since: only files changed since then, whether they were read or not.
        read: from a local copy and its name to batches.
    """
    import dlt

    return dlt.resource(_unread, name=table)(name, listed, stage, since, read)


def _unread(
    name: str, listed: list[Any], stage: Path, since: datetime | None, read: Read
) -> Iterator[pa.Table]:
    """Batches of every file that dlt's state of the resource does not know as it is now."""
    import dlt

    seen: dict[str, str] = dlt.current.resource_state().setdefault("seen", {})
    for item in listed:
        shown, stamp = item["relative_path"], f"{item['size_in_bytes']}@{item['modification_date']}"
        if item["modification_date"] < since if since else seen.get(shown) == stamp:
            continue
        copy = fetched(item, stage, name)
        yield from read(copy, shown)
        copy.unlink()
        seen[shown] = stamp


def fetched(item: Any, stage: Path, name: str) -> Path:
    """A local copy of a file, under a name of our own.

    Raises:
        UserError: it can't be read.
    """
    shown = str(item["relative_path"])
    copy = stage / f"{hashlib.sha256(shown.encode()).hexdigest()[:12]}{Path(shown).suffix.lower()}"
    try:
        item.fsspec.get_file(item["file_url"], str(copy))
    except OSError as error:
        raise UserError(name, f"{shown} can't be read ({type(error).__name__})") from None
    return copy


def listed(url: str, glob: str, name: str) -> list[Any]:
    """Every file, in the order of their names: what was read last must not depend on the store.

    Raises:
        UserError: the store does not answer, or its package is not installed.
    """
    from dlt.sources.filesystem import filesystem

    try:
        found = list(filesystem(url, file_glob=glob))
    except ImportError as error:
        raise UserError(
            name, f"{redact(str(error))}; the extra `s3` is for object stores"
        ) from None
    except (OSError, ValueError) as error:
        problem = f"its files can't be listed ({type(error).__name__})"
        raise UserError(name, problem) from None
    return sorted(found, key=lambda item: str(item["relative_path"]))


def reader(source: Files, raw: Raw) -> Read:
    """How this source's files are read."""

    def read(path: Path, shown: str) -> Iterator[pa.Table]:
        with opened(path, shown, source.largest_gb * _GB) as streams:
            for name, stream in streams:
                where = shown if name in shown else f"{shown}, {name}"
                for batch in _LAYOUTS[source.layout](stream, where, raw):
                    yield batch.append_column("_file", pa.array([shown] * len(batch), pa.string()))

    return read


def check_header(given: list[str], raw: Raw, shown: str) -> None:
    """A column more or less than declared is an error that names it, and the nearest.

    Raises:
        UserError: naming the column.
    """
    known = {*raw.columns, *raw.ignores}
    missing = [name for name in raw.columns if name not in given]
    new = [name for name in given if name not in known]
    if not missing and not new:
        return
    said = []
    for name in missing:
        close = nearest(name, new or given)
        said.append(
            f"the column {name!r} is missing" + (f"; {close!r} is like it" if close else "")
        )
    for name in new:
        close = nearest(name, known)
        said.append(f"the column {name!r} is new" + (f"; {close!r} is like it" if close else ""))
    fix = "list it under columns or ignores in params/sources.yaml" if new else "mend the source"
    raise UserError(shown, f"{'; '.join(said)}; {fix}")


def read_csv(stream: IO[bytes], shown: str, raw: Raw) -> Iterator[pa.Table]:
    """A CSV file as texts: which type a column has is the mapping's to say."""
    text = pa.string()
    options = pa_csv.ConvertOptions(
        include_columns=list(raw.columns),
        column_types=dict.fromkeys((*raw.columns, *raw.ignores), text),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )
    line, stream = _first_line(stream)
    header = next(iter(_csv_rows(line)), [])
    if not any(header):
        raise UserError(shown, "the file is empty; get it again")
    check_header(header, raw, shown)
    reading = pa_csv.ReadOptions(block_size=8 * 2**20, column_names=header)
    parsing = pa_csv.ParseOptions(newlines_in_values=True)
    try:
        for batch in pa_csv.open_csv(stream, reading, parsing, options):
            yield pa.Table.from_batches([batch])
    except pa.ArrowInvalid as error:
        if "Empty CSV" not in str(error):
            problem = str(error).splitlines()[0].partition(": Row")[0]
            raise UserError(shown, f"the file is no CSV that can be read: {problem}") from None


def _first_line(stream: IO[bytes]) -> tuple[str, IO[bytes]]:
    line = stream.readline(2**20)
    try:
        return line.decode("utf-8-sig"), stream
    except UnicodeDecodeError:
        return "", stream


def _csv_rows(line: str) -> Iterator[list[str]]:
    import csv

    try:
        yield from csv.reader([line])
    except csv.Error:
        return  # no header can be read: the file is said to be empty or no CSV


def read_jsonl(stream: IO[bytes], shown: str, raw: Raw) -> Iterator[pa.Table]:
    """A file of JSON lines as texts; what is nested stays JSON."""
    rows: list[dict[str, str | None]] = []
    names: set[str] = set()
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise UserError(f"{shown}, line {number}", "no JSON; get the file again") from None
        if not isinstance(value, dict):
            raise UserError(f"{shown}, line {number}", "no JSON object of columns and values")
        names |= value.keys()
        rows.append({name: as_text(value.get(name)) for name in raw.columns})
        if len(rows) == _LINES:
            yield texts(rows, raw)
            rows = []
    if names:
        check_header(sorted(names), raw, shown)
    if rows:
        yield texts(rows, raw)


def as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def texts(rows: list[dict[str, str | None]], raw: Raw) -> pa.Table:
    try:
        return pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in raw.columns]))
    except UnicodeEncodeError:  # half of a pair of UTF-16, which JSON can write and no text holds
        raise UserError("rows", "a text that is no Unicode; get the file again") from None


def read_parquet(stream: IO[bytes], shown: str, raw: Raw) -> Iterator[pa.Table]:
    """A Parquet file with its own types."""
    try:
        file = pq.ParquetFile(pa.BufferReader(stream.read()))
        check_header(file.schema_arrow.names, raw, shown)
        for batch in file.iter_batches(columns=list(raw.columns)):
            yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError, UnicodeDecodeError):  # a column's name may be any bytes
        raise UserError(shown, "the file is no Parquet that can be read") from None


_LAYOUTS = {"csv": read_csv, "jsonl": read_jsonl, "parquet": read_parquet}
