"""What `make bench` measures: every subject in one run, as ratios.

    python tests/benchmarks [--only kernels --only runs] [--scale 1] [--kernels 20] [--rows 100e6]

A subject is a module beside this one with `measure(options)`; a new one is a line in SUBJECTS.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import cube, kernels, labs, loads, many, reruns, runs, site
from benchmarks.measuring import Options

SUBJECTS: dict[str, Callable[[Options], None]] = {
    "cube": cube.measure,
    "kernels": kernels.measure,
    "runs": runs.measure,
    "many": many.measure,
    "reruns": reruns.measure,
    "labs": labs.measure,
    "site": site.measure,
    "loads": loads.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="default: every subject")
    parser.add_argument("--scale", type=float, default=1.0, help="of the demo data")
    parser.add_argument("--kernels", type=int, default=20, help="of each kind, one after another")
    parser.add_argument("--runs", type=int, default=24, help="of core_metrics")
    parser.add_argument("--trivial", type=int, default=1000, help="runs of a study without work")
    parser.add_argument("--rows", type=float, default=1e8, help="of the largest table of facts")
    parser.add_argument("--pages", type=int, default=5000, help="runs of the site")
    given = parser.parse_args()
    for name in given.only or SUBJECTS:
        print(f"\n{name}", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            sizes = (given.kernels, given.runs, given.trivial, int(given.rows), given.pages)
            options = Options(Path(folder), given.scale, *sizes)
            SUBJECTS[name](options)


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
