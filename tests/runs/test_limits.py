"""A run's limits: time, memory and retries, each with a real kernel that goes beyond it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from analysis.report.record import NOTEBOOK, PAGE, RunRecord
from analysis.runs.limits import over
from support import Checkout

pytestmark = pytest.mark.xdist_group("limits")

#: What each market's run does to its kernel, at the place where the study reads its rows.
TROUBLE = """
    import os, subprocess, sys, time
    from pathlib import Path

    tried = study.project.data / f"{study.market.code}.tried"
    tried.open("a").write("x")
    if study.market.code == "BR":
        print("before the wait", flush=True)
        time.sleep(600)
    if study.market.code == "DE":
        while True:
            try:
                time.sleep(600)
            except KeyboardInterrupt:
                tried.with_suffix(".deaf").touch()
    if study.market.code == "IN":
        held = [bytes(range(256)) * 400_000 for _ in range(20)]
        time.sleep(600)
    if study.market.code == "ID":
        hold = "held = bytes(range(256)) * 6_000_000; print(len(held), flush=True); input()"
        child = subprocess.Popen([sys.executable, "-c", hold], stdin=-1, start_new_session=True)
        tried.with_suffix(".child").write_text(str(child.pid))
        time.sleep(600)
    if study.market.code == "JP" and tried.stat().st_size < 4:
        raise ValueError("not yet")
"""


@pytest.fixture
def troubled(checkout: Checkout) -> Checkout:
    checkout.study("new", "troubled")
    module = "src/analysis/studies/troubled.py"
    checkout.edit(module, '    query = """', f'{TROUBLE}    query = """')
    return checkout


def limit(checkout: Checkout, text: str) -> None:
    path = checkout.root / "params" / "studies" / "troubled.yaml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\nlimits: {text}\n", encoding="utf-8")


def record(checkout: Checkout, market: str) -> RunRecord:
    found = RunRecord.read(checkout.project.reports / "troubled" / market / "2026-W10")
    assert found
    return found


def run(checkout: Checkout, *markets: str, status: int) -> str:
    words = [word for market in markets for word in ("-m", market)]
    return checkout.study("run", "troubled", "-w", "2026-W10", *words, status=status)


@pytest.mark.parametrize("kernels", ["warm", "cold"])
def test_a_run_beyond_a_limit_fails_and_says_which(
    troubled: Checkout, kernels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kernels == "cold":
        monkeypatch.setenv("STUDY_KERNELS", "cold")
    limit(troubled, "{seconds: 5, memory_gb: 1.2}")
    markets = ("BR", "DE", "IN", "ID", "US") if kernels == "warm" else ("BR", "IN")
    said = run(troubled, *markets, status=1)
    assert f"{len(markets) % 2} done, 0 without data, {len(markets) // 2 * 2} failed" in said
    for market in markets:
        if market in ("BR", "DE"):
            assert f"troubled/{market}/2026-W10: out of time: over its limit of 5 s" in said
        elif market in ("IN", "ID"):
            assert f"troubled/{market}/2026-W10: out of memory: over its limit of 1.2 GB" in said
    folder = troubled.project.reports / "troubled" / "BR" / "2026-W10"
    assert "out of time" in (folder / PAGE).read_text(encoding="utf-8")
    notebook = json.loads((folder / NOTEBOOK).read_text(encoding="utf-8"))
    assert "before the wait" in str([cell.get("outputs") for cell in notebook["cells"]])
    if kernels == "warm":
        assert (troubled.project.data / "DE.deaf").exists()
        child = int((troubled.project.data / "ID.child").read_text())
        assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_a_kernel_that_goes_mute_is_a_run_out_of_time(troubled: Checkout) -> None:
    """Its cell ends, but the news of that never comes: as a message that was lost."""
    cell = "    get_ipython().kernel.iopub_thread.stop()\n"
    imported = "    from IPython import get_ipython\n"
    troubled.edit(
        "src/analysis/studies/troubled.py", '    query = """', f'{imported}{cell}    query = """'
    )
    limit(troubled, "{seconds: 6}")
    assert "out of time: over its limit of 6 s" in run(troubled, "US", status=1)


def test_a_run_that_fails_is_tried_again_as_often_as_its_study_says(troubled: Checkout) -> None:
    assert "ValueError in cell" in run(troubled, "JP", status=1)
    assert record(troubled, "JP").attempts == 1
    assert (troubled.project.data / "JP.tried").read_text() == "x"
    limit(troubled, "{retries: 2}")
    assert "1 done" in run(troubled, "JP", status=0)
    assert record(troubled, "JP").attempts == 3


@pytest.mark.parametrize("text", ["{seconds: 0}", "{retries: 11}"])
def test_a_limit_that_is_none(troubled: Checkout, text: str) -> None:
    limit(troubled, text)
    assert "params/studies/troubled.yaml: limits." in run(troubled, "US", status=2)


def test_memory_that_processes_share_is_counted_once() -> None:
    """A process and its fork hold 300 MB together, not each."""
    code = (
        "import os, sys\nheld = bytes(range(256)) * 1_200_000\npid = os.fork()\n"
        "if pid: print('ready', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        family = psutil.Process(process.pid)
        assert over(family, 250e6)
        assert not over(family, 450e6)
        process.communicate(b"")
    assert os.WIFEXITED(process.returncode)
