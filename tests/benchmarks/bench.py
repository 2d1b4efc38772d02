"""What `make bench` measures: everything in one run, on a checkout of its own, as ratios.

    python tests/benchmarks/bench.py [--scale 1] [--kernels 20]

The baselines are fair: the packages are compiled to bytecode, files are in the page cache (each
side runs once before it counts), and a shell loop of papermill and nbconvert gets both cores as
`study run` does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import Checkout, clean_environment, make_checkout

BIN = Path(sys.executable).parent
MARKETS = ("BR", "DE", "IN", "JP", "NP", "US")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the demo data")
    parser.add_argument("--kernels", type=int, default=20, help="of each kind, one after another")
    given = parser.parse_args()
    scale = given.scale
    with tempfile.TemporaryDirectory() as folder:
        checkout = make_checkout(Path(folder) / "checkout", None)
        report("demo data", f"scale {scale:g}", timed(lambda: demo(checkout, scale)))
        checkout.study("run", "core_metrics", "-m", "JP")  # cubes made, files in the page cache
        report("fresh plan", "1 run, nothing to do", timed(lambda: fresh(checkout)))
        per_kernel(Path(folder), given.kernels)
        cold = timed(lambda: study_run(checkout, STUDY_KERNELS="cold"))
        report("study run", f"{len(MARKETS)} runs, each kernel started cold", cold)
        ours = timed(lambda: study_run(checkout))
        loop = timed(lambda: shell_loop(checkout, Path(folder)))
        report("study run", f"{len(MARKETS)} runs, executed and rendered", ours)
        report("shell loop", f"{len(MARKETS)} runs, papermill and nbconvert, 2 at once", loop)
        print(f"study run is {loop / ours:.1f} times the shell loop's speed")
        print(f"and {cold / ours:.1f} times its own with cold kernels")


def report(what: str, how: str, seconds: float) -> None:
    print(f"{what:<12}{seconds:8.2f} s   {how}", flush=True)


def timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def demo(checkout: Checkout, scale: float) -> None:
    checkout.study("demo", "--scale", str(scale))


def fresh(checkout: Checkout) -> None:
    assert "1 fresh already" in checkout.study("run", "core_metrics", "-m", "JP")


def study_run(checkout: Checkout, **environment: str) -> None:
    markets = [word for market in MARKETS for word in ("-m", market)]
    checkout.study("run", "core_metrics", *markets, "--force", "--jobs", "2", **environment)


#: Two stock papermill loops, each in a process of its own: which kernels Jupyter starts is settled
#: once a process. The notebook imports what a study does and computes nothing.
LOOP = """
import sys, time
import papermill
from analysis.runs.warm.process import warm_kernels
from contextlib import nullcontext

notebook, how, count = sys.argv[1:]

def one():
    papermill.execute_notebook(notebook, notebook + ".out.ipynb", progress_bar=False)

with warm_kernels(print) if how == "warm" else nullcontext():
    one()
    started = time.perf_counter()
    for _ in range(int(count)):
        one()
    print((time.perf_counter() - started) / int(count))
"""


def per_kernel(folder: Path, count: int) -> None:
    """Stock papermill's API on a notebook of two cells, cold and warm."""
    import nbformat

    cells = ["import pandas, scipy.stats, seaborn, duckdb, pydantic", "1 + 1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    path = folder / "small.ipynb"
    nbformat.write(notebook, path)
    seconds = {}
    for how in ("cold", "warm"):
        command = [sys.executable, "-c", LOOP, str(path), how, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds[how] = float(done.stdout)
        report(f"{how} kernel", f"papermill's API, mean of {count}, one at a time", seconds[how])
    print(f"a warm kernel is {seconds['cold'] / seconds['warm']:.1f} times as fast")


def shell_loop(checkout: Checkout, folder: Path) -> None:
    """What people do without this project, two at a time, as `xargs -P 2` would."""
    waiting = list(MARKETS)
    running: list[subprocess.Popen[bytes]] = []
    while waiting or running:
        while waiting and len(running) < 2:
            running.append(start(checkout, folder, waiting.pop()))
        done = running.pop(0)
        assert done.wait() == 0


def start(checkout: Checkout, folder: Path, market: str) -> subprocess.Popen[bytes]:
    output = folder / f"{market}.ipynb"
    execute = f"{BIN}/papermill notebooks/core_metrics.ipynb {output} -p market {market} -p window"
    line = f"{execute} 2026-W10 && {BIN}/jupyter nbconvert --to html {output}"
    environment = clean_environment() | {"PYTHONPATH": str(checkout.root / "src")}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        ["bash", "-c", line], cwd=checkout.root, env=environment | {"LANG": "C.UTF-8"}, **quiet
    )


if __name__ == "__main__":
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    main()
