"""The record of a run: what `run.json` holds, and all that pages and the site are built from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from analysis.project import Literals
from analysis.report.changes import Replaced, revisions
from analysis.safeguards.withheld import Withheld
from analysis.studies.findings import FINDING, Finding

if TYPE_CHECKING:
    from nbformat import NotebookNode

RECORD = "run.json"
NOTEBOOK = "notebook.ipynb"
PAGE = "report.html"
DATA = "data"
VERIFIED = "verified.json"

#: `no_data` is an outcome that is shown calmly; only `failed` makes a command fail.
Status = Literal["done", "no_data", "failed"]


class RunRecord(BaseModel):
    """One run, complete. A folder without a readable record is dirty and is run again.

    Attributes:
        study, market, window, variant: the identity; also the folder under `reports/`.
        status, reason: the outcome; the reason is empty when done, and holds no secret.
        title, question, decision, owner: from the study's file, as they were at the time.
        market_name, zone: of the market.
        start, end: the window's local days, end exclusive.
        start_utc, end_utc: its instants.
        parameters: every parameter as executed.
        key, key_parts: what the run's result depends on, and the parts it was made from.
        data_until: the first local day that the data did not hold whole.
        doubts: why the data of its window may be incomplete or stale, a sentence each.
        started_at: when it ran (UTC); seconds: how long; attempts: how often it was tried.
        revision: of the code, as git names it; `+` behind it where files had changed.
        versions: of Python and of the packages that matter to the result.
        seed: of the project, from which the run's random numbers follow.
        findings: in the order of the notebook.
        locale: of the page.
        replaced: the run of the same identity that this one took the place of.
        withheld: what the safeguards took out.
        support: who helps those whom the subject weighs on, a line each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: str
    market: str
    window: str
    variant: str | None = None
    status: Status
    reason: str = ""
    title: str
    question: str
    decision: str
    owner: str
    market_name: str
    zone: str
    start: date
    end: date
    start_utc: datetime
    end_utc: datetime
    parameters: dict[str, Literals]
    key: str
    key_parts: dict[str, str]
    data_until: date | None
    doubts: tuple[str, ...] = ()
    started_at: datetime
    seconds: float
    attempts: int = 1
    revision: str
    versions: dict[str, str]
    seed: int
    findings: tuple[Finding, ...] = ()
    locale: str = "en"
    replaced: Replaced | None = None
    withheld: Withheld = Withheld()
    support: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """Such as `core_metrics/JP/2026-W10`; a variant stands behind an `@`."""
        return identify(self.study, self.market, self.window, self.variant)

    def after(self, before: RunRecord | None, changed: tuple[str, ...]) -> RunRecord:
        """The same, with what it revised of the run that it replaces.

        Args:
            before: the record in whose place it comes, if any.
            changed: the parts of the key that changed since.
        """
        if before is None:
            return self
        both = {each.name for each in before.findings} & {each.name for each in self.findings}
        measured = before.status == self.status == "done"
        least = self.withheld.minimum
        found = tuple(revisions(before.findings, self.findings, least)) if measured else ()
        replaced = Replaced(
            started_at=before.started_at,
            status=before.status,
            revision=before.revision,
            changed=changed,
            compared=len(both),
            revised=found,
        )
        return self.model_copy(update={"replaced": replaced})

    @classmethod
    def read(cls, folder: Path) -> RunRecord | None:
        """The record of a run's folder, or None where there is no complete one."""
        try:
            return cls.model_validate_json((folder / RECORD).read_bytes())
        except (OSError, ValueError):
            return None


class Verification(BaseModel):
    """Whether a run's notebook gave the same when it was executed again; `study verify` leaves it.

    Attributes:
        at: when (UTC).
        key: of the run that was executed again.
        differences: how many numbers and texts differed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    key: str
    differences: int

    @classmethod
    def read(cls, folder: Path) -> Verification | None:
        """The note of a run's folder, or None where there is none."""
        try:
            return cls.model_validate_json((folder / VERIFIED).read_bytes())
        except (OSError, ValueError):
            return None


def identify(study: str, market: str, window: str, variant: str | None) -> str:
    """The identity of a run, which is its folder below `reports/`.

    A variant lies beside its window's folder, not in it: a folder is replaced as one when its run
    is repeated, and must not take its variants with it.

    >>> identify("core_metrics", "JP", "2026-W10", None)
    'core_metrics/JP/2026-W10'
    """
    return f"{study}/{market}/{window}{f'@{variant}' if variant else ''}"


def identities(reports: Path) -> Iterator[str]:
    """Where runs lie below the site's folder, `STUDY/MARKET/WINDOW[@VARIANT]`, in order; nothing
    else is looked into."""
    for study in _below(f"{reports}"):
        for market in _below(f"{reports}/{study}"):
            for window in _below(f"{reports}/{study}/{market}"):
                yield f"{study}/{market}/{window}"


def _below(folder: str) -> list[str]:
    """Names of a folder's folders; what tells a folder from a file comes with the listing, without
    a question for each."""
    try:
        with os.scandir(folder) as found:
            return sorted(each.name for each in found if each.name[0] != "." and each.is_dir())
    except FileNotFoundError:
        return []


def records(reports: Path) -> Iterator[tuple[Path, RunRecord]]:
    """Every complete run below a site's folder, with the folder it lies in, in order."""
    for identity in identities(reports):
        record = RunRecord.read(reports / identity)
        if record is not None:
            yield reports / identity, record


def displays(notebook: NotebookNode, kind: str) -> Iterator[dict[str, Any]]:
    """What an executed notebook shows of one type (`FINDING`, `FIGURE`, `TABLE`), in order."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if kind in output.get("data", {}):
                yield output["data"][kind]


def findings_of(notebook: NotebookNode) -> tuple[Finding, ...]:
    """The findings that an executed notebook holds, in order."""
    return tuple(Finding.model_validate(each) for each in displays(notebook, FINDING))
