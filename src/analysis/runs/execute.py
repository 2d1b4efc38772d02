"""One run: the notebook executed by papermill, its record written aside and renamed.

Runs in a worker process. Everything that can go wrong inside becomes a record with the status
`failed`, so that a run's neighbours go on.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import math
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from nbformat import NotebookNode

from analysis.errors import FULL, UserError
from analysis.project import ROOT_VARIABLE, Project
from analysis.report.holding import look_through
from analysis.report.i18n import locale_for
from analysis.report.page import data_files, render
from analysis.report.record import (
    DATA,
    NOTEBOOK,
    PAGE,
    RECORD,
    RunRecord,
    Status,
    findings_of,
)
from analysis.report.regions import read_notebook
from analysis.runs.gate import beside, gate, guarded, is_published
from analysis.runs.limits import Watch, watched
from analysis.runs.nested import one_at_a_time, others
from analysis.runs.placing import ASIDE, replace
from analysis.runs.plan import Planned
from analysis.sources.summary import doubts
from analysis.warehouse import noted_complete_until

PACKAGES = ("pandas", "numpy", "duckdb", "statsmodels", "papermill", "nbconvert")


@dataclass(frozen=True)
class Outcome:
    """How a run's notebook ended, and after how many attempts."""

    status: Status
    reason: str = ""
    attempts: int = 1


def execute(root: Path, planned: Planned, revision: str) -> RunRecord:
    """Executes one run and leaves its folder complete in the site, or says why it could not.

    Args:
        root: the project's folder.
        planned: the run with its key.
        revision: of the code.

    Returns:
        The record as written; `failed` records are returned even where the disk takes no more.
    """
    project = Project(root)
    aside, folder = project.reports / ASIDE / uuid4().hex, planned.run.folder(project)

    def put(record: RunRecord) -> RunRecord:
        replace(aside, folder, project.reports)
        return record

    made = make(project, planned, revision, aside, put)
    look_through(project, folder, made)
    return made


def make(
    project: Project,
    planned: Planned,
    revision: str,
    aside: Path,
    put: Callable[[RunRecord], RunRecord],
) -> RunRecord:
    """Executes one run in a folder aside, has it put where it belongs, and clears the folder."""
    os.chdir(project.root)
    os.environ[ROOT_VARIABLE] = str(project.root)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    started, clock = datetime.now(UTC), time.perf_counter()

    def record(outcome: Outcome) -> RunRecord:
        seconds = time.perf_counter() - clock
        return describe(project, planned, outcome, started, seconds, revision)

    try:
        aside.mkdir(parents=True)
        with quiet_kernel():
            outcome, notebook = attempt(project, planned)
        with one_at_a_time(project, planned):
            return put(finish(project, planned, record(outcome), notebook, aside))
    except OSError as error:
        return record(Outcome("failed", disk_trouble(error)))
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def quiet_kernel() -> Iterator[None]:
    """Keeps off the terminal what a kernel says of its own coming and going.

    What matters of it is in the outcome; a kernel inherits the file, so Python's own redirection
    would not do.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def attempt(project: Project, planned: Planned) -> tuple[Outcome, NotebookNode | None]:
    """The notebook executed within its study's limits, once more for each retry while it fails."""
    limits = planned.run.spec.limits
    for attempts in range(1, limits.retries + 2):
        with watched(limits) as watch:
            outcome, notebook = run_notebook(project, planned, watch)
        failed = outcome.status == "failed"
        reason = watch.exceeded if failed and watch.exceeded else outcome.reason
        outcome = Outcome(outcome.status, reason, attempts)
        if not failed:
            break
    return outcome, notebook


def run_notebook(
    project: Project, planned: Planned, watch: Watch
) -> tuple[Outcome, NotebookNode | None]:
    """Papermill on the study's notebook; what it raises becomes an outcome.

    The notebook comes back as far as it was executed, from memory: papermill writes nothing, so
    that no file holds what has not passed the gate.
    """
    import nbformat.v4.nbbase
    import papermill.execute
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    run = planned.run
    begun: list[NotebookNode] = []
    outcome = Outcome("done")
    # Even without a file to write papermill makes the text for it: a tenth of a run's time.
    papermill.execute.write_ipynb = _write_nothing
    # The gate makes each output anew, whatever its shape: to check a hundred of them against
    # Jupyter's schema as they come took a tenth of what a worker does for a run.
    nbformat.v4.nbbase.validate = _check_nothing
    try:
        papermill.execute_notebook(
            project.notebooks / f"{run.study}.ipynb",
            None,
            parameters=dict(run.parameters),
            kernel_name="python3",
            progress_bar=False,
            kernel_manager_class=watch.manager(),
            # For news of a cell's end after its reply: by default 4 s, which a busy machine may
            # need for thousands of outputs. The watch ends it all before.
            iopub_timeout=math.ceil(2 * watch.limits.seconds),
            on_notebook_start=lambda notebook: begun.append(notebook),
            # What kernel and client say to each other is encrypted; plain TCP can be listened to.
            config=Config(KernelManager={"transport_encryption": "auto"}),
        )
    except PapermillExecutionError as error:
        outcome = _outcome(error)
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        # A kernel that died, a notebook that is none: papermill's and nbclient's own errors, of
        # which some are an OSError without a number.
        reason = f"the notebook could not be executed ({type(error).__name__})"
        outcome = Outcome("failed", reason)
    return outcome, begun[0] if begun else None


def _write_nothing(notebook: NotebookNode, path: None) -> None:
    """In the place of papermill's writer: it is given no path."""


def _check_nothing(node: Any, ref: Any = None) -> None:
    """In the place of nbformat's check."""


