"""The lean rows of the site's grids: thousands of cells, each a link with a shape and a word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

from markupsafe import Markup, escape

from analysis.report.listing import Row, mark_of
from analysis.report.sparkline import COUNT, sparkline
from analysis.report.summary import Summary
from analysis.report.templating import seen
from analysis.report.verdicts import finding_mark, has_moved
from analysis.report.words import Words


def cells(row: Row, windows: Iterable[str], root: str) -> Markup:
    """A market's cells, one a window; a window without a run leaves its cell empty."""
    found = (row.by_window.get(window, ()) for window in windows)
    return Markup("").join(Markup("<td>{}</td>").format(links(runs, root)) for runs in found)


def links(runs: Sequence[Summary], root: str) -> Markup:
    """Links to runs' pages, each its verdict in shape, word and colour; a variant by its name."""
    return Markup("").join(_link(run, root) for run in runs)


@lru_cache(4096)  # the index and a study's page have the same
def number_cell(row: Row, name: str, said: Words) -> Markup:
    """A main number of a market's newest run: its verdict where it moved, its interval, and its
    last windows; empty where the run has no such number."""
    found = row.newest.by_name.get(name) if row.newest else None
    if row.newest is None or found is None or found.value is None:
        return Markup("<td></td>")
    value = Markup("<b>{}</b>").format(said.value(found.value, found.unit, found.noun))
    moved = next((e for e in row.newest.findings if e.name == name and has_moved(e)), None)
    if moved:
        mark = finding_mark(moved)
        value = Markup(
            '<span class="v {}"><i aria-hidden="true">{}</i> {}'
            '<span class="unseen"> {}</span></span>'
        ).format(mark.tone, mark.shape, value, mark.word)
    ends = Markup()
    if found.low is not None and found.high is not None:
        said_ends = said.ends(found.low, found.high, found.unit, found.noun)
        ends = Markup("<small>{}</small>").format(said_ends)
    line = sparkline(row.series(name, COUNT), said)
    return Markup("<td>{}{}{}</td>").format(value, ends, line)


def _link(run: Summary, root: str) -> Markup:
    mark = mark_of(run)
    variant = f" <small>{escape(seen(run.variant))}</small>" if run.variant else ""
    return Markup(  # noqa: S704  # the tone is ours, the rest is escaped
        f'<a class="c {mark.tone}" href="{root}{quote(run.page)}">'
        f'<i aria-hidden="true">{mark.shape}</i> {escape(mark.word)}{variant}</a>'
    )
