"""Verbs for rows: make them, load them, ask them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from analysis.cli.app import JsonOption, app
from analysis.errors import UserError
from analysis.project import Project
from analysis.terminal import cell, say, say_error, say_json, say_table, share


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
    from analysis.warehouse import warehouse_file
    from analysis.warehouse.demo import demo_version, is_demo, make_demo

    project = Project.find()
    warehouse_file(project)  # Says at once where the warehouse is no file.
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
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources by name; none means all that are there.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Read again what changed since that day (UTC)."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again.")] = False,
    folder: Annotated[
        str | None, typer.Option("--from", help="Where its files lie, if elsewhere than declared.")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Do nothing where published files were loaded last.")
    ] = False,
) -> None:
    """Load what is new in params/sources.yaml's sources, and say what came of every row."""
    from analysis.sources.declared import declared, lacks, one

    project = Project.find()
    if folder is not None and len(names or ()) != 1:
        raise UserError("--from", "a folder belongs to one source; name it")
    start = since.replace(tzinfo=UTC) if since else None
    asked = {name: one(project, name) for name in names or declared(project)}
    failed = False
    for name, source in asked.items():
        lacking = None if names else lacks(project, source)
        if lacking:
            say(f"{name}: left out, {lacking}")
            continue
        try:
            if source.kind == "published":
                _published(project, Path(folder or project.root / source.where), keep=keep)
            else:
                for line in _load(project, name, folder, start, full=full):
                    say(line)
        except UserError as error:
            # A source that can't be loaded keeps none of the others from it.
            say_error(str(error))
            failed = True
    if failed:
        raise typer.Exit(2)


def _load(
    project: Project, name: str, folder: str | None, since: datetime | None, *, full: bool
) -> list[str]:
    from analysis.sources.load import acquire as load

    return load(project, name, where=folder, since=since, full=full).lines()


def _published(project: Project, folder: Path, *, keep: bool) -> None:
    from analysis.sources.published import acquire_published, is_loaded

    if keep and is_loaded(project, folder):
        say("published: there already")
        return
    for line in acquire_published(project, folder).lines():
        say(line)


@app.command()
def sources() -> None:
    """Show what came of each source: rows read, loaded, in quarantine, and how fresh they are."""
    from analysis.sources.declared import declared
    from analysis.sources.summary import summaries

    project = Project.find()
    found = summaries(project)
    for name, source in declared(project).items():
        own = [each for each in found if each.source == name]
        say(f"{name}: {source.title}" + ("" if own else "; not loaded yet"))
        for each in own:
            for line in each.lines():
                say(f"  {line}")


@app.command()
def sql(
    query: Annotated[str, typer.Argument(help='One query, such as "from exposure limit 5".')],
    limit: Annotated[
        int, typer.Option(min=1, help="The most rows; more are cut, and said.")
    ] = 1000,
    as_json: JsonOption = False,
) -> None:
    """Show what a query of your own finds in the warehouse; nothing can be written by it."""
    from analysis.safeguards.unseen import hide
    from analysis.warehouse import ask_rows, open_warehouse
    from analysis.warehouse.asking import said_cut

    with open_warehouse(Project.find()) as warehouse:
        found = ask_rows(warehouse, query, limit=limit)
    rows = [list(map(hide, found.columns, row)) for row in found.rows]
    if as_json:
        say_json(
            {"rows": [dict(zip(found.columns, row, strict=True)) for row in rows], "cut": found.cut}
        )
    else:
        shown = [[cell(value) for value in row] for row in rows]
        say_table("", found.columns, shown, header=True)
    if found.cut:
        say_error(said_cut(limit, "a higher --limit"))


def _versions(project: Project) -> dict[str, str]:
    """The version of each table that was loaded; none where there is no warehouse yet."""
    from analysis.warehouse import NoWarehouse, open_warehouse

    try:
        with open_warehouse(project) as warehouse:
            return warehouse.versions()
    except NoWarehouse:
        return {}
