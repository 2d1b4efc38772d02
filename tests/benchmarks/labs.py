"""How soon a new notebook's kernel in JupyterLab has imported what analysts begin with."""

from __future__ import annotations

from statistics import mean

from benchmarks.measuring import Options, report
from labs import lab
from support import make_checkout

TIMES = 5


def measure(options: Options) -> None:
    checkout = make_checkout(options.folder / "checkout", None)
    seconds = {}
    for how in ("cold", "warm"):
        with lab(checkout, options.folder / how, STUDY_KERNELS=how) as running:
            running.answers()  # the server's own first time, files in the page cache
            seconds[how] = mean(running.answers()[1] for _ in range(TIMES))
        what = f"new kernel with pandas, seaborn, statsmodels, mean of {TIMES}"
        report(f"lab, {how}", what, seconds[how])
    print(f"a warm kernel answers {seconds['cold'] / seconds['warm']:.1f} times as soon")
