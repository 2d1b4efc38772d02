"""What the tests share: a project of their own, small demo data, the real published files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from analysis.project import ROOT_VARIABLE, Project

CHECKOUT = Path(__file__).resolve().parents[1]


def missing(what: str) -> None:
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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of the test's own without data; commands and notebooks find it."""
    made = copy_project(tmp_path / "project")
    monkeypatch.setenv(ROOT_VARIABLE, str(made.root))
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The published files: `STUDY_REAL_DATA`, or beside the checkout."""
    folder = Path(os.environ.get("STUDY_REAL_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        missing(f"no published files in {folder}; name their folder with STUDY_REAL_DATA")
    return folder
