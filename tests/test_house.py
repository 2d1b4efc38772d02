"""The project's own promises: what is pinned, generated, layered and explained stays so."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from support import CHECKOUT

FIXED = {
    "jupyterlab",
    "papermill",
    "pandas",
    "seaborn",
    "statsmodels",
    "nbconvert",
    "pytest",
    "nbval",
}


def pyproject() -> dict[str, list[Requirement]]:
    """Every requirement of the project by where it stands."""
    with (CHECKOUT / "pyproject.toml").open("rb") as file:
        found = tomllib.load(file)
    groups = {"dependencies": found["project"]["dependencies"], **found["dependency-groups"]}
    groups |= found["project"].get("optional-dependencies", {})
    return {name: [Requirement(text) for text in texts] for name, texts in groups.items()}


LOCKS = ("requirements.lock", "requirements-spark.lock")


def lock(*names: str) -> str:
    """What the lock files pin: all of them, or those named."""
    texts = ((CHECKOUT / name).read_text(encoding="utf-8") for name in names or LOCKS)
    return "".join(texts)


def pins(text: str) -> dict[str, set[Version]]:
    """Versions by package: more than one where they differ by Python's version."""
    found: dict[str, set[Version]] = {}
    for name, version in re.findall(r"([a-z0-9][a-z0-9._-]*)==([^\s;\"]+)", text):
        found.setdefault(canonicalize_name(name), set()).add(Version(version))
    return found


def test_the_fixed_packages_are_dependencies() -> None:
    assert {each.name for each in pyproject()["dependencies"]} >= FIXED


def test_the_lock_meets_every_requirement() -> None:
    locked = pins(lock())
    for group in pyproject().values():
        for wanted in group:
            name = canonicalize_name(wanted.name)
            assert name in locked, f"{name} is not in requirements.lock"
            for version in locked[name]:
                assert version in wanted.specifier, f"{wanted} but {version} is locked"


def test_the_lock_has_a_hash_for_each_pin_and_no_address() -> None:
    text = lock()
    blocks = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    packages = [block for block in blocks if block and "==" in block.splitlines()[0]]
    assert len(packages) > 100
    assert all("--hash=sha256:" in block for block in packages)
    assert not re.search(r"https?://|--index|--extra-index|--find-links", text)


def test_nbconvert_is_new_enough() -> None:
    assert min(pins(lock())["nbconvert"]) >= Version("7.17.2")


def test_conda_users_get_the_same_versions() -> None:
    environment = (CHECKOUT / "environment.yml").read_text(encoding="utf-8")
    assert pins(environment) == pins(lock("requirements.lock"))
    assert "--editable ." in environment


def test_what_is_generated_is_in_step() -> None:
    command = [sys.executable, "tests/generate.py", "--check"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_dependency_has_its_line_in_the_readme() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    section = readme.split("## Dependencies")[1].split("\n## ")[0].lower()
    for group in pyproject().values():
        for each in group:
            assert f"`{each.name}`" in section, f"{each.name} has no line under Dependencies"


def test_imports_run_one_way() -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("target", ["reports", "test", "lab", "check", "bench", "clean", "help"])
def test_make_lists_its_targets(target: str) -> None:
    done = subprocess.run(["make", "-s"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    lines = [line for line in done.stdout.splitlines() if line.split()[0] == target]
    assert len(lines) == 1
    assert len(lines[0].split()) > 2


def test_the_gate_is_the_readmes_own_test_command() -> None:
    gate = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make test$", gate, flags=re.MULTILINE)
