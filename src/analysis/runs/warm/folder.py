"""The private folder of a warm process: its sockets, and what is said between those who use it."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

#: Where a command's warm process is; its workers and their clients inherit it.
FOLDER_VARIABLE = "STUDY_WARM"
#: In the folder: the socket; a line for each kernel that started cold; a file that all who use the
#: folder hold locked, so that one that nobody has is told from one in use; a sign that the warm
#: process did not answer in time, so that no other kernel waits for it.
SOCKET, NOTES, HELD, SILENT = "warm", "cold", "held", "silent"
PREFIX = "study-warm-"
#: Seconds that a new folder may be without its lock.
YOUNG = 60.0


def make() -> tuple[Path, TextIO]:
    """A new folder for its owner only, and its lock."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / HELD).touch()
    return folder, hold(folder)


def hold(folder: Path) -> TextIO:
    """Keeps a folder from being swept for as long as the file that is returned is open."""
    held = (folder / HELD).open("r+")
    fcntl.flock(held, fcntl.LOCK_SH)
    return held


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
