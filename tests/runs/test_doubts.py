"""A run whose data are incomplete or stale for its window says so in its record and on its page."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from analysis.project import Project
from analysis.report.page import render
from analysis.report.record import RunRecord
from analysis.runs.choice import Choice, choose
from analysis.runs.execute import Outcome, describe
from analysis.runs.plan import plan
from analysis.warehouse import open_warehouse
from loading import declare
from support import copy_project

LOADED = {
    "kind": "files",
    "title": "Decisions",
    "where": "data/raw",
    "layout": "csv",
    "fresh_within_hours": 36,
    "raw": {"d": {"columns": ["id"]}},
    "tables": {"decisions": "FROM d"},
}


@pytest.fixture
def own(demo: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with the demo's rows that the test may change."""
    made = copy_project(tmp_path / "own")
    made.data.mkdir()
    shutil.copy(demo.data / "warehouse.duckdb", made.data)
    monkeypatch.setenv("STUDY_PROJECT", str(made.root))
    return made


def described(project: Project, window: str) -> RunRecord:
    (planned,) = plan(project, choose(project, Choice(["core_metrics"], ["JP"], [window])))
    no_data = Outcome("no_data", "no rows")
    return describe(project, planned, no_data, datetime.now(UTC), 1.0, "abc")


def test_a_window_that_is_not_whole_yet_says_how_much_lacks(own: Project) -> None:
    whole = described(own, "latest-week")
    assert whole.doubts == ()
    assert whole.data_until is not None
    start = whole.data_until - timedelta(days=1)
    record = described(own, f"{start}..{start + timedelta(days=4)}")
    (doubt,) = record.doubts
    assert doubt.startswith("Incomplete: the last 3 days of this window")
    said = "Incomplete: the data end 3 days before the window does, and its numbers will change."
    assert said in render(None, record, site_title="Site")


def test_a_window_whose_source_was_not_loaded_since_says_so(own: Project) -> None:
    declare(own, {"moderation": LOADED})
    record = described(own, "latest-week")
    assert record.doubts == ()  # never loaded from there: its rows came another way
    note_load(own, record.end_utc + timedelta(hours=1))
    (doubt,) = described(own, "latest-week").doubts
    assert doubt.startswith("Stale: decisions was last loaded from moderation on ")
    note_load(own, record.end_utc + timedelta(hours=40))  # late rows had their time to come
    assert described(own, "latest-week").doubts == ()


def note_load(project: Project, at: datetime) -> None:
    columns = {
        "load_id": [f"m-{at}"],
        "source": ["moderation"],
        "table_name": ["decisions"],
        "loaded_at": [at],
        "stopped": [False],
        **{name: [0] for name in ("rows_read", "added", "updated", "quarantined")},
        "first_time": [at],
        "last_time": [at],
    }
    with open_warehouse(project, write=True) as warehouse:
        warehouse.take_in("_noted_load", pa.table(columns))
        warehouse.insert("_loads", "SELECT * FROM _noted_load")
