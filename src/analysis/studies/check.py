"""Whether params/ is right, and whether each study's three files hold together."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pydantic_core import PydanticUndefined

from analysis.errors import UserError
from analysis.metrics.catalogue import check_expressions, load_catalogue
from analysis.project import Project
from analysis.studies.base import check_parameters, parameters_of
from analysis.warehouse import TABLES


def check_project(project: Project) -> list[UserError]:
    """Every mistake in the project's files, not only the first; empty when all is well."""
    problems: list[UserError] = []
    parts: list[Callable[[], Iterable[UserError]]] = [
        partial(_readable, project, "settings"),
        partial(_readable, project, "markets"),
        partial(_readable, project, "policies"),
        lambda: check_expressions(load_catalogue(project)),
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


def check_study(project: Project, name: str) -> Iterator[UserError]:
    """The mistakes of one study.

    Raises:
        UserError: a file that can't be read at all.
    """
    spec = project.study(name)
    for table in {*spec.reads, spec.clock} - TABLES.keys():
        problem = f"reads: no such table {table!r}; Allowed: {', '.join(TABLES)}"
        yield UserError(f"params/studies/{name}.yaml", problem)
    market = "JP" if spec.matrix.markets == "all" else spec.matrix.markets[0]
    check_parameters(name, {"market": market, "window": "2026-W10", **spec.parameters})
    yield from _check_notebook(project.notebooks / f"{name}.ipynb", name)


def _check_notebook(path: Path, name: str) -> Iterator[UserError]:
    where = f"notebooks/{path.name}"
    cells = read_cells(path, where)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    if any(cell.get("outputs") or cell.get("execution_count") for cell in code):
        yield UserError(where, "is stored with outputs; clear them before you save it")
    tagged = [cell for cell in code if "parameters" in cell.get("metadata", {}).get("tags", ())]
    if len(tagged) != 1:
        yield UserError(where, f"{len(tagged)} cells are tagged `parameters`; one is owed")
        return
    yield from _check_parameters("".join(tagged[0]["source"]), where, name)


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
    for unknown in given.keys() - fields.keys():
        yield UserError(where, f"the cell tagged `parameters` sets {unknown!r}, no parameter")
    for key in fields.keys() & given.keys():
        default = fields[key].default
        if default is not PydanticUndefined and default != given[key]:
            problem = f"{key} is {given[key]!r} in the tagged cell, {default!r} in Parameters"
            yield UserError(where, problem)


def literals(source: str) -> dict[str, Any]:
    """The assignments of a cell as values, without running it.

    >>> literals("market = 'JP'  # where")
    {'market': 'JP'}

    Raises:
        ValueError: anything but an assignment of a literal to a name.
    """
    found: dict[str, Any] = {}
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} is no Python") from None
    for node in statements:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                raise ValueError(f"line {node.lineno}")
        try:
            found[name] = ast.literal_eval(value)
        except ValueError:
            raise ValueError(f"line {node.lineno}") from None
    return found


def read_cells(path: Path, where: str) -> list[dict[str, Any]]:
    """A notebook's cells as plain JSON; no import of nbformat, so that checks stay quick.

    Raises:
        UserError: the file is missing or is no notebook.
    """
    try:
        cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return cells
    except FileNotFoundError:
        raise UserError(where, "the file is missing; `study new` makes one") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(where, "the file is no notebook; take it from git again") from None
