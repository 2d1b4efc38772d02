"""Displays made from their typed parts alone: what a notebook holds after the safeguards."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

from analysis.figures.shapes import FIGURE, TABLE, TITLE, in_words
from analysis.report.cells import Data, FigureWords, TableColumn, TableWords
from analysis.report.svg import tidy
from analysis.studies.findings import Finding

SVG_TYPE = "image/svg+xml"
Bundle = dict[str, Any]


def figure_bundle(words: FigureWords, svg: str, clean: Callable[[str], str]) -> Bundle:
    """A figure's display, with its picture, each of whose texts is cleaned."""
    plain = f"{words.title}. {words.alt}"
    return {FIGURE: words.model_dump(), SVG_TYPE: tidy(svg, clean), "text/plain": plain}


def table_bundle(words: TableWords) -> Bundle:
    """A table's display."""
    without = None if words.of_figure else {"of_figure"}
    heads = [(column.title, column.shape) for column in words.columns]
    return {
        TABLE: words.model_dump(exclude=without),
        **in_words(words.caption, heads, words.data.rows),
    }


def figure_table(figure: FigureWords, data: Data) -> Bundle:
    """The table that stands in the place of a figure's picture: its data, and none of its words."""
    columns = [
        TableColumn(key=key, title=_spoken(key), shape=_shape(data, at))
        for at, key in enumerate(data.columns)
    ]
    words = TableWords(
        name=figure.name,
        caption=_spoken(figure.name),
        of_figure=True,
        rests_on=figure.rests_on,
        columns=columns,
        data=data,
    )
    return table_bundle(words)


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
