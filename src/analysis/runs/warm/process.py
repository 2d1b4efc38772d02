"""The warm process as a command has it: started before its kernels, gone when it ends."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TextIO

from analysis.runs.warm.preload import ANALYSTS, for_studies

#: Where a command's warm process is; its workers and their clients inherit it.
FOLDER_VARIABLE = "STUDY_WARM"
#: `cold` for a command without a warm process: to compare, or where something is amiss.
KERNELS_VARIABLE = "STUDY_KERNELS"
JUPYTER_VARIABLE = "JUPYTER_DEFAULT_PROVISIONER_NAME"
NAME, GROUP = "warm", "jupyter_client.kernel_provisioners"
#: In the folder: the socket; a line for each kernel that started cold; a file that all who use the
#: folder hold locked, so that one that nobody has is told from one in use; a sign that the warm
#: process did not answer in time, so that no other kernel waits for it.
SOCKET, NOTES, HELD, SILENT = "warm", "cold", "held", "silent"
PREFIX = "study-warm-"
#: Seconds that a new folder may be without its lock.
YOUNG = 60.0
HERE = Path(__file__).parent
PACKAGE = HERE.parents[1]
#: What is done once in the warm process that each kernel would do again.
REHEARSAL = "analysis.runs.warm.rehearsal"
#: Seconds that the warm process may take to end once it has been told.
PATIENCE = 10.0

Say = Callable[[str], None]


def unsaid(line: str) -> None:
    """For a caller that does not want to hear."""


class Unavailable(Exception):
    """No kernels can be forked here; the message says why."""


@dataclass(frozen=True)
class Warm:
    """A warm process that was started, and the private folder of its sockets.

    Attributes:
        held: the folder's lock.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    held: TextIO

    def stop(self) -> list[str]:
        """Ends it and removes its folder; returns why kernels started cold, each reason once."""
        notes = self.folder / NOTES
        lines = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.held.close()
        return list(dict.fromkeys(lines))


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


def keep_for_successor(warm: Warm | None) -> None:
    """Lets the program that takes this process's place hold what keeps the warm process."""
    if warm and warm.process.stdin:
        os.set_inheritable(warm.process.stdin.fileno(), True)
        os.set_inheritable(warm.held.fileno(), True)


def start(studies: Iterable[str] = ()) -> Warm:
    """Starts a warm process; requests may be sent at once, they wait until it has imported.

    Args:
        studies: whose modules it imports, besides packages; without any it imports nothing of the
            project, but what analysts begin a notebook with.

    Raises:
        Unavailable: not on this system, or the provisioner is not installed.
        OSError: no socket or process can be made.
    """
    if sys.platform != "linux":
        # macOS has fork, but its own libraries may not be used after it.
        raise Unavailable("they need Linux")
    if not installed():
        raise Unavailable("not installed; `make check` installs them")
    sweep()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # for its owner only
    held = (folder / HELD).open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / SOCKET))
            listener.listen(128)
            descriptors = (listener.fileno(), held.fileno())
            return Warm(_spawn(descriptors, folder, studies), folder, held)
    except OSError:
        held.close()
        shutil.rmtree(folder, ignore_errors=True)
        raise


def installed() -> bool:
    """Whether Jupyter knows of warm kernels."""
    return bool(entry_points(group=GROUP, name=NAME))


def sweep() -> None:
    """Removes the folders of commands that were killed together with their warm processes."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            about = folder.lstat()
            if about.st_uid == os.getuid() and stat.S_ISDIR(about.st_mode) and _left(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _left(folder: Path) -> bool:
    """Whether nobody has a folder any more: command, warm process and kernels hold its lock."""
    try:
        with (folder / HELD).open("r+") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > YOUNG
    except BlockingIOError:
        return False
    return True


def _spawn(
    descriptors: tuple[int, int], folder: Path, studies: Iterable[str]
) -> subprocess.Popen[bytes]:
    listed = (HERE / "preload.txt").read_text(encoding="utf-8").split()
    names = sorted(set(studies))
    listed = for_studies(names, listed, PACKAGE.parents[1]) if names else [*listed, *ANALYSTS]
    modules = [f"analysis.studies.{name}" for name in names]
    code = {"package": str(PACKAGE), "modules": modules, "rehearsal": REHEARSAL}
    what = {"packages": listed, "code": code if names else None}
    return subprocess.Popen(
        [
            sys.executable,
            str(HERE / "server.py"),
            str(descriptors[0]),
            str(folder),
            json.dumps(what),
        ],
        pass_fds=descriptors,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the command's to handle
    )
