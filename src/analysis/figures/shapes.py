"""The types of what a notebook shows, and how its values are shown: what pages need of displays.

A site is published without pandas, whose import takes as long as all else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal

FIGURE = "application/vnd.analysis.figure+json"
TABLE = "application/vnd.analysis.table+json"
#: A figure's title where only a notebook needs it: a page has it with the figure.
TITLE = "application/vnd.analysis.title+json"

#: How a column's values are shown: text, whole numbers, decimals, shares as per cent.
Shape = Literal[
    "text", "count", "number", "share", "per_hundred", "per_thousand", "per_million", "hours"
]


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


def show(value: Any, shape: Shape) -> str:
    """A value as a reader sees it; a dash where there is none.

    >>> show(0.12345, "share"), show(1234567, "count"), show(None, "share")
    ('12.3%', '1,234,567', '–')
    """
    if isinstance(value, str):
        return value
    if value is None or value != value:
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
