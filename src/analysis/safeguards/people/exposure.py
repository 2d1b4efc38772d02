"""The private log of what a person looked at: how grave, how many, how long; never which item.

It lies on the person's own disk, readable by them alone, outside the project. Nothing sends it
anywhere. `study wellbeing` reads it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis.errors import UserError
from analysis.project import Wellbeing

VARIABLE = "STUDY_EXPOSURE_LOG"


@dataclass(frozen=True)
class Seen:
    """One item that was looked at.

    Attributes:
        at: the person's local time.
        severity: of its policy, 1 to 5.
        kind: text, image, video or audio.
        seconds: until it was put away; at most five minutes count.
    """

    at: datetime
    severity: int
    kind: str
    seconds: float


@dataclass(frozen=True)
class Totals:
    """What was seen in some days.

    Attributes:
        items: how many.
        minutes: how long.
        grave: how many of severity 4 or 5.
    """

    items: int
    minutes: float
    grave: int


def log_path() -> Path:
    """Where the log lies: `STUDY_EXPOSURE_LOG`, or the state folder of the person (XDG)."""
    named = os.environ.get(VARIABLE)
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(named) if named else Path(state) / "safety-studies" / "exposure.jsonl"


def note(seen: Seen) -> None:
    """Adds a line to the log; its folder and file are made for the person alone."""
    line = json.dumps({**asdict(seen), "at": seen.at.isoformat(timespec="seconds")})
    _write(log_path(), f"{line}\n", os.O_APPEND)


def _write(path: Path, text: str, how: int) -> None:
    """Adds a text to a file or begins it anew; folder and file are the person's alone."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)


def limit_path() -> Path:
    """Where the person's own limit lies, beside the log."""
    return log_path().with_suffix(".limit.json")


def limit(team: Wellbeing) -> Wellbeing:
    """How much may be looked at before a break is suggested, as the person set it.

    Args:
        team: the team's, which holds for what the person did not set.
    """
    try:
        return Wellbeing(**(team.model_dump() | _own_limit()))
    except (ValueError, TypeError):
        return team


def set_limit(**own: float | None) -> None:
    """Keeps the person's own limit, which no colleague sees; what is None stays as it was."""
    told = _own_limit() | {name: value for name, value in own.items() if value is not None}
    _write(limit_path(), json.dumps(told), os.O_TRUNC)


def _own_limit() -> dict[str, Any]:
    """What the person set; nothing where that can't be read."""
    try:
        return dict(json.loads(limit_path().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def entries() -> Iterator[Seen]:
    """Every entry that can be read; a torn line is passed over."""
    try:
        lines = log_path().read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["at"])
            yield Seen(at, int(told["severity"]), str(told["kind"]), float(told["seconds"]))
        except (ValueError, KeyError, TypeError):
            continue


def totals(found: Sequence[Seen], today: date, days: int) -> Totals:
    """What was seen in the days that end with today."""
    first = today - timedelta(days=days - 1)
    own = [each for each in found if first <= each.at.date() <= today]
    minutes = sum(min(each.seconds, 300) for each in own) / 60
    return Totals(len(own), minutes, sum(each.severity >= 4 for each in own))


def others_may_read(path: Path) -> bool:
    """Whether anyone but the owner may read or change a file or its folder's list."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO))
    except OSError:
        return False


def export(path: Path, week: Totals) -> None:
    """Writes a week's totals for the team's sum: no name, no day, no item."""
    path.write_text(json.dumps(asdict(week)), encoding="utf-8")


def team(folder: Path, minimum: int) -> Totals:
    """The sum of what people exported.

    Raises:
        UserError: fewer people than a cell must have, or a file that is no export.
    """
    files = sorted(folder.glob("*.json"))
    if len(files) < minimum:
        raise UserError("--team", f"{len(files)} exports in it; a team's figures need {minimum}")
    try:
        found = [Totals(**json.loads(file.read_bytes())) for file in files]
        sums = (sum(each.items for each in found), sum(each.grave for each in found))
        return Totals(sums[0], float(sum(each.minutes for each in found)), sums[1])
    except (ValueError, TypeError):
        raise UserError("--team", f"{folder.name} holds a file that is no export") from None
