"""A person's mistake: one clear message, status 2, no kernel started, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.warehouse import open_warehouse
from support import Checkout, missing

RUN = ("run", "core_metrics")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*RUN, "--window", "2030-W01"), "'2030-W01' lies in the future"),
        ((*RUN, "--window", "2026-W60"), "'2026-W60' has no such week; 2026 has 53"),
        ((*RUN, "--market", "XX"), "market: 'XX' is not known"),
        ((*RUN, "--market", "JPN"), "did you mean 'JP'?"),
        ((*RUN, "-p", "markte=JP"), "'markte' is not known; did you mean 'market'?"),
        ((*RUN, "-p", "x=1; import os"), "parameter: 'x' is not known"),
        ((*RUN, "-p", "x; import os=1"), "is no parameter; write name=value"),
        ((*RUN, "-p", "market"), "is no parameter; write name=value"),
        ((*RUN, "-p", "market=../../etc"), "market: '../../etc' is not known"),
        ((*RUN, "-p", "window=../../etc"), "'../../etc' is no window"),
        ((*RUN, "-p", "trend_windows=many"), "trend_windows: 'many' given"),
        (("run", "-p", "market=JP"), "parameters belong to a study"),
        ((*RUN, "--due"), "none of these studies has a schedule"),
        ((*RUN, "--due", "--force"), "--force: goes with neither --due nor --watch"),
        (("run", "core_metric"), "did you mean 'core_metrics'?"),
        (("plan", "core_metrics", "--window", "yesterday"), "is no window"),
        (("verify", "core_metrik"), "did you mean 'core_metrics'?"),
        (("acquire", "publised", "--from", "."), "did you mean 'published'?"),
        (("acquire", "published", "--from", "nowhere"), "nowhere"),
        (("metric", "appeal_rat", "--market", "JP"), "did you mean 'appeal_rate'?"),
        (("metric", "appeal_rate", "--market", "JPN"), "did you mean 'JP'?"),
        (("metric", "appeal_rate", "-m", "JP", "-w", "2030-W01"), "lies in the future"),
        (
            ("sql", "select vews from exposure"),
            "no column 'vews' in exposure; did you mean 'views'?",
        ),
        (("sql", "drop table exposure"), "DROP is no query; the warehouse is only read here"),
        (("sql", "copy exposure to 'here.csv'"), "COPY is no query"),
        (("sql", "select 1; select 2"), "one query is run at a time"),
        (("new", "Core Metrics"), "is no name for a study"),
        (("new", "core_metrics"), "is there already"),
        (("new", "../evil"), "is no name for a study"),
    ],
    ids=lambda value: "-".join(value)[:60] if isinstance(value, tuple) else "",
)
def test_a_mistake_on_the_command_line(
    checkout: Checkout, words: tuple[str, ...], message: str
) -> None:
    before = snapshot(checkout.root)
    said = checkout.study(*words, status=2)
    assert message in said
    assert len(said.strip().splitlines()) == 1
    assert snapshot(checkout.root) == before


def test_no_warehouse_yet(bare: Checkout) -> None:
    assert "make it with `study demo`" in bare.study(*RUN, status=2)


@pytest.mark.parametrize(
    ("file", "before", "after", "message"),
    [
        ("params/project.yaml", "seed: ", "seed:\t", "params/project.yaml, line"),
        ("params/markets.yaml", "  JP: {", "  DE: {", "found duplicate key"),
        ("params/studies/core_metrics.yaml", "title:", "titel:", "did you mean 'title'?"),
        ("notebooks/core_metrics.ipynb", '"cells"', "cells", "the file is no notebook"),
    ],
)
def test_a_mistake_in_a_file(
    checkout: Checkout, file: str, before: str, after: str, message: str
) -> None:
    checkout.edit(file, before, after)
    said = checkout.study(*RUN, "--market", "JP", "--window", "2026-W10", status=2)
    assert message in said
    assert file in said
    assert not (checkout.root / "reports").exists()


@pytest.mark.parametrize("verb", [RUN, ("demo", "--keep"), ("plan",)])
def test_a_corrupt_warehouse(checkout: Checkout, verb: tuple[str, ...]) -> None:
    warehouse = checkout.project.data / "warehouse.duckdb"
    warehouse.write_bytes(b"this is no database" * 1000)
    assert "no readable DuckDB file" in checkout.study(*verb, status=2)
    assert warehouse.read_bytes().startswith(b"this is no database")


def test_a_warehouse_without_the_studys_rows(bare: Checkout) -> None:
    """Only published figures were loaded: the studies of the platform say what they need."""
    with open_warehouse(bare.project, write=True):
        pass
    said = bare.study(*RUN, status=2)
    assert "'latest-week' needs rows, and exposure has none yet" in said
    assert "6 runs: 0 done, 6 without data" in bare.study(*RUN, "--window", "2026-W10")


HEADER = "Metric,Period Type,Period,Policy Type,Issue Policy,Task Type,Task,Location,Market,Result"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEADER.replace(",Result", "") + "\nx,y\n", "Result"),
        ("", "empty"),
        (HEADER + "\n", "tiktok-2023-q3.csv"),
    ],
    ids=["missing column", "empty", "header only"],
)
def test_a_file_that_is_not_as_published(bare: Checkout, text: str, message: str) -> None:
    raw = bare.project.data / "raw"
    raw.mkdir()
    (raw / "tiktok-2023-q3.csv").write_text(text, encoding="utf-8")
    before = snapshot(bare.root)
    said = bare.study("acquire", "published", "--from", str(raw), status=2)
    assert "tiktok-2023-q3.csv" in said
    assert message in said
    assert snapshot(bare.root) == before


HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_locked_warehouse(checkout: Checkout) -> None:
    path = checkout.project.data / "warehouse.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert "is locked" in checkout.study(*RUN, "--window", "2026-W10", status=2)
        holder.communicate("")
    assert "new" in checkout.study("plan", "core_metrics", "--market", "JP")


def test_a_full_disk_while_writing(checkout: Checkout, tmp_path: Path) -> None:
    """A real file system of 600 KB: earlier reports stay, the run fails, nothing half-written."""
    mount = tmp_path / "small"
    mount.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        missing("no small file system could be mounted (needs root)")
    try:
        reports = {"STUDY_REPORTS": str(mount)}
        earlier = mount / "earlier.txt"
        earlier.write_bytes(b"x" * 590_000)
        said = checkout.study(*RUN, "-m", "JP", "-w", "2026-W10", status=1, **reports)
        assert "no space left on the disk" in said
        assert earlier.read_bytes() == b"x" * 590_000
        assert not list(mount.rglob("run.json"))
        assert not list(mount.rglob("report.html"))
        assert not list((mount / ".aside").glob("*"))
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def snapshot(root: Path) -> dict[str, int]:
    """Every file of a project with its size, but for what Python and DuckDB keep for themselves,
    and what was read of params/ and of the warehouse's file."""
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".wal")
    shown = {str(path.relative_to(root)): path.stat().st_size for path in files}
    apart = ("data/params/", "data/noted/", "__pycache__/")
    return {name: size for name, size in shown.items() if not any(each in name for each in apart)}
