"""A warm process and its kernels, as tests start them and speak with them."""

from __future__ import annotations

import ast
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from analysis.runs.warm import process

LIMIT = 60.0


@contextmanager
def started(*studies: str) -> Iterator[process.Warm]:
    said: list[str] = []
    factory = KernelProvisionerFactory.instance()
    kept, factory.default_provisioner_name = factory.default_provisioner_name, process.NAME
    before = dict(os.environ)
    made = process.start_or_say(said.append, studies)
    assert made, said
    try:
        yield made
    finally:
        made.stop()
        factory.default_provisioner_name = kept
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def kernel(
    kind: type[KernelManager] = KernelManager, **options: Any
) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A kernel as nbclient and papermill start one."""
    manager = kind(kernel_name="python3")
    manager.start_kernel(**options)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LIMIT)
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def run(client: BlockingKernelClient, code: str) -> Any:
    """What a cell's last expression is, as a Python literal."""
    found: list[Any] = []

    def take(message: dict[str, Any]) -> None:
        if message["msg_type"] == "execute_result":
            found.append(ast.literal_eval(message["content"]["data"]["text/plain"]))

    reply = client.execute_interactive(code, output_hook=take, timeout=LIMIT)
    assert reply["content"]["status"] == "ok", reply["content"]
    return found[0] if found else None


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Waits for what another process does; there is nothing to be told by."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        select.select([], [], [], 0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
