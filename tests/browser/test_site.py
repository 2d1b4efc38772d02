"""The site's own pages in a browser: searched and compared by keyboard alone, sent by address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from analysis.report.site import publish
from browsing import Tab
from samples import HOSTILE, calm, finding, notebook, put, put_hostile, record
from support import copy_project

pytestmark = pytest.mark.xdist_group("browser")


def reach(page: Page, selector: str, limit: int = 60) -> None:
    for _ in range(limit):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} is not reached by keyboard")


def rows(page: Page) -> list[str]:
    """The names of the markets that the first study's grid shows."""
    return page.locator(
        "table[aria-labelledby=grid-core_metrics] tbody tr:visible th"
    ).all_inner_texts()


def compared(page: Page) -> list[str]:
    """The rows of two runs side by side, when their numbers have come."""
    page.locator("#compared-numbers tbody tr").first.wait_for()
    return page.locator("#compared-numbers tbody tr").all_inner_texts()


def test_typing_narrows_what_is_shown_and_the_address_keeps_it(
    tab: Tab, pages: dict[str, Path]
) -> None:
    page = tab.open(pages["index"])
    whole = len(rows(page))
    reach(page, "#q")
    page.keyboard.type("JAPAN higher")
    assert rows(page) == ["Japan"]
    lines = page.locator("#results li").all_inner_texts()
    assert any(line.startswith("◆ 1 worse\nCore safety metrics, Japan") for line in lines)
    assert "of" in page.locator("#found").inner_text()
    page.wait_for_url("**#q=JAPAN+higher")
    address = page.url
    page.keyboard.press("Escape")
    assert len(rows(page)) == whole
    assert page.locator("#results").is_hidden()
    page.goto("about:blank")
    page.goto(address)
    assert rows(page) == ["Japan"]
    assert page.locator("#q").input_value() == "JAPAN higher"


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("another study", 3),  # a study
        ("2026-w09 germany", 1),  # a window and a market
        ("violative content brazil", 2),  # words of a finding
        ("failed keyerror", 1),  # an outcome and its reason
        ("no such words", 0),
    ],
)
def test_a_search_finds(tab: Tab, pages: dict[str, Path], typed: str, found: int) -> None:
    page = tab.open(pages["index"])
    page.locator("#q").fill(typed)
    assert page.locator("#results li").count() == found


def test_two_cells_are_compared_by_keyboard_alone(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["index"])
    page.get_by_role("button", name="Compare two").nth(1).focus()
    page.keyboard.press("Space")
    cells = page.locator("section.study").nth(1).locator("tr", has_text="Japan").locator("a.c")
    for at, key in ((0, "Enter"), (1, "Space")):
        cells.nth(at).focus()
        page.keyboard.press(key)
    page.wait_for_url("**/by-study/core_metrics.html#a=JP%2F2026-W10&b=JP%2F2026-W09")
    lines = compared(page)
    rate = next(line for line in lines if line.startswith("Overturn rate"))
    assert "13.0%\n10.4% to 15.9%" in rate
    # The later window compared itself with the earlier: its own difference is said.
    assert "No clear difference\n2026-W10 − 2026-W09: +1.00 points (−2.00 to +4.00 points)" in rate
    assert "not there" in next(line for line in lines if line.startswith("Violative view rate"))
    page.locator("#b-market").select_option("DE")
    assert page.url.endswith("#a=JP%2F2026-W10&b=DE%2F2026-W09")
    page.get_by_text("Both the market and the window differ").wait_for()
    assert "Germany, 2026-W09" in page.locator("#compared-numbers thead").inner_text()


def test_a_difference_is_said_only_where_intervals_allow_it(
    tab: Tab, pages: dict[str, Path]
) -> None:
    page = tab.open(pages["study"])
    page.goto(f"{pages['study'].as_uri()}#a=JP/2026-W10&b=DE/2026-W10")
    lines = compared(page)
    rate = next(line for line in lines if line.startswith("Violative view rate"))
    assert "The intervals overlap: nothing can be said" in rate
    assert not any("Higher" in line or "Lower" in line for line in lines)


