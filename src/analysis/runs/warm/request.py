"""What a client asks of the warm process: one kernel or one piece of work, over one connection."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.runs.warm.folder import SILENT, SOCKET

#: Seconds for the warm process to import everything on a busy machine, and then to fork.
PATIENCE = 60.0
_SILENCE = "the warm process does not answer"


class Refused(Exception):
    """The warm process can't give what it was asked for; the message says why."""


@dataclass
class Request:
    """What a client asks for: a kernel with these arguments, environment and folder, or work.

    Attributes:
        connection: to the client.
        environment, cwd, streams: of the process, the last its standard output and error.
        arguments: of a kernel.
        work: as `calling` packs it; empty for a kernel.
    """

    connection: socket.socket
    environment: dict[str, str]
    cwd: str
    streams: list[int]
    arguments: list[str]
    work: str = ""

    @classmethod
    def receive(cls, connection: socket.socket) -> Request:
        """Reads a length, with the files for standard output and error, then JSON.

        Raises:
            OSError: the client went away, or takes too long.
            ValueError: this is no request.
        """
        head, streams, _, _ = socket.recv_fds(connection, 8, 2)
        size = int.from_bytes(head, "big")
        body = b""
        while len(body) < size and (part := connection.recv(size - len(body))):
            body += part
        if len(streams) != 2:
            raise ValueError("not two files")
        return cls(connection=connection, streams=list(streams), **json.loads(body))

    def answer(self, **what: object) -> None:
        """One line of JSON to the client, who may be gone."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(what).encode() + b"\n")

    def close(self) -> None:
        for stream in self.streams:
            os.close(stream)
        self.streams = []


def begun(
    folder: Path, what: Mapping[str, Any], streams: Sequence[int], patience: float = PATIENCE
) -> tuple[socket.socket, int]:
    """Asks the warm process for a fork of it; once more where it died: another may be in its place.

    Args:
        folder: of the warm process.
        what: the request but for its connection and files.
        streams: files for standard output and error.
        patience: seconds.

    Returns:
        The connection over which it was asked for, and the process's number.

    Raises:
        ValueError: what it answered makes no sense.
        Refused: it says why it can't, or does not answer.
    """
    if (folder / SILENT).exists():
        raise Refused(_SILENCE)
    try:
        try:
            return _begun(folder, what, streams, patience)
        except ConnectionError:
            return _begun(folder, what, streams, patience)
    except TimeoutError:
        (folder / SILENT).touch()  # one waited; the others need not
        raise Refused(_SILENCE) from None
    except OSError:
        raise Refused(_SILENCE) from None


def _begun(
    folder: Path, what: Mapping[str, Any], streams: Sequence[int], patience: float
) -> tuple[socket.socket, int]:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(patience)
        connection.connect(str(folder / SOCKET))
        body = json.dumps(what).encode()
        socket.send_fds(connection, [len(body).to_bytes(8, "big")], list(streams))
        connection.sendall(body)
        answer = _line(connection)
        if "pid" not in answer:
            raise Refused(answer.get("error", "the process ended as it began"))
    except BaseException:
        connection.close()
        raise
    return connection, int(answer["pid"])


def _line(connection: socket.socket) -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        # By the byte: what follows is for others to read.
        part = connection.recv(1)
        if not part:
            raise ConnectionError
        line += part
    answer: dict[str, Any] = json.loads(line)
    return answer
