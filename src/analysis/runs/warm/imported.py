"""What a warm process imports, and whether the project's code still is what it imported.

A kernel must see the project's code as it is when the kernel starts. So the state of all the
project's files is noted before any is imported, and looked at again before each fork.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def state_of(folder: str) -> str:
    """What tells whether a file in a folder was edited, added or removed: a digest of the path,
    time, size and inode of each. The time is the system's own note of a change, which none who
    edits a file sets back, and no content need be read."""
    found, left = [], [folder]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    left += [entry.path] if entry.name != "__pycache__" else []
                else:
                    try:
                        stat = entry.stat()
                    except OSError:  # a link to nowhere
                        stat = entry.stat(follow_symlinks=False)
                    found.append((entry.path, stat.st_ctime_ns, stat.st_size, stat.st_ino))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


class Code:
    """The project's own code, where a command has said what its kernels will import of it."""

    def __init__(self, package: str, state: str) -> None:
        self.package, self.name = package, Path(package).name
        self.state = state

    def load(self, modules: Iterable[str], rehearsal: str) -> None:
        """Imports modules and draws a chart as they do; what can't be imported is the notebook's
        own trouble, from its first line."""
        load(modules)
        with contextlib.suppress(Exception):
            importlib.import_module(rehearsal).rehearse()

    def differs(self, cwd: str) -> str:
        """Why what was imported is not what a kernel in a folder would import; else empty."""
        found = getattr(sys.modules.get(self.name), "__file__", None) or ""
        if os.path.dirname(found) != self.package:  # noqa: PTH120 - once a kernel, no objects made
            return "another project was imported"
        if any(os.path.exists(f"{cwd}/{self.name}{end}") for end in ("", ".py")):  # noqa: PTH110
            return f"the kernel's folder has an {self.name!r} of its own"
        if state_of(self.package) != self.state:
            return "the project's code has changed since it was imported"
        return ""


def preload(names: Iterable[str]) -> None:
    """Imports packages as a kernel would; one that can't be is the notebook's own trouble."""
    # What a kernel sets before it imports matplotlib.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    load(names)


def load(names: Iterable[str]) -> None:
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
