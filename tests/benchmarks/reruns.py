"""Executed notebooks once more by stock nbval, in one pytest: through cold and warm kernels."""

from __future__ import annotations

from benchmarks.measuring import Options, Spent, spent
from benchmarks.runs import JOBS, MARKETS, STUDY, WEEKS, python, study_run
from support import make_checkout

NBVAL = """
import sys
from contextlib import nullcontext
import pytest
from analysis.runs.warm.process import warm_kernels

how, study, *paths = sys.argv[1:]
with warm_kernels(print, [study]) if how == "warm" else nullcontext():
    options = ["--nbval", "--nbval-current-env", "-p", "analysis.runs.nbval_typed", "-q"]
    sys.stdout = sys.stderr
    status = pytest.main([*options, "-p", "no:cacheprovider", "--rootdir", ".", *paths])
assert status == 0, status
"""


def measure(options: Options) -> None:
    checkout = make_checkout(options.folder / "checkout", None)
    checkout.study("demo", "--scale", str(options.scale))
    runs = [(market, week) for week in WEEKS for market in MARKETS][: options.runs]
    study_run(checkout, runs)
    paths = [str(path) for path in sorted(checkout.project.reports.glob("*/*/*/notebook.ipynb"))]
    assert len(paths) == len(runs)
    taken: dict[str, Spent] = {}
    for how in ("cold", "warm"):
        taken[how] = spent(lambda: python(checkout, NBVAL, how, STUDY, *paths))  # noqa: B023 - at once
        taken[how].report(f"nbval, {how}", f"{len(paths)} notebooks, one after another")
    taken["verify"] = spent(lambda: checkout.study("verify", STUDY, "--jobs", str(JOBS)))
    taken["verify"].report("study verify", f"the same, {JOBS} at once")
    for how, what in (("warm", "warm kernels"), ("verify", "study verify")):
        clock = taken["cold"].clock / taken[how].clock
        processor = taken["cold"].processor / taken[how].processor
        print(f"cold over {what}: {clock:.1f} by the clock, {processor:.1f} of the processor")
