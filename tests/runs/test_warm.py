"""Warm kernels: what Jupyter's own clients see is a cold kernel, sooner; nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import KernelManager

from analysis.report.record import FINDING, NOTEBOOK
from analysis.runs.warm import folder, imported, preload, process, provisioner
from analysis.runs.warm.client import BlockingRunManager, RunClient, RunManager
from analysis.studies import findings
from labs import lab
from support import CHECKOUT, Checkout, awaited, clean_environment, make_checkout
from warming import LIMIT, gone, kernel, parent, run, started, until

pytestmark = [
    pytest.mark.xdist_group("warm"),
    pytest.mark.skipif(sys.platform != "linux", reason="warm kernels need Linux"),
]


@pytest.fixture(scope="module")
def warm() -> Iterator[process.Warm]:
    """One warm process for the tests that leave it as it is, and stock Jupyter told to use it."""
    with started() as made:
        yield made
        assert {path.name for path in made.folder.iterdir()} == {folder.HELD, folder.SOCKET}
    assert not made.folder.exists()


def test_a_kernel_is_forked_and_has_nothing_of_the_project(warm: process.Warm) -> None:
    with kernel() as (manager, client):
        code = "import os, sys; (os.getpid(), [m for m in sys.modules if m[:8] == 'analysis'])"
        pid, ours = run(client, code)
        assert parent(pid) == warm.process.pid
        assert ours == []
        assert run(client, "all(m in sys.modules for m in ('pandas', 'scipy.stats', 'seaborn'))")
        assert manager.transport == "ipc"
        assert Path(manager.ip).parent.stat().st_mode & 0o077 == 0
    until(lambda: gone(pid))


def test_environment_folder_session_and_input_are_a_cold_starts(
    warm: process.Warm, tmp_path: Path
) -> None:
    environment = {**os.environ, "ASKED": "for"}
    with kernel(env=environment, cwd=str(tmp_path)) as (_, client):
        run(client, "import os, sys, signal")
        assert run(client, "os.environ['ASKED'], os.getcwd()") == ("for", str(tmp_path))
        assert run(client, "os.getsid(0) == os.getpgid(0) == os.getpid()") is True
        assert run(client, "os.read(0, 1)") == b""
        assert run(client, "signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL") is True
        assert run(client, "sys.path[0], sys.modules['__main__'].__name__")[1] == "__main__"
        assert run(client, "import subprocess; subprocess.run(['true']).returncode") == 0


def test_threads_of_packages_survive_the_fork(warm: process.Warm) -> None:
    with kernel() as (_, client):
        code = "import numpy as np, scipy.linalg as l; a = np.eye(900) * 2; float(l.det(a @ a / 4))"
        assert run(client, code) == 1.0
        code = "import pandas as pd; int(pd.Series(['a', 'b', 'a']).astype('category').nunique())"
        assert run(client, code) == 2
        code = (
            "import duckdb; duckdb.sql('SELECT sum(range)::BIGINT FROM range(1000000)').fetchall()"
        )
        assert run(client, code) == [(499999500000,)]
        code = "import pyarrow.compute as c, pyarrow as p; c.sum(p.array(range(10000))).as_py()"
        assert run(client, code) == 49995000


def test_each_kernel_draws_random_numbers_of_its_own(warm: process.Warm) -> None:
    drawn = []
    for _ in range(2):
        with kernel() as (_, client):
            code = "import random, numpy as np; (random.random(), float(np.random.rand()))"
            drawn.append(run(client, code))
    assert len({*drawn[0], *drawn[1]}) == 4


def test_a_figure_shows_itself(warm: process.Warm) -> None:
    with kernel() as (_, client):
        shown = []
        code = "import matplotlib.pyplot as plt; plt.plot([1, 2]);"
        client.execute_interactive(code, output_hook=shown.append, timeout=LIMIT)
    kinds = [kind for m in shown for kind in m["content"].get("data", {})]
    assert "image/png" in kinds


async def counted(number: int) -> tuple[int, int]:
    """A kernel from its start to its end, as runs have it: its process, and what it computed."""
    manager = RunManager(kernel_name="python3")
    await manager.start_kernel(extra_arguments=["--HistoryManager.hist_file=:memory:"])
    own: Any = manager.provisioner
    forked = own.process
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(LIMIT)
        asked = {"answer": f"{number} * 2", "pid": "__import__('os').getpid()"}
        reply = await client.execute("", user_expressions=asked, reply=True, timeout=LIMIT)
        told = reply["content"]["user_expressions"]
        assert type(client) is RunClient
        found = {name: int(each["data"]["text/plain"]) for name, each in told.items()}
        return found["pid"], found["answer"]
    finally:
        await manager.shutdown_kernel()
        client.stop_channels()
        assert forked.returncode == 0, "it was killed, since it did not end"


def test_two_hundred_kernels_one_after_another_and_twenty_at_once(
    warm: process.Warm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))

    async def after_another() -> list[tuple[int, int]]:
        return [await counted(number) for number in range(200)]

    async def at_once() -> list[tuple[int, int]]:
        return await asyncio.gather(*(counted(number) for number in range(20)))

    for kernels in (after_another, at_once):
        found = awaited(kernels())
        assert [answer for _, answer in found] == [number * 2 for number in range(len(found))]
        pids = {pid for pid, _ in found}
        assert len(pids) == len(found)
        until(lambda pids=pids: all(gone(pid) for pid in pids))
    assert not list(tmp_path.iterdir()), "a connection file is left"


def test_threads_that_do_not_end_and_memory_that_does_not_suffice(warm: process.Warm) -> None:
    with kernel() as (_, client):
        run(client, "import threading, resource\nwait = threading.Event().wait")
        run(client, "for _ in range(50): threading.Thread(target=wait).start()")
        pid = run(client, "import os; os.getpid()")
        limit = "held = 3 << 30\nresource.setrlimit(resource.RLIMIT_DATA, (held, held))"
        run(client, limit)
        # What comes soon after an error would be passed over with it.
        too_much = "b'x' * (4 << 30)"
        reply = client.execute(too_much, stop_on_error=False, reply=True, timeout=LIMIT)
        assert reply["content"]["ename"] == "MemoryError"
        assert run(client, "1 + 1") == 2
    until(lambda: gone(pid))


DAEMON = """
import multiprocessing, sys
from jupyter_client.manager import KernelManager

