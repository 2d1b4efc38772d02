"""What the cube costs at sizes that no laptop's pandas holds.

Every figure is of a process of its own, so that its peak memory is its own. Rows are made in
DuckDB from hashes: a post is seen in ten hours of the month after it, and most posts of the newest
tenth are decided on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measuring import Options, report
from support import copy_project

SMALLER = (1_000_000, 10_000_000)
PANDAS = 10_000_000
RUNS = 20


def measure(options: Options) -> None:
    """Builds, updates and slices at several sizes; against one GROUP BY, and against pandas."""
    for rows in sorted({*SMALLER, options.rows}):
        folder = options.folder / f"{rows}"
        copy_project(folder)
        print(f"{rows:,} rows of exposure, {rows // 10:,} decisions", flush=True)
        step("make", folder, rows)
        figures = {name: step(name, folder, rows) for name in ("by_hand", "build")}
        if rows == PANDAS:
            figures["pandas"] = step("pandas", folder, rows)
        figures |= {name: step(name, folder, rows) for name in ("one_day", "slices")}
        say(figures)
        shutil.rmtree(folder)


def step(name: str, folder: Path, rows: int) -> dict[str, float]:
    """One of `cube_steps.py`'s, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.cube_steps", name, str(folder), str(rows)]
    started, beside = time.perf_counter(), Path(__file__).parents[1]
    done = subprocess.run(command, capture_output=True, text=True, cwd=beside)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found | {"process": time.perf_counter() - started}


def say(found: dict[str, dict[str, float]]) -> None:
    build, hand = found["build"], found["by_hand"]
    for name, how in (
        ("by_hand", "the same sums and histograms by one GROUP BY a fact, in the client"),
        ("build", "build_cubes, all facts, files written"),
        ("pandas", "the whole cube in pandas, rows in memory; its numbers are ours"),
        ("one_day", "build_cubes after one more day was merged"),
        ("slices", f"a study's slice of 12 weeks, median of {RUNS} markets and windows"),
    ):
        if name in found:
            used = found[name]
            cpu = f"{used['cpu']:.1f} s of the processor; " if "cpu" in used else ""
            report(name, f"{how}; {cpu}peak {used['peak_gb']:.1f} GB", used["seconds"])
    wall, cpu = (build[key] / hand[key] for key in ("seconds", "cpu"))
    print(f"building takes {wall:.2f} times the GROUP BY's time, {cpu:.2f} times the processor's")
    if "pandas" in found:
        wall, cpu = (found["pandas"][key] / build[key] for key in ("seconds", "cpu"))
        print(f"pandas takes {wall:.1f} times as long as building, {cpu:.1f} times the processor's")
    wall, cpu = (found["one_day"][key] for key in ("merging", "cpu_merging"))
    print(f"merging one more day's rows took {wall:.1f} s before, {cpu:.1f} s of the processor")
    wall, cpu = (found["one_day"][key] / build[key] for key in ("seconds", "cpu"))
    print(f"one more day takes {wall:.1%} of a full build, {cpu:.1%} of the processor's time")
