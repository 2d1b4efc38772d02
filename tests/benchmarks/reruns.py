"""Executed notebooks once more by stock nbval, in one pytest: through cold and warm kernels."""

from __future__ import annotations

from benchmarks.measuring import Options, report
from benchmarks.runs import MARKETS, STUDY, WEEKS, python, study_run
from support import make_checkout

NBVAL = """
import sys, time
from contextlib import nullcontext
import pytest
from analysis.runs.warm.process import warm_kernels

how, study, *paths = sys.argv[1:]
started = time.perf_counter()
with warm_kernels(print, [study]) if how == "warm" else nullcontext():
    options = ["--nbval", "--nbval-current-env", "-p", "analysis.runs.nbval_typed", "-q"]
    sys.stdout = sys.stderr
    status = pytest.main([*options, "-p", "no:cacheprovider", "--rootdir", ".", *paths])
assert status == 0, status
sys.stdout = sys.__stdout__
print(time.perf_counter() - started)
"""


def measure(options: Options) -> None:
    checkout = make_checkout(options.folder / "checkout", None)
    checkout.study("demo", "--scale", str(options.scale))
    runs = [(market, week) for week in WEEKS for market in MARKETS][: options.runs]
    study_run(checkout, runs)
    paths = [str(path) for path in sorted(checkout.project.reports.glob("*/*/*/notebook.ipynb"))]
    assert len(paths) == len(runs)
    seconds = {}
    for how in ("cold", "warm"):
        seconds[how] = float(python(checkout, NBVAL, how, STUDY, *paths))
        report(f"nbval, {how}", f"{len(paths)} notebooks, one after another", seconds[how])
    print(f"warm kernels are {seconds['cold'] / seconds['warm']:.1f} times as fast")
