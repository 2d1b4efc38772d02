"""Runs that come back from elsewhere: their folders stay in their places, and not in memory."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import tracemalloc
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from analysis.figures.displays import Column, Table
from analysis.project import Project
from analysis.report.guarded import guard
from analysis.report.page import data_files, render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord
from analysis.runs.choice import Choice, choose
from analysis.runs.engine import outcomes
from analysis.runs.executors import Workers
from analysis.runs.plan import Planned, plan
from analysis.runs.remote import Packed, pack, unpack
from analysis.safeguards.disclosure import Rules
from samples import code, finding, notebook, record, show
from support import Checkout

pytestmark = pytest.mark.xdist_group("site")


def test_a_folder_that_came_back_stays_in_its_place(site: Checkout, tmp_path: Path) -> None:
    """What is packed is unpacked the same; a member that would climb out is refused."""
    project = Project(tmp_path)
    run = choose(site.project, Choice(["core_metrics"], ["JP"], ["2026-W10"]))
    (planned,) = plan(site.project, run)
    folder = planned.run.folder(site.project)
    record = RunRecord.read(folder)
    assert record
    assert unpack(project, planned, Packed(record, pack(folder))) == record
    back = planned.run.folder(project)
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert files
    assert all((back / name).read_bytes() == (folder / name).read_bytes() for name in files)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../../outside"))
    refused = unpack(project, planned, Packed(record, buffer.getvalue()))
    assert (refused.status, refused.reason) == ("failed", "its folder came back torn")
    assert not list(tmp_path.rglob("outside"))
    assert RunRecord.read(back) == record
    assert not list((project.reports / ".aside").glob("*"))


def test_a_thousand_runs_that_come_back_do_not_stay_in_memory(
    site: Checkout, tmp_path: Path
) -> None:
    """Folders of 300 KB each, 300 MB in all; what the command holds at most is under 50 MB."""
    run = choose(site.project, Choice(["core_metrics"], ["JP"], ["2026-W10"]))
    (planned,) = plan(site.project, run)
    record = RunRecord.read(planned.run.folder(site.project))
    assert record
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / NOTEBOOK).write_bytes(os.urandom(300_000))
    packed = pickle.dumps(Packed(record, pack(folder)))

    def submit(executor: Executor, planned: Planned, revision: str) -> Future[Packed]:
        return executor.submit(pickle.loads, packed)  # a copy, as from afar

    project = Project(tmp_path / "project")
    workers = Workers(partial(ThreadPoolExecutor, 2), submit, 2, partial(unpack, project))
    tracemalloc.start()
    try:
        came = sum(1 for _ in outcomes(project, [planned] * 1000, workers))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert came == 1000
    assert peak < 50e6, f"{peak / 1e6:.0f} MB"


def left(folder: Path, window: str, days: tuple[date, date], hate: int) -> RunRecord:
    """A finished run with one table, in a folder."""
    frame = pd.DataFrame({"policy": ["Spam", "Hate", "Fraud"], "reports": [700, hate, 400]})
    columns = (Column("policy", "Policy"), Column("reports", "Reports", "count"))
    shown = Table("by_policy", "Reports by policy", frame, columns)
    kept, withheld = guard(notebook(code("x", *show(shown))), None, Rules())
    made = record(window=window, start=days[0], end=days[1], withheld=withheld, findings=())
    (folder / DATA).mkdir(parents=True)
    (folder / NOTEBOOK).write_text(json.dumps(kept))
    (folder / PAGE).write_text(render(kept, made, site_title="s"))
    (folder / RECORD).write_text(made.model_dump_json())
    for name, text in data_files(kept).items():
        (folder / DATA / name).write_text(text)
    return made


def test_a_run_that_comes_back_says_what_it_revised(project: Project, tmp_path: Path) -> None:
    """The worker knew nothing of the run here, or had one of its own that is nobody's business."""
    days = (date(2026, 3, 2), date(2026, 3, 9))
    here = project.reports / "core_metrics" / "JP" / "2026-W10"
    before = left(here, "2026-W10", days, 500)
    before = before.model_copy(update={"findings": (finding(value=0.5),)})
    (here / RECORD).write_text(before.model_dump_json())
    there = tmp_path / "there"
    made = left(there, "2026-W10", days, 500).after(record(findings=()), ("lock",))
    (run,) = choose(project, Choice(["core_metrics"], ["JP"], ["2026-W10"]))
    planned = Planned(run, "stale", {}, "key", changed=("data",))
    back = unpack(project, planned, Packed(made, pack(there)))
    assert back.replaced is not None
    assert back.replaced.changed == ("data",)
    (gone,) = back.replaced.revised
    assert (gone.name, gone.after) == ("violative_view_rate", None)
    assert "Numbers before and after" in (here / PAGE).read_text()
    assert RunRecord.read(here) == back


@pytest.mark.parametrize(("more", "hidden"), [(5, True), (60, False), (0, False)])
def test_a_window_a_day_longer_that_comes_back_does_not_tell_that_day(
    project: Project, tmp_path: Path, more: int, hidden: bool
) -> None:
    """The worker knew nothing of the week's page; here both stand in one site."""
    week, days = date(2026, 3, 2), "2026-03-02..2026-03-10"
    here = project.reports / "core_metrics" / "JP" / "2026-W10"
    left(here, "2026-W10", (week, date(2026, 3, 9)), 500)
    there = tmp_path / "there"
    made = left(there, days, (week, date(2026, 3, 10)), 500 + more)
    (run,) = choose(project, Choice(["core_metrics"], ["JP"], [days]))
    back = unpack(project, Planned(run, "new", {}, "key"), Packed(made, pack(there)))
    assert back.status == "done"
    assert (back.withheld.cells > 1) == hidden  # itself, and one that keeps it from coming back
    folder = project.reports / "core_metrics" / "JP" / days
    files = [folder / DATA / "by_policy.csv", folder / NOTEBOOK, folder / PAGE]
    assert [str(500 + more) in path.read_text() for path in files] == [not hidden] * 3
    assert RunRecord.read(folder) == back
    assert RunRecord.read(here) is not None
