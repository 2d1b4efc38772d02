"""The data behind a page's figures and tables, as CSV files that a spreadsheet may open."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from analysis.figures.shapes import FIGURE, TABLE
from analysis.report.cells import Data, FigureWords, Names, TableWords, read

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: What makes a spreadsheet take a text for a formula, in its full-width forms too (OWASP, CSV
#: injection).
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

#: Spaces and marks that a formula may hide behind.
HIDDEN_START = " \u00a0\ufeff\u200e\u200f\u202a\u202b\u202d\u202e"


def data_files(notebook: NotebookNode) -> dict[str, str]:
    """The CSV of every figure and table that an executed notebook shows, by file name.

    Args:
        notebook: as executed.

    Returns:
        Texts by names such as `violative_view_rate.csv`; the page links to the same names.
    """
    names = Names()
    return {names.file(name): to_csv(data) for name, data in _shown(notebook)}


def _shown(notebook: NotebookNode) -> Iterator[tuple[str, Data]]:
    """In the order of the page, so that names agree."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if (figure := read(FigureWords, data.get(FIGURE))) is not None:
                yield figure.name, figure.data
            elif (table := read(TableWords, data.get(TABLE))) is not None:
                yield table.name, table.data


def to_csv(data: Data) -> str:
    """Rows as CSV (RFC 4180): numbers as they are, no value an empty cell, no text a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    rows: list[Sequence[object]] = [data.columns, *data.rows]
    for row in rows:
        writer.writerow([defuse(value) if isinstance(value, str) else value for value in row])
    return text.getvalue()


def defuse(text: str) -> str:
    """A text that no spreadsheet executes.

    >>> defuse("=1+1"), defuse("Japan"), defuse("  @SUM(A1)")
    ("'=1+1", 'Japan', "'  @SUM(A1)")
    """
    start = text.lstrip(HIDDEN_START)
    return f"'{text}" if start.startswith(FORMULA) else text
