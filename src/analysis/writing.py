"""Files that are written aside and renamed: a reader meets the old one or the new one, whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(place: Path) -> Iterator[Path]:
    """A path to write to, renamed to its place when all went well and removed when not."""
    path = place.with_name(f".{place.name}-{os.getpid()}.tmp")
    try:
        yield path
        path.replace(place)
    finally:
        path.unlink(missing_ok=True)
