"""The lean rows of the site's grids: thousands of cells, each a link with a shape and a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from markupsafe import Markup, escape

from analysis.report.listing import Row, mark_of
from analysis.report.summary import Summary
from analysis.report.templating import seen


def cells(row: Row, windows: Iterable[str], root: str) -> Markup:
    """A market's cells, one a window; a window without a run leaves its cell empty."""
    found = (row.by_window.get(window, ()) for window in windows)
    return Markup("").join(Markup("<td>{}</td>").format(links(runs, root)) for runs in found)


def links(runs: Sequence[Summary], root: str) -> Markup:
    """Links to runs' pages, each its verdict in shape, word and colour; a variant by its name."""
    return Markup("").join(_link(run, root) for run in runs)


def _link(run: Summary, root: str) -> Markup:
    mark = mark_of(run)
    variant = f" <small>{escape(seen(run.variant))}</small>" if run.variant else ""
    return Markup(  # noqa: S704  # the tone is ours, the rest is escaped
        f'<a class="c {mark.tone}" href="{root}{quote(run.page)}">'
        f'<i aria-hidden="true">{mark.shape}</i> {escape(mark.word)}{variant}</a>'
    )
