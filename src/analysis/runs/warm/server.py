"""The warm process: imports packages once, then forks a kernel for each request.

A kernel must see the project's code as it is when the kernel starts. So nothing of the project is
imported here (this is run as a script, by its path) for people who edit it: `study lab`. A command
that executes runs names the modules that they will import; these are imported here once, with a
note of the state of all the project's files before and after. At each request the files are looked
at again, and only where each is what it was is a kernel forked: it then has what it would have
read. Otherwise it starts cold, and a line says so. Editing a file changes its time, size or inode.

It ends when its standard input does, which the command that started it holds: however that
command ends. A kernel lives as long as the connection over which it was asked for: the client's
end of it closes when the client ends, killed or not.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import shutil
import signal
import socket
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What Python and packages read when they start, not later: where a request differs in one of
#: these, a forked kernel would not be what a cold one is.
READ_AT_START = (
    *("PYTHON", "LD_", "LC_", "LANG", "HOME", "XDG_", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_"),
    *("NUMEXPR_", "MPL", "MATPLOTLIBRC", "ARROW_", "PYDEVD_"),
)
#: Seconds that a client may take to send its request; all others wait for it.
PATIENCE = 10.0
#: Seconds that a kernel which was told to end may take to say so.
LAST_WORDS = 1.0
State = frozenset[tuple[str, int, int, int]]


def state_of(folder: str) -> State:
    """What tells whether a module in a folder was edited: path, time, size and inode of each."""
    found, left = set(), [folder]
    while left:
        with os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    stat = entry.stat()
                    found.add((entry.path, stat.st_mtime_ns, stat.st_size, stat.st_ino))
                elif entry.is_dir() and entry.name != "__pycache__":
                    left.append(entry.path)
    return frozenset(found)


class Code:
    """The project's own code, where a command has said what its kernels will import of it."""

    def __init__(self, package: str, modules: Iterable[str], rehearsal: str) -> None:
        self.package, self.name = package, os.path.basename(package)  # noqa: PTH119
        self.state = state_of(package)
        self.load(modules)
        with contextlib.suppress(Exception):
            importlib.import_module(rehearsal).rehearse()
        found = getattr(sys.modules.get(self.name), "__file__", None) or ""
        self.problem = "" if os.path.dirname(found) == package else "another project was imported"  # noqa: PTH120

    def load(self, modules: Iterable[str]) -> None:
        """A module that can't be imported is the notebook's own trouble, from its first line."""
        for name in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)

    def differs(self, cwd: str) -> str:
        """Why what was imported is not what a kernel in a folder would import; else empty."""
        if self.problem:
            return self.problem
        if any(os.path.exists(f"{cwd}/{self.name}{end}") for end in ("", ".py")):  # noqa: PTH110
            return f"the kernel's folder has an {self.name!r} of its own"
        if state_of(self.package) != self.state:
            return "the project's code has changed since it was imported"
        return ""


