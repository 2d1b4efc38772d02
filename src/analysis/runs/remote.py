"""What a worker of a cluster does: its own checkout executes a run and sends the folder back.

A worker shares nothing with the command but the scheduler: it has a checkout of its own (its
working folder, or `STUDY_PROJECT`), reads its own warehouse's URL, makes its own cubes, and starts
its own kernels. That it would find what this checkout would is not believed but looked at: a run's
key is made again on the worker, and its parts must be the same.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from uuid import uuid4

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.record import RunRecord
from analysis.runs.execute import (
    Outcome,
    describe_now,
    disk_trouble,
    make,
    settle,
    versions,
)
from analysis.runs.keys import Keys
from analysis.runs.nested import one_at_a_time
from analysis.runs.placing import ASIDE
from analysis.runs.placing import replace as put_in_place
from analysis.runs.plan import Planned
from analysis.runs.warm.folder import FOLDER_VARIABLE
from analysis.runs.warm.process import start_or_say, unsaid

#: What the parts of a key that lie with a worker are called; a run's parameters travel with it.
WORDS = {
    "notebook": "another notebook",
    "params": "other files in params/",
    "code": "other code",
    "page": "other code of its pages",
    "data": "another version of the tables' rows",
    "lock": "another requirements.lock",
    "epoch": "another epoch",
}


@dataclass(frozen=True)
class Packed:
    """A finished run as it travels: its record, and its folder as a compressed tar in memory."""

    record: RunRecord
    folder: bytes


def differences(token: str, expected: Mapping[str, str], planned: Iterable[Planned]) -> list[str]:
    """How this process's checkout differs from the command's, in words; empty where it does not.

    Args:
        token: of the command: what is read of the checkout is read once for each.
        expected: the command's `versions`.
        planned: runs with their keys' parts.
    """
    here = versions()
    found = [f"{n} {here[n]} and not {expected[n]}" for n in expected if here[n] != expected[n]]
    try:
        if _code() != _loaded():
            found.append("code that changed after it was started; restart it")
        keys = _keys(token)
        parts = [(each.parts, keys.parts(each.run)) for each in planned]
    except UserError as error:
        return [*found, f"a mistake ({error})"]
    names = {name for then, now in parts for name in then if then[name] != now.get(name)}
    names.discard("parameters")
    return [*found, *(WORDS.get(name, f"another {name}") for name in sorted(names))]


@cache
def _keys(token: str) -> Keys:  # noqa: ARG001 - what it is kept by
    return Keys(Project.find())


def _code() -> str:
    """A digest of the code of `analysis` as it lies in this process's checkout."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def _loaded() -> str:
    """The same when this process was first asked, which is when it imported it."""
    return _code()


@cache
def _prepared(token: str, root: Path, study: str) -> None:  # noqa: ARG001
    """What a study's runs share, made once for a command on each worker."""
    module = importlib.import_module(f"analysis.studies.{study}")
    if hasattr(module, "prepare"):
        module.prepare(Project(root))


def _warm(study: str) -> None:
    """Kernels of this process are forked from a warm one from now on, as long as it lives."""
    if os.environ.get(FOLDER_VARIABLE):
        return
    warm = start_or_say(unsaid, [study])
    if warm:
        atexit.register(warm.stop)


def execute_and_pack(
    token: str, expected: Mapping[str, str], planned: Planned, revision: str
) -> Packed:
    """Executes one run on a worker; the folder that it was made in is gone afterwards."""
    from distributed import get_worker  # the command that unpacks goes without it

    project = Project.find()
    other = differences(token, expected, [planned])
    reason = f"a worker that joined late has {'; '.join(other)}" if other else ""
    try:
        if not reason:
            _prepared(token, project.root, planned.run.study)
    except UserError as error:
        reason = f"on a worker: {error}"
    if reason:
        return Packed(describe_now(project, planned, Outcome("failed", reason), revision), b"")
    _warm(planned.run.study)
    packed: list[bytes] = []
    # Dask clears the folder of a worker that was killed.
    with tempfile.TemporaryDirectory(dir=get_worker().local_directory) as place:
        aside = Path(place) / "run"

        def pack_it(record: RunRecord) -> RunRecord:
            packed.append(pack(aside))
            return record

        record = make(project, planned, revision, aside, pack_it)
    return Packed(record, packed[0] if packed else b"")


def pack(folder: Path) -> bytes:
    """A folder's files as a compressed tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=3) as tar:
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False)
    return buffer.getvalue()


def unpack(project: Project, planned: Planned, packed: Packed) -> RunRecord:
    """Writes a run that came back aside and renames it into the site.

    A tar from elsewhere is not trusted: a member that would lie outside its folder is refused.
    """
    if not packed.folder:
        return packed.record
    aside = project.reports / ASIDE / uuid4().hex
    try:
        aside.mkdir(parents=True)
        with tarfile.open(fileobj=io.BytesIO(packed.folder), mode="r:gz") as tar:
            tar.extractall(aside, filter="data")
        with one_at_a_time(project, planned):
            record = settle(project, planned, packed.record, aside)
            put_in_place(aside, planned.run.folder(project), project.reports)
    except (OSError, tarfile.TarError) as error:
        reason = disk_trouble(error) if isinstance(error, OSError) else "its folder came back torn"
        return packed.record.model_copy(update={"status": "failed", "reason": reason})
    finally:
        with suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
    return record