def child(pipe):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    reply = client.execute("", user_expressions={"x": "6 * 7"}, reply=True, timeout=60)
    pipe.send(reply["content"]["user_expressions"]["x"]["data"]["text/plain"])
    manager.shutdown_kernel(now=True)

if __name__ == "__main__":
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=child, args=(theirs,), daemon=True)
    process.start()
    print(ours.recv())
    process.join()
"""


def test_a_daemonic_process_may_have_kernels(warm: process.Warm, tmp_path: Path) -> None:
    """As workers of a cluster are: Python lets them have no children of their own."""
    script = tmp_path / "daemon.py"
    script.write_text(DAEMON)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    assert done.stdout == "42\n", done.stderr
    assert not (warm.folder / folder.NOTES).exists()


@pytest.mark.parametrize("how", ["warm", "cold", "far"])
def test_no_log_warns_of_what_others_could_listen_to(
    warm: process.Warm, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A socket's path can't be longer than a hundred letters; pytest's own folders are long.
    place = tmp_path / ("far" * 30) if how == "far" else Path(tempfile.mkdtemp(prefix="near-"))
    place.mkdir(exist_ok=True)
    if how != "warm":
        monkeypatch.delenv(folder.FOLDER_VARIABLE)
        monkeypatch.setattr(tempfile, "tempdir", str(place))
    with (tmp_path / "log").open("w") as log, kernel(stdout=log, stderr=log) as (manager, client):
        assert run(client, "1 + 1") == 2
        assert manager.transport == ("tcp" if how == "far" else "ipc")
        assert manager.transport_encryption == ("auto" if how == "far" else "disabled")
        forked = parent(manager.provisioner.pid) == warm.process.pid  # type: ignore[union-attr]
        assert forked == (how == "warm")
    assert "TCP" not in (tmp_path / "log").read_text()
    place.rmdir()  # nothing is left in it


#: Where all begins to import before it is known what will be asked for, as in `study run`.
BEGUN = "from analysis.runs.warm.process import begin\nbegin(['core_metrics', 'prevalence'])\n"
EDITED = """
import os
from pathlib import Path
from analysis.runs.warm.process import warm_kernels

