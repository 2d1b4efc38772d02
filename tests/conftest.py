"""What the tests share: a project of their own, small demo data, the real published files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import CHECKOUT, copy_project, missing

from analysis.project import ROOT_VARIABLE, Project


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
