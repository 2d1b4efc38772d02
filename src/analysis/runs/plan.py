"""What there is to do: each run with its state, why it is stale, and how long it may take."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Literal

from pydantic import BaseModel

from analysis.project import Project
from analysis.report.record import NOTEBOOK, PAGE, RECORD, Status
from analysis.runs.choice import Run
from analysis.runs.held import Held
from analysis.runs.keys import Keys, key_of
from analysis.studies.base import check_parameters

#: `no data` is fresh as well: its rows were not there, and nothing that it depends on changed.
State = Literal["new", "stale", "failed before", "fresh", "no data"]
#: The most records of a study that an estimate of its time looks at.
SAMPLE = 30


class Seen(BaseModel):
    """What a plan reads of a run's record."""

    status: Status
    key_parts: dict[str, str]
    seconds: float

    @classmethod
    def read(cls, folder: Path) -> Seen | None:
        """None where there is no complete record, or a part of what it promises is missing."""
        try:
            found = cls.model_validate_json((folder / RECORD).read_bytes())
        except (OSError, ValueError):
            return None
        wanted = [PAGE] + ([NOTEBOOK] if found.status == "done" else [])
        return found if all((folder / name).is_file() for name in wanted) else None


def made(folder: Path) -> bool:
    """Whether a run was executed before, whatever it depends on by now."""
    return (folder / RECORD).exists()


@dataclass(frozen=True)
class Planned:
    """A run with its state, its key, and the parts of the key that changed since its record."""

    run: Run
    state: State
    parts: Mapping[str, str]
    key: str
    changed: tuple[str, ...] = ()
    seconds: float | None = None

    @property
    def due(self) -> bool:
        """Whether there is something to do."""
        return self.state not in ("fresh", "no data")

    def line(self) -> str:
        """For a person."""
        why = f" ({', '.join(self.changed)} changed)" if self.changed else ""
        return f"{self.state:<13} {self.run.identity}{why}"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def plan(
    project: Project, runs: Iterable[Run], *, force: bool = False, held: Held | None = None
) -> list[Planned]:
    """Each run with its state; those that are fresh need nothing.

    Args:
        project: whose runs they are.
        runs: from `choose`.
        force: fresh runs count as stale.
        held: what is known of the warehouse already.
    """
    keys = Keys(project, held)
    return [_planned(run, run.folder(project), keys.parts(run), force=force) for run in runs]


def _planned(run: Run, folder: Path, parts: dict[str, str], *, force: bool) -> Planned:
    seen, key = Seen.read(folder), key_of(parts)
    if seen is None:
        return Planned(run, "new", parts, key)
    changed = tuple(name for name in parts if seen.key_parts.get(name) != parts[name])
    if seen.status == "failed":
        state: State = "failed before"
    elif changed or force:
        state = "stale"
    else:
        state = "no data" if seen.status == "no_data" else "fresh"
    seconds = seen.seconds if seen.status == "done" else None
    return Planned(run, state, parts, key, changed or (("forced",) if force else ()), seconds)


def complete(planned: Planned) -> Planned:
    """The same with every parameter, checked by the study's own model.

    Not part of planning: a study's module imports what it computes with, and a plan in which all
    is fresh need not wait for that.

    Raises:
        UserError: a parameter of the study's file that it does not have or allow.
    """
    run = planned.run
    values = check_parameters(run.study, run.parameters).model_dump(mode="json")
    return replace(planned, run=replace(run, parameters=values))


def estimate(project: Project, planned: Sequence[Planned], jobs: int) -> float | None:
    """Seconds that what is due may take: the median of each study's earlier runs, in turn.

    Args:
        project: whose runs they are.
        planned: from `plan`.
        jobs: runs at once.

    Returns:
        None where a study that is due has no earlier run.
    """
    due = Counter(each.run.study for each in planned if each.due)
    total = 0.0
    for study, count in due.items():
        known = [each.seconds for each in planned if each.run.study == study and each.seconds]
        known = known or _earlier(project.reports / study)
        if not known:
            return None
        total += count * median(known)
    return total / max(1, min(jobs, sum(due.values())))


def _earlier(folder: Path) -> list[float]:
    """The seconds of some finished runs of a study."""
    folders = (path.parent for path in sorted(folder.glob(f"*/*/{RECORD}"))[-SAMPLE:])
    return [seen.seconds for seen in map(Seen.read, folders) if seen and seen.status == "done"]
