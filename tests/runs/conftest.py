"""Whole projects of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import Checkout, make_checkout

from analysis.project import Project


@pytest.fixture
def bare(tmp_path: Path) -> Checkout:
    """A checkout without data."""
    return make_checkout(tmp_path / "checkout", None)


@pytest.fixture
def checkout(tmp_path: Path, demo: Project) -> Checkout:
    """A checkout with small demo data and no runs."""
    return make_checkout(tmp_path / "checkout", demo)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, demo: Project) -> Checkout:
    """A checkout whose default matrix was run; tests must not change it.

    Marked tests share it: `pytest.mark.xdist_group("site")` keeps them in one process.
    """
    made = make_checkout(tmp_path_factory.mktemp("site") / "checkout", demo)
    made.study("run")
    return made