def show(what):
    from jupyter_client.manager import KernelManager
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    code = "import sys; had = 'analysis.studies.findings' in sys.modules"
    client.execute(code + "; from analysis.studies import findings", reply=True, timeout=60)
    asked = {"x": "had, findings.__doc__[:6]"}
    reply = client.execute("", user_expressions=asked, reply=True, timeout=60)
    print(what, reply["content"]["user_expressions"]["x"]["data"]["text/plain"], flush=True)
    client.stop_channels()
    manager.shutdown_kernel(now=True)

with warm_kernels(print, ["core_metrics"]):
    show("as it was")
    other = Path("data/analysis/studies")
    other.mkdir(parents=True)
    for name in ("../__init__.py", "__init__.py", "findings.py"):
        (other / name).write_text("'Other.'")
    os.chdir("data")
    show("elsewhere")
    os.chdir("..")
    module = Path("src/analysis/studies/findings.py")
    text = module.read_text()
    module.write_text(text.replace('""' + '"', '""' + '"Edited', 1))
    show("edited")
    del os.environ["PYTHONPATH"]
    os.environ["PYTHONPATH"] = "src"
    show("relative")
"""


@pytest.mark.parametrize("begun", ["", BEGUN])
def test_a_kernel_has_the_projects_code_as_it_is_when_it_starts(begun: str, tmp_path: Path) -> None:
    """Where a command has said what its kernels will import, they have it; once it is edited, or
    where another project lies in their folder, they start cold and import what a cold one does."""
    bare = make_checkout(tmp_path, None)
    done = subprocess.run(
        [sys.executable, "-c", begun + EDITED],
        cwd=bare.root,
        env={**clean_environment(), "PYTHONPATH": str(bare.root / "src")},
        capture_output=True,
        text=True,
    )
    first = str(findings.__doc__)[:6]
    assert done.stdout.splitlines() == [
        f"as it was (True, {first!r})",
        f"elsewhere (False, {first!r})",
        "edited (False, 'Edited')",
        "relative (False, 'Edited')",
        "warm kernels: the kernel's folder has an 'analysis' of its own; kernels started cold",
        "warm kernels: the project's code has changed since it was imported; kernels started cold",
        "warm kernels: PYTHONPATH has a relative folder; name it in full; kernels started cold",
    ], done.stderr


def test_every_change_of_a_file_is_seen(tmp_path: Path) -> None:
    """Also where time, size and place are as they were."""
    module, other = tmp_path / "module.py", tmp_path / "inner" / "other.py"
    other.parent.mkdir()
    other.write_text("1")
    module.write_text("value = 1")
    seen = [imported.state_of(str(tmp_path))]

    def changed() -> bool:
        seen.append(imported.state_of(str(tmp_path)))
        return seen[-1] not in seen[:-1]

    assert not changed()
    before = module.stat()
    module.write_text("value = 2")
    os.utime(module, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert changed()
    (tmp_path / "template.html").touch()
    assert changed()
    other.unlink()
    assert changed()
    (tmp_path / "elsewhere").write_text("1")
    link = tmp_path / "inner" / "link.py"
    link.symlink_to(tmp_path / "elsewhere")
    assert changed()
    (tmp_path / "elsewhere").write_text("2")
    assert changed()
    link.unlink()
    link.symlink_to(tmp_path / "nowhere")
    assert changed()
    (tmp_path / "inner" / "__pycache__").mkdir()
    (tmp_path / "inner" / "__pycache__" / "x.pyc").touch()
    assert not changed()


DYING = """
import os, signal
from pathlib import Path
from analysis.runs.warm.process import start_or_say
from jupyter_client.manager import KernelManager

