"""Whether params/ is right, and whether each study's three files hold together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from pydantic_core import PydanticUndefined

from analysis.errors import UserError, unknown
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.expressions import check_expressions
from analysis.project import Project
from analysis.sources.declared import declared
from analysis.studies.base import check_parameters, parameters_of
from analysis.studies.notebooks import code_cells, literals, read_cells, tagged_cells
from analysis.warehouse import TABLES


def check_project(project: Project) -> list[UserError]:
    """Every mistake in the project's files, not only the first; empty when all is well."""
    problems: list[UserError] = []
    parts: list[Callable[[], Iterable[UserError]]] = [
        partial(_readable, project, "settings"),
        partial(_readable, project, "markets"),
        partial(_readable, project, "policies"),
        partial(_declared, project),
        lambda: check_expressions(load_catalogue(project), project.params / "metrics.yaml"),
        partial(_annotations, project),
        *(partial(check_study, project, name) for name in project.study_names),
    ]
    for part in parts:
        try:
            problems.extend(part())
        except UserError as error:
            problems.append(error)
    known = set(project.study_names)
    for path in sorted(project.notebooks.glob("*.ipynb")):
        if path.stem not in known:
            missing = f"has no params/studies/{path.stem}.yaml"
            problems.append(UserError(f"notebooks/{path.name}", missing))
    return problems


def _readable(project: Project, part: str) -> Iterable[UserError]:
    getattr(project, part)
    return ()


def _declared(project: Project) -> Iterable[UserError]:
    declared(project)
    return ()


def _annotations(project: Project) -> Iterator[UserError]:
    """Known breaks speak of markets and metrics that are there."""
    metrics = load_catalogue(project).metrics
    for each in project.annotations:
        if each.metric != "all" and each.metric not in metrics:
            mistake = unknown("metric", each.metric, [*metrics, "all"])
            yield UserError("params/annotations.yaml", str(mistake))


def check_study(project: Project, name: str) -> Iterator[UserError]:
    """The mistakes of one study.

    Raises:
        UserError: a file that can't be read at all.
    """
    spec = project.study(name)
    for table in {*spec.reads, spec.clock} - TABLES.keys():
        problem = f"reads: no such table {table!r}; Allowed: {', '.join(TABLES)}"
        yield UserError(f"params/studies/{name}.yaml", problem)
    always = {"market": "JP", "window": "2026-W10", **spec.parameters}
    for variant in ({}, *spec.variants.values()):
        check_parameters(name, {**always, **variant})
    count = spec.rows.windows if spec.rows else 1
    if isinstance(count, str) and count not in parameters_of(name).model_fields:
        mistake = unknown("rows: windows", count, parameters_of(name).model_fields)
        yield UserError(f"params/studies/{name}.yaml", str(mistake))
    yield from _check_notebook(project.notebooks / f"{name}.ipynb", name)


def _check_notebook(path: Path, name: str) -> Iterator[UserError]:
    where = f"notebooks/{path.name}"
    cells = read_cells(path, where)
    if any(cell.get("outputs") or cell.get("execution_count") for cell in code_cells(cells)):
        yield UserError(where, "is stored with outputs; clear them before you save it")
    tagged = tagged_cells(cells)
    if len(tagged) != 1:
        yield UserError(where, f"{len(tagged)} cells are tagged `parameters`; one is owed")
        return
    yield from _check_parameters(tagged[0]["source"], where, name)


def _check_parameters(source: str, where: str, name: str) -> Iterator[UserError]:
    """The tagged cell holds literals only, and they are the `Parameters`' names and defaults."""
    try:
        given = literals(source)
    except ValueError as error:
        yield UserError(where, f"the cell tagged `parameters` holds more than literals: {error}")
        return
    fields = parameters_of(name).model_fields
    for missing in fields.keys() - given.keys():
        yield UserError(where, f"the cell tagged `parameters` lacks {missing!r}")
    for other in given.keys() - fields.keys():
        yield UserError(where, f"the cell tagged `parameters` sets {other!r}, no parameter")
    for key in fields.keys() & given.keys():
        default = fields[key].default
        if default is not PydanticUndefined and default != given[key]:
            problem = f"{key} is {given[key]!r} in the tagged cell, {default!r} in Parameters"
            yield UserError(where, problem)
