"""A Dask cluster as the executor of runs: nothing is shared with it but its scheduler.

Each worker is looked at before the first run: what it would do must be what this checkout would.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from analysis.errors import ClusterLost, UserError, shorten
from analysis.project import Project
from analysis.runs import remote
from analysis.runs.execute import versions
from analysis.runs.executors import Workers
from analysis.runs.plan import Planned

#: Seconds for a scheduler to answer, and for a look at all workers.
ANSWER, LOOK = 10, 120
#: Seconds without a result after which the cluster is looked at, and without a worker until it is
#: given up: a nanny starts another worker within seconds.
PATIENCE, WITHOUT = 5.0, 60.0


@contextmanager
def cluster_workers(address: str, project: Project, todo: Sequence[Planned]) -> Iterator[Workers]:
    """The workers of a scheduler, each found to have what the runs need.

    Args:
        address: of the scheduler, such as `tcp://10.0.0.5:8786`.
        project: whose runs these are.
        todo: the runs.

    Raises:
        UserError: no cluster there, no worker, or a worker differs; names it and what differs.
    """
    with _client(address) as client:
        from distributed import KilledWorker

        token, expected = uuid4().hex, versions()
        check_workers(client, token, expected, todo)

        def submit(executor: Executor, planned: Planned, revision: str) -> Future[Any]:
            return executor.submit(remote.execute_and_pack, token, expected, planned, revision)

        yield Workers(
            partial(_executor, client),
            submit,
            slots=len(_threads(client)),
            receive=partial(remote.unpack, project),
            lost=(KilledWorker, CancelledError),
            patience=PATIENCE,
            check=Lifeline(client).check,
        )


@contextmanager
def _client(address: str) -> Iterator[Any]:
    where = f"cluster {shorten(address)}"
    if not address.startswith(("tcp://", "tls://")):
        raise UserError("cluster", f"{shorten(address)!r} given; write tcp://HOST:PORT, or tls://")
    try:
        import distributed
    except ImportError:
        raise UserError("cluster", "needs `distributed`: pip install -e '.[cluster]'") from None
    connect: Any = distributed.Client  # it has no types
    try:
        client = connect(address, timeout=ANSWER, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(where, f"no scheduler answers there ({type(error).__name__})") from None
    # What Dask mends by itself, such as a result that went with its worker, is no news to a person.
    told = logging.getLogger("distributed.client")
    level = told.level
    told.setLevel(logging.ERROR)
    try:
        yield client
    finally:
        told.setLevel(level)
        client.close(timeout=ANSWER)


@contextmanager
def _executor(client: Any) -> Iterator[Executor]:
    """Dask's executor; left early, runs that have not begun are cancelled, not waited for."""
    executor: Executor = client.get_executor(pure=False)
    try:
        yield executor
    finally:
        executor.shutdown(wait=False)


def _threads(client: Any) -> dict[str, int]:
    """Threads of each worker that the scheduler has now."""
    return dict(client.nthreads())


def check_workers(
    client: Any, token: str, expected: Mapping[str, str], todo: Sequence[Planned]
) -> None:
    """Looks at every worker before anything starts.

    Raises:
        UserError: there is none, one has several threads, one differs or can't be asked.
    """
    threads = _threads(client)
    if not threads:
        raise UserError("cluster", "its scheduler has no worker; start some with `dask worker`")
    for worker, count in threads.items():
        if count != 1:
            problem = f"has {count} threads, and a run needs a process; start it with --nthreads 1"
            raise UserError(f"cluster, worker {worker}", problem)
    found = client.run(remote.differences, token, expected, list(todo), on_error="return")
    for worker, answer in sorted(found.items()):
        if isinstance(answer, ModuleNotFoundError):
            problem = f"can't import {answer.name}; install this project there, in this revision"
        elif isinstance(answer, BaseException):
            problem = f"can't be asked ({type(answer).__name__}); is it of this revision?"
        elif answer:
            problem = f"has {'; '.join(answer)}; bring it to what this checkout has"
        else:
            continue
        raise UserError(f"cluster, worker {worker}", problem)


class Lifeline:
    """Whether there is still somebody to wait for."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.seen = time.monotonic()

    def check(self) -> None:
        """Called when nothing has come back for a while.

        Raises:
            ClusterLost: the scheduler is gone, or has had no worker for a minute.
        """
        try:
            workers = self.client.status == "running" and _threads(self.client)
        except (OSError, TimeoutError) as error:
            raise ClusterLost("cluster", f"its scheduler is gone ({error})") from None
        if workers is False:
            raise ClusterLost("cluster", "its scheduler is gone; `study run` does the rest")
        if workers:
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > WITHOUT:
            raise ClusterLost("cluster", "no worker is left; `study run` does the rest")
