"""The verb for those who look at harmful content."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli.app import app
from analysis.project import Project
from analysis.terminal import say, say_error

if TYPE_CHECKING:
    from analysis.safeguards.people.exposure import Totals


Own = typer.Option(min=1, help="Suggest a break to you from there; kept beside your log.")


@app.command()
def wellbeing(
    daily_items: Annotated[int | None, Own] = None,
    daily_minutes: Annotated[float | None, Own] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write this week's totals there, for the team's sum.")
    ] = None,
    team: Annotated[
        Path | None, typer.Option(help="Sum the exports in a folder, from enough people.")
    ] = None,
) -> None:
    """Show what you looked at today and this week, from a log that only you can read."""
    from analysis.safeguards.people import exposure

    settings = Project.find().settings
    if team is not None:
        say(f"team: {_said(exposure.team(team, settings.minimum_cell))}")
        return
    if daily_items or daily_minutes:
        exposure.set_limit(daily_items=daily_items, daily_minutes=daily_minutes)
    limit = exposure.limit(settings.wellbeing)
    found = list(exposure.entries())
    today = datetime.now().astimezone().date()
    day, week = (exposure.totals(found, today, days) for days in (1, 7))
    say(f"today: {_said(day)}")
    say(f"seven days: {_said(week)}")
    say(f"a break is suggested from {limit.daily_items} items or {limit.daily_minutes:g} minutes")
    if day.items >= limit.daily_items or day.minutes >= limit.daily_minutes:
        say("This is a good moment for a break. Nothing is locked; the rest can wait or be shared.")
    for line in settings.support:
        say(f"support: {line}")
    if exposure.others_may_read(exposure.log_path()):
        say_error(f"others may read your log; chmod 600 {exposure.log_path()}")
    if export is not None:
        exposure.export(export, week)


def _said(totals: Totals) -> str:
    items = "1 item" if totals.items == 1 else f"{totals.items} items"
    return f"{items}, {totals.grave} of severity 4 or 5, {totals.minutes:.0f} minutes"
