"""What a schedule makes due: cron's syntax in the market's own time zone, after a delay.

A study is due in a market once for each time that its schedule names, whenever it is asked: a
machine that slept through three Mondays runs once when it wakes. What was done is noted beside the
site, so that it moves with it. On days on which clocks change a time that does not exist is due at
the first minute after, and one that exists twice is due once, the first time (as Debian's cron).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from analysis.calendar import Market
from analysis.errors import UserError
from analysis.project import Project, Schedule
from analysis.runs.choice import Run
from analysis.writing import aside

#: In the site's folder: for each study and market, the last scheduled time that was done.
LEDGER = ".due.json"
#: Local time can be this far behind or ahead of itself where clocks change; looked through in full.
CHANGE = timedelta(hours=3)


def last_due(schedule: Schedule, market: Market, now: datetime) -> datetime:
    """The last scheduled time (UTC, before its delay) that is due at an instant.

    >>> monday = Schedule(cron="30 6 * * 1", delay_hours=6)
    >>> tokyo = Market("JP", "Japan", "Asia/Tokyo")
    >>> last_due(monday, tokyo, datetime(2026, 3, 9, 3, 30, tzinfo=UTC)).isoformat()
    '2026-03-08T21:30:00+00:00'
    """
    until = now - timedelta(hours=schedule.delay_hours)
    start = (until + CHANGE).astimezone(market.tz)
    times = (time.astimezone(UTC) for time in CronSim(schedule.cron, start, reverse=True))
    return next(time for time in times if time <= until)


def next_due(schedule: Schedule, market: Market, now: datetime) -> datetime:
    """The instant (UTC) after an instant at which a schedule makes its study due again."""
    delay = timedelta(hours=schedule.delay_hours)
    start = (now - delay - CHANGE).astimezone(market.tz)
    times = (time.astimezone(UTC) for time in CronSim(schedule.cron, start))
    return next(time for time in times if time > now - delay) + delay


@dataclass(frozen=True)
class Agenda:
    """What schedules say of runs at one instant.

    Attributes:
        due: runs whose time has come.
        times: the scheduled time of each study and market among them, to be noted when done.
        unscheduled: runs of studies without a schedule.
        following: the next instant at which something becomes due, with its study and market.
    """

    due: tuple[Run, ...]
    times: Mapping[str, datetime]
    unscheduled: tuple[Run, ...]
    following: tuple[datetime, str, Market] | None

    def said(self) -> str:
        """When there is something to do again, for a person, in the market's time."""
        if self.following is None:
            return "no study has a schedule, only their rows and code are looked at"
        at, name, market = self.following
        return f"next is {name} at {at.astimezone(market.tz):%Y-%m-%d %H:%M} {market.zone}"


def agenda(project: Project, runs: Iterable[Run], now: datetime) -> Agenda:
    """Parts runs into due, not yet due and unscheduled.

    Raises:
        UserError: the ledger can't be read.
    """
    done, due, times = read(project), list[Run](), dict[str, datetime]()
    unscheduled, following = list[Run](), list[tuple[datetime, str, Market]]()
    for run in runs:
        schedule, name = run.spec.schedule, f"{run.study}/{run.market.code}"
        if schedule is None:
            unscheduled.append(run)
            continue
        following.append((next_due(schedule, run.market, now), name, run.market))
        time = last_due(schedule, run.market, now)
        if name not in done or done[name] < time:
            due.append(run)
            times[name] = time
    first = min(following, key=lambda each: each[:2], default=None)
    return Agenda(tuple(due), times, tuple(unscheduled), first)


def read(project: Project) -> dict[str, datetime]:
    """The last scheduled time that was done, by study and market."""
    path = project.reports / LEDGER
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: datetime.fromisoformat(time).astimezone(UTC) for name, time in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError):
        shown = project.relative(path)
        raise UserError(shown, "can't be read; without it all studies are due once more") from None


def note(project: Project, times: Mapping[str, datetime]) -> None:
    """Adds what was done; written aside and renamed.

    Raises:
        UserError: the site's folder takes no more.
    """
    told = {name: time.isoformat() for name, time in sorted({**read(project), **times}.items())}
    path = project.reports / LEDGER
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path) as new:
            new.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(project.relative(path), f"can't be written: {error.strerror}") from None
