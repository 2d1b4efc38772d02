"""Verbs for runs: which there are, what there is to do, do it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.cli.app import (
    ClusterOption,
    FullOption,
    JobsOption,
    JsonOption,
    LocaleOption,
    MarketsOption,
    ParametersOption,
    Studies,
    VariantsOption,
    WindowsOption,
    app,
)
from analysis.cli.site import asked_locale, publish_site
from analysis.errors import ClusterLost, UserError
from analysis.project import Project
from analysis.terminal import say, say_error, say_json, say_table, steps

if TYPE_CHECKING:
    from analysis.report.record import RunRecord
    from analysis.runs.choice import Choice
    from analysis.runs.plan import Planned


@app.command(name="list")
def list_studies(as_json: JsonOption = False) -> None:
    """List the studies: what each asks, which tables it reads, who may be asked."""
    project = Project.find()
    specs = {name: project.study(name) for name in project.study_names}
    if as_json:
        say_json({name: spec.model_dump(mode="json") for name, spec in specs.items()})
        return
    rows = [
        [name, spec.question, ", ".join(spec.reads), spec.owner] for name, spec in specs.items()
    ]
    say_table("Studies", ["study", "question", "reads", "owner"], rows)


@app.command()
def plan(
    studies: Studies = None,
    market: MarketsOption = None,
    window: WindowsOption = None,
    variant: VariantsOption = None,
    parameters: ParametersOption = None,
    full: FullOption = False,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would do, one line a run, and why."""
    from analysis.runs.plan import cores, estimate

    project = Project.find()
    planned = _plan(project, _choice(studies, market, window, variant, parameters, full))
    counts = Counter(each.state for each in planned)
    jobs = jobs or cores()
    seconds = estimate(project, planned, jobs)
    if as_json:
        runs = [
            {
                "run": p.run.identity,
                "state": p.state,
                "changed": p.changed,
                "key": p.key,
                "parts": p.parts,
            }
            for p in planned
        ]
        say_json({"runs": runs, "counts": counts, "jobs": jobs, "seconds": seconds})
        return
    for each in planned:
        say(each.line())
    due = sum(each.due for each in planned)
    say(f"{len(planned)} runs: " + (", ".join(f"{n} {s}" for s, n in counts.items()) or "none"))
    if due:
        time = "no earlier run tells how long" if seconds is None else f"about {_spell(seconds)}"
        say(f"to do: {due}, {time} with {jobs} at once")


def _spell(seconds: float) -> str:
    """A rough time in words.

    >>> _spell(12.3), _spell(200), _spell(8000)
    ('12 s', '3 min', '2.2 h')
    """
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _plan(
    project: Project, choice: Choice, *, force: bool = False, to_run: bool = False
) -> list[Planned]:
    """What was asked for, with each run's state; the warehouse is asked once for both. Where there
    will be runs to execute, what that takes is imported meanwhile."""
    from analysis.runs.choice import choose
    from analysis.runs.held import Held
    from analysis.runs.plan import made
    from analysis.runs.plan import plan as make_plan
    from analysis.runs.warm.process import begin

    held = Held(project)
    runs = choose(project, choice, held)
    if to_run and not all(made(run.folder(project)) for run in runs):
        begin({run.study for run in runs})
    return make_plan(project, runs, force=force, held=held)


