"""Verbs for what runs left: prove it, publish it."""

from __future__ import annotations

import gc
from typing import Annotated, Literal

import typer

from analysis.cli.app import (
    JobsOption,
    JsonOption,
    LocaleOption,
    MarketsOption,
    Studies,
    WindowsOption,
    app,
)
from analysis.project import Project
from analysis.terminal import say, say_error, say_json, steps


@app.command()
def verify(
    studies: Studies = None,
    market: MarketsOption = None,
    window: WindowsOption = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Execute finished notebooks again with nbval, and say which numbers differ."""
    from analysis.runs.engine import cores
    from analysis.runs.verify import Verified, notebooks
    from analysis.runs.verify import verify as verify_all

    project = Project.find()
    found = notebooks(project, studies or (), market or (), window or ())
    with steps(len(found), "verify", quiet=as_json) as progress:

        def done(one: Verified) -> None:
            verdict = "reproduced" if one.reproduced else "DIFFERS"
            progress.step("\n    ".join([f"{verdict:<11}{one.identity}", *one.differences]))

        results = verify_all(project, found, jobs=jobs or cores(), done=done, say=say_error)
    publish_site(project)  # pages say whether they were reproduced
    differing = [one for one in results if not one.reproduced]
    if as_json:
        say_json({one.identity: one.differences for one in results})
    else:
        say(f"{len(results)} runs executed again: {len(differing)} differ")
    if differing:
        raise typer.Exit(1)


@app.command()
def publish(
    locale: LocaleOption = None,
    audience: Annotated[
        Literal["internal", "external"],
        typer.Option(help="external also builds reports-external, with counts rounded to 10."),
    ] = "internal",
) -> None:
    """Build the site from the records of the runs that are there; a page with a secret is held."""
    from analysis.report.i18n import OF_MARKET

    gc.set_threshold(200_000)  # what thousands of runs are read into stays until the command ends
    project, asked = Project.find(), asked_locale(locale)
    held = publish_site(project, asked, own=asked if asked != OF_MARKET else None, here=True)
    say(f"site: {project.reports / 'index.html'}")
    if audience == "external":
        from analysis.report.audience import publish_outside

        outside = publish_outside(project)
        held = (*held, *outside.held)
        say(f"for readers outside: {outside.index}")
    if held:
        raise typer.Exit(1)


def asked_locale(given: str | None) -> str | None:
    from analysis.report.i18n import check_locale

    return given and check_locale(given)


def publish_site(
    project: Project,
    locale: str | None = None,
    only: set[str] | None = None,
    own: str | None = None,
    here: bool = False,
) -> tuple[str, ...]:
    """Builds the site, with runs' pages in a locale and its own pages in another or the same; says
    what was held back, and gives it.

    Where nothing is executed it is built here: there are no workers that have imported for it.
    """
    from analysis.runs.leaving import unpublished
    from analysis.runs.placing import recover, site_lock

    with site_lock(project):
        recover(project.reports)  # what a killed command left
        locales = _locales(project, locale, only) if locale else None
        held = (_build if here else _build_apart)(project, locales, own)
        unpublished(project).unlink(missing_ok=True)
    for line in held:
        say_error(line)
    return held


def _build(project: Project, locales: dict[str, str] | None, own: str | None) -> tuple[str, ...]:
    from analysis.report.site import publish

    return publish(project, locales, own).held


def _build_apart(
    project: Project, locales: dict[str, str] | None, own: str | None
) -> tuple[str, ...]:
    from analysis.runs.executors import apart

    return apart(_build, project, locales, own)


def _locales(project: Project, locale: str, only: set[str] | None) -> dict[str, str]:
    """The language that each run's page is to be in, of those that were asked for or of all."""
    from analysis.report.i18n import OF_MARKET, locale_for
    from analysis.report.record import records

    def spoken(code: str) -> str:
        languages = project.markets[code].languages if code in project.markets else ()
        return locale_for(code, languages, project.settings.locale)

    return {
        record.identity: spoken(record.market) if locale == OF_MARKET else locale
        for _, record in records(project.reports)
        if only is None or record.identity in only
    }
