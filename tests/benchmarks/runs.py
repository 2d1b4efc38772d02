"""What runs cost, on a checkout of its own: the demo data, a plan, `study run`, a shell loop.

The baselines are fair: the packages are compiled to bytecode, files are in the page cache (each
side runs once before it counts), and a shell loop of papermill and nbconvert gets both cores as
`study run` does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Options, report, timed
from support import Checkout, clean_environment, make_checkout

BIN = Path(sys.executable).parent
MARKETS = ("BR", "DE", "IN", "JP", "NP", "US")


def measure(options: Options) -> None:
    checkout, scale = make_checkout(options.folder / "checkout", None), options.scale
    report("demo data", f"scale {scale:g}", timed(lambda: demo(checkout, scale)))
    checkout.study("run", "core_metrics", "-m", "JP")  # cubes made, files in the page cache
    report("fresh plan", "1 run, nothing to do", timed(lambda: fresh(checkout)))
    cold = timed(lambda: study_run(checkout, STUDY_KERNELS="cold"))
    report("study run", f"{len(MARKETS)} runs, each kernel started cold", cold)
    ours = timed(lambda: study_run(checkout))
    loop = timed(lambda: shell_loop(checkout, options.folder))
    report("study run", f"{len(MARKETS)} runs, executed and rendered", ours)
    report("shell loop", f"{len(MARKETS)} runs, papermill and nbconvert, 2 at once", loop)
    print(f"study run is {loop / ours:.1f} times the shell loop's speed")
    print(f"and {cold / ours:.1f} times its own with cold kernels")


def demo(checkout: Checkout, scale: float) -> None:
    checkout.study("demo", "--scale", str(scale))


def fresh(checkout: Checkout) -> None:
    assert "1 fresh already" in checkout.study("run", "core_metrics", "-m", "JP")


def study_run(checkout: Checkout, **environment: str) -> None:
    markets = [word for market in MARKETS for word in ("-m", market)]
    checkout.study("run", "core_metrics", *markets, "--force", "--jobs", "2", **environment)


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
