"""What the site costs with thousands of runs: to publish, to open, to search; and one run's page.

Publishing is measured as `study publish` does it, in a process of its own. Opening and typing are
measured in Chromium: from the start of navigation to the load event and the frame after it, and
from a keystroke to the frame that shows its answer.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
from itertools import islice
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from analysis.project import Project
from analysis.report.page import render
from benchmarks.measuring import Options, report, timed
from samples import notebook, record, typical
from support import clean_environment, copy_project
from thousands import many, put_lean, put_many

PAGES, TYPED = 30, "brazil higher"
FRAME = (
    "new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"
)

WATCH = """() => {
  const box = document.querySelector('#q'), once = { once: true };
  window.answer = new Promise(done => box.addEventListener('keydown', pressed =>
    box.addEventListener('input', () => requestAnimationFrame(() => setTimeout(() =>
      done(performance.now() - pressed.timeStamp))), once), once));
}"""


def measure(options: Options) -> None:
    """Publishes `--pages` runs, then one more; opens the index and types into it."""
    one_page()
    project = copy_project(options.folder / "project")
    put_many(project, options.pages)
    published(project, f"{options.pages:,} runs, nothing kept yet")
    published(project, "nothing changed")
    again = next(islice(many(project), 100, 101)).model_copy(update={"seconds": 7.0})
    put_lean(project.reports, again)
    published(project, "one run of them anew")
    index = project.reports / "index.html"
    print(f"index.html: {index.stat().st_size / 1e6:.2f} MB")
    browse(index)


def one_page() -> None:
    """The HTML of one run by a warm exporter."""
    shown, kept = notebook(*typical(), *typical(), *typical()), record()
    render(shown, kept, site_title="s")
    spent = [timed(lambda: render(shown, kept, site_title="s")) for _ in range(PAGES)]
    report("page of a run", f"warm exporter, median of {PAGES}", statistics.median(spent))


def published(project: Project, how: str) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = timed(lambda: publish(project))
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    work = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    report("publish", f"{how} ({work:.2f} s of the processor)", spent)


def publish(project: Project) -> None:
    subprocess.run(
        [sys.executable, "-c", "from analysis.cli import main; main()", "publish"],
        cwd=project.root,
        env=clean_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def browse(index: Path) -> None:
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = [opening(browser, index) for _ in range(5)]
        report("open", "index in Chromium, median of 5", statistics.median(opened))
        page = browser.new_page()
        page.goto(index.as_uri())
        spent = [keystroke(page, letter) for letter in TYPED]
        report("keystroke", f"median of {len(spent)}", statistics.median(spent))
        report("keystroke", "the slowest", max(spent))
        browser.close()


def opening(browser: Browser, index: Path) -> float:
    page = browser.new_page()
    page.goto(index.as_uri())
    spent = float(page.evaluate(FRAME)) / 1000
    page.close()
    return spent


def keystroke(page: Page, letter: str) -> float:
    """From the key to the frame after it, by the browser's own clock; the box is the page's."""
    page.locator("#q").focus()
    page.evaluate(WATCH)
    page.keyboard.press("Space" if letter == " " else letter)
    return float(page.evaluate("window.answer")) / 1000
