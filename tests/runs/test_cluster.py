"""Runs on a Dask cluster: a real scheduler and two workers, each with a checkout of its own."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, records
from analysis.runs import cluster
from support import Checkout, clean_environment, make_checkout
from tiny import add_tiny

pytestmark = pytest.mark.xdist_group("cluster")

MARKETS = ("BR", "DE", "IN", "JP", "US", "GB", "FR", "ID", "MX", "KR")
DASK = [str(Path(sys.executable).parent / "dask")]
LOOPBACK = ["--host", "127.0.0.1", "--no-dashboard"]


@contextmanager
def process(
    command: list[str], folder: Path, said: str, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], re.Match[str]]]:
    """A process that has said that it is ready; killed with its children at the end."""
    started = subprocess.Popen(
        command,
        cwd=folder,
        env={**clean_environment(), **environment},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert started.stderr
        lines = []
        for line in started.stderr:
            lines.append(line)
            if found := re.search(said, line):
                # What else it says goes nowhere, so that it never waits for a reader.
                subprocess.Popen(["cat"], stdin=started.stderr, stdout=subprocess.DEVNULL)
                yield started, found
                return
        raise AssertionError("".join(lines))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    command = [*DASK, "scheduler", *LOOPBACK, "--port", "0"]
    with process(command, folder, r"Scheduler at: +(tcp://\S+)") as (_, found):
        yield found[1]


@contextmanager
def worker(address: str, checkout: Checkout, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [*DASK, "worker", address, *LOOPBACK, "--nthreads", "1", "--no-nanny"]
    environment = {"PYTHONPATH": str(checkout.root / "src"), **environment}
    with process(command, checkout.root, "Registered to", **environment) as (started, _):
        yield started


@pytest.fixture
def three(tmp_path: Path, demo: Project) -> list[Checkout]:
    """The command's checkout and those of two workers, all with one small study."""
    made = [make_checkout(tmp_path / name / "checkout", demo) for name in ("here", "one", "two")]
    for each in made:
        each.study("new", "small")
    return made


#: Shows what came of its parameters and of its own random numbers, and data beside a table.
BODY = """
import pandas as pd
from analysis.figures.displays import Column, Table
from analysis.studies import Finding, open_study

study = open_study("tiny", market=market, window=window)
drawn = float(study.rng().normal())
display(Table("drawn", "Drawn", pd.DataFrame({"x": [drawn]}), (Column("x", "x", "number"),)))
Finding(name="drawn", title="Drawn", text=f"{drawn} in {study.identity}", value=drawn, unit="ratio")
"""


@pytest.fixture
def three_tiny(tmp_path: Path) -> list[Checkout]:
    """The same with a study that reads no rows, so that many of its runs are short."""
    made = [make_checkout(tmp_path / name / "checkout", None) for name in ("here", "one", "two")]
    for each in made:
        add_tiny(each, markets=f"[{', '.join(MARKETS)}]", weeks=4, body=BODY)
    return made


def found(checkout: Checkout) -> dict[str, tuple[object, ...]]:
    """All that runs found, and that their folders are whole."""
    made = {}
    for folder, record in records(checkout.project.reports):
        assert (folder / PAGE).stat().st_size > 2_000
        files = {path.name: path.read_bytes() for path in sorted((folder / DATA).glob("*"))}
        if record.status == "done":
            assert (folder / NOTEBOOK).is_file()
            assert files
        made[record.identity] = (record.status, record.key, record.findings, files)
    return made


