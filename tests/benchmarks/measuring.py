"""What the benchmarks share: a figure said, a time taken, and what every subject is given."""

from __future__ import annotations

import ctypes
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What `make bench` was asked for.

    Attributes:
        folder: empty, of the subject's own, and removed afterwards.
        scale: of the demo data.
        kernels: how many of each kind are started.
        runs: of core_metrics, at most 24.
        trivial: runs of a study that does nothing.
        rows: of the largest table of facts.
        pages: runs of the site.
    """

    folder: Path
    scale: float
    kernels: int
    runs: int
    trivial: int
    rows: int
    pages: int


def report(what: str, how: str, seconds: float) -> None:
    print(f"{what:<16}{seconds:9.3f} s   {how}", flush=True)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass(frozen=True)
class Spent:
    """What work in other processes took: by the clock, and of the processor in all of them."""

    clock: float
    processor: float

    def report(self, what: str, how: str) -> None:
        of = f"{self.processor:9.3f} s of the processor"
        print(f"{what:<20}{self.clock:9.3f} s {of}   {how}", flush=True)


def spent(work: Callable[[], object]) -> Spent:
    """Runs commands and waits until all that they started has ended, which becomes ours (Linux)."""
    ctypes.CDLL(None).prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = _processor()
    clock = timed(work)
    with suppress(ChildProcessError):
        while True:
            os.wait()
    return Spent(clock, _processor() - before)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_CHILD_SUBREAPER = 36
