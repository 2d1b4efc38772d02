"""How the site's files are written: aside and renamed, and an error of the disk said in words."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import UserError
from analysis.writing import aside


def replace_text(path: Path, text: str) -> None:
    """Written aside and renamed, so that a reader meets the old file or the new one.

    Raises:
        UserError: it can't be written; it is then as it was.
    """
    replace_bytes(path, text.encode())


def replace_bytes(path: Path, *parts: bytes) -> None:
    """The same, of bytes in some parts."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path) as new, new.open("wb") as file:
            file.writelines(parts)
    except OSError as error:
        problem = f"{path.name} can't be written: {error.strerror}; it is as it was"
        raise UserError("reports", problem) from None
