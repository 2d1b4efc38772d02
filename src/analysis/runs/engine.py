"""Many runs: what is fresh is left alone, the rest goes to an executor, one process a run.

The executor is a `concurrent.futures.Executor`, so that processes here and a cluster elsewhere are
the same thing to this module.
"""

from __future__ import annotations

import fcntl
import importlib
import multiprocessing
import os
import signal
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.record import RunRecord
from analysis.runs.execute import Outcome, describe, execute, recover
from analysis.runs.plan import Planned, complete, cores
from analysis.runs.warm.process import Say, unsaid, warm_kernels

__all__ = ["cores", "execute_all", "site_lock"]

Done = Callable[[Planned, RunRecord], None]


@contextmanager
def site_lock(project: Project) -> Iterator[None]:
    """Only one command at a time writes a site; the lock goes with the process that holds it.

    Raises:
        UserError: another command holds it, or the site's folder can't be written.
    """
    try:
        project.reports.mkdir(parents=True, exist_ok=True)
        handle = (project.reports / ".lock").open("w")
    except OSError as error:
        raise UserError("reports", f"the folder can't be written: {error.strerror}") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "reports", "another `study` command writes this site; wait for it"
            ) from None
        yield


def execute_all(
    project: Project, todo: Sequence[Planned], *, jobs: int, done: Done, say: Say = unsaid
) -> list[RunRecord]:
    """Executes runs; one that fails does not stop its neighbours.

    Args:
        project: whose runs these are.
        todo: what is not fresh, from `plan`.
        jobs: processes at once.
        done: called with each run's record as it ends, in this process.
        say: takes a line where kernels start cold that should not.

    Returns:
        The records, in the order in which the runs ended.
    """
    todo = [complete(each) for each in todo]
    records = []
    with warm_kernels(say):  # it imports while the runs are prepared
        prepare(project, todo)
        for each, record in outcomes(project, todo, min(jobs, len(todo))):
            records.append(record)
            done(each, record)
    return records


def prepare(project: Project, planned: Sequence[Planned]) -> None:
    """What a study's runs share is made once before them: a module's `prepare(project)`."""
    for name in sorted({each.run.study for each in planned}):
        module = importlib.import_module(f"analysis.studies.{name}")
        if hasattr(module, "prepare"):
            module.prepare(project)


def outcomes(
    project: Project, todo: Sequence[Planned], jobs: int
) -> Iterator[tuple[Planned, RunRecord]]:
    """Records as runs end. When a worker is killed, what its pool had not finished is tried once
    more, each in a pool of its own, so that only the run that kills its worker fails."""
    recover(project.reports)
    revision = revision_of(project.root)
    unfinished = yield from _pool(project, todo, jobs, revision)
    for each in unfinished:
        if (yield from _pool(project, [each], 1, revision)):
            outcome = Outcome("failed", "its worker process was killed (out of memory, or by hand)")
            yield each, describe(project, each, outcome, datetime.now(UTC), 0.0, revision)
    recover(project.reports)


def _pool(
    project: Project, todo: Sequence[Planned], jobs: int, revision: str
) -> Generator[tuple[Planned, RunRecord], None, list[Planned]]:
    """One executor's work; returns the runs that it could not finish because a worker died."""
    unfinished = []
    with local_executor(jobs) as executor:
        waiting = {executor.submit(execute, project.root, run, revision): run for run in todo}
        for future in as_completed(waiting):
            try:
                yield waiting[future], future.result()
            except BrokenProcessPool:
                unfinished.append(waiting[future])
    return unfinished


def local_executor(jobs: int) -> Executor:
    """Processes on this machine, started clean: nothing is inherited but the environment."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_quietly)


def _leave_quietly() -> None:
    """Ctrl-C reaches workers too: they go at once and say nothing, the command says it.

    Their kernels see that their parent is gone and end; what was written aside is cleared by the
    next command.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))


def revision_of(root: Path) -> str:
    """The code's revision as git names it, `+` where files have changed; empty outside git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
