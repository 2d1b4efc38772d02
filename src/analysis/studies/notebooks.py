"""Notebooks as plain JSON: read without nbformat or any import of theirs, so that it is quick."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from analysis.errors import UserError

Cell = dict[str, Any]


def read_cells(path: Path, where: str) -> list[Cell]:
    """A notebook's cells.

    Args:
        path: of the notebook.
        where: what messages call it.

    Raises:
        UserError: the file is missing or is no notebook.
    """
    try:
        cells: list[Cell] = json.loads(path.read_text(encoding="utf-8"))["cells"]
        for cell in cells:
            cell |= {"source": "".join(cell["source"]), "cell_type": cell["cell_type"]}
        return cells
    except FileNotFoundError:
        raise UserError(where, "the file is missing; `study new` makes one") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(where, "the file is no notebook; take it from git again") from None


def code_cells(cells: Iterable[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def tagged_cells(cells: Iterable[Cell]) -> list[Cell]:
    """The code cells that papermill takes the parameters' defaults from; one is owed."""
    tags = ((cell, cell.get("metadata", {}).get("tags", ())) for cell in code_cells(cells))
    return [cell for cell, own in tags if "parameters" in own]


def literals(source: str) -> dict[str, Any]:
    """The assignments of a cell as values, without running it.

    >>> literals("market = 'JP'  # where")
    {'market': 'JP'}

    Raises:
        ValueError: anything but an assignment of a literal to a name.
    """
    found: dict[str, Any] = {}
    for node in _parsed(source).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                raise ValueError(f"line {node.lineno}")
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError, MemoryError, RecursionError):
            raise ValueError(f"line {node.lineno}") from None
    return found


def _parsed(source: str) -> ast.Module:
    """Source as Python reads it.

    Raises:
        ValueError: it is no Python, or nested deeper than Python's own parser goes.
    """
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} is no Python") from None
    except (MemoryError, RecursionError):
        raise ValueError("it is nested too deeply") from None


def imports(source: str) -> set[str]:
    """The names that a code cell may import, as modules or out of them.

    Lines for IPython, such as `%timeit`, are no Python and import nothing.

    >>> sorted(imports("%matplotlib inline\\nfrom analysis.studies import open_study"))
    ['analysis.studies', 'analysis.studies.open_study']
    """
    lines = (line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    try:
        nodes = list(ast.walk(_parsed("\n".join(lines))))
    except ValueError:
        return set()  # the run says so, in its own words
    found = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found
