"""From a fork of the warm process to a kernel as a cold start would make it, or to work, and to its
end."""

from __future__ import annotations

import atexit
import base64
import contextlib
import importlib
import os
import pickle
import random
import socket
import sys
import sysconfig
import threading
import time
from pathlib import Path

from analysis.runs.warm.application import application
from analysis.runs.warm.request import Request

#: Seconds that a kernel which was told to end may take to say so.
LAST_WORDS = 1.0


def become_kernel(request: Request) -> None:
    """What a cold start sets up, then ipykernel as its launcher starts it; does not return."""
    _become(request, "study-kernel")
    _random_state()
    sys.argv = [str(Path(sysconfig.get_path("purelib")) / "ipykernel_launcher.py")]
    sys.argv += request.arguments
    # 1: no parent is watched, the connection is.
    app = application().instance(parent_handle=1)
    app.initialize(request.arguments)
    # Now it listens: a client that calls earlier waits 0.1 s before it calls again.
    request.answer(pid=os.getpid())
    app.start()
    # Where what is closed now goes before the thread that ends has said so, the latter waits for
    # what is closed, 10 s.
    app.control_thread.join(LAST_WORDS)
    _leave_at_once(request, code=0)


def perform(request: Request) -> None:
    """Calls a function for a client and tells it the outcome; does not return."""
    _become(request, "study-work")
    request.answer(pid=os.getpid())
    work, given = pickle.loads(base64.b64decode(request.work))  # noqa: S301 - our own user's
    try:
        outcome = True, work(*given)
    except Exception as error:
        outcome = False, error
    _leave_at_once(request, outcome=base64.b64encode(pickle.dumps(outcome)).decode())


def _become(request: Request, name: str) -> None:
    """A process of its own, as the client would have started it; it ends when the client does."""
    os.setsid()
    named(name)
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
    request.connection.settimeout(None)
    threading.Thread(target=_end_with, args=(request.connection,), daemon=True).start()


def named(name: str) -> None:
    """What a list of the machine's processes says of this one, which is a fork of another."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def _leave_at_once(request: Request, **last: object) -> None:
    """What was registered for the end is done; taking apart what was imported, shared with the
    warm process as it is, would take longer than many a cell. So would the client's wait until the
    system has taken back the memory: it is told before."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    request.answer(**last)
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
