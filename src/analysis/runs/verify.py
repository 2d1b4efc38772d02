"""Whether executed notebooks reproduce: nbval runs them again and compares."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.errors import UserError
from analysis.project import ROOT_VARIABLE, Project
from analysis.report.record import (
    NOTEBOOK,
    VERIFIED,
    RunRecord,
    Verification,
    records,
)
from analysis.report.writing import replace_text
from analysis.runs.executors import apart
from analysis.runs.warm.process import Say, begin, unsaid, warm_kernels

#: What each of its processes imports; ours before nbval, which it imports without what is not used.
NBVAL = ("pytest", "analysis.runs.nbval_typed", "nbval.plugin")
PLUGINS = (*NBVAL[1:], "no:cacheprovider", "no:unraisableexception")


@dataclass(frozen=True)
class Verified:
    """One run executed again: it reproduced, or where it differs.

    Attributes:
        identity: of the run.
        differences: empty where it reproduced; such as `rate.value: 0.3 then, 0.4 now`.
    """

    identity: str
    differences: tuple[str, ...]

    @property
    def reproduced(self) -> bool:
        return not self.differences


def notebooks(
    project: Project, studies: Sequence[str], markets: Sequence[str], windows: Sequence[str]
) -> dict[str, Path]:
    """The executed notebooks of finished runs, by identity; empty sequences mean all.

    Raises:
        UserError: there is no such study, or no finished run of that kind.
    """
    for name in studies:
        project.study(name)
    found = {
        record.identity: folder / NOTEBOOK
        for folder, record in records(project.reports)
        if record.status == "done"
        and record.study in (studies or {record.study})
        and record.market in (markets or {record.market})
        and record.window in (windows or {record.window})
    }
    if not found:
        raise UserError("verify", "no finished run of that kind; make some with `study run`")
    return found


def verify(
    project: Project,
    found: dict[str, Path],
    *,
    jobs: int,
    done: Callable[[Verified], None] | None = None,
    say: Say = unsaid,
) -> list[Verified]:
    """Re-executes notebooks with nbval, `jobs` at once, and compares what they show.

    Args:
        project: whose runs these are.
        found: executed notebooks by identity, from `notebooks`.
        jobs: notebooks at once.
        done: called with each result.
        say: takes a line where kernels start cold that should not.

    Returns:
        One result a notebook, in the order in which they ended.
    """
    results = []
    # Threads only wait here: each notebook is executed by a process of its own.
    executed = {identity.partition("/")[0] for identity in found}
    begin(executed, NBVAL)
    with warm_kernels(say, executed), ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(_verify_one, project, name, path) for name, path in found.items()]
        for future in as_completed(waiting):
            results.append(future.result())
            note(results[-1], found[results[-1].identity].parent)
            if done:
                done(results[-1])
    return results


def note(result: Verified, folder: Path) -> None:
    """Leaves beside a run's record whether it reproduced; its page says it when published."""
    record = RunRecord.read(folder)
    if record is not None:
        kept = Verification(
            at=datetime.now(UTC), key=record.key, differences=len(result.differences)
        )
        replace_text(folder / VERIFIED, kept.model_dump_json())


def _verify_one(project: Project, identity: str, path: Path) -> Verified:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        status = apart(_nbval, project.root, path, report)
        if not report.exists():
            return Verified(identity, ("nbval could not run",))
        differences = [each for found in json.loads(report.read_bytes()).values() for each in found]
    if status and not differences:
        differences = ["nbval ended with an error"]
    return Verified(identity, tuple(differences))


def _nbval(root: Path, path: Path, report: Path) -> int:
    """In a process of its own: nbval on one notebook; pytest's status. What it says goes nowhere,
    since the differences are in the report."""
    import pytest

    os.environ[ROOT_VARIABLE] = str(root)
    os.chdir(report.parent)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    # Plugins that happen to be installed take a third of the time of a notebook; none is of use.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    plugins = [word for name in PLUGINS for word in ("-p", name)]
    options = ["--nbval", "--nbval-current-env", "--tb=no", "-q", "--typed-report", str(report)]
    return int(pytest.main([*plugins, *options, "--rootdir", str(path.parent), str(path)]))
