"""The `study` command: one thin function a verb.

Exit status: 0 all well; 1 something failed or differs; 2 a mistake in what was asked, with one
line that says which and what is allowed.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from analysis.errors import UserError
from analysis.project import ROOT_VARIABLE, Project
from analysis.terminal import cell, say, say_error, say_json, say_table, share, steps

if TYPE_CHECKING:
    from analysis.report.record import RunRecord
    from analysis.runs.plan import Choice, Planned

app = typer.Typer(
    name="study",
    help="Trust & Safety studies: one question in one notebook, for every market and window.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Studies = Annotated[list[str] | None, typer.Argument(help="Studies by name; none means all.")]
MarketsOption = Annotated[
    list[str] | None, typer.Option("--market", "-m", help="A market's code, or all. Repeatable.")
]
WindowsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--window", "-w", help="2026-W10, 2026-03, 2026-Q1, a day, latest-week. Repeatable."
    ),
]
ParametersOption = Annotated[
    list[str] | None,
    typer.Option("-p", metavar="NAME=VALUE", help="A parameter of the study. Repeatable."),
]
FullOption = Annotated[bool, typer.Option("--all", help="The study's full matrix.")]
JsonOption = Annotated[bool, typer.Option("--json", help="For a program to read.")]
JobsOption = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes at once; default: the cores.")
]


@app.command()
def demo(
    scale: Annotated[float, typer.Option(min=0.001, max=1000, help="Multiplies the rows.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Default: the project's.")] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Do nothing where a warehouse is there already.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace rows of your own.")] = False,
) -> None:
    """Make the demo warehouse: a simulated short-video platform."""
    from analysis.warehouse.demo import demo_version, is_demo, make_demo

    project = Project.find()
    held = _versions(project)
    if "exposure" in held:
        if keep or held["content"] == demo_version(project, seed=seed, scale=scale):
            say("demo: there already")
            return
        if not force and not is_demo(held):
            problem = "the warehouse holds rows of your own; --force replaces them"
            raise UserError("demo", problem)
    with share("demo") as progress:
        summary = make_demo(project, seed=seed, scale=scale, progress=progress)
    rows = sum(summary.rows.values())
    say(f"demo: {rows:,} rows in {len(summary.rows)} tables in {summary.seconds:.0f} s")
    for table, count in summary.rows.items():
        say(f"  {table:<18}{count:>12,}")


@app.command()
def acquire(
    source: Annotated[str, typer.Argument(help="What to load: published.")],
    folder: Annotated[Path, typer.Option("--from", help="The folder that holds its files.")],
) -> None:
    """Load rows from a source into the warehouse, and say what was read, loaded and dropped."""
    from analysis.errors import unknown
    from analysis.sources.published import acquire_published

    if source != "published":
        raise unknown("source", source, ["published"])
    for line in acquire_published(Project.find(), folder).lines():
        say(line)


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
def metrics(as_json: JsonOption = False) -> None:
    """List the metrics: what each answers."""
    from analysis.metrics.catalogue import GROUPS, load_catalogue

    catalogue = load_catalogue(Project.find())
    if as_json:
        say_json({k: metric.model_dump(mode="json") for k, metric in catalogue.metrics.items()})
        return
    rows = [
        [name, metric.title, GROUPS[metric.group], metric.question]
        for name, metric in catalogue.metrics.items()
    ]
    say_table("Metrics", ["metric", "title", "group", "what it answers"], rows)


@app.command()
def metric(
    name: Annotated[str, typer.Argument(help="As `study metrics` lists it.")],
    market: Annotated[str, typer.Option("--market", "-m", help="A market's code.")],
    window: Annotated[
        str, typer.Option("--window", "-w", help="2026-W10, 2026-03, 2026-Q1, a day.")
    ] = "latest-week",
    as_json: JsonOption = False,
) -> None:
    """Say one metric of a market and window: number, interval, comparisons, traps and its SQL."""
    from analysis.studies.one_metric import ask_metric

    asked = ask_metric(Project.find(), name, market, window)
    if as_json:
        say_json(asked.values())
        return
    for line in asked.lines():
        say(line)


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='One query, such as "from exposure limit 5".')],
    limit: Annotated[
        int, typer.Option(min=1, help="The most rows; more are cut, and said.")
    ] = 1000,
    as_json: JsonOption = False,
) -> None:
    """Show what a query of your own finds in the warehouse; nothing can be written by it."""
    from analysis.warehouse import ask_rows, open_warehouse
    from analysis.warehouse.asking import said_cut

    with open_warehouse(Project.find()) as warehouse:
        found = ask_rows(warehouse, query, limit=limit)
    if as_json:
        rows = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        say_json({"rows": rows, "cut": found.cut})
    else:
        shown = [[cell(value) for value in row] for row in found.rows]
        say_table("", found.columns, shown, header=True)
    if found.cut:
        say_error(said_cut(limit, "a higher --limit"))


@app.command()
def plan(
    studies: Studies = None,
    market: MarketsOption = None,
    window: WindowsOption = None,
    parameters: ParametersOption = None,
    full: FullOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would do, one line a run, and why."""
    from analysis.runs.plan import choose
    from analysis.runs.plan import plan as make_plan

    project = Project.find()
    planned = make_plan(
        project, choose(project, _choice(studies, market, window, parameters, full))
    )
    if as_json:
        say_json(
            [
                {"run": p.run.identity, "state": p.state, "changed": p.changed, "key": p.key}
                for p in planned
            ]
        )
        return
    for each in planned:
        why = f" ({', '.join(each.changed)} changed)" if each.changed else ""
        say(f"{each.state:<13} {each.run.identity}{why}")
    counts = Counter(each.state for each in planned)
    say(f"{len(planned)} runs: " + (", ".join(f"{n} {s}" for s, n in counts.items()) or "none"))


