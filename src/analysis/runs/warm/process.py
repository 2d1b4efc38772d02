"""The warm process as a command has it: started before its kernels, gone when it ends."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import entry_points
from typing import IO, Any, cast

from analysis.errors import UserError
from analysis.runs import forking
from analysis.runs.warm import server
from analysis.runs.warm.folder import FOLDER_VARIABLE, NOTES, SOCKET, make, sweep
from analysis.runs.warm.imported import PACKAGE, state_of
from analysis.runs.warm.preload import ANALYSTS, REHEARSAL, for_studies, listed

#: `cold` for a command without a warm process: to compare, or where something is amiss.
KERNELS_VARIABLE = "STUDY_KERNELS"
JUPYTER_VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"
NAME, GROUP = "warm", "jupyter_client.kernel_provisioners"
#: Seconds that the warm process may take to end once it has been told.
PATIENCE = 10.0

Say = Callable[[str], None]


def unsaid(line: str) -> None:
    """For a caller that does not want to hear."""


class Unavailable(Exception):
    """No kernels can be forked here; the message says why."""


class Warm:
    """A warm process that was started, and the private folder of its sockets.

    Attributes:
        folder: of the socket to which clients connect.
        process: it, as long as it has not died; one for runs is made once more.
        studies: whose modules it imports.
    """

    def __init__(self, studies: list[str]) -> None:
        self.folder, self.held = make()
        self.life, self._its_life = socket.socketpair()
        self.listener = socket.socket(socket.AF_UNIX)
        self.studies, self._stopped = studies, threading.Event()
        try:
            self.listener.bind(str(self.folder / SOCKET))
            self.listener.listen(128)
            self.process = self._start()
            if studies:
                self._keeper = threading.Thread(target=self._keep, daemon=True)
                self._keeper.start()
            else:
                self._let_go()
        except BaseException:
            self._let_go()
            self._clear()
            raise

    def _keep(self) -> None:
        """Waits for the end of a warm process. Where that was not asked for, another takes its
        place once: kernels wait meanwhile, since their requests arrive here."""
        self.process.wait()
        if not self._stopped.is_set():
            with suppress(OSError, UserError):  # a file may have become no Python meanwhile
                self.process = self._start()
                self.process.wait()
        self._let_go()

    def _let_go(self) -> None:
        """What only the warm process has from now on; where there is none, requests are refused."""
        self.listener.close()
        self._its_life.close()

    def _start(self) -> subprocess.Popen[bytes]:
        mine = (self.listener.fileno(), self._its_life.fileno())
        process = subprocess.Popen(
            [sys.executable, server.__file__, *map(str, mine), str(self.folder)],
            pass_fds=mine,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the command's to handle
        )
        # It has begun with what any kernel imports; to find what else takes a while.
        told = json.dumps(to_import(self.studies)).encode()
        # That it has died is seen by whoever asks it for a kernel.
        with suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as its:
            its.write(told)
        return process

    def stop(self) -> list[str]:
        """Ends it and removes its folder; returns why kernels started cold, each reason once."""
        notes = self.folder / NOTES
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        self._stopped.set()
        self.life.close()
        if not self._ended(PATIENCE):
            self.process.kill()
            self._ended(PATIENCE)
        self._clear()
        return list(dict.fromkeys(lines))

    def _ended(self, seconds: float) -> bool:
        if self.studies:
            self._keeper.join(seconds)
            return not self._keeper.is_alive()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.held.close()

    def keep_for_successor(self) -> None:
        """Lets the program that takes this process's place hold what keeps the warm process."""
        for kept in (self.life, self.held):
            os.set_inheritable(kept.fileno(), True)


def to_import(studies: list[str]) -> dict[str, Any]:
    """What a warm process is told."""
    known = for_studies(studies, listed(), PACKAGE.parents[1]) if studies else None
    return {
        "packages": [*listed(), *ANALYSTS] if known is None else known,
        "package": str(PACKAGE),
        "state": state_of(str(PACKAGE)),
        "modules": [f"analysis.studies.{name}" for name in studies],
        "rehearsal": REHEARSAL,
    }


@contextmanager
def warm_kernels(say: Say = unsaid, studies: Iterable[str] = ()) -> Iterator[None]:
    """Kernels that are started within are forked from a warm process; else cold, and it is said.

    Args:
        say: takes one line for each reason why kernels started cold.
        studies: whose notebooks the kernels will execute, where that is known.
    """
    kept = {name: os.environ.get(name) for name in (FOLDER_VARIABLE, JUPYTER_VARIABLE)}
    warm = start_or_say(say, studies)
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        for line in warm.stop() if warm else ():
            say(f"{line}; kernels started cold")


def start_or_say(say: Say, studies: Iterable[str] = ()) -> Warm | None:
    """Starts a warm process and points this process's children at it, or says why it can't."""
    os.environ.pop(FOLDER_VARIABLE, None)
    if installed():
        os.environ[JUPYTER_VARIABLE] = NAME  # cold kernels too are asked to encrypt
    if os.environ.get(KERNELS_VARIABLE) == "cold":
        return None
    try:
        warm = start(studies)
    except (OSError, Unavailable) as error:
        say(f"warm kernels: {error}; kernels start cold")
        return None
    os.environ[FOLDER_VARIABLE] = str(warm.folder)
    return warm


_begun: list[Warm] = []


def begin(studies: Iterable[str], more: Iterable[str] = ()) -> None:
    """Lets all begin to import that a command's runs are forked from, before it is known which
    they will be; kernels and workers side by side, as they share little.

    Args:
        studies: of which runs may be, by name.
        more: modules that workers import besides what runs need.
    """
    forking.begin(more)
    if not _begun and os.environ.get(KERNELS_VARIABLE) != "cold":
        with suppress(OSError, Unavailable):  # what is amiss is said when kernels are asked for
            _begun.append(_made(studies))


def start(studies: Iterable[str] = ()) -> Warm:
    """Starts a warm process; requests may be sent at once, they wait until it has imported.

    Args:
        studies: whose modules it imports, besides packages; without any it imports nothing of the
            project, but what analysts begin a notebook with.

    Raises:
        Unavailable: not on this system, or the provisioner is not installed.
        OSError: no socket or process can be made.
    """
    warm = _begun.pop() if studies and _begun else None
    if warm and not set(studies) <= set(warm.studies):
        warm.stop()
        warm = None
    return warm or _made(studies)


def _made(studies: Iterable[str]) -> Warm:
    if sys.platform != "linux":
        # macOS has fork, but its own libraries may not be used after it.
        raise Unavailable("they need Linux")
    if not installed():
        raise Unavailable("not installed; `make check` installs them")
    sweep()
    return Warm(sorted(set(studies)))


def installed() -> bool:
    """Whether Jupyter knows of warm kernels."""
    return bool(entry_points(group=GROUP, name=NAME))
