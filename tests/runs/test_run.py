"""The command end to end: the default matrix executed, published, left alone, verified."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from analysis.report.record import DATA, FINDING, NOTEBOOK, PAGE, RunRecord, records
from analysis.report.templating import TEMPLATES
from analysis.runs import rehearsed
from analysis.runs.choice import Choice, choose
from support import Checkout, clean_environment

pytestmark = pytest.mark.xdist_group("site")


def matrix(checkout: Checkout) -> list[str]:
    return sorted(run.identity for run in choose(checkout.project, Choice()))


def test_workers_have_every_template_compiled() -> None:
    """One that is not, each worker and each publication would compile anew."""
    there = {path.name for path in TEMPLATES.glob("*.j2")}
    assert there <= {*rehearsed.TEMPLATES, *rehearsed.OF_THE_SITE}
    assert set(rehearsed.OF_THE_SITE) <= there


def test_the_default_matrix_is_executed_and_published(site: Checkout) -> None:
    made = {record.identity: folder for folder, record in records(site.project.reports)}
    assert sorted(made) == matrix(site)
    for folder in made.values():
        record = RunRecord.read(folder)
        assert record is not None
        assert (folder / PAGE).stat().st_size > 2_000
        if record.study == "enforcement_benchmark":
            assert record.status == "no_data"  # nothing was acquired in this checkout
            assert "published" in record.reason
        else:
            assert record.status == "done"
            assert len(record.findings) >= (10 if record.study == "core_metrics" else 2)
            assert (folder / NOTEBOOK).exists()
            assert list((folder / DATA).glob("*.csv"))
    index = (site.project.reports / "index.html").read_text(encoding="utf-8")
    for identity in made:
        assert f'href="{identity}/{PAGE}"' in index
    assert not (site.project.reports / ".aside").exists()


def test_a_second_call_has_nothing_to_do(site: Checkout) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.project.reports.rglob("*")}
    said = site.study("run")
    runs = len(matrix(site))
    assert f"{runs} runs: 0 done, 0 without data, 0 failed, {runs} fresh already" in said
    assert {path: path.stat().st_mtime_ns for path in site.project.reports.rglob("*")} == before
    lines = site.study("plan").splitlines()
    assert all(line.startswith(("fresh ", "no data ")) for line in lines[:-1])
    none = sum(record.status == "no_data" for _, record in records(site.project.reports))
    assert lines[-1] == f"{runs} runs: {runs - none} fresh, {none} no data"


def test_nbval_reproduces_every_executed_notebook(site: Checkout) -> None:
    results = json.loads(site.study("verify", "--json"))
    done = [r.identity for _, r in records(site.project.reports) if r.status == "done"]
    assert results == {identity: [] for identity in results}
    assert sorted(results) == sorted(done)


def test_a_planted_difference_is_named(site: Checkout) -> None:
    identity = "core_metrics/JP/2026-W10"
    path = site.project.reports / identity / NOTEBOOK
    kept = path.read_bytes()
    notebook = json.loads(kept)
    finding = next(
        output["data"][FINDING]
        for cell in notebook["cells"]
        for output in cell.get("outputs", ())
        if FINDING in output.get("data", {}) and output["data"][FINDING]["value"]
    )
    finding["value"] *= 1.0001
    path.write_text(json.dumps(notebook), encoding="utf-8")
    try:
        said = site.study("verify", "core_metrics", "--market", "JP", status=1)
    finally:
        path.write_bytes(kept)
    assert f"DIFFERS    {identity}" in said
    assert f"{finding['name']}.value: {finding['value']} then, " in said


def test_a_run_that_fails_does_not_stop_its_neighbours(checkout: Checkout) -> None:
    checkout.study("new", "fragile")
    module = "src/analysis/studies/fragile.py"
    failing = (
        '    if study.market.code == "BR":\n        raise ValueError("password=hunter2hunter2")\n'
    )
    checkout.edit(module, '    query = """', f'{failing}    query = """')
    words = ("run", "fragile", "-m", "BR", "-m", "JP", "-m", "US")
    said = checkout.study(*words, status=1)
    assert "3 runs: 2 done, 0 without data, 1 failed" in said
    assert "failed: fragile/BR/2026-W10: ValueError in cell" in said
    folder = checkout.project.reports / "fragile" / "BR" / "2026-W10"
    page = (folder / PAGE).read_text(encoding="utf-8")
    assert "ValueError" in page
    assert "Traceback" not in page
    assert "hunter2" not in page + (folder / "run.json").read_text(encoding="utf-8")
    # A failed run is not fresh; what is finished is not repeated.
    checkout.edit(module, failing, "")
    assert "failed before fragile/BR/2026-W10" in checkout.study("plan", *words[1:])
    assert "1 failed" not in checkout.study(*words)


def test_a_new_study_passes_the_check_and_runs_as_it_stands(checkout: Checkout) -> None:
    said = checkout.study("new", "report_quality")
    assert said.count("made ") == 3
    assert "all is well" in checkout.study("check")
    assert "1 done" in checkout.study("run", "report_quality")
    assert "1 runs executed again: 0 differ" in checkout.study("verify", "report_quality")
    done = "done    report_quality/NP/2026-02"
    assert done in checkout.study("run", "report_quality", "-m", "NP", "-w", "2026-02")


def test_parameters_make_a_variant_with_a_folder_of_its_own(checkout: Checkout) -> None:
    checkout.study("new", "variants")
    checkout.study("run", "variants")
    said = checkout.study("run", "variants", "-p", "top=2")
    assert "variants/JP/2026-W10@top-2" in said
    assert "fresh variants" not in said
    both = checkout.project.reports / "variants" / "JP"
    assert sorted(path.name for path in both.iterdir()) == ["2026-W10", "2026-W10@top-2"]
    # A run that is repeated says what it revised of the one before: nothing.
    checkout.study("run", "variants", "--force")
    repeated = RunRecord.read(both / "2026-W10")
    assert repeated is not None
    assert repeated.replaced is not None
    assert repeated.replaced.compared == len(repeated.findings) > 0
    assert repeated.replaced.revised == ()
    table = (both / "2026-W10@top-2" / DATA / "reports_by_policy.csv").read_text(encoding="utf-8")
    assert len(table.splitlines()) == 3


def test_json_is_for_programs(checkout: Checkout) -> None:
    plan = json.loads(checkout.study("plan", "core_metrics", "-m", "JP", "--json"))
    assert (plan["counts"], plan["seconds"]) == ({"new": 1}, None)
    assert [(each["run"], each["state"]) for each in plan["runs"]] == [
        ("core_metrics/JP/2026-W10", "new")
    ]
    assert set(json.loads(checkout.study("list", "--json"))) >= {
        "core_metrics",
        "enforcement_benchmark",
    }


@pytest.mark.parametrize("study", ["core_metrics"])
def test_stock_papermill_runs_a_notebook_alone(
    checkout: Checkout, study: str, tmp_path: Path
) -> None:
    output = tmp_path / "alone.ipynb"
    notebook = f"notebooks/{study}.ipynb"
    words = ["-p", "market", "IN", "-p", "window", "2026-W09"]
    subprocess.run(
        [sys.executable, "-m", "papermill", notebook, str(output), *words],
        cwd=checkout.root,
        env={**clean_environment(), "PYTHONPATH": str(checkout.root / "src")},
        check=True,
        capture_output=True,
    )
    assert FINDING in output.read_text(encoding="utf-8")


def test_two_commands_do_not_write_one_site(checkout: Checkout) -> None:
    from analysis.runs.placing import site_lock

    with site_lock(checkout.project):
        said = checkout.study("run", "core_metrics", "-m", "JP", status=2)
    assert "another `study` command writes this site" in said


def test_what_a_killed_command_left_is_cleared_or_put_back(checkout: Checkout) -> None:
    from analysis.runs.placing import recover

    reports = checkout.project.reports
    (reports / ".aside" / "deadbeef").mkdir(parents=True)
    (reports / ".aside" / "core_metrics__JP__2026-W10.old").mkdir()
    (reports / ".aside" / "core_metrics__JP__2026-W10.old" / "run.json").write_text("{}")
    recover(reports)
    assert (reports / "core_metrics" / "JP" / "2026-W10" / "run.json").exists()
    assert not (reports / ".aside").exists()


def test_a_killed_worker_fails_only_its_own_run(checkout: Checkout) -> None:
    """The first run kills its worker from within the page; its neighbours still finish."""
    checkout.study("new", "killer")
    kill = 'if record.market == "BR":\n        os.kill(os.getpid(), 9)\n'
    checkout.edit("src/analysis/runs/execute.py", "    page = ", f"    {kill}    page = ")
    words = ("run", "killer", "-m", "BR", "-m", "JP", "-m", "US", "--jobs", "2")
    started = time.monotonic()
    said = checkout.study(*words, status=1)
    assert "3 runs: 2 done, 0 without data, 1 failed" in said
    assert "killer/BR/2026-W10: its worker process was killed" in said
    assert time.monotonic() - started < 200


def test_ctrl_c_keeps_what_is_finished(checkout: Checkout) -> None:
    """One clear line, no traceback, no process left behind; the next command does the rest."""
    words = ["run", "core_metrics", "-m", "all", "--jobs", "1"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from analysis.cli import main; main()", *words],
        cwd=checkout.root,
        env={**clean_environment(), "PYTHONPATH": str(checkout.root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    finished = process.stdout.readline()
    assert finished.startswith("[1/16] done")
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("study: stopped; finished runs are kept")
    assert "Traceback" not in out + said
    kept = [record.identity for _, record in records(checkout.project.reports)]
    assert kept
    index = (checkout.project.reports / "index.html").read_text(encoding="utf-8")
    assert all(identity in index for identity in kept)
    plan = checkout.study("plan", "core_metrics", "-m", "all")
    assert plan.count("fresh ") == len(kept)
