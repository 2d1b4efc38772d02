"""How a finished run comes into the site: written aside, then renamed."""

from __future__ import annotations

import shutil
from pathlib import Path

#: Where runs are written until they are whole. One folder a run, below the site so that a rename
#: stays within one file system.
ASIDE = ".aside"


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
