"""What `study check` looks at beside the studies: secrets, permissions, known holes.

What may be wrong but need not be is a note; what is wrong is a mistake, and the check fails.
"""

from __future__ import annotations

import importlib.metadata
import json
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from analysis.errors import UserError
from analysis.project import Project
from analysis.safeguards.people.exposure import log_path, others_may_read

#: The least versions without holes that reach this project, with what the hole was.
SAFE = {
    "jinja2": ("3.1.6", "templates could leave their sandbox (CVE-2025-27516)"),
    "nbconvert": ("7.17.2", "notebooks could put scripts into pages"),
    "papermill": ("2.6.0", "names of parameters were not looked at"),
    "tornado": ("6.5", "a request could fill the log and stop JupyterLab (CVE-2025-47287)"),
}
_PATIENCE = 180


def mistakes(project: Project) -> Iterator[UserError]:
    """What is wrong."""
    yield from _secrets(project)
    yield from _versions()
    if _others_may_write(_warehouse(project)):
        problem = "anyone may write it; chmod 600 it"
        yield UserError(project.relative(_warehouse(project) or project.data), problem)
    if others_may_read(log_path()):
        yield UserError("exposure log", f"others may read it; chmod 600 {log_path()}")


def notes(project: Project) -> Iterator[str]:
    """What may be wrong."""
    warehouse = _warehouse(project)
    if warehouse and others_may_read(warehouse):
        where = project.relative(warehouse)
        yield f"{where}: others on this machine may read it; chmod 600 it where rows are real"


def _secrets(project: Project) -> Iterator[UserError]:
    """What looks like a secret in files that go into git: params/ and the notebooks."""
    from analysis.safeguards.scanning import scan_notebook, scan_text

    allowed = frozenset(project.settings.not_secrets)
    for path in [
        *sorted(project.params.rglob("*.yaml")),
        *sorted(project.notebooks.glob("*.ipynb")),
    ]:
        where = project.relative(path)
        try:
            text = path.read_text(encoding="utf-8")
            scan = scan_notebook if path.suffix == ".ipynb" else scan_text
            hits = scan(text, where, allowed)
        except (OSError, ValueError, KeyError, TypeError):
            continue  # what can't be read is said by the check of studies
        for hit in hits:
            problem = (
                f"looks like a secret: {hit.kind}; if it is none, add {hit.digest} to not_secrets"
            )
            yield UserError(hit.where, problem)


def _versions() -> Iterator[UserError]:
    from packaging.version import Version

    for name, (least, hole) in SAFE.items():
        found = importlib.metadata.version(name)
        if Version(found) < Version(least):
            yield UserError(name, f"{found} is installed; below {least} {hole}")


def _warehouse(project: Project) -> Path | None:
    """The warehouse's file, where it is one."""
    kind, _, rest = project.warehouse_url.partition(":///")
    path = project.root / rest
    return path if kind == "duckdb" and path.exists() else None


def _others_may_write(path: Path | None) -> bool:
    return bool(path and path.stat().st_mode & stat.S_IWOTH)


def known_holes(project: Project) -> tuple[list[UserError], str]:
    """What pip-audit knows of the locked versions, and what it could not look up.

    Returns:
        A mistake for each hole, and a sentence: empty where all was looked up.
    """
    lock = project.root / "requirements.lock"
    words = ["-r", str(lock), "--require-hashes", "--disable-pip", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", *words]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        found = json.loads(done.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return [], f"pip-audit gave no answer in {_PATIENCE} s; dependencies were not looked up"
    except (OSError, ValueError, KeyError):
        lacking = "No module named" in done.stderr
        why = "it is not installed (extra `audit`)" if lacking else "it reached no network"
        return [], f"pip-audit could not look up the dependencies: {why}"
    holes = [
        UserError(f"{each['name']} {each['version']}", _hole(hole))
        for each in found
        for hole in each.get("vulns", ())
    ]
    return holes, ""


def _hole(hole: dict[str, object]) -> str:
    fixed = hole.get("fix_versions") or []
    versions = ", ".join(map(str, fixed)) if isinstance(fixed, list) else ""
    return f"{hole.get('id')}; mended in {versions or 'no version yet'}"