def parent():
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    found = Path(f"/proc/{manager.provisioner.pid}/stat").read_text().rpartition(")")[2].split()[1]
    manager.shutdown_kernel(now=True)
    return int(found)

warm = start_or_say(print, ["core_metrics"])
first = warm.process
print(parent() == first.pid)
os.kill(first.pid, signal.SIGKILL)
first.wait()
second = parent()  # asked for while there is none
print(second == warm.process.pid != first.pid)
os.kill(second, signal.SIGKILL)
warm._keeper.join()
print(parent() == os.getpid())
print(warm.stop(), warm.folder.exists())
"""


def test_a_warm_process_that_dies_is_made_once_more() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BEGUN + DYING], capture_output=True, text=True, timeout=LIMIT
    )
    refused = "warm kernels: the warm process does not answer"
    expected = ["True", "True", "True", f"{[refused]} False"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_a_folder_that_nobody_has_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a command that was killed together with its warm process; others' stay."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with started() as dead:
        os.killpg(dead.process.pid, signal.SIGKILL)
        dead.process.wait()
        with started() as other:
            assert dead.folder.exists()  # this process may still want it
            dead.held.close()
            young = Path(tempfile.mkdtemp(prefix=folder.PREFIX))
            folder.sweep()
            assert not dead.folder.exists()
            assert other.folder.exists()
            assert young.exists()


def test_only_one_kernel_waits_for_a_warm_process_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with started() as made:
        made.process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(provisioner, "PATIENCE", 0.5)
        before = time.monotonic()
        for _ in range(2):
            with kernel() as (_, client):
                assert run(client, "1 + 1") == 2
            monkeypatch.setattr(provisioner, "PATIENCE", LIMIT)
        assert time.monotonic() - before < LIMIT
        made.process.send_signal(signal.SIGCONT)
        assert made.stop() == ["warm kernels: the warm process does not answer"]


def test_what_is_printed_keeps_its_place_among_displays(warm: process.Warm) -> None:
    """Though nothing is waited for where nothing was printed."""
    shown: list[str] = []

    def take(message: dict[str, Any]) -> None:
        content = message["content"]
        if message["msg_type"] in ("stream", "display_data"):
            shown.append(content.get("text") or content["data"]["text/plain"])

    code = (
        "import sys\ndisplay(0)\nprint('a')\ndisplay(1)\ndisplay(2)\n"
        "print('b', file=sys.stderr)\ndisplay(3)\nprint('c', end='')"
    )
    with kernel() as (_, client):
        for _ in range(20):
            client.execute_interactive(code, output_hook=take, timeout=LIMIT)
            assert shown == ["0", "a\n", "1", "2", "b\n", "3", "c"]
            shown.clear()


def test_debuggers_pass_by_a_kernels_own_modules_alone(warm: process.Warm) -> None:
    with kernel() as (_, client):
        said = run(client, "get_ipython().kernel._kernel_modules")
    assert [path for path in said if "/ipykernel/" in path]
    assert not [path for path in said if "/pandas/" in path or "/analysis/" in path]


@pytest.mark.parametrize("kind", [KernelManager, BlockingRunManager])
def test_runs_leave_a_persons_history_alone(
    warm: process.Warm, tmp_path: Path, kind: type[KernelManager]
) -> None:
    with kernel(kind, env={**os.environ, "IPYTHONDIR": str(tmp_path)}) as (manager, client):
        assert parent(manager.provisioner.pid) == warm.process.pid  # type: ignore[union-attr]
        assert run(client, "1 + 1") == 2
    assert bool(list(tmp_path.rglob("history.sqlite"))) == (kind is KernelManager)


def test_interrupt_restart_and_kill(warm: process.Warm) -> None:
    with kernel() as (manager, client):
        first = run(client, "import os; os.getpid()")
        client.execute("print('on', flush=True)\nwhile True: pass")
        while client.get_iopub_msg(timeout=LIMIT)["content"].get("text") != "on\n":
            pass
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=LIMIT)["content"]["ename"] == "KeyboardInterrupt"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=LIMIT)
        second = run(client, "import os; os.getpid()")
        assert second != first
        assert gone(first)
        assert parent(second) == warm.process.pid
        manager.provisioner.process.kill()  # type: ignore[union-attr]
        until(lambda: not manager.is_alive())
        assert manager.provisioner.process.poll() == -signal.SIGKILL  # type: ignore[union-attr]


SHOWN = 6_000


def shown_before_anyone_looks(client: BlockingKernelClient) -> int:
    """How many of a cell's many outputs arrive at a client that reads them after its end."""
    client.execute(f"for i in range({SHOWN}): display(i)")
    assert client.get_shell_msg(timeout=LIMIT)["content"]["status"] == "ok"
    arrived, end = 0, {"execution_state": "idle"}
    while (message := client.get_iopub_msg(timeout=LIMIT))["content"] != end:
        arrived += message["msg_type"] == "display_data"
    return arrived