@dataclass
class Request:
    """What a client asks for: a kernel with these arguments, environment and folder."""

    connection: socket.socket
    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    streams: list[int]

    @classmethod
    def receive(cls, connection: socket.socket) -> Request:
        """Reads a length, with the files for standard output and error, then JSON.

        Raises:
            OSError: the client went away, or takes too long.
            ValueError: this is no request.
        """
        head, streams, _, _ = socket.recv_fds(connection, 8, 2)
        size = int.from_bytes(head, "big")
        body = b""
        while len(body) < size and (part := connection.recv(size - len(body))):
            body += part
        if len(streams) != 2:
            raise ValueError("not two files")
        return cls(connection=connection, streams=list(streams), **json.loads(body))

    def answer(self, **what: object) -> None:
        """One line of JSON to the client, who may be gone."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(what).encode() + b"\n")

    def close(self) -> None:
        for stream in self.streams:
            os.close(stream)
        self.streams = []


class Server:
    """Waits for requests, for kernels that end, for clients that go, and for its own end."""

    def __init__(
        self, listener: socket.socket, environment: dict[str, str], code: Code | None
    ) -> None:
        self.listener, self.code = listener, code
        self.started = _at_start(environment)
        self.packages = _packages()
        self.kernels: dict[int, socket.socket] = {}
        self.ended, self.wake = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        for each in (sys.stdin, listener, self.ended):
            self.selector.register(each, selectors.EVENT_READ)
        self.wake.setblocking(False)
        signal.set_wakeup_fd(self.wake.fileno(), warn_on_full_buffer=False)
        # A signal without a handler of Python's wakes nobody.
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> Request | None:
        """Until the end: None in the warm process itself, a request in a kernel forked from it."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is sys.stdin:
                    self.stop()
                    return None
                if key.fileobj is self.ended:
                    self.ended.recv(4096)
                    self.reap()
                elif key.fileobj is not self.listener:
                    self.kill(key.data)
                elif request := self.accept():
                    return request

    def accept(self) -> Request | None:
        """Takes one request; returns it in the new kernel only."""
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        try:
            request = Request.receive(connection)
        except (OSError, ValueError, TypeError):
            connection.close()
            return None
        return request if self.fork(request) else None

    def fork(self, request: Request) -> bool:
        """Whether this is the new kernel's process."""
        problem = self.differs(request)
        try:
            pid = -1 if problem else os.fork()
        except OSError as error:
            pid, problem = -1, f"no process can be forked ({error.strerror})"
        if pid == 0:
            self.leave()
            return True
        request.close()
        if problem:
            request.answer(error=problem)
            request.connection.close()
        else:
            self.kernels[pid] = request.connection
            self.selector.register(request.connection, selectors.EVENT_READ, pid)
        return False

    def differs(self, request: Request) -> str:
        """Why a kernel forked from here would not be what was asked for; empty where it would."""
        if _packages() != self.packages:
            return "packages were installed or removed since they were imported"
        if self.code and (problem := self.code.differs(request.cwd)):
            return problem
        asked = _at_start(request.environment)
        names = sorted(
            name for name in {*asked, *self.started} if asked.get(name) != self.started.get(name)
        )
        return f"{names[0]} is another than the command's" if names else ""

    def leave(self) -> None:
        """In a new kernel: lets go of what is the warm process's own."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self.selector.close()
        for each in (self.listener, self.ended, self.wake, *self.kernels.values()):
            each.close()

    def reap(self) -> None:
        """Tells each client whose kernel has ended how it ended."""
        for pid in list(self.kernels):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self.forget(pid, status)

    def forget(self, pid: int, status: int) -> None:
        connection = self.kernels.pop(pid)
        with contextlib.suppress(KeyError):
            self.selector.unregister(connection)
        with contextlib.suppress(OSError):
            code = os.waitstatus_to_exitcode(status)
            connection.sendall(json.dumps({"code": code}).encode() + b"\n")
        connection.close()

    def kill(self, pid: int) -> None:
        """A kernel whose client is gone, and what it has started."""
        if pid not in self.kernels:
            return
        self.selector.unregister(self.kernels[pid])
        for send in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                send(pid, signal.SIGKILL)

    def stop(self) -> None:
        for pid in list(self.kernels):
            with contextlib.suppress(KeyError):
                self.kill(pid)
            self.forget(pid, os.waitpid(pid, 0)[1])
        self.listener.close()


def _at_start(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def _packages() -> list[int]:
    """Changes when a package is installed or removed: its folder appears beside the others."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return [Path(folder).stat().st_mtime_ns for folder in sorted(folders)]


def preload(names: Iterable[str]) -> None:
    """Imports packages; one that can't be imported is the notebook's own trouble."""
    # What a kernel sets before it imports matplotlib.
    os.environ.setdefault("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    for name in names:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def become_kernel(request: Request) -> None:
    """What a cold start sets up, then ipykernel as its launcher starts it."""
    os.setsid()
    try:
        os.chdir(request.cwd)
    except OSError as error:
        request.answer(error=f"{request.cwd}: {error.strerror}")
        os._exit(1)
    _streams(request)
    os.environ.clear()
    os.environ.update(request.environment)
    time.tzset()
    importlib.invalidate_caches()
    _random_state()
    request.connection.settimeout(None)
    threading.Thread(target=_end_with, args=(request.connection,), daemon=True).start()

    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [str(Path(sysconfig.get_path("purelib")) / "ipykernel_launcher.py")]
    sys.argv += request.arguments
    # 1: no parent is watched, the connection is.
    app: Any = IPKernelApp.instance(parent_handle=1)
    app.initialize(request.arguments)
    # Now it listens: a client that calls earlier waits 0.1 s before it calls again.
    request.answer(pid=os.getpid())
    app.start()
    # Where what is closed now goes before the thread that ends has said so, the latter waits for
    # what is closed, 10 s.
    app.control_thread.join(LAST_WORDS)
    _leave_at_once()


def _leave_at_once() -> None:
    """What was registered for the end is done; taking apart what was imported, shared with the
    warm process as it is, would take longer than many a cell."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)


def _streams(request: Request) -> None:
    """Standard input at its end, output and error where the client has them."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in zip((0, 1, 2), (nothing, *request.streams), strict=True):
        os.dup2(there, here)
    os.close(nothing)
    request.close()


def _random_state() -> None:
    """As new as in a process of its own, not every kernel's the same."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _end_with(connection: socket.socket) -> None:
    """Ends the kernel when its client has gone; the warm process may be gone before."""
    with contextlib.suppress(OSError):
        while connection.recv(1):
            pass
    os._exit(1)


def main() -> None:
    number, folder, told = sys.argv[1:]
    here = str(Path(__file__).resolve().parent)
    sys.path[:1] = [] if sys.path[0] == here else sys.path[:1]
    environment, what = dict(os.environ), json.loads(told)
    preload(what["packages"])
    code = Code(**what["code"]) if what["code"] else None
    gc.collect()
    gc.freeze()  # a collection in a kernel does not touch, and so copy, what is shared
    request = Server(socket.socket(fileno=int(number)), environment, code).serve()
    if request is None:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        become_kernel(request)


if __name__ == "__main__":
    main()
