"""What runs cost: `study run` against what people do with papermill and nbconvert, 24 runs.

The baselines are fair: the packages are compiled to bytecode, files are in the page cache (each
side runs once before it counts), and all execute one notebook with the same parameters.

* a shell loop: for each run `papermill`, then `jupyter nbconvert`;
* a pool: papermill's Python API and nbconvert's in a process pool of two. Two of its processes
  sometimes choose the same port (a known race of Jupyter's client); such a run is tried once more,
  and the time of both is counted, as a person would have to.

The limit is the cells' own work, measured in one plain Python process that is warm. What a run
costs above it, the command's own start and end included, is its overhead: wall time times jobs,
less the cells' time, over the number of runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.measuring import Options, report, spent, timed
from support import Checkout, clean_environment, make_checkout

BIN = Path(sys.executable).parent
STUDY = "core_metrics"
MARKETS = ("BR", "DE", "FR", "GB", "IN", "JP", "MX", "US")
WEEKS = ("2026-W08", "2026-W09", "2026-W10")
JOBS = 2


def measure(options: Options) -> None:
    checkout = make_checkout(options.folder / "checkout", None)
    demo = timed(lambda: checkout.study("demo", "--scale", str(options.scale)))
    report("demo data", f"scale {options.scale:g}", demo)
    runs = [(market, week) for week in WEEKS for market in MARKETS][: options.runs]
    count = len(runs)
    study_run(checkout, runs[:1])  # cubes made, files in the page cache
    own = cells(checkout, runs)
    report("the cells alone", f"of {count} runs, one plain warm Python process", own)
    ours = spent(lambda: study_run(checkout, runs))
    ours.report("study run", f"{count} runs, executed and rendered, {JOBS} jobs")
    one = spent(lambda: study_run(checkout, runs[:1]))
    one.report("study run, one", "what a person waits for who asks for one run")
    each = (ours.processor - one.processor) / max(1, count - 1)
    print(f"one more run: {each:.3f} s of the processor; the command: {one.processor - each:.3f} s")
    cold = spent(lambda: study_run(checkout, runs, STUDY_KERNELS="cold"))
    cold.report("study run, cold", "the same, each kernel started cold")
    pool = spent(lambda: in_a_pool(checkout, options.folder, runs))
    pool.report("pool of 2", "papermill's API and nbconvert's")
    loop = spent(lambda: shell_loop(checkout, options.folder, runs))
    loop.report("shell loop", "papermill and nbconvert, one after another")
    for name, other in (("a shell loop", loop), ("a pool of 2", pool), ("cold kernels", cold)):
        clock, processor = other.clock / ours.clock, other.processor / ours.processor
        print(f"study run over {name}: {clock:.1f} by the clock, {processor:.1f} of the processor")
    above = (ours.clock * JOBS - own) / count
    print(f"overhead a run: {above:.3f} s above {own / count:.3f} s of cells")
    print(breakdown(checkout, runs))


def words(runs: list[tuple[str, str]]) -> list[str]:
    markets, weeks = (list(dict.fromkeys(each)) for each in zip(*runs, strict=True))
    return [*(w for m in markets for w in ("-m", m)), *(w for week in weeks for w in ("-w", week))]


def study_run(checkout: Checkout, runs: list[tuple[str, str]], **environment: str) -> None:
    options = ["--force", "--jobs", str(JOBS)]
    said = checkout.study("run", STUDY, *words(runs), *options, **environment)
    assert f"{len(runs)} runs: {len(runs)} done" in said, said


def python(checkout: Checkout, code: str, *given: str) -> str:
    """A script in the checkout, with its code; what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code, *given],
        cwd=checkout.root,
        env=environment_of(checkout),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def environment_of(checkout: Checkout) -> dict[str, str]:
    return clean_environment() | {"PYTHONPATH": str(checkout.root / "src"), "LANG": "C.UTF-8"}


CELLS = """
import contextlib, io, json, sys, time
from IPython.core.interactiveshell import InteractiveShell

study, runs = sys.argv[1], json.loads(sys.argv[2])
notebook = json.load(open(f"notebooks/{study}.ipynb"))
cells = [c for c in notebook["cells"] if c["cell_type"] == "code"]
shell = InteractiveShell.instance()

def one(market, window):
    started = time.perf_counter()
    for cell in cells:
        source = "".join(cell["source"])
        if "parameters" in cell["metadata"].get("tags", ()):
            source += f"\\nmarket, window = {market!r}, {window!r}"
        with contextlib.redirect_stdout(io.StringIO()):
            shell.run_cell(source).raise_error()
    return time.perf_counter() - started

one(*runs[0])
print(sum(one(*run) for run in runs))
"""


