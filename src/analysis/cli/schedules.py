"""`study run --due` and `--watch`: what schedules make due, once or for as long as it stays."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from types import FrameType

from analysis.errors import UserError
from analysis.project import Project
from analysis.runs.choice import Choice, choose
from analysis.runs.held import Held
from analysis.runs.plan import Planned, plan
from analysis.runs.schedule import Agenda, agenda, note
from analysis.terminal import say, say_error

CarryOut = Callable[[list[Planned]], bool]
#: Seconds between two looks at the data and at params/; a signal (SIGHUP) makes it look at once.
LOOK = 30.0


def run_due(project: Project, choice: Choice, carry_out: CarryOut) -> bool:
    """Runs what schedules make due now, and notes it; whether nothing failed.

    What failed was tried and is not due again: `study run` repeats it. A command that is killed
    notes nothing, and the next finds what is finished fresh.

    Raises:
        UserError: none of the studies has a schedule.
    """
    held = Held(project)
    found = agenda(project, choose(project, choice, held), datetime.now(UTC))
    if found.following is None:
        problem = "none of these studies has a schedule; add `schedule: {cron: 30 6 * * 1}` to one"
        raise UserError("--due", problem)
    if not found.due:
        say(f"nothing is due; {found.said()}")
        return True
    return _carry_out(project, found, plan(project, found.due, held=held), carry_out)


def _carry_out(
    project: Project, found: Agenda, planned: list[Planned], carry_out: CarryOut
) -> bool:
    well = carry_out(planned)
    note(project, found.times)
    return well


def run_watch(project: Project, choice: Choice, carry_out: CarryOut) -> bool:
    """Stays: runs what becomes due, and studies without a schedule when their rows or code change.

    Ends with SIGINT or SIGTERM: while it waits, well; while it runs, as `study run` does.
    """
    said = ""
    with _signals() as wait:
        try:
            while True:
                now = datetime.now(UTC)
                line, following = _round(project, choice, carry_out, now)
                if line != said:
                    say(f"watching; {line}")
                said = line
                until = (following - datetime.now(UTC)).total_seconds() if following else LOOK
                wait(max(0.0, min(until, LOOK)))
        except KeyboardInterrupt:
            say("stopped watching")
    return True


def _round(
    project: Project, choice: Choice, carry_out: CarryOut, now: datetime
) -> tuple[str, datetime | None]:
    """One look: what there was to do is done; says what is next, and when."""
    try:
        held = Held(project)
        found = agenda(project, choose(project, choice, held), now)
        unscheduled = plan(project, found.unscheduled, held=held)
        todo = [*plan(project, found.due, held=held), *filter(_worth_it, unscheduled)]
        if any(each.due for each in todo):
            _carry_out(project, found, todo, carry_out)
        elif found.times:
            note(project, found.times)
    except UserError as error:
        # A warehouse that is being loaded is locked for a while; a file may be half edited.
        say_error(str(error))
        return "looks again soon", None
    return found.said(), found.following[0] if found.following else None


def _worth_it(planned: Planned) -> bool:
    """What failed is not repeated until something that it depends on has changed."""
    return planned.due and not (planned.state == "failed before" and not planned.changed)


@contextmanager
def _signals() -> Iterator[Callable[[float], None]]:
    """Gives a wait that SIGHUP ends; SIGTERM is as Ctrl-C."""
    hear, tell = os.pipe()
    os.set_blocking(tell, False)

    def wake(_number: int, _frame: FrameType | None) -> None:
        with suppress(BlockingIOError):  # it was told often enough
            os.write(tell, b".")

    def end(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def wait(seconds: float) -> None:
        if select.select([hear], [], [], seconds)[0]:
            os.read(hear, 4096)

    new = {signal.SIGHUP: wake, signal.SIGTERM: end}
    before = {number: signal.signal(number, handler) for number, handler in new.items()}
    try:
        yield wait
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(hear)
        os.close(tell)
