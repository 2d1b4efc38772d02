"""What workers are forked from: the fork server of `multiprocessing`, which has imported what they
need, once for all."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

from analysis.runs.leaving import unhurt_by_interrupts
from analysis.runs.warm.imported import PACKAGE, state_of

#: By which a process knows that it is the fork server.
TOLD = "STUDY_FORK_SERVER"
#: The script of the command itself, which each process would run anew; what runs need.
PRELOADED = ("__main__", "analysis.runs.rehearsed")
_begun: list[str] = []


def begin(more: Iterable[str] = ()) -> None:
    """Lets the fork server begin to import, once a process; it is used when it has.

    Args:
        more: modules that workers import besides what runs need.
    """
    # macOS has fork, but its own libraries may not be used after it.
    if _begun or sys.platform != "linux":
        return
    _begun.append(state_of(str(PACKAGE)))
    os.environ[TOLD] = "1"
    multiprocessing.set_forkserver_preload([*PRELOADED, *more])
    try:
        with unhurt_by_interrupts():
            forkserver.ensure_running()
    finally:
        del os.environ[TOLD]


def context() -> BaseContext:
    """Forks, or new processes where there can be none: where there is no fork server, or files have
    changed since it began, in a command that stays."""
    begin()
    current = bool(_begun) and _begun[0] == state_of(str(PACKAGE))
    return multiprocessing.get_context("forkserver" if current else "spawn")
