"""What test modules share: a project of their own, the command as typed, what may be missing."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pytest

from analysis.project import Project

ResultT = TypeVar("ResultT")
CHECKOUT = Path(__file__).resolve().parents[1]


def missing(what: str) -> NoReturn:
    """Skips with a reason; under CI=true, where nothing may be missing, fails instead."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and under CI=true nothing may be missing")
    pytest.skip(what)


def copy_project(folder: Path) -> Project:
    """A project with this checkout's params/ and notebooks/, and no data."""
    for part in ("params", "notebooks"):
        shutil.copytree(CHECKOUT / part, folder / part, dirs_exist_ok=True)
    shutil.copy(CHECKOUT / "requirements.lock", folder)
    return Project(folder)


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, its code included, with small demo data."""

    project: Project

    @property
    def root(self) -> Path:
        return self.project.root

    def study(self, *words: str, status: int = 0, **environment: str) -> str:
        """Runs `study` and returns what it said; fails where its status is another."""
        done = subprocess.run(
            [sys.executable, "-c", "from analysis.cli import main; main()", *words],
            cwd=self.root,
            env={**clean_environment(), "PYTHONPATH": str(self.root / "src"), **environment},
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == status, f"status {done.returncode}, not {status}:\n{said}"
        assert "Traceback" not in said, said
        return said

    def edit(self, path: str, before: str, after: str) -> None:
        text = (self.root / path).read_text(encoding="utf-8")
        assert before in text
        (self.root / path).write_text(text.replace(before, after, 1), encoding="utf-8")


def clean_environment() -> dict[str, str]:
    """The environment without what would point a command at another project."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STUDY_")}


def make_checkout(folder: Path, demo: Project | None) -> Checkout:
    skip = shutil.ignore_patterns("__pycache__")
    for part in ("src", "params", "notebooks"):
        shutil.copytree(CHECKOUT / part, folder / part, ignore=skip)
    shutil.copy(CHECKOUT / "requirements.lock", folder)
    (folder / "data").mkdir()
    if demo:
        shutil.copy(demo.data / "warehouse.duckdb", folder / "data")
    return Checkout(Project(folder))


def awaited(work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """What a coroutine gives, from a thread of its own: a browser's test leaves a loop in this."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