@app.command()
def run(
    studies: Studies = None,
    market: MarketsOption = None,
    window: WindowsOption = None,
    parameters: ParametersOption = None,
    full: FullOption = False,
    jobs: JobsOption = None,
    force: Annotated[bool, typer.Option("--force", help="Repeat fresh runs too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Execute studies for markets and windows, and publish the site; fresh runs are left alone."""
    from analysis.runs.plan import choose
    from analysis.runs.plan import plan as make_plan

    project = Project.find()
    choice = _choice(studies, market, window, parameters, full)
    planned = make_plan(project, choose(project, choice), force=force)
    try:
        records = _execute(project, planned, jobs, quiet=as_json)
    except KeyboardInterrupt:
        _publish(project)  # what is finished is kept, and can be read
        say_error("stopped; finished runs are kept, `study run` does the rest")
        raise typer.Exit(130) from None
    if records or not (project.reports / "index.html").exists():
        _publish(project)
    _summarise(project, planned, records, as_json=as_json)
    if any(record.status == "failed" for record in records):
        raise typer.Exit(1)


def _execute(
    project: Project, planned: list[Planned], jobs: int | None, *, quiet: bool
) -> list[RunRecord]:
    """Executes what is not fresh; where all is, nothing is imported or started."""
    todo = [each for each in planned if each.state != "fresh"]
    if not todo:
        return []
    from analysis.runs.engine import cores, execute_all, site_lock

    with site_lock(project), steps(len(todo), "runs", quiet=quiet) as progress:

        def done(each: Planned, record: RunRecord) -> None:
            reason = f": {record.reason}" if record.reason else ""
            status = record.status.replace("_", " ")
            progress.step(f"{status:<8}{each.run.identity} in {record.seconds:.1f} s{reason}")

        return execute_all(project, todo, jobs=jobs or cores(), done=done, say=say_error)


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
            say(f"  look at it: jupyter lab {project.relative(notebook)}")
    say(f"site: {index}")


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
    differing = [one for one in results if not one.reproduced]
    if as_json:
        say_json({one.identity: one.differences for one in results})
    else:
        say(f"{len(results)} runs executed again: {len(differing)} differ")
    if differing:
        raise typer.Exit(1)


@app.command()
def publish() -> None:
    """Build the site from the records of the runs that are there."""
    project = Project.find()
    _publish(project)
    say(f"site: {project.reports / 'index.html'}")


def _publish(project: Project) -> None:
    from analysis.report.site import publish as build
    from analysis.runs.engine import site_lock

    with site_lock(project):
        build(project)


@app.command()
def check() -> None:
    """Check params/, and that each study's notebook, parameters file and module hold together."""
    from analysis.studies.check import check_project

    problems = check_project(Project.find())
    for problem in problems:
        say_error(str(problem))
    if problems:
        raise typer.Exit(2)
    say("check: all is well")


@app.command()
def new(name: Annotated[str, typer.Argument(help="A slug, such as report_quality.")]) -> None:
    """Make the three files of a new study; they pass the check and run on the demo data."""
    from analysis.studies.scaffold import make_study

    project = Project.find()
    for path in make_study(project, name):
        say(f"made {project.relative(path)}")
    say(f"next: study run {name}")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def lab(context: typer.Context) -> None:
    """Open JupyterLab in this project; more options go to it as they are."""
    from analysis.runs.warm.process import keep_for_successor, start_or_say

    project = Project.find()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={project.root}"]
    os.environ[ROOT_VARIABLE] = str(project.root)
    keep_for_successor(start_or_say(say_error))
    os.execv(sys.executable, [*command, *context.args])  # noqa: S606 - replaces us, no shell


def _choice(
    studies: list[str] | None,
    markets: list[str] | None,
    windows: list[str] | None,
    parameters: list[str] | None,
    full: bool,
) -> Choice:
    from analysis.runs.plan import Choice

    given = dict(_parameter(text) for text in parameters or ())
    return Choice(studies or (), markets or (), windows or (), given, full)


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UserError("-p", f"{text!r} is no parameter; write name=value, such as market=JP")
    return name, value


def _versions(project: Project) -> dict[str, str]:
    """The version of each table that was loaded; none where there is no warehouse yet."""
    from analysis.warehouse import NoWarehouse, open_warehouse

    try:
        with open_warehouse(project) as warehouse:
            return warehouse.versions()
    except NoWarehouse:
        return {}


def main() -> None:
    """Runs the command; a person's mistake is one line and status 2."""
    try:
        app()
    except UserError as error:
        say_error(str(error))
        sys.exit(2)
