"""Many runs: what is fresh is left alone, the rest goes to an executor, one process a run.

The executor is a `concurrent.futures.Executor`, so that processes here and a cluster elsewhere are
the same thing to this module.
"""

from __future__ import annotations

import importlib
import subprocess
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from analysis.project import Project
from analysis.report.record import RunRecord
from analysis.runs.executors import Workers, local_workers
from analysis.runs.leaving import unpublished
from analysis.runs.placing import recover
from analysis.runs.plan import Planned, complete, cores
from analysis.runs.warm.calling import call
from analysis.runs.warm.process import Say, begin, unsaid, warm_kernels

__all__ = ["cores", "execute_all"]

Done = Callable[[Planned, RunRecord], None]


def execute_all(
    project: Project,
    todo: Sequence[Planned],
    *,
    jobs: int,
    cluster: str | None = None,
    done: Done,
    say: Say = unsaid,
) -> list[RunRecord]:
    """Executes runs; one that fails does not stop its neighbours.

    Args:
        project: whose runs these are.
        todo: what is not fresh, from `plan`.
        jobs: processes at once, where there is no cluster.
        cluster: the address of a Dask scheduler.
        done: called with each run's record as it ends, in this process.
        say: takes a line where kernels start cold that should not.

    Returns:
        The records, in the order in which the runs ended.

    Raises:
        UserError: a worker of the cluster lacks what the runs need, or none is left.
    """
    records = []
    with workers_for(project, todo, jobs, cluster, say) as (todo, workers):
        unpublished(project).touch()
        with closing(outcomes(project, todo, workers)) as ended:
            for each, record in ended:
                records.append(record)
                done(each, record)
    return records


@contextmanager
def workers_for(
    project: Project, todo: Sequence[Planned], jobs: int, cluster: str | None, say: Say
) -> Iterator[tuple[Sequence[Planned], Workers]]:
    """Processes here with what the runs share made first, or a cluster's that were looked at; and
    the runs with all their parameters."""
    if cluster:
        from analysis.runs.cluster import cluster_workers

        todo = [complete(each) for each in todo]
        with cluster_workers(cluster, project, todo) as workers:
            yield todo, workers
        return
    studies = {each.run.study for each in todo}
    begin(studies)
    with warm_kernels(say, studies):
        todo = call(ready, project.root, todo)
        yield todo, local_workers(project, min(jobs, len(todo)))


def ready(root: Path, todo: Sequence[Planned]) -> list[Planned]:
    """Runs with all their parameters, and what they share made: in a fork of the warm process,
    which has imported what that takes.

    Raises:
        UserError: a parameter that a study does not have or allow.
    """
    todo = [complete(each) for each in todo]
    prepare(Project(root), todo)
    return todo


def prepare(project: Project, planned: Sequence[Planned]) -> None:
    """What a study's runs share is made once before them: a module's `prepare(project)`."""
    for name in sorted({each.run.study for each in planned}):
        module = importlib.import_module(f"analysis.studies.{name}")
        if hasattr(module, "prepare"):
            module.prepare(project)


def outcomes(
    project: Project, todo: Sequence[Planned], workers: Workers
) -> Generator[tuple[Planned, RunRecord], None, None]:
    """Records as runs end. When a local worker is killed, what was under way is tried once more,
    each in a pool of its own, so that only the run that kills its worker fails."""
    recover(project.reports)
    revision, started, queue = revision_of(project.root), datetime.now(UTC), deque(spread(todo))
    while queue:
        for each in (yield from _pool(queue, workers, revision)):
            record = finished(project, each, started)
            if record:
                yield each, record
            elif not workers.alone or (yield from _pool(deque([each]), workers.alone, revision)):
                yield each, _lost(project, each, revision)
    recover(project.reports)


def spread(todo: Sequence[Planned]) -> list[Planned]:
    """Runs in an order in which those of one study and market are far apart: they end one after
    the other (:func:`analysis.runs.nested.one_at_a_time`), so side by side they would wait."""
    turns = Counter[tuple[str, str]]()

    def turn(each: Planned) -> int:
        turns[each.run.study, each.run.market.code] += 1
        return turns[each.run.study, each.run.market.code]

    return sorted(todo, key=turn)


def _lost(project: Project, planned: Planned, revision: str) -> RunRecord:
    from analysis.runs.execute import Outcome, describe_now

    reason = "its worker process was killed (out of memory, or by hand)"
    return describe_now(project, planned, Outcome("failed", reason), revision)


def finished(project: Project, planned: Planned, started: datetime) -> RunRecord | None:
    """The record of a run that a worker had finished before it died, but could not say so."""
    record = RunRecord.read(planned.run.folder(project))
    ours = record is not None and record.key == planned.key and record.started_at >= started
    return record if ours else None


def _pool(
    queue: deque[Planned], workers: Workers, revision: str
) -> Generator[tuple[Planned, RunRecord], None, list[Planned]]:
    """One executor's work, until the queue is empty or its processes died; returns the runs that
    were lost.

    Twice as many runs as there are workers are under way, so that none waits for the next, and
    what came back and was not yet taken stays small.
    """
    unfinished = list[Planned]()
    waiting: dict[Future[Any], Planned] = {}
    with workers.executor() as executor:
        # A pool is of no more use once one of its processes has died.
        while waiting or (queue and not (unfinished and workers.alone)):
            while queue and len(waiting) < 2 * workers.slots:
                if unfinished and workers.alone:
                    break
                each = queue.popleft()
                try:
                    waiting[workers.submit(executor, each, revision)] = each
                except workers.lost:
                    unfinished.append(each)
                    break
            ended, _ = wait(waiting, workers.patience, FIRST_COMPLETED)
            if not ended:
                workers.check()
            for future in ended:
                each = waiting.pop(future)
                try:
                    yield each, workers.receive(each, future.result())
                except workers.lost:
                    unfinished.append(each)
    return unfinished


def revision_of(root: Path) -> str:
    """The code's revision as git names it, `+` where files have changed; empty outside git."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()
