"""What the tests share: a project of their own, small demo data, the real published files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from analysis.project import ROOT_VARIABLE, Project
from analysis.warehouse import Warehouse
from engines import ENGINES, Place, opened, places
from support import CHECKOUT, Checkout, copy_project, make_checkout, missing

# Examples are never timed: on a busy machine a slow one says nothing about the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

#: Small enough for seconds, large enough for every market to have a usable week.
DEMO_SCALE = 0.1


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


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout without data."""
    return make_checkout(tmp_path / "checkout", None)


@pytest.fixture
def checkout(tmp_path: Path, demo: Project) -> Checkout:
    """A checkout with small demo data and no runs."""
    return make_checkout(tmp_path / "checkout", demo)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Gives the URL of a new, empty warehouse of an engine's (see engines.py)."""
    with places(tmp_path_factory.mktemp("engines")) as made:
        yield made


@pytest.fixture(params=ENGINES)
def warehouse(
    request: pytest.FixtureRequest, place: Place, project: Project
) -> Iterator[Warehouse]:
    """An empty warehouse of each engine."""
    with opened(project, place(request.param)) as made:
        yield made


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, demo: Project) -> Checkout:
    """A checkout whose default matrix was run; tests must not change it.

    Marked tests share it: `pytest.mark.xdist_group("site")` keeps them in one process.
    """
    made = make_checkout(tmp_path_factory.mktemp("site") / "checkout", demo)
    made.study("run")
    return made


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose warehouse holds small demo data; tests must not change it.

    Built once: the processes of pytest-xdist share the folder above their own, the first that
    gets the lock builds aside and renames, the others wait for the lock.
    """
    from analysis.warehouse.demo import make_demo

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    made = folder / "demo-project"
    with (folder / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            partial = tmp_path_factory.mktemp("demo")
            make_demo(copy_project(partial), scale=DEMO_SCALE)
            partial.rename(made)
    return Project(made)


@pytest.fixture
def demo_env(demo: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The shared demo project, found by commands and notebooks."""
    monkeypatch.setenv(ROOT_VARIABLE, str(demo.root))
    monkeypatch.chdir(demo.root)
    return demo
