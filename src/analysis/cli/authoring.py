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
def check(
    dependencies: Annotated[
        bool, typer.Option("--dependencies", help="Ask pip-audit for known holes too (network).")
    ] = False,
) -> None:
    """Check params/, that each study's three files hold together, secrets and permissions."""
    from analysis.safeguards import audit
    from analysis.studies.check import check_project

    project = Project.find()
    problems = check_project(project)
    if not problems:
        problems += audit.mistakes(project)
        for note in audit.notes(project):
            say(f"note: {note}")
    if dependencies:
        holes, lacking = audit.known_holes(project)
        problems += holes
        say(f"note: {lacking}" if lacking else "dependencies: looked up with pip-audit")
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
    from analysis.runs.warm.process import start_or_say

    project = Project.find()
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={project.root}"]
    os.environ[ROOT_VARIABLE] = str(project.root)
    if warm := start_or_say(say_error):
        warm.keep_for_successor()
    os.execv(sys.executable, [*command, *context.args])  # noqa: S606 - replaces us, no shell