@app.command()
def run(
    studies: Studies = None,
    market: MarketsOption = None,
    window: WindowsOption = None,
    variant: VariantsOption = None,
    parameters: ParametersOption = None,
    full: FullOption = False,
    jobs: JobsOption = None,
    cluster: ClusterOption = None,
    force: Annotated[bool, typer.Option("--force", help="Repeat fresh runs too.")] = False,
    due: Annotated[bool, typer.Option("--due", help="Only what schedules make due, once.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Stay, and run what becomes due.")] = False,
    locale: LocaleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Execute studies for markets and windows, and publish the site; fresh runs are left alone."""
    project = Project.find()
    asked = asked_locale(locale)
    if force and not (cluster or due or watch):  # runs are sure to be executed
        from analysis.runs.warm.process import begin

        begin(studies or project.study_names)
    choice = _choice(studies, market, window, variant, parameters, full)

    def carry_out(planned: list[Planned]) -> bool:
        return _carry_out(project, planned, jobs, cluster, asked, as_json=as_json)

    if due or watch:
        if force:
            raise UserError("--force", "goes with neither --due nor --watch, which run what is due")
        from analysis.cli.schedules import run_due, run_watch

        well = (run_watch if watch else run_due)(project, choice, carry_out)
    else:
        well = carry_out(_plan(project, choice, force=force, to_run=not cluster))
    if not well:
        raise typer.Exit(1)


def _carry_out(
    project: Project,
    planned: list[Planned],
    jobs: int | None,
    cluster: str | None,
    asked: str | None,
    *,
    as_json: bool,
) -> bool:
    """Executes, publishes, says what was made; whether nothing failed."""
    from analysis.runs.leaving import INTERRUPTED, interruptible, unpublished

    with interruptible():
        try:
            records = _execute(project, planned, jobs, cluster, quiet=as_json)
        except ClusterLost:
            publish_site(project)
            raise
        except KeyboardInterrupt:
            publish_site(project)  # what is finished is kept, and can be read
            say_error("stopped; finished runs are kept, `study run` does the rest")
            raise typer.Exit(INTERRUPTED) from None
        whole = (project.reports / "index.html").exists() and not unpublished(project).exists()
        failed = any(record.status == "failed" for record in records)
        held: tuple[str, ...] = ()
        try:
            if records or asked or not whole:
                held = publish_site(project, asked, {each.run.identity for each in planned})
        except UserError as error:
            if not failed:
                raise
            say_error(str(error))  # the runs that failed are said all the same
    _summarise(project, planned, records, as_json=as_json)
    return not held and not failed


def _execute(
    project: Project,
    planned: list[Planned],
    jobs: int | None,
    cluster: str | None,
    *,
    quiet: bool,
) -> list[RunRecord]:
    """Executes what is not fresh; where all is, nothing is imported or started."""
    todo = [each for each in planned if each.due]
    if not todo:
        return []
    from analysis.runs.engine import cores, execute_all
    from analysis.runs.placing import site_lock

    jobs = jobs or cores()
    with site_lock(project), steps(len(todo), "runs", quiet=quiet) as progress:

        def done(each: Planned, record: RunRecord) -> None:
            reason = f": {record.reason}" if record.reason else ""
            status = record.status.replace("_", " ")
            progress.step(f"{status:<8}{each.run.identity} in {record.seconds:.1f} s{reason}")

        return execute_all(project, todo, jobs=jobs, cluster=cluster, done=done, say=say_error)


def _summarise(
    project: Project, planned: list[Planned], records: list[RunRecord], *, as_json: bool
) -> None:
    """The last lines of a command: what it made, what failed, where the site is."""
    from analysis.report.record import NOTEBOOK

    index = project.reports / "index.html"
    counts = Counter(record.status for record in records)
    fresh = len(planned) - len(records)
    if as_json:
        runs = [record.model_dump(mode="json") for record in records]
        say_json({"fresh": fresh, **counts, "runs": runs, "site": str(index)})
        return
    made = f"{counts['done']} done, {counts['no_data']} without data, {counts['failed']} failed"
    say(f"{len(planned)} runs: {made}, {fresh} fresh already")
    for record in records:
        if record.status == "failed":
            say(f"failed: {record.identity}: {record.reason}")
            notebook = project.reports / record.identity / NOTEBOOK
            if notebook.exists():
                near = notebook.is_relative_to(project.root)
                say(f"  look at it: study lab {project.relative(notebook) if near else notebook}")
    say(f"site: {index}")


def _choice(
    studies: list[str] | None,
    markets: list[str] | None,
    windows: list[str] | None,
    variants: list[str] | None,
    parameters: list[str] | None,
    full: bool,
) -> Choice:
    from analysis.runs.choice import Choice

    given = dict(_parameter(text) for text in parameters or ())
    return Choice(studies or (), markets or (), windows or (), given, full, variants or ())


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UserError("-p", f"{text!r} is no parameter; write name=value, such as market=JP")
    return name, value
