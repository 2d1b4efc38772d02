"""JupyterLab as `study lab` starts it, asked through Jupyter Server's own API."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen
from uuid import uuid4

from support import Checkout, awaited, clean_environment

LIMIT = 120.0
#: What analysts begin with; the answer says that it is there.
CODE = "import pandas, seaborn, statsmodels.api; print(pandas.Series([1, 2]).sum())"


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    process: subprocess.Popen[str]
    port: int

    def new_kernel(self) -> str:
        """Asks for a kernel, as the launcher's tile does; its id."""
        headers = {"Authorization": "token t"}
        asked = Request(f"http://127.0.0.1:{self.port}/api/kernels", b"{}", headers, method="POST")
        with urlopen(asked, timeout=LIMIT) as answer:
            found = json.load(answer)
        assert found["name"] == "python3"
        return str(found["id"])

    def answers(self, code: str = CODE) -> tuple[str, float]:
        """What a new kernel prints for a cell, and how long that took from the click on."""
        started = time.perf_counter()
        said = awaited(asyncio.wait_for(self._execute(self.new_kernel(), code), LIMIT))
        return said, time.perf_counter() - started

    async def _execute(self, kernel: str, code: str) -> str:
        from tornado.websocket import websocket_connect

        address = f"ws://127.0.0.1:{self.port}/api/kernels/{kernel}/channels?token=t"
        connection = await websocket_connect(address)
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        header = {"msg_id": uuid4().hex, "msg_type": "execute_request", "version": "5.3"}
        header |= {"session": uuid4().hex, "username": "", "date": ""}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        await connection.write_message(json.dumps(message | {"channel": "shell", "buffers": []}))
        printed = ""
        while (text := await connection.read_message()) is not None:
            found: dict[str, Any] = json.loads(text)
            if found["parent_header"].get("msg_id") != header["msg_id"]:
                continue
            if found["msg_type"] == "stream":
                printed += found["content"]["text"]
            elif found["msg_type"] == "execute_reply":
                assert found["content"]["status"] == "ok", found["content"]
            elif found["content"].get("execution_state") == "idle":
                break
        connection.close()
        return printed


@contextmanager
def lab(checkout: Checkout, runtime: Path, **environment: str) -> Iterator[Lab]:
    """`study lab` until it listens; killed at the end."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    options = ["--no-browser", "--allow-root", "--IdentityProvider.token=t", "--ip=127.0.0.1"]
    started = subprocess.Popen(
        [
            *(sys.executable, "-c", "from analysis.cli import main; main()", "lab"),
            *(*options, f"--port={port}"),
        ],
        cwd=checkout.root,
        env={
            **clean_environment(),
            "PYTHONPATH": str(checkout.root / "src"),
            "JUPYTER_RUNTIME_DIR": str(runtime),
            **environment,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        for line in started.stderr:
            if "/lab?token=" in line:
                break
        # What else it says goes nowhere, so that it never waits for a reader.
        subprocess.Popen(["cat"], stdin=started.stderr, stdout=subprocess.DEVNULL)
        end = time.monotonic() + LIMIT  # it says where it is before it listens there
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < end, "it does not listen"
            time.sleep(0.02)
        yield Lab(started, port)
    finally:
        started.kill()
        started.wait()
