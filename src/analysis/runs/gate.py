"""What a run's outputs and messages pass through before anything is made of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from nbformat import NotebookNode

from analysis.project import Project, StudySpec
from analysis.report.disclosed import disclose
from analysis.report.guarded import Gate, guard
from analysis.runs.nested import Other, others, small
from analysis.runs.plan import Planned
from analysis.safeguards.disclosure import Rules, Sheet
from analysis.safeguards.disclosure.relations import Cell
from analysis.safeguards.secrets import Redactor, secrets_file
from analysis.safeguards.withheld import Withheld
from analysis.warehouse import TABLES


def gate(project: Project) -> Gate:
    """The gate of a project: it knows the secrets of the environment and of dlt's file."""
    return Gate(Redactor({**os.environ, **secrets_file(project.root)}))


def guarded(
    project: Project, planned: Planned, notebook: NotebookNode
) -> tuple[NotebookNode, Withheld]:
    """A run's notebook as it may leave, and what was taken out of it."""
    rules, window = rules_for(project, planned), planned.run.window

    def told(sheets: list[Sheet]) -> dict[Cell, int]:
        known = others(project, planned)
        return small(sheets, window.start, window.end, known, rules) if rules else {}

    return guard(notebook, gate(project), rules, told, window.label)


def beside(
    project: Project, planned: Planned, notebook: NotebookNode, known: Sequence[Other]
) -> Withheld:
    """Hides, in a notebook that passed the gate elsewhere, what other windows' pages would turn
    into a small number; says how much.

    Args:
        project: whose pages these are.
        planned: the run.
        notebook: it is changed.
        known: what those pages show.
    """
    rules, window = rules_for(project, planned), planned.run.window
    if rules is None:
        return Withheld()

    def told(sheets: list[Sheet]) -> dict[Cell, int]:
        return small(sheets, window.start, window.end, known, rules)

    return disclose(notebook, rules, told, window.label)


def rules_for(project: Project, planned: Planned) -> Rules | None:
    """Of disclosure control; none for a study of what others published already."""
    if is_published(planned.run.spec):
        return None
    return Rules(project.settings.minimum_cell, project.settings.minimum_base)


def is_published(spec: StudySpec) -> bool:
    """Whether a study reads nothing but what others published: figures, and no case of harm."""
    return all(TABLES[name].published for name in spec.reads if name in TABLES)
