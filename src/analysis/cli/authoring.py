"""Verbs for those who write studies: check, new, lab."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from analysis.cli.app import app
from analysis.project import ROOT_VARIABLE, Project
from analysis.terminal import say, say_error


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