def test_a_warm_kernel_keeps_what_any_client_is_slow_to_take(warm: process.Warm) -> None:
    with kernel() as (manager, client):
        assert parent(manager.provisioner.pid) == warm.process.pid  # type: ignore[union-attr]
        assert shown_before_anyone_looks(client) == SHOWN


def test_the_client_of_runs_takes_what_a_cold_kernel_does_not_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(folder.FOLDER_VARIABLE, raising=False)
    with kernel(BlockingRunManager) as (_, client):
        assert shown_before_anyone_looks(client) == SHOWN


@pytest.mark.parametrize("now", [False, True])
def test_what_a_kernel_has_started_ends_with_it(warm: process.Warm, now: bool) -> None:
    with kernel() as (manager, client):
        code = "import subprocess; started = subprocess.Popen(['sleep', '600']); started.pid"
        pid = run(client, code)
        assert not gone(pid)
        own = manager.provisioner.pid  # type: ignore[union-attr]
        manager.shutdown_kernel(now=now)
        until(lambda: gone(pid) and gone(own))


def test_a_kernel_that_crashes_says_how(warm: process.Warm) -> None:
    with kernel() as (manager, client):
        client.execute("import os; os._exit(7)")
        until(lambda: not manager.is_alive())
        assert manager.provisioner.process.poll() == 7  # type: ignore[union-attr]
    with kernel() as (_, client):
        assert run(client, "1 + 1") == 2


