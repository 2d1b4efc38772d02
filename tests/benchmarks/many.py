"""A thousand runs of a study that does nothing: what each costs, whether the command grows, and how
long it takes to find that all are fresh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from benchmarks.measuring import Options, Spent, spent
from support import Checkout, clean_environment
from tiny import make_tiny

MARKETS = 16


def measure(options: Options) -> None:
    few, many = (-(-count // MARKETS) * MARKETS for count in (50, options.trivial))
    checkout = make_tiny(options.folder, markets="[JP]", weeks=1)
    taken: dict[int, Spent] = {}
    for count in (few, many):
        reports, grown = options.folder / f"reports-{count}", list[int]()
        taken[count] = spent(lambda: run(checkout, reports, count, grown))  # noqa: B023 - at once
        each = f"{taken[count].clock / count:.3f} and {taken[count].processor / count:.3f} s a run"
        taken[count].report(f"{count} runs", f"{each}; the command grew by {grown[0]} MB")
    clock = (taken[many].clock / many) / (taken[few].clock / few)
    processor = (taken[many].processor / many) / (taken[few].processor / few)
    said = f"{clock:.2f} times one of {few} by the clock, {processor:.2f} of the processor"
    print(f"a run of {many} costs {said}")
    fresh = spent(lambda: left_alone(checkout, options.folder / f"reports-{many}", many))
    fresh.report(f"{many} fresh", "study run, nothing started")


def words(count: int) -> list[str]:
    """So many runs: all markets, as many weeks as that takes."""
    weeks = [f"{2024 + at // 52}-W{at % 52 + 1:02d}" for at in range(count // MARKETS)]
    return ["run", "tiny", "-m", "all", *(word for week in weeks for word in ("-w", week))]


def run(checkout: Checkout, reports: Path, count: int, grown: list[int]) -> None:
    """Executes so many; adds by how many megabytes the command grows after its first runs."""
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
    grown.append((held[-1] - held[9]) // 1_000_000)


def left_alone(checkout: Checkout, reports: Path, count: int) -> None:
    said = checkout.study(*words(count), STUDY_REPORTS=str(reports))
    assert " 0 done, 0 without data, 0 failed" in said, said
