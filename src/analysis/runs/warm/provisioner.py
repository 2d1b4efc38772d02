"""How Jupyter gets a warm kernel: its official extension point, used by every stock client."""

from __future__ import annotations

import asyncio
import json
import os
import select
import shutil
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from analysis.runs.warm.folder import FOLDER_VARIABLE, NOTES, make
from analysis.runs.warm.request import PATIENCE, Refused, begun

#: Seconds that a kernel may take to end before Jupyter's own patience with it begins.
GRACE = 1.0
#: A Unix socket's path may have 107 bytes; `-5` for the last channel is part of it.
LONGEST = 100
LAUNCHER = [sys.executable, "-m", "ipykernel_launcher"]
#: What a client may say of a process that a fork can give; with anything else it starts cold.
UNDERSTOOD = {"env", "cwd", "stdin", "stdout", "stderr", "extra_arguments", "kernel_id"}


class ForkedProcess:
    """A kernel's process with the part of `subprocess.Popen` that Jupyter uses.

    It is no child of ours: itself or the warm process says over the connection how it ended. Where
    these are gone, whether the kernel's is still there.
    """

    stdin = stdout = stderr = None

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection
        connection.setblocking(False)

    def poll(self) -> int | None:
        """The exit code, or None while it runs; a code that nobody knows is 1."""
        if self.returncode is not None:
            return self.returncode
        try:
            said = self._connection.recv(256)
        except BlockingIOError:
            return None
        except OSError:
            said = b""
        if said:  # by the kernel as it ends; by the warm process where it could not
            self.returncode = int(json.loads(said.partition(b"\n")[0])["code"])
        elif not _alive(self.pid):
            self.returncode = 1
        if self.returncode is not None:
            self._connection.close()
        return self.returncode

    def wait(self) -> int:
        while self.poll() is None:
            select.select([self._connection], [], [], 0.1)
        return self.returncode or 0

    async def gone(self, seconds: float) -> None:
        """Returns when it has ended, or after so many seconds."""
        if self.poll() is not None:
            return
        loop, news = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._connection, news.set)
        try:
            await asyncio.wait_for(news.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(self._connection)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(9)

    def forget(self) -> None:
        """It was killed and runs no more: how long the system takes to take it apart is nobody's to
        wait for."""
        if self.poll() is None:
            self.returncode = -9
            self._connection.close()

    def terminate(self) -> None:
        self.send_signal(15)


def _alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


@dataclass(frozen=True)
class Wanted:
    """A kernel as a client asks for it."""

    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    streams: tuple[int, int]


class WarmProvisioner(LocalProvisioner):
    """Forks a kernel from the warm process; where that can't be, starts it as Jupyter does."""

    _own: tuple[Path, TextIO] | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """As Jupyter does, but over private sockets, or else encrypted: never open to listeners.

        Two processes that choose ports at once may choose the same; sockets have names of their
        own.
        """
        manager = self.parent
        if manager is not None and manager.transport == "tcp" and _unsettled(manager):
            address = self._address()
            if address and len(address) <= LONGEST:
                manager.transport, manager.ip, manager.cache_ports = "ipc", address, False
            elif manager.transport_encryption == "disabled":
                manager.transport_encryption = "auto"
        return await super().pre_launch(**kwargs)

    def _address(self) -> str:
        """How this kernel's sockets begin: beside the warm process's, or in a folder of its own;
        empty where none can be made."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if folder and os.path.isdir(folder):  # noqa: PTH112
            return f"{folder}/{self.kernel_id}"
        try:
            self._own = self._own or make()
        except OSError:
            return ""
        return f"{self._own[0]}/kernel"

    async def cleanup(self, restart: bool = False) -> None:
        """As Jupyter does, with the kernel's own folder."""
        await super().cleanup(restart)
        if self._own and not restart:
            folder, held = self._own
            shutil.rmtree(folder, ignore_errors=True)
            held.close()
            self._own = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """A forked kernel, or a cold one with a line in the log that says why."""
        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder or not understood(cmd, kwargs):
            return await super().launch_kernel(cmd, **kwargs)
        try:
            asked = wanted(cmd, kwargs)
            process = await asyncio.to_thread(fork, Path(folder), asked)
        except (OSError, ValueError, Refused) as error:
            self._note(Path(folder), f"warm kernels: {error}")
            return await super().launch_kernel(cmd, **kwargs)
        # The base class works with what `Popen` and a forked process have in common.
        self.process: Any = process
        self.pid = self.pgid = process.pid
        self.cwd = asked.cwd
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:  # noqa: ARG002  # Jupyter's
        """Waits until the kernel has gone: whoever asks later need not ask again and again."""
        await self._gone()

    async def kill(self, restart: bool = False) -> None:
        """As Jupyter does; waits as above where another takes its place, and its sockets."""
        await super().kill(restart)
        if restart:
            await self._gone()
        elif isinstance(self.process, ForkedProcess):
            self.process.forget()

    async def _gone(self) -> None:
        if isinstance(self.process, ForkedProcess):
            await self.process.gone(GRACE)

    def _note(self, folder: Path, reason: str) -> None:
        """In the client's log, and for the command that began it all."""
        self.log.warning("%s; this kernel starts cold", reason)
        with suppress(OSError), (folder / NOTES).open("a", encoding="utf-8") as notes:
            notes.write(f"{reason}\n")


def _unsettled(manager: Any) -> bool:
    """Whether nobody has chosen the ports or told another process of them."""
    return not any(manager.ports) and not os.path.exists(manager.connection_file or "")  # noqa: PTH110


def understood(cmd: list[str], kwargs: Mapping[str, Any]) -> bool:
    """Whether a client asks for what a fork can be: no other language, Python or kind of process,
    nor one with pipes, which only a child can have."""
    pipes = (_descriptor(kwargs.get(name), 1) is None for name in ("stdout", "stderr"))
    return cmd[:3] == LAUNCHER and set(kwargs) <= UNDERSTOOD and not any(pipes)


def wanted(cmd: list[str], kwargs: Mapping[str, Any]) -> Wanted:
    """What a client asks for.

    Raises:
        Refused: it would be found elsewhere from the kernel's folder than from here.
    """
    streams = [_descriptor(kwargs.get(name), own) for name, own in (("stdout", 1), ("stderr", 2))]
    environment = dict(os.environ if kwargs.get("env") is None else kwargs["env"])
    if _relative(environment.get("PYTHONPATH", "")):
        raise Refused("PYTHONPATH has a relative folder; name it in full")
    environment["JPY_PARENT_PID"] = str(os.getpid())
    cwd = os.path.abspath(kwargs.get("cwd") or ".")  # noqa: PTH100 - as Popen, no links followed
    return Wanted(cmd[3:], environment, cwd, (streams[0] or 1, streams[1] or 2))


def _descriptor(given: Any, own: int) -> int | None:
    """The number of a file as `Popen` takes it; None for a pipe, which only a child can have."""
    if given is None:
        return own
    if isinstance(given, int):
        return given if given > 0 else None
    return int(given.fileno())


def _relative(path: str) -> bool:
    """Whether a search path means other folders in another working folder."""
    return any(not os.path.isabs(each) for each in path.split(os.pathsep) if path)  # noqa: PTH117


def fork(folder: Path, asked: Wanted) -> ForkedProcess:
    """Asks the warm process for a kernel; raises as :func:`begun` does."""
    what = {"arguments": asked.arguments, "environment": asked.environment, "cwd": asked.cwd}
    return ForkedProcess(*begun(folder, what, asked.streams, PATIENCE))
