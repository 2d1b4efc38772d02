from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from analysis.project import Project
from small_platform import make_small
from support import copy_project


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the small platform's rows; tests must not change it."""
    made = copy_project(tmp_path_factory.mktemp("small") / "project")
    make_small(made)
    return made


@pytest.fixture
def own(small: Project, tmp_path: Path) -> Project:
    """A copy of it that a test may change, without cubes."""
    return Project(
        Path(shutil.copytree(small.root, tmp_path / "own", ignore=shutil.ignore_patterns("cubes")))
    )
