"""What the benchmarks share: a figure said, a time taken, and what every subject is given."""

from __future__ import annotations

import time
from collections.abc import Callable
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
    """

    folder: Path
    scale: float
    kernels: int
    runs: int
    trivial: int
    rows: int


def report(what: str, how: str, seconds: float) -> None:
    print(f"{what:<16}{seconds:9.3f} s   {how}", flush=True)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
