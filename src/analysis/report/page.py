"""The page of a run: an executed notebook and its record as one HTML file that needs nothing else.

`render` is what the runner calls; it never raises because of what a notebook shows.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

from analysis.report.data import data_files
from analysis.report.exporter import exporter
from analysis.report.i18n import speaking
from analysis.report.record import RunRecord
from analysis.report.words import words

__all__ = ["data_files", "render"]


def render(
    notebook: NotebookNode | None, record: RunRecord, *, site_title: str, locale: str = "en"
) -> str:
    """The page that suits a run's outcome.

    Args:
        notebook: as executed; needed only where the run is done.
        record: of the run.
        site_title: names the site that the page belongs to.
        locale: of the page's own words, dates and numbers, such as `en` or `pt_BR`.
    """
    with speaking(locale):
        return _render(notebook, record, site_title, locale)


def _render(notebook: NotebookNode | None, record: RunRecord, site_title: str, locale: str) -> str:
    page = _given(record, site_title, locale)
    if record.status == "done" and notebook is not None:
        text, _ = exporter().from_notebook_node(notebook, {"page": page})
        return text
    template = "no_data.html.j2" if record.status == "no_data" else "failed.html.j2"
    return str(exporter().environment.get_template(template).render(page=page)).lstrip()


def _given(record: RunRecord, site_title: str, locale: str) -> dict[str, Any]:
    said = words(locale)
    market = said.market(record.market, record.market_name)
    return {
        "run": record,
        "market": market,
        "head": (record.title, market, record.window),
        "name": f"{record.title}: {market}, {record.window}",
        "site_title": site_title,
        "words": said,
        # The site's root, from the folder of the run.
        "root": "../" * (record.identity.count("/") + 1),
    }
