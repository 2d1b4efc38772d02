"""Windows that lie in one another: what the difference of two runs would tell.

A week and the same week with one more day differ by one day's counts, however large both are. So a
count is hidden where taking from it what other pages show of windows within it (or it from what
they show of a window around it) would leave a small number.
"""

from __future__ import annotations

import fcntl
import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.project import Project
from analysis.report.disclosed import sheet_of, sheet_of_counts, typed_of
from analysis.report.record import NOTEBOOK, RunRecord
from analysis.runs.plan import Planned
from analysis.safeguards.disclosure import Rules, Sheet
from analysis.safeguards.disclosure.relations import Cell
from analysis.studies.findings import Finding

#: What a count is of: its table, the labels of its row, its column.
Key = tuple[str, frozenset[str], str]


@dataclass(frozen=True)
class Other:
    """The counts that the page of another window shows."""

    start: date
    end: date
    counts: Mapping[Key, int]

    def within(self, start: date, end: date) -> bool:
        return start <= self.start and self.end <= end


@contextmanager
def one_at_a_time(project: Project, planned: Planned) -> Iterator[None]:
    """Runs of one study and market end one after the other, so that each sees those before it."""
    run = planned.run
    folder = project.data / ".ending"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{run.study}-{run.market.code}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def others(project: Project, planned: Planned) -> list[Other]:
    """What the site shows of windows that lie within a run's, or around it."""
    run = planned.run
    start, end = run.window.start, run.window.end
    found = []
    for folder in sorted((project.reports / run.study / run.market.code).glob("*")):
        label, _, variant = folder.name.partition("@")
        days = _days(label)
        if days is None or days == (start, end) or (variant or None) != run.variant:
            continue
        inside = start <= days[0] and days[1] <= end
        around = days[0] <= start and end <= days[1]
        if inside or around:
            record = RunRecord.read(folder)
            if record is not None and record.status == "done":
                found.append(Other(*days, _counts(folder / NOTEBOOK)))
    return found


@cache
def _days(label: str) -> tuple[date, date] | None:
    """A window's days by its label, which is its folder's name; None for any other folder."""
    try:
        window = Window.parse(label)
    except UserError:
        return None
    return window.start, window.end


def _counts(path: Path) -> dict[Key, int]:
    """The counts that an executed notebook shows."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError):
        return {}
    sheets, statements = [], []
    for cell in cells:
        for output in cell.get("outputs", ()):
            typed = typed_of(output.get("data", {}))
            if isinstance(typed, Finding):
                statements.append(typed.statement())
            elif typed is not None:
                sheets.append(sheet_of(typed))
    sheets.append(sheet_of_counts(statements))
    return {_key(sheet, place): count for sheet in sheets for place, count in sheet.counted()}


def _key(sheet: Sheet, place: tuple[int, int]) -> Key:
    return sheet.name, sheet.labels(place[0]), sheet.keys[place[1]]


def small(
    sheets: Sequence[Sheet], start: date, end: date, known: Sequence[Other], rules: Rules
) -> dict[Cell, int]:
    """The counts of a window that other windows' pages would turn into a small number.

    Args:
        sheets: of the run.
        start, end: of its window.
        known: what other pages show, from :func:`others`.
        rules: what is small.
    """
    if not known:
        return {}
    inside = [each for each in known if each.within(start, end)]
    around = [each for each in known if each.start <= start and end <= each.end]
    found: dict[Cell, int] = {}
    for number, sheet in enumerate(sheets):
        for place, count in sheet.counted():
            key = _key(sheet, place)
            left = list(_left(key, count, start, end, inside, around, known))
            if any(rules.small(abs(each)) for each in left):
                found[(number, *place)] = count
    return found


def _left(
    key: Key,
    count: int,
    start: date,
    end: date,
    inside: Sequence[Other],
    around: Sequence[Other],
    known: Sequence[Other],
) -> Iterator[int]:
    """What subtraction leaves of a count: one window or as much as windows within it hold together;
    itself and those beside it from one around."""
    parts = [each for each in inside if key in each.counts]
    yield from (count - each.counts[key] for each in parts)
    if parts:
        yield count - _most(parts, key)
    for each in around:
        if key in each.counts:
            left = each.counts[key] - count
            beside = [o for o in known if key in o.counts and o.within(each.start, each.end)]
            yield left
            yield left - _most([o for o in beside if o.end <= start or end <= o.start], key)


def _most(found: Sequence[Other], key: Key) -> int:
    """The greatest sum of a count over windows that share no day."""
    ends, sums = [date.min], [0]
    for each in sorted(found, key=lambda other: other.end):
        before = sums[bisect_right(ends, each.start) - 1]
        ends.append(each.end)
        sums.append(max(sums[-1], before + each.counts[key]))
    return sums[-1]
