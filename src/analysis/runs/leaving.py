"""How a command and its workers end: at Ctrl-C, or killed, without anything left behind.

Workers are in a session of their own, so that a terminal's Ctrl-C reaches the command alone and
the command decides. A worker goes when its command has gone, however that ended; a kernel goes
when its worker has; the warm process when the command has.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType

from analysis.project import Project

INTERRUPTED = 130
SHOW_CURSOR = b"\x1b[?25h"


def unpublished(project: Project) -> Path:
    """A file that is there while the site's index may lack runs that were finished: a command that
    was killed leaves it to the next."""
    return project.reports / ".unpublished"


@contextmanager
def interruptible() -> Iterator[None]:
    """The first Ctrl-C raises KeyboardInterrupt, the second ends the process at once."""

    def first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        signal.signal(signal.SIGINT, second)
        raise KeyboardInterrupt

    def second(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        if sys.stdout.isatty():
            os.write(1, SHOW_CURSOR)  # a bar had hidden it
        os._exit(INTERRUPTED)

    kept = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, kept)


@contextmanager
def stopped_workers(executor: Executor) -> Iterator[None]:
    """Where the work within ends early, its workers are stopped in the middle of theirs."""
    try:
        yield
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        for each in multiprocessing.active_children():
            each.kill()
        raise


@contextmanager
def unhurt_by_interrupts() -> Iterator[None]:
    """Workers that are started within are not reached by Ctrl-C before they have `settled`."""
    kept = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, kept)


def settle(environment: Mapping[str, str]) -> None:
    """In a worker as it starts: the command's environment as it is now, a session of its own, and
    an end when the command's comes."""
    os.environ.clear()
    os.environ.update(environment)
    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_the_command, daemon=True).start()


def _end_with_the_command() -> None:
    command = multiprocessing.parent_process()
    if command is not None:
        wait([command.sentinel])
        os._exit(INTERRUPTED)
