"""What workers and the warm process are forked from: the fork server of `multiprocessing`, which
has imported what they need, once for all."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Iterable
from multiprocessing import forkserver
from multiprocessing.context import BaseContext, ForkServerContext

from analysis.runs.leaving import unhurt_by_interrupts
from analysis.runs.warm.imported import PACKAGE, state_of

#: How the fork server is told which studies there will be, and the state of the code.
TOLD = "STUDY_REHEARSED"
#: The script of the command itself, which each process would run anew; what runs need.
PRELOADED = ("__main__", "analysis.runs.rehearsed")
_begun: list[str] = []


def begin(studies: Iterable[str] = (), more: Iterable[str] = ()) -> None:
    """Lets the fork server begin to import, once a process; it is used when it has.

    Args:
        studies: whose notebooks kernels will execute, by name.
        more: modules that workers import besides what runs need.
    """
    # macOS has fork, but its own libraries may not be used after it.
    if _begun or sys.platform != "linux":
        return
    _begun.append(state_of(str(PACKAGE)))
    os.environ[TOLD] = json.dumps({"studies": sorted(set(studies)), "state": _begun[0]})
    multiprocessing.set_forkserver_preload([*PRELOADED, *more])
    try:
        with unhurt_by_interrupts():
            forkserver.ensure_running()
    finally:
        del os.environ[TOLD]


def forks() -> ForkServerContext | None:
    """Starts processes from the fork server, where it has begun and has the code as it is: in a
    command that stays, files may have changed since."""
    if _begun and _begun[0] == state_of(str(PACKAGE)):
        return multiprocessing.get_context("forkserver")
    return None


def context() -> BaseContext:
    """Forks, or new processes where there can be none."""
    begin()
    return forks() or multiprocessing.get_context("spawn")
