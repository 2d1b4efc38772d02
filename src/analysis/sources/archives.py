"""Opens files that others packed: gzip and zip, without trusting what is in them.

A member whose name would climb out of the archive's folder is refused, and so is one that
unpacks to far more than it takes: nothing is ever written under a member's own name.
"""

from __future__ import annotations

import errno
import gzip
import io
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from analysis.errors import UserError

#: No text packs better by deflate, whose limit is 1,032; bombs do, on every layer.
RATIO = 300
_SMALL = 10 * 2**20
#: What the standard library raises for files that are torn or made to harm.
_BROKEN = (
    EOFError,
    NotImplementedError,
    OverflowError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    struct.error,
    zlib.error,
)
_BLOCK = 2**20


class _Counted(io.RawIOBase):
    """A stream that ends with an error once it has given more than it may."""

    def __init__(self, stream: IO[bytes], most: float, shown: str) -> None:
        self.stream, self.left, self.shown = stream, most, shown

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type] # io gives a writable buffer
        data = self.stream.read(len(view))
        self.left -= len(data)
        if self.left < 0:
            raise UserError(self.shown, "it unpacks to far more than it takes; not read further")
        view[: len(data)] = data
        return len(data)


def _limit(packed: int, largest: float) -> float:
    return min(largest, max(_SMALL, packed * RATIO))


@contextmanager
def opened(path: Path, shown: str, largest: float) -> Iterator[Iterator[tuple[str, IO[bytes]]]]:
    """The streams that a file holds, by name: itself, or what a gzip or zip file packs.

    Args:
        path: a local file.
        shown: its name, for messages.
        largest: the most bytes that it may unpack to.

    Raises:
        UserError: it is broken, climbs out of its folder, or unpacks to more than it may.
    """
    try:
        yield _streams(path, shown, largest)
    except _BROKEN as error:
        raise UserError(shown, f"the file is broken or cut off ({type(error).__name__})") from None
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):
            raise
        # bzip2's own word for torn data has no number; a place before the archive's beginning has.
        raise UserError(shown, "the file is broken or cut off (place)") from None


def _streams(path: Path, shown: str, largest: float) -> Iterator[tuple[str, IO[bytes]]]:
    kind = path.suffix.lower()
    if kind == ".zip":
        yield from _members(path, shown, largest)
        return
    with path.open("rb") as raw:
        if kind == ".gz":
            most = _limit(path.stat().st_size, largest)
            with gzip.open(raw) as unpacked:
                counted = _Counted(unpacked, most, shown)  # type: ignore[arg-type] # reads bytes
                yield shown.removesuffix(".gz"), io.BufferedReader(counted, _BLOCK)
        else:
            yield shown, raw


def _members(path: Path, shown: str, largest: float) -> Iterator[tuple[str, IO[bytes]]]:
    """Each file of a zip; zips within are opened too, spooled under a name of our own."""
    with _named():
        opened_archive = zipfile.ZipFile(path)
    with opened_archive as archive:
        infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
        for info in infos:
            _check_name(info.filename, shown)
            if info.flag_bits & 1:
                raise UserError(shown, f"its member {info.filename!r} is encrypted; not read")
        if sum(info.file_size for info in infos) > _limit(path.stat().st_size, largest):
            raise UserError(shown, "it unpacks to far more than it takes; not read")
        for info in infos:
            with _named():
                opened_member = archive.open(info)
            with opened_member as member:
                most = _limit(info.compress_size, largest)
                stream = io.BufferedReader(_Counted(member, most, shown), _BLOCK)
                if info.filename.lower().endswith((".zip", ".gz")):
                    yield from _within(info.filename, stream, path.parent, shown, largest)
                else:
                    yield PurePosixPath(info.filename).name, stream


@contextmanager
def _named() -> Iterator[None]:
    """Names stand before each member and once more at the end; either may be no Unicode."""
    try:
        yield
    except UnicodeDecodeError:
        raise zipfile.BadZipFile("a name that is no Unicode") from None


def _within(
    name: str, stream: IO[bytes], folder: Path, shown: str, largest: float
) -> Iterator[tuple[str, IO[bytes]]]:
    inside = f"{shown}, {PurePosixPath(name).name}"
    if shown.count(", ") > 2:
        raise UserError(inside, "archives within archives within archives; not read")
    with tempfile.TemporaryDirectory(dir=folder) as spool:
        place = Path(spool) / f"member{PurePosixPath(name).suffix.lower()}"
        with place.open("wb") as copy:
            shutil.copyfileobj(stream, copy, _BLOCK)
        yield from _streams(place, inside, largest)


def _check_name(name: str, shown: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if name.startswith(("/", "\\")) or ".." in parts or (parts and ":" in parts[0]):
        raise UserError(shown, f"its member {name!r} would climb out of its folder; not read")
