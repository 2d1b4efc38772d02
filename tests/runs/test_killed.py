"""Killed or interrupted at any moment: what is finished is kept, the rest is done by the next."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from analysis.report.record import RECORD, RunRecord, records
from analysis.runs.limits import family
from support import Checkout, clean_environment
from tiny import make_tiny

#: How many moments; 30 in a long test: STUDY_KILLS=30.
KILLS = int(os.environ.get("STUDY_KILLS", "10"))
MARK = "STUDY_TEST_MARK"
VICTIMS = ("command", "worker", "warm process", "kernel", "fork server")
RUNS = 24

#: Long enough to be met in the middle; what it writes tells whether a cell was let finish.
BODY = """import os, pathlib, time
seconds = float(os.environ.get("TINY_SECONDS", "0.05"))
time.sleep(seconds)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose study `tiny` reads nothing, so that its runs are short."""
    folder = tmp_path_factory.mktemp("tiny")
    return make_tiny(folder, markets="[JP, BR, DE, US]", weeks=RUNS // 4, body=BODY)


class Command:
    """`study run` with a mark in the environment of all its processes."""

    def __init__(self, checkout: Checkout, reports: Path, *words: str, **environment: str) -> None:
        self.mark = uuid4().hex
        path = {"PYTHONPATH": str(checkout.root / "src"), "STUDY_REPORTS": str(reports)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from analysis.cli import main; main()", "run", *words],
            cwd=checkout.root,
            env={**clean_environment(), **path, MARK: self.mark, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def processes(self) -> list[psutil.Process]:
        """All that carry the mark and live."""
        return [process for process in psutil.process_iter() if self._ours(process)]

    def _ours(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get(MARK) == self.mark
            return marked and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def victims(self, kind: str) -> list[psutil.Process]:
        """Those of a kind among all that the command has started."""
        found = []
        for process in family(psutil.Process(self.process.pid)):
            try:
                if self._kind(process) == kind:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def _kind(self, process: psutil.Process) -> str:
        words = " ".join(process.cmdline())
        if process.pid == self.process.pid:
            return "command"
        if process.name() == "study-warm":
            return "warm process"
        if process.name() == "study-kernel":
            return "kernel"
        if "ipykernel_launcher" in words:
            return "kernel"
        if "multiprocessing.forkserver" in words:
            return "fork server" if process.ppid() == self.process.pid else "worker"
        return "other"

    def kill_one(self, kind: str, choice: random.Random) -> bool:
        """Kills one of a kind within the second after there is one; False where none came."""
        end = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < end and not self.victims(kind):
            time.sleep(0.05)
        time.sleep(choice.uniform(0, 1.5 if kind == "command" else 0.6))
        found: list[psutil.Process] = []
        while self.process.poll() is None and time.monotonic() < end and not found:
            found = self.victims(kind)  # kernels come and go
        if found:
            choice.choice(found).kill()
        return bool(found)

    def ended(self, seconds: float = 120) -> tuple[int, str]:
        out, err = self.process.communicate(timeout=seconds)
        return self.process.returncode, out + err

    def nothing_left(self, seconds: float = 15) -> None:
        """Waits for every process of the command to be gone."""
        until(lambda: not self.processes(), seconds)


def until(true: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def finished(reports: Path) -> dict[str, bytes]:
    """The records of runs that are done, as they lie there."""
    return {
        record.identity: (folder / RECORD).read_bytes()
        for folder, record in records(reports)
        if record.status == "done"
    }


def test_killed_at_random_moments(tiny: Checkout, tmp_path: Path) -> None:
    choice = random.Random(20261124)  # noqa: S311 - moments, not secrets
    reports, kept, commands = tmp_path, dict[str, bytes](), 0
    command: Command | None = None
    log: Counter[str] = Counter()
    for kind in moments(choice):
        if command is None:
            command, commands = Command(tiny, reports, "--jobs", "2"), commands + 1
        log[kind] += command.kill_one(kind, choice)
        if kind == "command" or command.process.poll() is not None:
            kept = settled(command, reports, kept)
            command = None
            if len(kept) == RUNS:  # all was done before it was killed often enough
                reports, kept = tmp_path / str(commands), {}
    if command:
        kept = settled(command, reports, kept)
    last = Command(tiny, reports)
    status, said = last.ended()
    assert status == 0, said
    assert f"{RUNS} runs: {RUNS - len(kept)} done, 0 without data, 0 failed" in said
    assert len(settled(last, reports, kept)) == RUNS
    assert not (reports / ".aside").exists()
    index = (reports / "index.html").read_text(encoding="utf-8")
    assert all(name in index for name in finished(reports))
    print(f"killed: {dict(log)}, in {commands} commands; left to do: {RUNS - len(kept)} of {RUNS}")


def moments(choice: random.Random) -> list[str]:
    """Whom to kill each time: all kinds as often, in an order of chance."""
    found = [VICTIMS[place % len(VICTIMS)] for place in range(KILLS)]
    choice.shuffle(found)
    return found


def settled(command: Command, reports: Path, kept: dict[str, bytes]) -> dict[str, bytes]:
    """After a command's end: no process is left, each visible run is whole, none that was finished
    before is repeated or lost. Gives the finished runs."""
    command.ended()
    command.nothing_left()
    for folder in reports.glob("tiny/*/*"):
        assert RunRecord.read(folder) is not None, folder
    now = finished(reports)
    assert {name: now.get(name) for name in kept} == kept
    return now


@pytest.mark.parametrize("to", ["the terminal's processes", "the command alone"])
def test_ctrl_c_once(tiny: Checkout, tmp_path: Path, to: str) -> None:
    command = Command(tiny, tmp_path, "--jobs", "2", TINY_SECONDS="1.5")
    assert command.process.stdout is not None
    command.process.stdout.readline()  # one run is done, others are in their cells
    sent = time.monotonic()
    (os.killpg if to.startswith("the terminal") else os.kill)(command.process.pid, signal.SIGINT)
    status, said = command.ended()
    assert time.monotonic() - sent < 20
    assert status == 130
    assert said.splitlines()[-1] == (
        "study: stopped; finished runs are kept, `study run` does the rest"
    )
    assert "Traceback" not in said
    command.nothing_left()
    kept = finished(tmp_path)
    assert 1 <= len(kept) < RUNS
    assert len(kept) == len(list(records(tmp_path)))  # none was recorded as failed
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(name in index for name in kept)
    assert not (tmp_path / ".aside").exists()


def test_ctrl_c_twice(tiny: Checkout, tmp_path: Path) -> None:
    """The second ends the command at once, and all that it started."""
    command = Command(tiny, tmp_path, "--jobs", "2", TINY_SECONDS="30")
    until(lambda: len(command.victims("kernel")) == 2, 60)
    warm = command.victims("warm process")[0]
    warm.suspend()  # so that the command has something to wait for after the first
    os.killpg(command.process.pid, signal.SIGINT)
    time.sleep(1)
    assert command.process.poll() is None
    sent = time.monotonic()
    os.killpg(command.process.pid, signal.SIGINT)
    assert command.process.wait(30) == 130
    assert time.monotonic() - sent < 2
    warm.resume()
    assert "Traceback" not in command.ended()[1]
    command.nothing_left()


def test_a_site_that_was_not_published_is_by_the_next_command(
    tiny: Checkout, tmp_path: Path
) -> None:
    """Killed between the last run and the index: nothing is left to do, but to publish."""
    words = ("-m", "JP", "-w", "2026-W01")
    reports = {"STUDY_REPORTS": str(tmp_path)}
    tiny.study("run", *words, **reports)
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    (tmp_path / ".unpublished").touch()
    (tmp_path / ".aside" / "leftover").mkdir(parents=True)
    (tmp_path / "index.html").write_text("old", encoding="utf-8")
    assert "1 fresh already" in tiny.study("run", *words, **reports)
    assert (tmp_path / "index.html").read_text(encoding="utf-8") == index
    assert not (tmp_path / ".unpublished").exists()
    assert not (tmp_path / ".aside").exists()
