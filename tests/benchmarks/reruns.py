"""Executed notebooks once more by nbval, in one pytest: as it comes, and with the plugins that
`study verify` has through cold and through warm kernels.

As it comes it compares outputs as text, and so fails where a page hides a number: its time is what
counts here. All three import as few plugins of pytest's."""

from __future__ import annotations

from benchmarks.measuring import Options, Spent, spent
from benchmarks.runs import JOBS, MARKETS, STUDY, WEEKS, python, study_run
from support import make_checkout

NBVAL = """
import os, sys
from contextlib import nullcontext
from analysis.runs.warm.process import warm_kernels

how, study, *paths = sys.argv[1:]
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
with warm_kernels(print, [study]) if how == "warm" else nullcontext():
    import pytest
    from analysis.runs.verify import PLUGINS
    names = ["nbval.plugin", "no:cacheprovider"] if how == "stock" else PLUGINS
    plugins = [word for name in names for word in ("-p", name)]
    options = ["--nbval", "--nbval-current-env", "-q", "--tb=no", "--rootdir", "."]
    sys.stdout = sys.stderr
    status = pytest.main([*plugins, *options, *paths])
assert status == 0 or how == "stock", status
"""


def measure(options: Options) -> None:
    checkout = make_checkout(options.folder / "checkout", None)
    checkout.study("demo", "--scale", str(options.scale))
    runs = [(market, week) for week in WEEKS for market in MARKETS][: options.runs]
    study_run(checkout, runs)
    paths = [str(path) for path in sorted(checkout.project.reports.glob("*/*/*/notebook.ipynb"))]
    assert len(paths) == len(runs)
    taken: dict[str, Spent] = {}
    for how in ("stock", "cold", "warm"):
        taken[how] = spent(lambda: python(checkout, NBVAL, how, STUDY, *paths))  # noqa: B023 - at once
        taken[how].report(f"nbval, {how}", f"{len(paths)} notebooks, one after another")
    taken["verify"] = spent(lambda: checkout.study("verify", STUDY, "--jobs", str(JOBS)))
    taken["verify"].report("study verify", f"the same, {JOBS} at once")
    for slow in ("stock", "cold"):
        for how, what in (("warm", "warm kernels"), ("verify", "study verify")):
            clock = taken[slow].clock / taken[how].clock
            processor = taken[slow].processor / taken[how].processor
            print(f"{slow} over {what}: {clock:.1f} by the clock, {processor:.1f} of the processor")