def test_forty_runs_of_which_a_worker_is_killed_in_the_middle(
    three_tiny: list[Checkout], tmp_path: Path
) -> None:
    here, *others = three_tiny
    command = [sys.executable, "-c", "from analysis.cli import main; main()", "run"]
    environment = clean_environment() | {"PYTHONPATH": str(here.root / "src")}
    with (
        scheduler(tmp_path) as address,
        worker(address, others[0]) as first,
        worker(address, others[1]),
        subprocess.Popen(
            [*command, "--cluster", address],
            cwd=here.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as running,
    ):
        assert running.stdout
        lines, family = list[str](), list[psutil.Process]()
        for line in running.stdout:
            lines.append(line)
            if line.startswith("[15/40]"):
                family = psutil.Process(first.pid).children(recursive=True)
                first.send_signal(signal.SIGKILL)
        said = "".join(lines)
        assert family
        assert not psutil.wait_procs(family, timeout=60)[1], "the killed worker left a process"
        remote = found(here)
        interrupt([*command, "--force", "--cluster", address], here, environment)
    assert running.returncode == 0, said
    assert "40 runs: 40 done, 0 without data, 0 failed, 0 fresh already" in said
    assert len([line for line in lines if line.startswith("[")]) == 40
    assert len(lines) == 42, said
    assert not (here.project.reports / ".aside").exists()
    assert not any((other.project.root / "reports").exists() for other in others)
    here.project.reports.rename(here.root / "remote")
    here.study("run")
    assert found(here) == remote
    assert len(remote) == 40


def interrupt(command: list[str], here: Checkout, environment: dict[str, str]) -> None:
    """Ctrl-C once a run has come back: the command ends soon, what is finished is kept, and says
    what it revised of the runs here, of which no worker knows."""
    for folder, record in records(here.project.reports):
        (drawn,) = record.findings
        moved = record.model_copy(update={"findings": (drawn.model_copy(update={"value": 9.0}),)})
        (folder / RECORD).write_text(moved.model_dump_json(), encoding="utf-8")
    with subprocess.Popen(
        command,
        cwd=here.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stdout
        assert running.stdout.readline().startswith("[1/40] done")
        os.killpg(running.pid, signal.SIGINT)
        out, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in out + said
    assert said.splitlines()[-1].startswith("study: stopped; finished runs are kept"), said
    after = dict(records(here.project.reports))
    assert {record.status for record in after.values()} == {"done"}
    again = {folder: record.replaced for folder, record in after.items() if record.replaced}
    assert again
    for folder, replaced in again.items():
        assert replaced.compared == 1
        (drawn,) = replaced.revised
        assert drawn.before is not None
        assert drawn.before.value == 9
        assert 'id="revised"' in (folder / PAGE).read_text(encoding="utf-8")


def test_what_dask_mends_by_itself_is_not_told_to_a_person(tmp_path: Path) -> None:
    told = logging.getLogger("distributed.client")
    with scheduler(tmp_path) as address, cluster._client(address):
        assert not told.isEnabledFor(logging.WARNING)
        assert told.isEnabledFor(logging.ERROR)
    assert told.isEnabledFor(logging.WARNING)


def test_a_worker_that_differs_is_named_with_what_differs(
    three: list[Checkout], tmp_path: Path
) -> None:
    here, other, _ = three
    run = ["run", "small", "-m", "JP", "-w", "2026-W10"]
    with scheduler(tmp_path) as address:
        assert "its scheduler has no worker" in here.study(*run, "--cluster", address, status=2)
        other.edit("notebooks/small.ipynb", "report", "reports")
        other.edit("requirements.lock", "--hash", " --hash")
        other.edit("src/analysis/studies/small.py", "first thing", "very first thing")
        with worker(address, other, STUDY_WAREHOUSE="duckdb:///data/elsewhere.duckdb"):
            said = here.study(*run, "--cluster", address, status=2)
            assert re.search(r"^study: cluster, worker tcp://127\.0\.0\.1:\d+: has ", said)
            for what in ("notebook", "code", "requirements.lock", "version of the tables' rows"):
                assert f"other {what}" in said
            assert "params" not in said
            assert len(said.splitlines()) == 1
            # Mended while the worker runs: what it imported is still the old code.
            for path in (
                "notebooks/small.ipynb",
                "requirements.lock",
                "src/analysis/studies/small.py",
            ):
                (other.root / path).write_bytes((here.root / path).read_bytes())
            said = here.study(*run, "--cluster", address, status=2)
            assert "code that changed after it was started; restart it" in said
    assert not list(records(here.project.reports))


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("10.0.0.1", "'10.0.0.1' given; write tcp://HOST:PORT, or tls://"),
        ("tcp://127.0.0.1:1", "cluster tcp://127.0.0.1:1: no scheduler answers there"),
    ],
)
def test_no_cluster(checkout: Checkout, address: str, message: str) -> None:
    said = checkout.study("run", "core_metrics", "-m", "JP", "--cluster", address, status=2)
    assert message in said
    assert len(said.splitlines()) == 1


class Client:
    """A scheduler's client as far as workers are counted."""

    status = "running"

    def __init__(self, **threads: int) -> None:
        self.threads = threads

    def nthreads(self) -> dict[str, int]:
        return self.threads


def test_a_worker_with_threads_is_refused() -> None:
    with pytest.raises(UserError, match="worker wide: has 2 threads, and a run needs a process"):
        cluster.check_workers(Client(narrow=1, wide=2), "token", {}, [])


def test_a_cluster_without_workers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    lifeline = cluster.Lifeline(Client())
    lifeline.check()  # a worker may be on its way
    monkeypatch.setattr(cluster, "WITHOUT", 0.0)
    with pytest.raises(UserError, match="no worker is left"):
        lifeline.check()
