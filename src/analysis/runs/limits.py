"""What one run may take: a thread beside it watches the kernel's time and memory from outside.

Nothing inside the kernel is asked: a cell that holds the interpreter's lock, or a library that
swallows exceptions, is stopped all the same. Memory is what the processes hold, not what they
reserve: engines reserve far more address space than they use, so that a limit of the system's on
that (RLIMIT_AS, RLIMIT_DATA) would stop runs that are well within theirs.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from analysis.project import Limits
from analysis.runs.warm.application import children
from analysis.runs.warm.client import RunManager

#: Seconds between two looks. A process fills about 0.5 GB in that time.
LOOK = 0.2
#: Seconds that an interrupted kernel may take to end its cell; then it is killed.
GRACE = 5.0


@dataclass
class Watch:
    """One run's kernel and its limits.

    Attributes:
        exceeded: the limit that the kernel went over, in words; empty while it is within.
    """

    limits: Limits
    exceeded: str = ""
    kernel: psutil.Process | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Looks until the run has ended, or is over a limit."""
        until = time.monotonic() + self.limits.seconds
        while not self._ended.wait(max(0.0, min(LOOK, until - time.monotonic()))):
            if self.kernel and over(self.kernel, self.limits.memory_gb * 1e9):
                self.exceeded = f"out of memory: over its limit of {self.limits.memory_gb:g} GB"
                kill(self.kernel)
                return
            if time.monotonic() >= until:
                self.exceeded = f"out of time: over its limit of {self.limits.seconds:g} s"
                self._interrupt()
                return

    def _interrupt(self) -> None:
        """As a person would in JupyterLab: the cell's output so far is kept; else by force."""
        if not self.kernel:
            return
        with suppress(psutil.Error):
            self.kernel.send_signal(signal.SIGINT)
        if not self._ended.wait(GRACE):
            kill(self.kernel)

    def end(self) -> None:
        self._ended.set()

    def manager(self) -> type[RunManager]:
        """The class of kernel manager that tells this watch its kernel's process."""
        watch = self

        class WatchedKernelManager(RunManager):
            # Jupyter types what its async manager takes over from the other as if it were not.
            async def _async_post_start_kernel(self, **kwargs: Any) -> None:
                await super()._async_post_start_kernel(**kwargs)
                pid = getattr(self.provisioner, "pid", None)
                with suppress(psutil.Error):
                    watch.kernel = psutil.Process(pid) if pid else None

            post_start_kernel = _async_post_start_kernel  # type: ignore[assignment]  # as Jupyter

        return WatchedKernelManager


@contextmanager
def watched(limits: Limits) -> Iterator[Watch]:
    """A run within is stopped where it goes over its limits; the watch then says which."""
    watch = Watch(limits)
    thread = threading.Thread(target=watch.start, name="limits", daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.end()
        thread.join()


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it has started; none where it is gone."""
    found = [process]
    with suppress(psutil.Error):
        for each in found:
            found += _children(each)
        return found
    return []


def _children(process: psutil.Process) -> list[psutil.Process]:
    """What a process itself has started; looked for five times a second beside each run."""
    pids = children(process.pid)
    if pids is None:
        return list(process.children())
    found = []
    for pid in pids:
        with suppress(psutil.Error):  # it has ended meanwhile
            found.append(psutil.Process(pid))
    return found


def over(process: psutil.Process, limit: float) -> bool:
    """Whether a process and what it started hold more bytes than a limit.

    A forked kernel shares hundreds of megabytes with the warm process. The quick sum counts these
    for each and is never too low, so the exact one, by each one's share, is taken only beyond it.
    """
    processes = family(process)
    if sum(_resident(each) for each in processes) <= limit:
        return False
    return sum(_share(each) for each in processes) > limit


def _resident(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _share(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        found = process.memory_full_info()
        return int(getattr(found, "pss", found.uss))  # only Linux has the former
    return 0


def kill(process: psutil.Process) -> None:
    """Ends a process and all that it has started, at once."""
    for each in family(process):
        with suppress(psutil.Error):
            each.kill()
