"""Every command in README.md is run, as it stands there, in a clone of this project."""

from __future__ import annotations

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from cronsim import CronSim
from nbformat.v4 import new_code_cell, new_notebook, new_output
from ruamel.yaml import YAML

from analysis.project import Limits, Schedule
from analysis.report.guarded import guard
from analysis.safeguards.disclosure import Rules
from analysis.sources.declared import Database, Sources
from analysis.warehouse import TABLES, scratch
from analysis.warehouse.contracts import check_columns
from support import CHECKOUT, Checkout, clean_environment

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]
PYTHON = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
#: Commands that a test of their own runs.
ELSEWHERE = {
    "make reports": "test_make_reports_in_a_fresh_clone",
    "make test": "this is it",
    "source .venv/bin/activate": "the fixture's path",
}


def test_readme_begins_with_the_two_commands() -> None:
    assert COMMANDS[:2] == ["make reports", "make test"]


@pytest.mark.xdist_group("readme")
def test_every_command_of_the_tour(checkout: Checkout, real_data: Path) -> None:
    """In their order, in one checkout, with the command of this environment on the path."""
    raw = checkout.project.data / "raw" / "published"
    raw.mkdir(parents=True)
    for folder in ("tiktok_enforcement", "meta_standards"):
        for path in (real_data / folder).glob("*.csv.gz"):
            (raw / path.name).symlink_to(path)
    (raw.parent / "moderation_labels").symlink_to(real_data / "moderation_labels")
    environment = clean_environment() | {
        "PYTHONPATH": str(checkout.root / "src"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "XDG_STATE_HOME": str(checkout.root / ".state"),  # the person's own limit stays as it is
    }
    ran = [line for line in COMMANDS if line not in ELSEWHERE]
    assert len(ran) >= 10
    for line in ran:
        # Sixty-seven runs are the business of the study's own tests; here four show the command.
        typed = line.replace("enforcement_benchmark --all", "enforcement_benchmark")
        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=checkout.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_a_market_is_one_line(bare: Checkout) -> None:
    """The README's own line, then the demo and a study for the new market."""
    line = re.search(r"`(NO: \{.*?\})`", README)
    assert line
    markets = bare.root / "params" / "markets.yaml"
    markets.write_text(f"{markets.read_text(encoding='utf-8')}  {line[1]}\n", encoding="utf-8")
    bare.study("check")
    bare.study("demo", "--scale", "0.02")
    assert "1 done" in bare.study("run", "core_metrics", "--market", "NO")


def test_the_schedulers_examples_are_what_they_say() -> None:
    """The workflow is YAML of jobs with steps, the DAG is Python; both call a command that is."""
    blocks = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    parsed = next(each for each in map(YAML(typ="safe", pure=True).load, blocks) if "on" in each)
    assert CronSim(parsed["on"]["schedule"][0]["cron"], datetime(2026, 1, 1, tzinfo=UTC))
    steps = parsed["jobs"]["studies"]["steps"]
    assert all(len({"uses", "run"} & step.keys()) == 1 for step in steps)
    assert {step["run"] for step in steps if "run" in step} == {
        "make .venv/.ready",
        ".venv/bin/study run --due",
    }
    (dag,) = (block for block in PYTHON if "airflow" in block)
    compile(dag, "dag.py", "exec")
    assert '".venv/bin/study run --due"' in dag
    (declared,) = re.findall(r"`schedule: (\{.*?\})`", README)
    Schedule.model_validate(YAML(typ="safe", pure=True).load(declared))
    (limits,) = re.findall(r"`limits: (\{.*?\})`", README)
    Limits.model_validate(YAML(typ="safe", pure=True).load(limits))


def test_the_chart_of_ones_own_may_leave_a_run() -> None:
    (block,) = (block for block in PYTHON if "seaborn" in block)
    rows = pd.DataFrame({"policy": ["spam", "hate"], "reports": [300, 120]})
    *drawing, shown = ast.parse(block).body
    assert isinstance(shown, ast.Expr)
    names: dict[str, object] = {"rows": rows}
    exec(compile(ast.Module(drawing, []), "README", "exec"), names)  # noqa: S102  # our own words
    figure = eval(compile(ast.Expression(shown.value), "README", "eval"), names)  # noqa: S307
    output = new_output("display_data", figure._repr_mimebundle_())
    kept, withheld = guard(
        new_notebook(cells=[new_code_cell(outputs=[output])]), rules=Rules(11, 100)
    )
    svg = kept.cells[0].outputs[0].data["image/svg+xml"]
    assert {"spam", "hate", "reports"} <= set(re.findall(r">([a-z]+)</text>", svg))
    assert (withheld.cells, withheld.pictures, withheld.kinds) == (0, 0, ())


def test_the_declared_source_is_one_and_maps_what_its_table_takes() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    read = map(YAML(typ="safe", pure=True).load, blocks)
    given = next(each for each in read if "moderation" in each)
    (source,) = Sources.model_validate({"sources": given}).sources.values()
    assert isinstance(source, Database)
    raw = source.raw["rulings"]
    kinds = {name: "TIMESTAMP" if name.endswith("_at") else "VARCHAR" for name in raw.columns}
    rows = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in kinds.items())
    with scratch() as stage:
        stage.keep("rulings", f"SELECT {rows}")
        found = stage.describe(source.tables["decisions"])
    check_columns(TABLES["decisions"], found, "README")


@pytest.mark.xdist_group("clone")
def test_make_reports_in_a_fresh_clone(tmp_path: Path) -> None:
    """The first of the two commands as a person types it, from nothing; then again: no work."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", str(CHECKOUT), str(clone)], check=True)
    environment = clean_environment()
    command = ["make", "reports"]
    run = {"cwd": clone, "env": environment, "capture_output": True, "text": True, "check": True}
    said = subprocess.run(command, **run, timeout=600).stdout  # type: ignore[call-overload]
    index = re.search(r"^site: (.*index\.html)$", said, flags=re.MULTILINE)
    assert index
    assert Path(index[1]).is_file()
    assert " 0 failed, 0 fresh already" in said
    started = time.monotonic()
    again = subprocess.run(command, **run, timeout=600).stdout  # type: ignore[call-overload]
    print(f"a second call took {time.monotonic() - started:.1f} s")
    assert " 0 done, 0 without data, 0 failed, " in again


def test_make_lab_serves_this_project(checkout: Checkout) -> None:
    """`study lab`, which `make lab` calls: JupyterLab answers and lists the notebooks."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["lab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    words += ["--IdentityProvider.token=t"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from analysis.cli import main; main()", *words],
        cwd=checkout.root,
        env=clean_environment() | {"PYTHONPATH": str(checkout.root / "src")},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        listening = f"http://127.0.0.1:{port}/api/contents/notebooks?token=t"
        assert b"core_metrics.ipynb" in first_answer(listening, process, seconds=60)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_answer(address: str, process: subprocess.Popen[bytes], *, seconds: float) -> bytes:
    """What a server says once it listens; it has no other way to tell that it does."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as reply:
                return bytes(reply.read())
        except urllib.error.URLError:
            time.sleep(0.1)
    raise AssertionError(f"no answer from {address}, status {process.poll()}")
