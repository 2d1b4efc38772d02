"""A study that reads nothing and does nothing: its runs are short, and there may be many."""

from __future__ import annotations

import json
from pathlib import Path

from support import Checkout, make_checkout

STUDY = """
title: Tiny
question: How little can a run do?
decision: None.
owner: nobody
reads: [exposure]
clock: exposure
rows: {markets: own, windows: 1}
matrix:
  markets: MARKETS
  windows: [WINDOWS]
"""
MODULE = '''"""tiny: a study that does nothing."""

from analysis.studies.base import StudyParameters


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""
'''
PARAMETERS = 'market = "JP"\nwindow = "latest-week"'


def cell(source: str, *tags: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": f"c{len(source)}",
        "metadata": {"tags": list(tags)},
        "outputs": [],
        "source": source,
    }


def make_tiny(folder: Path, *, markets: str, weeks: int, body: str = "1 + 1") -> Checkout:
    """A checkout with this one study.

    Args:
        folder: where `checkout` is made.
        markets: of its matrix, in YAML.
        weeks: as many windows, the first of 2026.
        body: the notebook's one cell besides its parameters.
    """
    made = make_checkout(folder / "checkout", None)
    add_tiny(made, markets=markets, weeks=weeks, body=body)
    return made


def add_tiny(made: Checkout, *, markets: str, weeks: int, body: str) -> None:
    """The same in a checkout that is there; the other studies' files go."""
    windows = ", ".join(f"2026-W{week:02d}" for week in range(1, weeks + 1))
    studies = made.project.params / "studies"
    for path in studies.iterdir():
        path.unlink()
    text = STUDY.replace("MARKETS", markets).replace("WINDOWS", windows)
    (studies / "tiny.yaml").write_text(text, encoding="utf-8")
    module = made.root / "src" / "analysis" / "studies" / "tiny.py"
    module.write_text(MODULE, encoding="utf-8")
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [cell(PARAMETERS, "parameters"), cell(body)]
    notebook = {"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}
    (made.root / "notebooks" / "tiny.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
