"""Verbs for rows: make them, load them, ask them."""

from __future__ import annotations

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
    keep: Annotated[
        bool, typer.Option("--keep", help="Do nothing where these files were loaded last.")
    ] = False,
) -> None:
    """Load rows from a source into the warehouse, and say what was read, loaded and dropped."""
    from analysis.errors import unknown
    from analysis.sources.published import acquire_published, is_loaded

    if source != "published":
        raise unknown("source", source, ["published"])
    project = Project.find()
    if keep and is_loaded(project, folder):
        say("published: there already")
        return
    for line in acquire_published(project, folder).lines():
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


def _versions(project: Project) -> dict[str, str]:
    """The version of each table that was loaded; none where there is no warehouse yet."""
    from analysis.warehouse import NoWarehouse, open_warehouse

    try:
        with open_warehouse(project) as warehouse:
            return warehouse.versions()
    except NoWarehouse:
        return {}
