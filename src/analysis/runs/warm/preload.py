"""What the warm process imports: the packages that notebooks and the rooms they call import.

`preload.txt` is made from this by `python tests/generate.py`, and checked to be in step: reading
every module at each start would cost more than it saves.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

#: What a kernel itself imports, and when: these as it starts or for its first cell, debugpy alone
#: half a second.
KERNEL = (
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "debugpy.server.api",
    "ipykernel.debugger",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "jedi",
    "sqlite3",
    "tornado.platform.asyncio",
)
#: What analysts begin a notebook with, whether or not a study of ours imports it: for `study lab`.
ANALYSTS = ("matplotlib.pyplot", "numpy", "pandas", "scipy.stats", "seaborn", "statsmodels.api")
#: What a kernel never imports: these rooms load rows, execute or publish; none calls them.
NOT_IN_KERNELS = ("cli/", "terminal.py", "report/", "runs/", "safeguards/scanning.py", "sources/")
#: Drivers of engines that few projects have, from extras that may not be installed: a quarter of a
#: second at each start, which a kernel that needs one pays itself.
DRIVERS = ("adbc_driver_manager", "adbc_driver_postgresql", "pyspark", "trino")
#: Packages that break or warn when a process that has imported them is forked, or that cost more
#: than they save, with the reason. Threads that an import starts (OpenBLAS, Arrow's allocator) stop
#: before a fork and come back when needed, which a test looks at.
LEFT_OUT = {
    "matplotlib_inline.backend_inline": "as it is imported it looks for the notebook it shows in",
    "scipy.optimize": "a quarter of a second: what fits by it brings it along, and of all outputs"
    " only tables with intricate margins need it",
}
#: What the kernels of runs hardly ever import: what it finds is kept from one command to the next.
SELDOM = ("sqlglot",)

#: An import, whatever stands before it in its line: those within functions count too.
IMPORT = re.compile(r"^[ \t]*(?:from ([\w.]+) import ([^\n]*)|import ([\w.]+))", re.MULTILINE)
#: What is done once in the warm process that each kernel would do again.
REHEARSAL = "analysis.runs.warm.rehearsal"


def listed() -> list[str]:
    """The modules that were found to be wanted, from `preload.txt`."""
    return Path(__file__).with_name("preload.txt").read_text(encoding="utf-8").split()


def wanted(root: Path) -> list[str]:
    """The modules to import, sorted; the project's own and Python's are not among them."""
    package = root / "src" / "analysis"
    sources = [
        path.read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.py"))
        if not path.relative_to(package).as_posix().startswith(NOT_IN_KERNELS)
    ]
    for notebook in sorted((root / "notebooks").glob("*.ipynb")):
        sources += _cells(notebook)
    found = {name for source in sources for name in imported(source)}
    kept = {name for name in found if name.partition(".")[0] not in DRIVERS}
    return sorted({*kept, *KERNEL} - set(LEFT_OUT))


def for_studies(studies: Iterable[str], listed: Iterable[str], root: Path) -> list[str]:
    """Those of the listed modules that a kernel imports, or what some studies can import, wherever
    it does; a second less of each command than all of them.

    Args:
        studies: by name.
        listed: from `preload.txt`.
        root: whose notebooks they have.
    """
    from analysis.runs.reach import reach

    modules = reach().modules({f"analysis.studies.{name}" for name in studies})
    texts = reach().sources(modules)
    for path in (root / "notebooks" / f"{name}.ipynb" for name in studies):
        texts += _cells(path) if path.exists() else ()
    named = {name for text in texts for name in _named(text)}
    named = {name for name in named if name.partition(".")[0] not in SELDOM}
    return [name for name in listed if name in KERNEL or name in named]


def _named(text: str) -> Iterator[str]:
    """The modules that lines of Python import, with their packages, and what they take of them."""
    for module, taken, plain in IMPORT.findall(text):
        parts = (module or plain).split(".")
        yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))
        yield from (f"{module}.{name}" for name in re.findall(r"\w+", taken))


def _cells(notebook: Path) -> list[str]:
    """The code of a notebook's cells; none where it is no notebook, which the plan says."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return []
    return [
        "\n".join(x for x in each.splitlines() if not x.lstrip().startswith(("%", "!")))
        for each in code
    ]


def imported(source: str) -> Iterator[str]:
    """The modules of others that a text of Python imports, wherever it does.

    >>> sorted(imported("import json, numpy.typing\\nfrom scipy import stats\\nfrom . import x"))
    ['numpy.typing', 'scipy', 'scipy.stats']
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [node.module, *inside] if _foreign(node.module) else []
        else:
            continue
        yield from (name for name in names if _foreign(name) and _is_module(name))


def _foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top != "analysis" and top not in sys.stdlib_module_names


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ImportError:
        return False
