"""What a notebook shows: figures and tables that carry their words and their data.

Both are displays of a type of their own beside a common one, so they look right in JupyterLab and
in VS Code, and the report is built from the typed part alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from analysis.figures.shapes import FIGURE, TABLE, TITLE, Shape, in_words, show_bundle


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
        printed: whether paper has its rows; without them, its caption and where its data lie.
        rests_on: as a figure's.
    """

    name: str
    caption: str
    frame: pd.DataFrame
    columns: tuple[Column, ...]
    note: str = ""
    folded: bool = False
    printed: bool = True
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
            "printed": self.printed,
            "rests_on": self.rests_on,
            "columns": [column.__dict__ for column in self.columns],
            "data": data,
        }
        heads = [(column.title, column.shape) for column in self.columns]
        return {TABLE: payload, **in_words(self.caption, heads, data["rows"])}


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
    return value if isinstance(value, bool | int) else str(value)  # an `Unseen` stays unseen
