"""The page of a run: an executed notebook and its record as one HTML file that needs nothing else.

`render` is what the runner calls; it never raises because of what a notebook shows.
"""

from __future__ import annotations

from typing import Any

from nbformat import NotebookNode

from analysis.report.data import data_files
from analysis.report.exporter import exporter
from analysis.report.record import RunRecord
from analysis.report.words import words

__all__ = ["data_files", "render", "render_failure", "render_no_data", "render_run"]


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
    if record.status == "no_data":
        return render_no_data(record, site_title=site_title, locale=locale)
    if record.status == "failed" or notebook is None:
        return render_failure(record, site_title=site_title, locale=locale)
    return render_run(notebook, record, site_title=site_title, locale=locale)


def render_run(
    notebook: NotebookNode, record: RunRecord, *, site_title: str, locale: str = "en"
) -> str:
    """The page of a finished run: main points, analysis, provenance."""
    page, _ = exporter().from_notebook_node(notebook, {"page": _given(record, site_title, locale)})
    return page


def render_failure(record: RunRecord, *, site_title: str, locale: str = "en") -> str:
    """The page of a run that failed: what failed, and how to see it happen. No traceback."""
    return _plain("failed.html.j2", record, site_title, locale)


def render_no_data(record: RunRecord, *, site_title: str, locale: str = "en") -> str:
    """The page of a run without data, which is an answer and not a failure."""
    return _plain("no_data.html.j2", record, site_title, locale)


def _plain(template: str, record: RunRecord, site_title: str, locale: str) -> str:
    page = _given(record, site_title, locale)
    return str(exporter().environment.get_template(template).render(page=page)).lstrip()


def _given(record: RunRecord, site_title: str, locale: str) -> dict[str, Any]:
    return {
        "run": record,
        "site_title": site_title,
        "words": words(locale),
        # The site's root, from the folder of the run.
        "root": "../" * (record.identity.count("/") + 1),
    }
