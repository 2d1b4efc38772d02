"""What a client asks of the warm process: one kernel, over one connection."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from dataclasses import dataclass


@dataclass
class Request:
    """What a client asks for: a kernel with these arguments, environment and folder."""

    connection: socket.socket
    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    streams: list[int]

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
