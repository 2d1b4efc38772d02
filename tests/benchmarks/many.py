"""A thousand runs of a study that does nothing: what each costs, whether the command grows, and how
long it takes to find that all are fresh."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.measuring import Options, report, timed
from support import Checkout, clean_environment
from tiny import make_tiny

MARKETS = 16


def measure(options: Options) -> None:
    few, many = (-(-count // MARKETS) * MARKETS for count in (50, options.trivial))
    checkout = make_tiny(options.folder, markets="[JP]", weeks=1)
    seconds = {}
    for count in (few, many):
        reports = options.folder / f"reports-{count}"
        seconds[count], grown = run(checkout, reports, count)
        each = seconds[count] / count
        report(
            f"{count} runs", f"{each:.3f} s a run; the command grew by {grown} MB", seconds[count]
        )
    ratio = (seconds[many] / many) / (seconds[few] / few)
    print(f"a run of {many} costs {ratio:.2f} times one of {few}")
    fresh = timed(lambda: left_alone(checkout, options.folder / f"reports-{many}", many))
    report(f"{many} fresh", "study run, nothing started", fresh)


def words(count: int) -> list[str]:
    """So many runs: all markets, as many weeks as that takes."""
    weeks = [f"{2024 + at // 52}-W{at % 52 + 1:02d}" for at in range(count // MARKETS)]
    return ["run", "tiny", "-m", "all", *(word for week in weeks for word in ("-w", week))]


def run(checkout: Checkout, reports: Path, count: int) -> tuple[float, int]:
    """Seconds that it takes, and by how many megabytes the command grows after its first runs."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", "from analysis.cli import main; main()", *words(count)],
        cwd=checkout.root,
        env=clean_environment()
        | {"PYTHONPATH": str(checkout.root / "src"), "STUDY_REPORTS": str(reports)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    held, last = [], ""
    for last in process.stdout:
        if last.startswith("["):
            held.append(psutil.Process(process.pid).memory_info().rss)
        elif " runs: " in last:
            assert " 0 failed" in last, last
    assert process.wait() == 0
    return time.perf_counter() - started, (held[-1] - held[9]) // 1_000_000


def left_alone(checkout: Checkout, reports: Path, count: int) -> None:
    said = checkout.study(*words(count), STUDY_REPORTS=str(reports))
    assert " 0 done, 0 without data, 0 failed" in said, said
