"""What one kernel costs, cold and warm: stock papermill's API on a notebook of two cells.

The notebook imports what a study does and computes nothing, so the times are a kernel's own.
"""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measuring import Options, report

#: Two stock papermill loops, each in a process of its own: which kernels Jupyter starts is settled
#: once a process.
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


def measure(options: Options) -> None:
    import nbformat

    cells = ["import pandas, scipy.stats, seaborn, duckdb, pydantic", "1 + 1"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    path = options.folder / "small.ipynb"
    nbformat.write(notebook, path)
    count, seconds = options.kernels, {}
    for how in ("cold", "warm"):
        command = [sys.executable, "-c", LOOP, str(path), how, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        seconds[how] = float(done.stdout)
        report(f"{how} kernel", f"papermill's API, mean of {count}, one at a time", seconds[how])
    print(f"a warm kernel is {seconds['cold'] / seconds['warm']:.1f} times as fast")
