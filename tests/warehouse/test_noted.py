"""What is noted of a warehouse's file is what the file says, and is asked again when it changed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from analysis.project import Project
from analysis.warehouse import (
    NoWarehouse,
    Warehouse,
    merge,
    noted,
    noted_complete_until,
    noted_marks,
    open_warehouse,
    read_marks,
)

MARKETS = ("JP", "US")


def load(project: Project, day: int) -> None:
    """One more decision in Japan at noon of a day in March 2026."""
    row = (
        f"CAST({day} AS BIGINT), 1, 1, 'JP', 'spam', 'remove', 'proactive', TRUE, "
        f"TIMESTAMPTZ '2026-03-{day:02} 12:00:00+00', 0"
    )
    with open_warehouse(project, write=True) as warehouse, warehouse.transaction():
        columns = ", ".join(warehouse.columns()["decisions"])
        sql = f"SELECT * FROM (VALUES ({row})) AS made({columns})"
        merge(warehouse, "decisions", sql, load_id=f"{day}", markets=project.markets, watches=())


def asked(project: Project) -> list[object]:
    with open_warehouse(project) as warehouse:
        times = [warehouse.complete_until("decisions", project.market(code)) for code in MARKETS]
        return [read_marks(warehouse), *times]


def told(project: Project) -> list[object]:
    times = [noted_complete_until(project, "decisions", project.market(code)) for code in MARKETS]
    return [noted_marks(project), *times]


def never(_: Project) -> Warehouse:
    raise AssertionError("the warehouse was opened")


def notes(project: Project) -> Path:
    (found,) = (project.data / "noted").glob("*.json")
    return found


def test_notes_say_what_the_file_says_and_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(project, 2)
    assert told(project) == asked(project)
    load(project, 5)  # the file is another now
    now = asked(project)
    assert told(project) == now
    assert now[1] == date(2026, 3, 5)
    monkeypatch.setattr(noted, "open_warehouse", never)
    assert told(project) == now


@pytest.mark.parametrize("note", ["", "{}", "[]", '{"stamp": null, "answers": {"marks": 1}}'])
def test_a_note_that_is_none_is_asked_again(project: Project, note: str) -> None:
    load(project, 2)
    before = told(project)
    notes(project).write_text(note)
    assert told(project) == before
    assert set(json.loads(notes(project).read_text())["answers"]) == {"marks", "last decisions"}


def test_without_a_warehouse_nothing_is_noted(project: Project) -> None:
    with pytest.raises(NoWarehouse):
        noted_marks(project)
    with pytest.raises(NoWarehouse):
        noted_complete_until(project, "decisions", project.market("JP"))
    assert not (project.data / "noted").exists()
