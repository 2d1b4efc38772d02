"""How a finished run comes into the site: by one command at a time, written aside, then renamed."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analysis.errors import UserError
from analysis.project import Project

#: Where runs are written until they are whole. One folder a run, below the site so that a rename
#: stays within one file system.
ASIDE = ".aside"


@contextmanager
def site_lock(project: Project) -> Iterator[None]:
    """Only one command at a time writes a site; the lock goes with the process that holds it.

    Raises:
        UserError: another command holds it, or the site's folder can't be written.
    """
    try:
        project.reports.mkdir(parents=True, exist_ok=True)
        handle = (project.reports / ".lock").open("w")
    except OSError as error:
        raise UserError("reports", f"the folder can't be written: {error.strerror}") from None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(
                "reports", "another `study` command writes this site; wait for it"
            ) from None
        yield


def replace(aside: Path, folder: Path, reports: Path) -> None:
    """Puts a finished folder in the place of an older one; `recover` mends what a kill leaves."""
    old = reports / ASIDE / (str(folder.relative_to(reports)).replace("/", "__") + ".old")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    try:
        aside.rename(folder)
    except OSError:
        if old.exists():
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def recover(reports: Path) -> None:
    """Clears what killed runs left aside, and puts back a folder that was being replaced."""
    aside = reports / ASIDE
    for old in aside.glob("*.old"):
        folder = reports / old.name.removesuffix(".old").replace("__", "/")
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            old.rename(folder)
    shutil.rmtree(aside, ignore_errors=True)
