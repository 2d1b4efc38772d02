"""What executes runs: an executor of `concurrent.futures`, and how a run goes to it and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from analysis.project import Project
from analysis.report.record import RunRecord
from analysis.runs.forking import context
from analysis.runs.leaving import settle, stopped_workers, unhurt_by_interrupts
from analysis.runs.plan import Planned


def _first(planned: Planned, record: RunRecord) -> RunRecord:  # noqa: ARG001
    return record


def _all_well() -> None:
    """Nothing to look at: a local pool says by itself that a process of it has died."""


@dataclass(frozen=True)
class Workers:
    """Where runs are executed.

    Attributes:
        executor: opens the executor.
        submit: gives it one run, with the code's revision.
        slots: runs at once.
        receive: makes the record of what came back; the run's folder is then in the site.
        lost: what is raised for a run whose worker died.
        alone: for trying such runs once more, each with a worker of its own; None where the
            executor has tried already.
        patience: seconds without a result after which `check` is called.
        check: raises UserError where no result can be hoped for.
    """

    executor: Callable[[], AbstractContextManager[Executor]]
    submit: Callable[[Executor, Planned, str], Future[Any]]
    slots: int
    receive: Callable[[Planned, Any], RunRecord] = _first
    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)
    alone: Workers | None = None
    patience: float | None = None
    check: Callable[[], None] = _all_well


def local_workers(project: Project, jobs: int) -> Workers:
    """Processes on this machine, which put finished runs into the site themselves."""

    def submit(executor: Executor, planned: Planned, revision: str) -> Future[RunRecord]:
        with unhurt_by_interrupts():
            try:
                return executor.submit(_execute, project.root, planned, revision)
            except (OSError, EOFError) as error:  # the fork server was killed
                raise BrokenExecutor(str(error)) from error

    alone = Workers(partial(processes, 1), submit, 1)
    return Workers(partial(processes, jobs), submit, jobs, alone=alone)


def _execute(root: Path, planned: Planned, revision: str) -> RunRecord:
    """In a worker; what it imports is not needed by the command that waits for it."""
    from analysis.runs.execute import execute

    return execute(root, planned, revision)


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """Processes on this machine, started clean: nothing is inherited but the environment."""
    pool = ProcessPoolExecutor(
        jobs, mp_context=context(), initializer=settle, initargs=(dict(os.environ),)
    )
    with pool, stopped_workers(pool):
        yield pool


Result = TypeVar("Result")


def apart(work: Callable[..., Result], *given: object) -> Result:
    """What a function gives in a worker; the command need not import what that takes."""
    with processes(1) as pool:
        try:
            with unhurt_by_interrupts():
                waiting = pool.submit(work, *given)
            return waiting.result()
        except BrokenExecutor:  # it was killed
            return work(*given)
