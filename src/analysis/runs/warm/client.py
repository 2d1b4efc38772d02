"""Jupyter's own kernel manager and client for runs, without their waits by the clock.

Stock clients wait 0.2 s for messages that do not come, to be sure that none does. Here what is
waited for is a message that does come: when the kernel says that it is idle again after the first
question, all that it had to say before that has arrived.
"""

from __future__ import annotations

import asyncio
from queue import Empty
from typing import Any

import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.client import KernelClient
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_core.utils import run_sync
from traitlets import Type

#: Seconds after which a question is asked again: a kernel that was still binding its sockets has
#: not heard it, or its answer was lost before it knew of us.
AGAIN = 0.5
#: The same for what it publishes, which follows an answer at once: one kernel in a hundred and
#: fifty had not heard yet that somebody listens.
NEWS = 0.02


class Soon(KernelClient):
    """A client that is ready as soon as its kernel is, and loses nothing of what it publishes."""

    def connect_iopub(self, identity: bytes | None = None) -> Any:
        """As Jupyter does, but with a queue of any length.

        By default a thousand messages wait and further ones are dropped without a word: of a cell
        that shows thousands of things, outputs, or the news of its end.
        """
        self.context.rcvhwm = 0
        return super().connect_iopub(identity)

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        """Asks until the kernel has answered, and what it published has been taken in.

        Args:
            timeout: in seconds; None waits for as long as the kernel lives.

        Raises:
            RuntimeError: the kernel has died, or says nothing for so long.
        """
        try:
            await asyncio.wait_for(self._ready(), timeout)
        except TimeoutError:
            raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds") from None

    async def _ready(self) -> None:
        while not await self._answered(str(self.kernel_info())):
            if not await self._async_is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")

    async def _answered(self, question: str) -> bool:
        try:
            reply = await self._answer_to(question)
            self._handle_kernel_info_reply(reply)
            while not _idle_after(await self._async_get_iopub_msg(timeout=NEWS), question):
                pass
        except Empty:
            return False
        return True

    async def _answer_to(self, question: str) -> dict[str, Any]:
        """The reply to the latest question; those to earlier ones are passed over."""
        while True:
            reply: dict[str, Any] = await self._async_get_shell_msg(timeout=AGAIN)
            if reply["parent_header"].get("msg_id") == question:
                return reply


def _idle_after(message: dict[str, Any], question: str) -> bool:
    about, content = message["parent_header"].get("msg_id"), message["content"]
    return bool(about == question and content.get("execution_state") == "idle")


class Channel(AsyncZMQSocketChannel):
    """A channel that takes a message which is there without asking the event loop for it first."""

    async def get_msg(  # type: ignore[override]  # as Jupyter's
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        while True:
            try:
                return await self._recv(flags=zmq.NOBLOCK)
            except zmq.Again:
                if not await self.socket.poll(None if timeout is None else int(timeout * 1000)):
                    raise Empty from None


class RunClient(Soon, AsyncKernelClient):
    """For papermill and nbclient."""

    iopub_channel_class = Type(Channel)
    wait_for_ready = Soon._async_wait_for_ready


class BlockingRunClient(Soon, BlockingKernelClient):
    """For nbval: its messages come by no event loop, which took as long as to read them."""

    def get_shell_msg(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        message: dict[str, Any] = self.shell_channel.get_msg(*args, **kwargs)
        return message

    def get_iopub_msg(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        message: dict[str, Any] = self.iopub_channel.get_msg(*args, **kwargs)
        return message

    wait_for_ready = run_sync(Soon._async_wait_for_ready)


#: A person's history of what they typed is no place for what runs execute: ten thousand of them
#: would wait for one another to write to its one file, and for the disk.
WITHOUT_HISTORY = "--HistoryManager.enabled=False"


class Unremembered(KernelManager):
    """A manager whose kernels leave a person's history alone."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        return super().format_kernel_cmd([*(extra_arguments or ()), WITHOUT_HISTORY])


class RunManager(Unremembered, AsyncKernelManager):
    """The manager that papermill is given for runs: its clients are `RunClient`."""

    # Its `client_class` would be read by the other manager only.
    client_factory = Type(RunClient, klass=KernelClient)


class BlockingRunManager(Unremembered):
    """The manager that nbval is given: its clients are `BlockingRunClient`."""

    client_factory = Type(BlockingRunClient, klass=KernelClient)
