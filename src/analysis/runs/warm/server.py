"""The warm process: imports packages once, then forks a kernel for each request.

For a command that executes runs it has imported the project's own code too, with a note of the
state of its files. At each request the files are looked at again, and only where each is what it
was is a kernel forked: it then has what it would have read. Otherwise it starts cold, and a line
says so. For people who edit the code, in `study lab`, it imports packages and forgets the modules
of the project that it is made of.

It ends when the command that started it does, however that ends: a socket between them closes. A
kernel lives as long as the connection over which it was asked for: the client's end of it closes
when the client ends, killed or not.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import selectors
import shutil
import signal
import socket
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from analysis.runs.warm.application import OWN, application
from analysis.runs.warm.folder import hold
from analysis.runs.warm.imported import Code, preload
from analysis.runs.warm.kernel import become_kernel, named, perform
from analysis.runs.warm.preload import KERNEL
from analysis.runs.warm.request import Request

#: What Python and packages read when they start, not later: where a request differs in one of
#: these, a forked kernel would not be what a cold one is.
READ_AT_START = (
    *("PYTHON", "LD_", "LC_", "LANG", "HOME", "XDG_", "MALLOC_", "OMP_", "OPENBLAS_", "MKL_"),
    *("NUMEXPR_", "MPL", "MATPLOTLIBRC", "ARROW_", "PYDEVD_"),
)
#: Seconds that a client may take to send its request; all others wait for it.
PATIENCE = 10.0


class Server:
    """Waits for requests, for kernels that end, for clients that go, and for its own end."""

    def __init__(
        self,
        listener: socket.socket,
        life: socket.socket,
        environment: Mapping[str, str],
        code: Code | None,
    ) -> None:
        self.listener, self.life, self.code = listener, life, code
        self.started = _at_start(environment)
        self.packages = _packages()
        self.kernels: dict[int, socket.socket] = {}
        self.ended, self.wake = socket.socketpair()
        self.selector = selectors.DefaultSelector()
        for each in (life, listener, self.ended):
            self.selector.register(each, selectors.EVENT_READ)
        self.wake.setblocking(False)
        signal.set_wakeup_fd(self.wake.fileno(), warn_on_full_buffer=False)
        # A signal without a handler of Python's wakes nobody.
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> Request | None:
        """Until the end: None in the warm process itself, a request in a kernel forked from it."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.life:
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
        ours = (self.listener, self.life, self.ended, self.wake)
        for each in (*ours, *self.kernels.values()):
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


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def _packages() -> list[int]:
    """Changes when a package is installed or removed: its folder appears beside the others."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    return [Path(folder).stat().st_mtime_ns for folder in sorted(folders)]


def main() -> None:
    """The warm process as a script, given its descriptors and its folder, then what to import."""
    del sys.path[0]  # the folder of this file, which no kernel looks for modules in
    listener, life = (socket.socket(fileno=int(each)) for each in sys.argv[1:3])
    folder, environment = sys.argv[3], dict(os.environ)
    # Nearly all that an import makes stays: looking for what does not took a fifth of the time.
    gc.disable()
    # debugpy's advice as it is imported is for who debugs with it.
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    preload(KERNEL)
    application()
    ours = ("__main__", "analysis")
    OWN.update((name, each) for name, each in sys.modules.items() if not name.startswith(ours))
    what = json.load(sys.stdin)  # to its end, where kernels find it too
    code = Code(what["package"], what["state"]) if what["modules"] else None
    preload(what["packages"])
    if code:
        code.load(what["modules"], what["rehearsal"])
    else:
        for name in [each for each in sys.modules if each.partition(".")[0] == "analysis"]:
            del sys.modules[name]
    gc.freeze()  # a collection in a kernel does not touch, and so copy, what is shared
    gc.enable()
    serve(listener, life, folder, environment, code)


def serve(
    listener: socket.socket,
    life: socket.socket,
    folder: str,
    environment: Mapping[str, str],
    code: Code | None,
) -> None:
    """Forks until its command has gone, then removes their folder; in a forked process this is a
    kernel's life, or the work's."""
    named("study-warm")
    with hold(Path(folder)):
        request = Server(listener, life, environment, code).serve()
        if request is not None:
            (perform if request.work else become_kernel)(request)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)  # to take apart what was imported would take longer, and the command waits


if __name__ == "__main__":
    main()
