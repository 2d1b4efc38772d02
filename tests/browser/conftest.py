"""A browser, and a site of every kind of page for it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from nbformat.v4 import new_markdown_cell
from playwright.sync_api import Browser, Route, sync_playwright

from analysis.project import ROOT_VARIABLE, Project
from analysis.report.page import render
from analysis.report.site import publish
from browsing import WATCH, Tab
from samples import (
    HOSTILE,
    calm,
    finding,
    notebook,
    planted,
    put,
    record,
    typical,
)
from support import copy_project, missing

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        missing(
            f"no browser ({', '.join(BROWSERS)}); tests/install-system-packages.sh installs one"
        )
    arguments = ["--disable-background-networking"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    context = browser.new_context()
    page = context.new_page()
    made = Tab(context, page)

    def note(route: Route) -> None:
        made.asked.append(route.request.url)
        route.continue_()

    context.route("**/*", note)
    page.add_init_script(WATCH)
    page.on("console", lambda message: made.complaints.append(message.text))
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("dialog", lambda dialog: made.complaints.append(dialog.message))
    yield made
    context.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's folder: an index over finished, failed and empty runs of two studies."""
    project = copy_project(tmp_path_factory.mktemp("browser") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(project.root))
        patch.delenv("STUDY_REPORTS", raising=False)
        fill(project)
        publish(project)
        return project.reports


def fill(project: Project) -> None:
    week = {"window": "2026-W09", "start": date(2026, 2, 23), "end": date(2026, 3, 2)}
    long = new_markdown_cell(
        "## " + "unbroken" * 30 + "\n\n" + "word" * 60 + "\n\n    " + "x" * 300
    )
    shown = notebook(*typical(), long)
    better = finding("better", verdict="down", meaning="better")
    for market in project.markets.values():
        where = {"market": market.code, "market_name": market.name, "zone": market.zone}
        put(project.reports, record(**where), shown)
        put(project.reports, record(**where | week, findings=(calm(), better)), shown)
    put(project.reports, record(study="other", title="Another study", findings=()), shown)
    put(
        project.reports,
        record(
            study="other",
            title="Another study",
            **week,
            status="failed",
            reason="KeyError in cell 4",
        ),
        shown,
    )
    put(
        project.reports,
        record(
            study="other",
            title="Another study",
            market="DE",
            status="no_data",
            reason="no rows",
        ),
        shown,
    )


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The index of a site without runs."""
    project = copy_project(tmp_path_factory.mktemp("empty") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("STUDY_REPORTS", raising=False)
        return publish(project).index


@pytest.fixture(scope="session")
def pages(site: Path, empty: Path) -> dict[str, Path]:
    """One page of every kind."""
    return {
        "index": site / "index.html",
        "study": site / "by-study/core_metrics.html",
        "market": site / "by-market/JP.html",
        "numbers": site / "by-study/core_metrics/JP.html",
        "dictionary": site / "findings.html",
        "arabic": site / "in-ar/index.html",
        "arabic study": site / "in-ar/by-study/core_metrics.html",
        "arabic market": site / "in-ar/by-market/JP.html",
        "empty": empty,
        "run": site / "core_metrics/JP/2026-W10/report.html",
        "failed": site / "other/JP/2026-W09/report.html",
        "no_data": site / "other/DE/2026-W10/report.html",
    }


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pages, each with one hostile string in every place that data can reach."""
    folder = tmp_path_factory.mktemp("hostile")
    for at, text in enumerate(HOSTILE):
        shown, kept = planted(text)
        shown.cells.append(new_markdown_cell(f"{text}\n\n# {text}\n\n[x]({text}) ![x]({text})"))
        page = render(shown, kept, site_title=text)
        (folder / f"{at}.html").write_text(page, encoding="utf-8")
    return folder
