"""Verbs for metrics: what there is, and one number at once."""

from __future__ import annotations

from typing import Annotated

import typer

from analysis.cli.app import JsonOption, app
from analysis.project import Project
from analysis.terminal import say, say_json, say_table


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
    by: Annotated[
        str | None, typer.Option("--by", help="Each level of a dimension, such as policy.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say one metric of a market and window: number, interval, comparisons, traps and its SQL."""
    from analysis.studies.one_by_level import ByLevel, ask_by_level
    from analysis.studies.one_metric import Asked, ask_metric

    project = Project.find()
    asked: Asked | ByLevel
    if by is None:
        asked = ask_metric(project, name, market, window)
    else:
        asked = ask_by_level(project, name, market, window, by)
    if as_json:
        say_json(asked.values())
        return
    for line in asked.lines():
        say(line)