def cells(checkout: Checkout, runs: list[tuple[str, str]]) -> float:
    return float(python(checkout, CELLS, STUDY, json.dumps(runs)))


POOL = """
import json, sys
from concurrent.futures import ProcessPoolExecutor
import papermill, nbformat
from nbconvert import HTMLExporter

def one(run):
    market, window, study, folder = run
    output = f"{folder}/{market}-{window}.ipynb"
    for last in (False, True):
        try:
            papermill.execute_notebook(f"notebooks/{study}.ipynb", output, progress_bar=False,
                                       parameters={"market": market, "window": window})
            break
        except RuntimeError as error:  # two processes may choose one port, and a kernel dies of it
            if last:
                raise
            print("once more:", error, file=sys.stderr)
    page, _ = HTMLExporter().from_filename(output)
    open(output + ".html", "w").write(page)

if __name__ == "__main__":
    study, runs, folder = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(one, [(*run, study, folder) for run in runs]))
"""


def in_a_pool(checkout: Checkout, folder: Path, runs: list[tuple[str, str]]) -> None:
    python(checkout, POOL, STUDY, json.dumps(runs), str(folder))


def shell_loop(checkout: Checkout, folder: Path, runs: list[tuple[str, str]]) -> None:
    """What people do without this project."""
    for run in runs:
        by_hand(checkout, folder, *run)


def by_hand(checkout: Checkout, folder: Path, market: str, week: str) -> None:
    output = folder / f"{market}-{week}.ipynb"
    given = f"-p market {market} -p window {week}"
    execute = f"{BIN}/papermill notebooks/{STUDY}.ipynb {output} {given}"
    line = f"{execute} && {BIN}/jupyter nbconvert --to html {output}"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = environment_of(checkout)
    subprocess.run(["bash", "-c", line], cwd=checkout.root, env=environment, check=True, **quiet)


#: The parts of one run in a worker, by the functions that take the time. The kernel's own part is
#: what papermill notes of each cell.
PARTS = """
import sys, time, json
from collections import Counter
from analysis.project import Project
from analysis.runs import rehearsed, execute
from analysis.runs.choice import Choice, choose
from analysis.runs.plan import complete, plan
from analysis.runs.warm.process import warm_kernels

spent = Counter()

def timed(name, module, attribute):
    inner = getattr(module, attribute)
    def outer(*given, **named):
        started = time.perf_counter()
        try:
            return inner(*given, **named)
        finally:
            spent[name] += time.perf_counter() - started
    setattr(module, attribute, outer)
    return inner

run_notebook = execute.run_notebook
def watched(*given):
    outcome, notebook = run_notebook(*given)
    spent["  cells"] += sum(c.metadata.papermill.duration or 0 for c in notebook.cells)
    return outcome, notebook
execute.run_notebook = watched
timed("papermill: kernel and cells", execute, "run_notebook")
timed("gate (secrets, ids)", execute, "guarded")
timed("page", execute, "render")
timed("record (warehouse asked)", execute, "describe")

study, runs = sys.argv[1], json.loads(sys.argv[2])
rehearsed.rehearse()
project = Project.find()
asked = [run for m, w in runs for run in choose(project, Choice([study], [m], [w]))]
planned = [complete(each) for each in plan(project, asked, force=True)]
with warm_kernels(print, [study]):
    execute.execute(project.root, planned[0], "")
    spent.clear()
    started = time.perf_counter()
    for each in planned:
        execute.execute(project.root, each, "")
    whole = time.perf_counter() - started
print(f"one run alone, mean of {len(runs)}: {whole / len(runs):.3f} s")
own = spent["papermill: kernel and cells"] - spent["  cells"]
spent["  kernel: asked for, ready, its end"] = own
for name, seconds in spent.items():
    print(f"  {name:<36}{seconds / len(runs):7.3f} s")
"""


def breakdown(checkout: Checkout, runs: list[tuple[str, str]]) -> str:
    return python(checkout, PARTS, STUDY, json.dumps(runs[:8])).rstrip()