def _outcome(error: Any) -> Outcome:
    if error.ename == "NoData":
        return Outcome("no_data", error.evalue)
    if error.ename == "UserError":
        # IPython gives the arguments of the exception; ours are (where, problem).
        return Outcome("failed", _message(error))
    if error.ename == "OSError" and "No space left" in error.evalue:
        return Outcome("failed", "no space left on the disk")
    # The value of a foreign error may hold a secret or a row; its kind and place do not.
    return Outcome("failed", f"{error.ename} in cell {error.exec_count}")


def _message(error: Any) -> str:
    shown = [line for line in error.traceback if line.strip()]
    return str(shown[-1]) if shown else str(error.evalue)


def disk_trouble(error: OSError) -> str:
    if error.errno in FULL:
        return "no space left on the disk; nothing was written, earlier reports are as they were"
    return f"the report could not be written: {error.strerror or type(error).__name__}"


def describe(
    project: Project,
    planned: Planned,
    outcome: Outcome,
    started: datetime,
    seconds: float,
    revision: str,
) -> RunRecord:
    """The record of a run, all but its findings."""
    run, spec, clean = planned.run, planned.run.spec, gate(project).clean
    start_utc, end_utc = run.window.instants(run.market)
    data_until, doubtful = _of_data(project, planned)
    return RunRecord(
        study=run.study,
        market=run.market.code,
        window=run.window.label,
        variant=run.variant,
        status=outcome.status,
        reason=clean(outcome.reason),
        title=spec.title,
        question=spec.question,
        decision=spec.decision,
        owner=spec.owner,
        market_name=run.market.name,
        zone=run.market.zone,
        start=run.window.start,
        end=run.window.end,
        start_utc=start_utc,
        end_utc=end_utc,
        parameters=clean(dict(run.parameters)),
        key=planned.key,
        key_parts=dict(planned.parts),
        data_until=data_until,
        doubts=doubtful,
        started_at=started,
        seconds=round(seconds, 2),
        attempts=outcome.attempts,
        revision=revision,
        versions=dict(versions()),
        seed=project.settings.seed,
        support=() if is_published(run.spec) else project.settings.support,
        locale=locale_for(run.market.code, run.market.languages, project.settings.locale),
    )


@cache
def versions() -> Mapping[str, str]:
    """Of Python and of the packages that matter to a result."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version()} | found


def describe_now(project: Project, planned: Planned, outcome: Outcome, revision: str) -> RunRecord:
    """The record of a run that ended before it began."""
    return describe(project, planned, outcome, datetime.now(UTC), 0.0, revision)


def _of_data(project: Project, planned: Planned) -> tuple[date | None, tuple[str, ...]]:
    """The first day that the data of a run do not hold whole, and why they may be doubted."""
    run, until = planned.run, None
    end_utc = run.window.instants(run.market)[1]
    try:
        until = noted_complete_until(project, run.spec.clock, run.market)
        return until, doubts(project, run.spec.reads, run.window.end, end_utc, until)
    except UserError:
        return until, ()


def finish(
    project: Project,
    planned: Planned,
    record: RunRecord,
    notebook: NotebookNode | None,
    aside: Path,
) -> RunRecord:
    """The notebook as it may leave the run; page, data files and record beside it."""
    if notebook is not None:
        notebook, withheld = guarded(project, planned, notebook)
        record = _with_findings(record.model_copy(update={"withheld": withheld}), notebook)
    record = record.after(RunRecord.read(planned.run.folder(project)), planned.changed)
    return _write(project, record, notebook, aside)


def settle(project: Project, planned: Planned, record: RunRecord, aside: Path) -> RunRecord:
    """A run that was finished elsewhere, as it may stand beside the runs that are here: where it
    was made, neither other windows' pages nor the run that it replaces were known.

    Args:
        project: whose site it comes to.
        planned: the run.
        record: as it came.
        aside: the folder of its files, which are written anew where something must be hidden.
    """
    before = RunRecord.read(planned.run.folder(project))
    known = others(project, planned) if record.status == "done" else []
    if before is None and record.replaced is None and not known:
        return record
    notebook = read_notebook(aside) if (aside / NOTEBOOK).exists() else None
    if notebook is not None and known:
        hidden = beside(project, planned, notebook, known)
        record = record.model_copy(update={"withheld": record.withheld.and_also(hidden)})
        record = _with_findings(record, notebook)
    record = record.model_copy(update={"replaced": None}).after(before, planned.changed)
    shutil.rmtree(aside / DATA, ignore_errors=True)
    return _write(project, record, notebook, aside)


def _with_findings(record: RunRecord, notebook: NotebookNode) -> RunRecord:
    """What a finished run found, of the notebook as it may leave the run."""
    if record.status != "done":
        return record
    return record.model_copy(update={"findings": findings_of(notebook)})


def _write(
    project: Project, record: RunRecord, notebook: NotebookNode | None, aside: Path
) -> RunRecord:
    """Notebook, data files, page and record; gives the record with its findings."""
    if notebook is not None:
        # As one line: nbformat's own writer takes a tenth of a run's time for its many.
        text = json.dumps(notebook, ensure_ascii=False, sort_keys=True)
        (aside / NOTEBOOK).write_text(f"{text}\n", encoding="utf-8")
    if notebook is not None and record.status == "done":
        record = _with_findings(record, notebook)
        (aside / DATA).mkdir()
        for name, text in data_files(notebook).items():
            (aside / DATA / name).write_text(text, encoding="utf-8")
    title = project.settings.title
    page = render(notebook, record, site_title=title, locale=record.locale)
    (aside / PAGE).write_text(page, encoding="utf-8")
    (aside / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")
    return record
