"""The site: every run's page among its neighbours, and the pages that find them.

Nothing is executed and no page is read but those that change: publishing costs what reading the
records of new runs costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis.project import Project
from analysis.report.findings_table import write_findings
from analysis.report.holding import hold_back, looked_through
from analysis.report.listing import Site
from analysis.report.pages import INDEX, write_pages
from analysis.report.regions import refresh, speak
from analysis.report.summary import summaries


@dataclass(frozen=True)
class SiteSummary:
    """What a site holds: pages in all, by outcome; how many were written, where its index lies, and
    what was held back."""

    pages: int
    done: int
    no_data: int
    failed: int
    written: int
    index: Path
    held: tuple[str, ...] = ()


def publish(
    project: Project, locales: dict[str, str] | None = None, locale: str | None = None
) -> SiteSummary:
    """Builds the site's pages and fills regions of runs' pages, from the records there are.

    Args:
        project: whose site it is.
        locales: languages that runs' pages are to be in, by identity; none changes none.
        locale: of the site's own pages at its root, from now on; the project's before one was said.

    Raises:
        UserError: the site's folder can't be written; the page in question is then as it was.
    """
    reports, title = project.reports, project.settings.title
    held = hold_back(project)
    speak(reports, title, locales or {})
    site = Site(tuple(summaries(reports)))
    filled = refresh(reports, site.runs)
    looked_through(project, filled)
    write_findings(reports, site.runs)
    written = len(filled) + write_pages(
        reports, site, title, locale=project.settings.locale, asked=locale
    )
    done, no_data, failed = (site.count(status) for status in ("done", "no_data", "failed"))
    return SiteSummary(len(site.runs), done, no_data, failed, written, reports / INDEX, tuple(held))
