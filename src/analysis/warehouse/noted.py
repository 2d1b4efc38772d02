"""What every run asks of a warehouse's file first, noted beside it for as long as the file is as
it was.

A file of DuckDB's takes longer to open, 25 ms of the processor, than these answers take to read.
A note holds what the file was when it was asked: its size, its last change and its place on the
disk, and those of the log that a writer may have left. Servers are asked each time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from analysis.calendar import Market
from analysis.project import Project
from analysis.warehouse.interface import LastTimes, Warehouse, complete_day
from analysis.warehouse.marks import Marks, read_marks
from analysis.warehouse.opening import open_warehouse, warehouse_file, warehouse_mark
from analysis.warehouse.tables import TABLES
from analysis.writing import aside

#: Raise it when what is noted, or how, changes.
LAYOUT = 1
Stamp = list[Any]


def noted_marks(project: Project) -> Marks:
    """The versions of the rows of a project's warehouse.

    Raises:
        NoWarehouse: nothing was loaded there yet.
    """
    return _marks(
        noted_answer(project, "marks", lambda warehouse: _of_marks(read_marks(warehouse)))
    )


def noted_complete_until(project: Project, table: str, market: Market) -> date | None:
    """The same as `Warehouse.complete_until`.

    Raises:
        NoWarehouse: nothing was loaded there yet.
    """
    if not _is_file(project):  # a server is asked for one market's rows alone
        with open_warehouse(project) as warehouse:
            return warehouse.complete_until(table, market)
    return complete_day(table, market, noted_last_times(project, table))


def noted_last_times(project: Project, table: str) -> LastTimes:
    """The same as `Warehouse.last_times` of all markets.

    Raises:
        NoWarehouse: nothing was loaded there yet.
    """
    read = date.fromisoformat if TABLES[table].is_dated else datetime.fromisoformat
    told = noted_answer(project, f"last {table}", lambda warehouse: _of_times(warehouse, table))
    return {code or None: read(last) for code, last in told.items()}


def _of_times(warehouse: Warehouse, table: str) -> dict[str, str]:
    return {code or "": last.isoformat() for code, last in warehouse.last_times(table).items()}


def _of_marks(marks: Marks) -> list[Any]:
    touched = [
        [*place, [[f"{day}", load] for day, load in noted]]
        for place, noted in marks.touched.items()
    ]
    return [marks.whole, touched]


def _marks(told: list[Any]) -> Marks:
    whole, touched = told
    return Marks(
        whole,
        {
            (name, market): [(date.fromisoformat(day), load) for day, load in noted]
            for name, market, noted in touched
        },
    )


def noted_answer(project: Project, name: str, ask: Callable[[Warehouse], Any]) -> Any:
    """An answer of the warehouse as it is now.

    Args:
        project: whose.
        name: of the question, always the same one.
        ask: gives the answer as plain JSON.

    Raises:
        NoWarehouse: nothing was loaded there yet.
    """
    if not _is_file(project):
        with open_warehouse(project) as warehouse:
            return ask(warehouse)
    place = project.data / "noted" / f"{warehouse_mark(project)}.json"
    file = warehouse_file(project)
    held = _read(place, _stamp(file))
    if name in held:
        return held[name]
    with open_warehouse(project) as warehouse:
        found = ask(warehouse)
        stamp = _stamp(file)  # nobody writes to the file as long as it is open here
    with suppress(OSError):  # without a note it is asked again
        place.parent.mkdir(parents=True, exist_ok=True)
        with aside(place) as path:
            answers = {**_read(place, stamp), name: found}
            path.write_text(json.dumps({"stamp": stamp, "answers": answers}), encoding="utf-8")
    return found


def _is_file(project: Project) -> bool:
    return project.warehouse_url.startswith("duckdb:")


def _read(place: Path, stamp: Stamp) -> dict[str, Any]:
    """What is noted of a file that is as it was."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        told = json.loads(place.read_text(encoding="utf-8"))
        if told["stamp"] == stamp:
            answers: dict[str, Any] = told["answers"]
            return answers
    return {}


def _stamp(file: Path) -> Stamp:
    """Changes when the file does."""
    found: Stamp = [LAYOUT]
    for path in (file, file.with_name(f"{file.name}.wal")):
        try:
            stat = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append([stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev])
    return found