CLIENT = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="python3")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=60)
print(manager.provisioner.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("warm_goes_first", [False, True])
def test_a_kernel_ends_with_its_client(warm_goes_first: bool) -> None:
    """Killed, so that it can't tidy; and the warm process may be gone before."""
    with started() as made:
        client = subprocess.Popen(
            [sys.executable, "-c", CLIENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        if warm_goes_first:
            made.process.kill()
            made.process.wait()
            assert not gone(pid)  # what runs is not lost
        client.kill()
        client.communicate()
        until(lambda: gone(pid))


def test_a_dead_warm_process_means_a_cold_start_and_a_line() -> None:
    with started() as made:
        made.process.kill()
        made.process.wait()
        with kernel() as (manager, client):
            assert run(client, "import os; os.getpid()") == manager.provisioner.pid  # type: ignore[union-attr]
            assert parent(manager.provisioner.pid) == os.getpid()  # type: ignore[union-attr]
        assert made.stop() == ["warm kernels: the warm process does not answer"]


def test_what_python_reads_at_start_means_a_cold_start(warm: process.Warm) -> None:
    with kernel(env={**os.environ, "PYTHONHASHSEED": "5"}) as (manager, client):
        assert run(client, "import sys; sys.flags.hash_randomization") == 1
        assert parent(manager.provisioner.pid) == os.getpid()  # type: ignore[union-attr]
    notes = warm.folder / folder.NOTES
    assert "PYTHONHASHSEED is another than the command's" in notes.read_text()
    notes.unlink()


def test_a_folder_that_is_not_there_is_the_error_of_a_cold_start(warm: process.Warm) -> None:
    with pytest.raises(FileNotFoundError):
        KernelManager(kernel_name="python3").start_kernel(cwd="/no/such/folder")
    (warm.folder / folder.NOTES).unlink()


def test_a_run_finds_the_same_warm_and_cold(checkout: Checkout) -> None:
    words = ("run", "core_metrics", "-m", "JP", "--force")
    found = []
    for how in ("cold", "warm"):
        with tempfile.TemporaryDirectory() as own:
            said = checkout.study(*words, STUDY_KERNELS=how, TMPDIR=own)
            assert not list(Path(own).glob("study-warm-*"))
        assert "cold" not in said
        notebook = checkout.project.reports / "core_metrics" / "JP" / "2026-W10" / NOTEBOOK
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
        found.append(outputs)
        assert [each for each in outputs if FINDING in each]
    assert found[0] == found[1]
    assert "0 differ" in checkout.study("verify", "core_metrics", "-m", "JP")


def test_where_kernels_cannot_be_forked_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(process.sys, "platform", "darwin")
    with process.warm_kernels(said.append):
        assert folder.FOLDER_VARIABLE not in os.environ
    assert said == ["warm kernels: they need Linux; kernels start cold"]


COMMAND = """
import sys
from analysis.runs.warm.folder import FOLDER_VARIABLE
from analysis.runs.warm.process import warm_kernels
import os
with warm_kernels():
    print(os.environ[FOLDER_VARIABLE], flush=True)
    sys.stdin.read()
"""


def test_a_killed_command_leaves_neither_process_nor_folder() -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    folder = Path(command.stdout.readline().strip())
    assert folder.is_dir()
    command.kill()
    command.communicate()
    until(lambda: not folder.exists())


def test_the_lab_starts_warm_kernels(tmp_path: Path, bare: Checkout) -> None:
    """Through Jupyter Server's own API; the warm process ends with the lab."""
    with lab(bare, tmp_path / "runtime") as running:
        assert running.answers()[0] == "3\n"
        mine = running.process.pid
        children = Path(f"/proc/{mine}/task/{mine}/children").read_text().split()
        server = next(
            p for p in children if b"server.py" in Path(f"/proc/{p}/cmdline").read_bytes()
        )
        forked = Path(f"/proc/{server}/task/{server}/children").read_text().split()
        assert len(forked) == 1
        ours = "import sys; print([m for m in sys.modules if m[:8] == 'analysis'])"
        assert running.answers(ours)[0] == "[]\n"
    until(lambda: gone(int(server)) and gone(int(forked[0])))


def test_a_command_preloads_what_its_studies_import() -> None:
    """What they import as they begin comes with them; what they import later is found by name."""
    listed = ["duckdb", "jedi", "scipy", "scipy.stats", "statsmodels.api", "sqlglot.errors"]
    found = preload.for_studies(["enforcement_benchmark"], listed, CHECKOUT)
    assert found == ["duckdb", "jedi", "scipy", "scipy.stats"]
    assert preload.for_studies([], ["jedi", "pandas"], CHECKOUT) == ["jedi"]


def test_the_list_is_of_packages_that_are_there_and_not_ours() -> None:
    listed = (CHECKOUT / "src/analysis/runs/warm/preload.txt").read_text().split()
    assert listed == preload.wanted(CHECKOUT)
    assert {"pandas", "duckdb", "debugpy.server.api", "seaborn"} <= set(listed)
    assert not [name for name in listed if name.split(".")[0] == "analysis"]
    done = subprocess.run(
        [sys.executable, "-c", f"import {', '.join(listed)}"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
