"""Finds and reads the publishers' files: recognised by their header, whatever they are called."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import UserError
from analysis.sources.published.facts import Dropped, Fact, Format
from analysis.sources.published.meta import META
from analysis.sources.published.tiktok import TIKTOK

FORMATS = (TIKTOK, META)
#: A header with this part of a format's columns is that format's with a mistake in it.
ALIKE = 0.5
_VINTAGE = re.compile(r"(?<!\d)(20\d\d)[-_ ]?[qQ]([1-4])(?!\d)")
SAME = "doubled key, the same value: kept once"
CONFLICT = "doubled key, different values: none is kept"


@dataclass(frozen=True)
class FileSummary:
    """What came of one file.

    Attributes:
        file: its path below the folder.
        publisher: its format's name.
        vintage: the report that it is, such as `2023-Q3`.
        read: rows in it.
        loaded: figures taken from them; a range gives two.
        dropped: rows by the reason for which they give none.
    """

    file: str
    publisher: str
    vintage: str
    read: int
    loaded: int
    dropped: dict[str, int]

    def lines(self) -> list[str]:
        head = f"{self.file}: {self.publisher} {self.vintage}, {self.read:,} rows read"
        reasons = [f"    dropped {number:,}: {why}" for why, number in self.dropped.items()]
        return [f"{head}, {self.loaded:,} figures loaded", *reasons]


@dataclass(frozen=True)
class FileFacts:
    """A file's figures, and the words about them."""

    summary: FileSummary
    form: Format
    facts: tuple[Fact, ...]


def read_folder(folder: Path) -> tuple[list[FileFacts], list[str]]:
    """Every file of a known format below a folder, and the names of the CSV files passed over.

    Raises:
        UserError: no such folder, no such file in it, or one that can't be read whole.
    """
    paths = csv_files(folder)
    read = {str(path.relative_to(folder)): _read_file(path, folder) for path in paths}
    files = [file for file in read.values() if file]
    if not files:
        known = " or ".join(form.name for form in FORMATS)
        problem = f"no CSV file of {known} in {folder.name or folder} or below it"
        raise UserError("--from", f"{problem}; {len(paths)} other CSV files are there")
    _one_file_a_vintage(files)
    return files, [name for name, file in read.items() if file is None]


def csv_files(folder: Path) -> list[Path]:
    """Every CSV file below a folder, gzipped or not.

    Raises:
        UserError: there is no such folder.
    """
    if not folder.is_dir():
        raise UserError("--from", f"'{folder}' is no folder")
    return sorted(p for p in folder.rglob("*") if re.search(r"\.csv(\.gz)?$", p.name.lower()))


def _read_file(path: Path, folder: Path) -> FileFacts | None:
    """One file's figures; None where its header is another thing's."""
    shown = str(path.relative_to(folder))
    rows = csv.reader(io.StringIO(_text(path, shown), newline=""))
    header = [name.strip() for name in next(rows, [])]
    if not any(header):
        raise UserError(shown, "the file is empty; download it again")
    form = _recognise(header, shown)
    if form is None:
        return None
    table = [row for row in rows if row]
    if not table:
        raise UserError(shown, "the file has a header and no rows; download it again")
    return _facts(form, [dict(zip(header, row, strict=False)) for row in table], path, shown)


def _text(path: Path, shown: str) -> str:
    try:
        raw = path.read_bytes()
        return (gzip.decompress(raw) if path.suffix.lower() == ".gz" else raw).decode("utf-8-sig")
    except (EOFError, gzip.BadGzipFile, zlib.error):
        problem = "the gzip file is broken or cut off; download it again"
        raise UserError(shown, problem) from None
    except UnicodeDecodeError:
        raise UserError(shown, "the file is no UTF-8 text; save it as CSV UTF-8") from None
    except OSError as error:
        raise UserError(shown, f"the file can't be read: {error.strerror}") from None


def _recognise(header: list[str], shown: str) -> Format | None:
    for form in FORMATS:
        missing = [name for name in form.columns if name not in header]
        if len(missing) > len(form.columns) * (1 - ALIKE):
            continue
        if missing:
            names = ", ".join(repr(name) for name in missing)
            problem = f"the column {names} is missing; a file of {form.name} has"
            raise UserError(shown, f"{problem}: {', '.join(form.columns)}")
        doubled = [name for name, times in Counter(header).items() if times > 1]
        if doubled:
            raise UserError(shown, f"the column {doubled[0]!r} stands twice")
        return form
    return None


def _facts(form: Format, table: list[dict[str, str]], path: Path, shown: str) -> FileFacts:
    dropped: Counter[str] = Counter()
    facts: list[Fact] = []
    for row in table:
        try:
            if len(row) < len(form.columns):
                raise Dropped("a row with columns missing")
            facts += form.read(row)
        except Dropped as reason:
            dropped[str(reason)] += 1
    kept = list(_unique(facts, dropped))
    if not kept:
        reasons = "; ".join(f"{number:,}: {why}" for why, number in dropped.items())
        raise UserError(shown, f"none of its {len(table):,} rows could be loaded ({reasons})")
    named = _VINTAGE.search(path.name)
    vintage = f"{named[1]}-Q{named[2]}" if named else _latest(kept)
    order = dict(dropped.most_common())
    summary = FileSummary(shown, form.name, vintage, len(table), len(kept), order)
    return FileFacts(summary, form, tuple(kept))


def _unique(facts: list[Fact], dropped: Counter[str]) -> Iterator[Fact]:
    """One figure a key. Of two that contradict each other neither can be trusted."""
    by_key: defaultdict[tuple[object, ...], list[Fact]] = defaultdict(list)
    for fact in facts:
        by_key[fact.key].append(fact)
    for same in by_key.values():
        if len({fact.value for fact in same}) > 1:
            dropped[CONFLICT] += len(same)
            continue
        if len(same) > 1:
            dropped[SAME] += len(same) - 1
        yield same[0]


def _latest(facts: list[Fact]) -> str:
    """A report is called after the last quarter in it."""
    last = max(fact.period_start for fact in facts)
    return f"{last.year}-Q{(last.month + 2) // 3}"


def _one_file_a_vintage(files: list[FileFacts]) -> None:
    seen: dict[tuple[str, str], str] = {}
    for file in files:
        key = (file.form.name, file.summary.vintage)
        if key in seen:
            problem = f"is {' '.join(key)}, and so is {seen[key]}; keep one of them"
            raise UserError(file.summary.file, problem)
        seen[key] = file.summary.file
