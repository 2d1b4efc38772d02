"""Displays made from their typed parts alone: what a notebook holds after the safeguards."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from analysis.figures.displays import FIGURE, TABLE, TITLE, in_words
from analysis.report.cells import Data, FigureWords, TableColumn, TableWords
from analysis.report.svg import tidy
from analysis.studies.findings import Finding

SVG_TYPE = "image/svg+xml"
#: Marks the table that stands in the place of a figure.
OF_FIGURE = "of_figure"
Bundle = dict[str, Any]


def figure_bundle(words: FigureWords, svg: str, clean: Callable[[str], str]) -> Bundle:
    """A figure's display, with its picture, each of whose texts is cleaned."""
    plain = f"{words.title}. {words.alt}"
    return {FIGURE: words.model_dump(), SVG_TYPE: tidy(svg, clean), "text/plain": plain}


def table_bundle(words: TableWords) -> Bundle:
    """A table's display."""
    heads = [(column.title, column.shape) for column in words.columns]
    return {TABLE: words.model_dump(), **in_words(words.caption, heads, words.data.rows)}


def figure_table(name: str, data: Data) -> Bundle:
    """The table that stands in the place of a figure: its data, and none of its words."""
    columns = [
        TableColumn(key=key, title=_spoken(key), shape=_shape(data, at))
        for at, key in enumerate(data.columns)
    ]
    words = TableWords(name=name, caption=_spoken(name), columns=columns, data=data)
    bundle = table_bundle(words)
    return {**bundle, TABLE: {**bundle[TABLE], OF_FIGURE: True}}


def _shape(data: Data, at: int) -> Any:
    values = [row[at] for row in data.rows if at < len(row)]
    return "number" if any(isinstance(value, int | float) for value in values) else "text"


def _spoken(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def finding_bundle(finding: Finding) -> Bundle:
    """A finding's display."""
    return finding._repr_mimebundle_()


def title_bundle(name: str, title: str | None) -> Bundle:
    """A figure's title above its picture; its name where the title may not be shown."""
    said = _spoken(name) if title is None else title
    html = f"<strong>{escape(said)}</strong>"
    return {TITLE: {"name": name}, "text/html": html, "text/plain": said}
