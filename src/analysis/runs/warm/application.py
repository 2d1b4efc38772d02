"""ipykernel's application for warm kernels: it loses no output, and waits for none that is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

#: The modules that a kernel itself imports, as the warm process had them before all others.
OWN: dict[str, ModuleType] = {}


class _System:
    """`sys` with fewer modules."""

    def __init__(self, modules: Mapping[str, ModuleType]) -> None:
        self.modules = modules

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


def children(pid: int) -> list[int] | None:
    """What a process itself has started, as Linux lists it; None where it keeps no lists. psutil
    would look at every process of the machine."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return None
    return [int(each) for each in " ".join(lists).split()] if lists else None


@cache
def application() -> Any:
    """The application's class, made once before kernels are forked, and only where they are: a
    client of kernels imports none."""
    from ipykernel import iostream, ipkernel
    from ipykernel.kernelapp import IPKernelApp
    from traitlets import Type

    class OutStream(iostream.OutStream):
        """What is printed. Jupyter has it sent before each display and each cell's end, and waits
        for the thread that sends: a third of a millisecond, also where nothing was printed, which
        came to as much as a third of a run's cells."""

        _printed = False

        def write(self, string: str) -> int:
            super().write(string)
            self._printed = True  # after: who flushes in between leaves it to the next
            return len(string)

        def flush(self) -> None:
            if self._printed:
                self._printed = False
                super().flush()  # type: ignore[no-untyped-call]  # ipykernel has no types

    class Kernel(ipkernel.IPythonKernel):
        """At its end it ends those that it has started: to find none, all processes of the machine
        were looked at, a fifth of that end's time."""

        def _process_children(self) -> list[Any]:
            if children(os.getpid()) == []:
                return []
            found: list[Any] = super()._process_children()  # type: ignore[no-untyped-call]  # as above
            return found

    class KernelApp(IPKernelApp):
        """What it publishes waits in a queue of any length, as in the client: by default the
        thousandth message that waits is the last, and those after it are lost."""

        kernel_class = Type(Kernel, klass="ipykernel.kernelbase.Kernel")  # type: ignore[assignment]  # as above

        def init_iopub(self, context: Any) -> None:
            context.sndhwm = 0
            super().init_iopub(context)  # type: ignore[no-untyped-call]  # as above

        def init_kernel(self) -> None:
            """Notes the files of all modules for debuggers to pass by, which are to be a kernel's
            own, not all that was imported for it; to look at those too took a tenth of its start.
            """
            noting: Any = ipkernel
            noting.sys = _System(OWN)
            try:
                super().init_kernel()  # type: ignore[no-untyped-call]  # as above
            finally:
                noting.sys = sys

    # The application looks it up by this name.
    iostream.OutStream = OutStream  # type: ignore[misc]  # in the place of its own
    return KernelApp