def test_words_for_ears_alone_scroll_with_their_table(tab: Tab, pages: dict[str, Path]) -> None:
    """They stand out of the flow in cells far to the side, and would widen a phone's page."""
    tab.look(width=375)
    page = tab.open(pages["index"])
    assert page.locator(".numbers td .unseen").count() > 0
    page.evaluate(
        "document.querySelectorAll('.numbers td').forEach(each => each.style.minWidth = '60rem')"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_comparison_leaves_out_what_neither_run_has(
    tab: Tab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STUDY_REPORTS", raising=False)
    monkeypatch.setattr("analysis.report.pages.LANGUAGES", ("en",))
    project = copy_project(tmp_path / "project")
    without = finding("without", title="Appeals", value=None, low=None, high=None, comparisons=())
    for market in ("JP", "DE"):
        put(project.reports, record(market=market, findings=(calm(), without)), notebook())
    publish(project)
    page = tab.open(project.reports / "by-study/core_metrics.html")
    page.locator("#compared-numbers tbody tr").first.wait_for()
    titles = page.locator("#compared-numbers tbody th").all_inner_texts()
    assert titles == ["Overturn rate"]


def test_escape_ends_choosing(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["study"])
    button = page.get_by_role("button", name="Compare two")
    button.click()
    cell = page.locator("a.c").first
    cell.focus()
    page.keyboard.press("Space")
    assert cell.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Escape")
    assert button.get_attribute("aria-pressed") == "false"
    assert cell.get_attribute("role") is None


def test_languages_keep_what_is_shown(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["index"])
    page.locator("#q").fill("JP")
    page.wait_for_url("**#q=JP")
    page.get_by_role("link", name="Deutsch").click()
    page.wait_for_url("**/in-de/index.html#q=JP")
    assert rows(page) == ["Japan"]
    assert " von " in page.locator("#found").inner_text()
    assert page.locator("h1").inner_text() == "Safety Studies"


def test_without_scripts_all_is_there_but_search(tab: Tab, pages: dict[str, Path]) -> None:
    context = tab.context.browser.new_context(java_script_enabled=False)  # type: ignore[union-attr]
    page = context.new_page()
    page.goto(pages["index"].as_uri())
    for hidden in (".search", "#results", ".pick"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("section.study .grid a.c:visible").count() > 20
    assert page.locator("svg.spark:visible").count() > 5
    context.close()


@pytest.fixture(scope="module")
def hostile_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("STUDY_REPORTS", raising=False)
        patch.setattr("analysis.report.pages.LANGUAGES", ("en",))
        project = copy_project(tmp_path_factory.mktemp("hostile") / "project")
        put_hostile(project.reports)
        publish(project)
        yield project.reports


def test_hostile_words_run_nothing_when_searched_and_compared(tab: Tab, hostile_site: Path) -> None:
    page = tab.open(hostile_site / "index.html")
    before = page.evaluate("document.querySelectorAll('script, iframe, object, img').length")
    for text in HOSTILE[::6]:
        page.locator("#q").fill(" ".join(text.split()))
    page.locator("#q").fill("failed")
    assert page.locator("#results li").count() == 40
    page.goto(
        f"{(hostile_site / 'by-study/core_metrics.html').as_uri()}#a=M0/2026-W10&b=M1/2026-W10"
    )
    for at in range(0, len(HOSTILE), 6):
        page.locator("#b-market").select_option(f"M{at}")
    last = range(0, len(HOSTILE), 6)[-1]
    page.locator(f'#compared-numbers thead a[href*="/M{last}/"]').wait_for()
    page.wait_for_function("!document.querySelector('iframe')")
    state = "[window.pwned, document.querySelectorAll('script, iframe, object, img').length]"
    assert page.evaluate(state) == [None, before]
    assert (
        page.evaluate(
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes])"
            ".filter(a => /^on|^style$/.test(a.name) || /^\\s*javascript:/i.test(a.value)).length"
        )
        == len([text for text in HOSTILE if text.startswith("javascript:")]) * 0
    )
    assert tab.complaints == []
    assert tab.refused == []
