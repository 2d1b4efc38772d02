"""What a notebook shows: figures and tables that carry their words and their data.

Both are displays of a type of their own beside a common one, so they look right in JupyterLab and
in VS Code, and the report is built from the typed part alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import numpy as np
import pandas as pd

FIGURE = "application/vnd.analysis.figure+json"
TABLE = "application/vnd.analysis.table+json"
#: A figure's title where only a notebook needs it: a page has it with the figure.
TITLE = "application/vnd.analysis.title+json"

#: How a column's values are shown: text, whole numbers, decimals, shares as per cent.
Shape = Literal["text", "count", "number", "share", "per_million", "hours"]


@dataclass(frozen=True)
class Figure:
    """A chart with its words and its data.

    Attributes:
        name: a slug, unique in the notebook; its CSV is `data/NAME.csv`.
        title: states what the chart shows.
        alt: what the chart shows, made from the same numbers, for those who do not see it.
        caption: source, method, how to read it.
        data: the numbers behind it, tidy, with units in the columns' names.
        svg: the picture, from `figures.style.to_svg`.
        rests_on: the least number that a rate of it rests on, where its rows have no count that
            says it; disclosure control hides rates of which neither says it.
    """

    name: str
    title: str
    alt: str
    caption: str
    data: pd.DataFrame
    svg: str
    rests_on: int | None = None

    def _ipython_display_(self) -> None:
        """Title, then picture: a notebook shows one kind of a display, and a picture has none."""
        title = {"text/html": f"<strong>{escape(self.title)}</strong>", "text/plain": self.title}
        for bundle in ({TITLE: {"name": self.name}, **title}, self._repr_mimebundle_()):
            show_bundle(bundle)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        words = {"name": self.name, "title": self.title, "alt": self.alt, "caption": self.caption}
        return {
            FIGURE: words
            | {"rests_on": self.rests_on, "data": columns_and_rows(dict(self.data.items()))},
            "image/svg+xml": self.svg,
            "text/plain": f"{self.title}. {self.alt}",
        }


@dataclass(frozen=True)
class Column:
    """A column of a table: its key in the frame, its heading with the unit, how it is shown."""

    key: str
    title: str
    shape: Shape = "text"


@dataclass(frozen=True)
class Table:
    """A table for readers; the first column heads its rows.

    Attributes:
        name: a slug, unique in the notebook; its CSV is `data/NAME.csv`.
        caption: what the table shows.
        frame: the values; columns not named in `columns` are left out.
        columns: in their order.
        note: how it was measured or what is left out.
        folded: for looking things up: a page shows its caption, and the rest when asked.
        rests_on: as a figure's.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    note: str = ""
    folded: bool = False
    rests_on: int | None = None

    def _ipython_display_(self) -> None:
        show_bundle(self._repr_mimebundle_())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        data = columns_and_rows({column.key: self.frame[column.key] for column in self.columns})
        payload = {
            "name": self.name,
            "caption": self.caption,
            "note": self.note,
            "folded": self.folded,
            "rests_on": self.rests_on,
            "columns": [column.__dict__ for column in self.columns],
            "data": data,
        }
        heads = [(column.title, column.shape) for column in self.columns]
        return {TABLE: payload, **in_words(self.caption, heads, data["rows"])}


def show_bundle(bundle: Mapping[str, Any]) -> None:
    """Displays what each of its types already is. IPython would first ask nine formatters whether
    they know the object: a tenth of the time of a study with a hundred findings."""
    from IPython.display import display  # only where there is a kernel

    display(bundle, raw=True)  # type: ignore[no-untyped-call]  # IPython has no types


def in_words(
    caption: str, heads: Sequence[tuple[str, Shape]], rows: Iterable[Sequence[Any]]
) -> dict[str, str]:
    """A table as HTML and as plain text, from its columns' titles and shapes and its rows."""
    titles = [title for title, _ in heads]
    shapes = [shape for _, shape in heads]
    cells = [[show(*each) for each in zip(row, shapes, strict=False)] for row in rows]
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in cells)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    above = f"<caption>{escape(caption)}</caption>"
    return {
        "text/html": f"<table>{above}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>",
        "text/plain": "\n".join("\t".join(line) for line in [titles, *cells]),
    }


def columns_and_rows(columns: Mapping[Any, pd.Series[Any]]) -> dict[str, list[Any]]:
    """A frame's columns as plain JSON: names, and rows of text, numbers and nulls."""
    rows = zip(*map(_column, columns.values()), strict=True)
    return {"columns": [str(name) for name in columns], "rows": [list(row) for row in rows]}


def _column(values: pd.Series[Any]) -> list[Any]:
    """A column's values, those of the common kinds without a look at each one's type."""
    if values.dtype == float:
        return [value if math.isfinite(value) else None for value in values.tolist()]
    if values.dtype == bool:
        return values.tolist()
    if isinstance(values.dtype, pd.StringDtype):
        texts = np.asarray(values, object).tolist()
        return [text if isinstance(text, str) else None for text in texts]
    return [_plain(value) for value in values.tolist()]


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, bool | int | str) else str(value)


def show(value: Any, shape: Shape) -> str:
    """A value as a reader sees it; a dash where there is none.

    >>> show(0.12345, "share"), show(1234567, "count"), show(None, "share")
    ('12.3%', '1,234,567', '–')
    """
    if isinstance(value, str):
        return value
    value = _plain(value)
    if value is None:
        return "–"
    if shape == "text":
        return str(value)
    if shape == "count":
        return f"{value:,.0f}"
    if shape == "share":
        return f"{100 * value:.{share_decimals(value)}f}%"
    if abs(value) < 1e-9:  # what floating point leaves of a zero, whatever its sign
        return "0"
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def share_decimals(share: float) -> int:
    """Decimals of a percentage that keep three figures of a rare share.

    >>> [share_decimals(s) for s in (0.5, 0.05, 0.0017, 0.00004)]
    [1, 2, 3, 5]
    """
    if share == 0:
        return 1
    return max(1, 2 - math.floor(math.log10(abs(100 * share))) if abs(share) < 0.1 else 1)
