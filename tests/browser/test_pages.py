"""Pages in a real browser: nothing asked for, nothing run, legible and usable as promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from analysis.report.page import render
from browsing import Tab
from samples import code, notebook, record, show, table

pytestmark = pytest.mark.xdist_group("browser")

KINDS = ("index", "study", "market", "arabic", "empty", "run", "failed", "no_data")
#: Every text that is shown, with its contrast (WCAG 2.2, 1.4.3) against what is painted behind it.
CONTRAST = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const paint = parts(getComputedStyle(at).backgroundColor);
      if (paint.length === 3 || paint[3] === 1) return paint;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || !element.getClientRects().length) continue;
    if (['TITLE', 'DESC', 'STYLE'].includes(element.tagName.toUpperCase())) continue;
    const ink = element instanceof SVGElement ? style.fill : style.color;
    const a = light(parts(ink)), b = light(behind(element));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
    const needed = size >= 24 || bold && size >= 18.66 ? 3 : 4.5;
    if (ratio < needed) found.push(`${ratio.toFixed(2)} ${ink} ${walker.currentNode.data.trim()}`);
  }
  return found;
}"""


def focus(tab: Tab, selector: str, limit: int = 60) -> None:
    """Goes on by Tab until an element has the focus."""
    for _ in range(limit):
        tab.page.keyboard.press("Tab")
        if tab.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} is not reached by keyboard")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 375, 320])
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_needs_nothing_and_fits(
    tab: Tab, pages: dict[str, Path], kind: str, width: int, scheme: str
) -> None:
    tab.look(width=width, scheme=scheme)
    page = tab.open(pages[kind])
    # A study's page opens numbers of its own, which lie beside it; nothing of the network.
    beside = pages[kind].with_suffix("").as_uri()
    assert [each for each in tab.asked if not each.startswith(f"{beside}/")] == [
        pages[kind].as_uri()
    ]
    assert tab.complaints == []
    assert tab.refused == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CONTRAST) == []


def test_the_measure_of_contrast_sees_faint_text(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["run"])
    page.evaluate("document.querySelector('.question').style.color = '#8a8a8a'")
    (found,) = page.evaluate(CONTRAST)
    assert found.startswith("3.45 rgb(138, 138, 138) How safe")


@pytest.mark.parametrize("kind", KINDS)
def test_light_and_dark_are_two_looks_of_one_page(
    tab: Tab, pages: dict[str, Path], kind: str
) -> None:
    looks = []
    for scheme in ("light", "dark"):
        tab.look(scheme=scheme)
        page = tab.open(pages[kind])
        looks.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert looks[0] == "rgb(255, 255, 255)"
    assert looks[1] != looks[0]


def test_a_figure_takes_the_colours_of_its_page(tab: Tab, pages: dict[str, Path]) -> None:
    line = "[...document.querySelectorAll('figure path')].map(p => getComputedStyle(p).stroke)"
    strokes = []
    for scheme in ("light", "dark"):
        tab.look(scheme=scheme)
        strokes.append(set(tab.open(pages["run"]).evaluate(line)))
    assert "rgb(0, 114, 178)" in strokes[0]
    assert "rgb(86, 180, 233)" in strokes[1]
    assert "rgb(0, 114, 178)" not in strokes[1]


def test_figures_and_tables_have_names_for_those_who_do_not_see_them(
    tab: Tab, pages: dict[str, Path]
) -> None:
    page = tab.open(pages["run"])
    picture = page.get_by_role("img", name="Violative views stayed near 17 of 10,000")
    assert picture.count() == 1
    tree = page.locator("main").aria_snapshot()
    assert "A line from 0.16% on 2 March" in tree
    assert page.get_by_role("table", name="Removals by policy").count() == 1
    assert page.get_by_role("rowheader", name="Hate speech").count() == 1
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1


def test_code_is_shown_by_keyboard_alone(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["run"])
    cell = page.locator("details.code").first
    assert not cell.is_visible()
    focus(tab, "#show-code")
    page.keyboard.press("Space")
    assert page.locator("#show-code").get_attribute("aria-pressed") == "true"
    assert cell.is_visible()
    assert cell.locator("pre").is_visible()
    focus(tab, "details.code summary")
    page.keyboard.press("Enter")
    assert not cell.locator("pre").is_visible()


def test_details_of_provenance_open_by_keyboard(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["run"])
    versions = page.get_by_text("Versions", exact=True)
    assert not versions.is_visible()
    focus(tab, ".provenance summary")
    page.keyboard.press("Enter")
    assert versions.is_visible()


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_tab_skips_to_the_report(tab: Tab, pages: dict[str, Path], kind: str) -> None:
    page = tab.open(pages[kind])
    page.keyboard.press("Tab")
    link = page.locator(".skip")
    assert link.bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


@pytest.mark.parametrize("kind", ["index", "study", "run"])
def test_focus_is_seen_wherever_it_goes(tab: Tab, pages: dict[str, Path], kind: str) -> None:
    page = tab.open(pages[kind])
    seen = "getComputedStyle(document.activeElement).outlineStyle"
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate(seen) != "none"


def test_every_link_of_the_site_leads_somewhere(tab: Tab, pages: dict[str, Path]) -> None:
    for kind in KINDS:
        if kind == "empty":
            continue
        page = tab.open(pages[kind])
        links: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        assert links
        for link in links:
            parts = urlsplit(link)
            assert Path(unquote(parts.path)).is_file(), link
            if parts.fragment:
                assert page.locator(f"[id='{parts.fragment}']").count() == 1


def test_a_reader_goes_from_the_index_to_a_page_and_back(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["index"])
    table = page.get_by_role("table", name="Markets by windows").first
    table.get_by_role("row", name="Japan").locator("td a").first.click()
    assert page.get_by_role("heading", level=1).inner_text().split("\n") == [
        "Another study",  # the first by its title
        "Japan, 2026-W10",
    ]
    page.get_by_role("navigation", name="Site").get_by_role("link").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Safety Studies"


def test_print_leaves_the_code_out(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["run"])
    page.locator("#show-code").click()
    page.emulate_media(media="print")
    for hidden in ("details.code", ".toggle", ".skip", ".site"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator("figure svg").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_paper_has_of_a_table_of_code_its_name_and_where_its_data_lie(
    tab: Tab, tmp_path: Path
) -> None:
    for printed in (True, False):
        cell = code("", *show(table(folded=True, printed=printed)))
        path = tmp_path / f"{printed}.html"
        path.write_text(render(notebook(cell), record(), site_title="s"), encoding="utf-8")
        page = tab.open(path)
        page.emulate_media(media="print")
        assert page.locator(".folded tbody").is_visible() == printed
        assert page.locator(".folded summary").is_visible()
        assert page.locator(".folded a[download]").is_visible()


def test_print_spells_links_out_and_opens_what_is_folded(tab: Tab, pages: dict[str, Path]) -> None:
    page = tab.open(pages["run"])
    page.emulate_media(media="print")
    after = "each => getComputedStyle(each, '::after').content"
    link = page.locator("figcaption a[download]").first
    assert "data/" in str(link.evaluate(after))
    assert page.locator("thead").first.evaluate("e => getComputedStyle(e).display") == (
        "table-header-group"
    )
    page.evaluate(
        "document.querySelector('main').insertAdjacentHTML('beforeend',"
        '\'<div class="prose"><a id="there" href="https://example.org/a">x</a></div>\''
        '+ \'<details class="folded"><summary>s</summary><p id="inside">in</p></details>\')'
    )
    assert "https://example.org/a" in str(page.locator("#there").evaluate(after))
    assert page.locator("#inside").bounding_box()["height"] > 0  # type: ignore[index]  # it has one
    page.emulate_media(media="screen")
    assert not page.locator("#inside").is_visible()


def test_hostile_words_run_nothing(tab: Tab, hostile: Path) -> None:
    found: dict[str, Any] = {}
    for path in sorted(hostile.iterdir()):
        page = tab.open(path)
        state = page.evaluate(
            """() => [window.pwned, document.scripts.length - 1,
                document.querySelectorAll('iframe,object,embed,base,form,meta[http-equiv=refresh]')
                    .length,
                [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
                    .filter(a => /^on|^style$/.test(a.name) || /^\\s*javascript:/i.test(a.value))
                    .filter(a => ['href', 'src', 'style'].includes(a.name) || /^on/.test(a.name))
                    .length]"""
        )
        if state != [None, 0, 0, 0] or tab.asked != [path.as_uri()] or tab.refused:
            found[path.read_text(encoding="utf-8")[:20]] = (state, tab.asked, tab.refused)
    assert found == {}
    assert tab.complaints == []


def test_the_policy_stops_a_script_that_is_planted_afterwards(
    tab: Tab, pages: dict[str, Path], tmp_path: Path
) -> None:
    """The second line of defence holds alone: were an escape forgotten, nothing would run."""
    html = pages["run"].read_text(encoding="utf-8")
    bad = "<script>window.pwned=1</script><img src='https://evil.example/x.png' onerror='pwned=1'>"
    planted = tmp_path / "planted.html"
    planted.write_text(html.replace("<main", f"{bad}<main"), encoding="utf-8")
    page = tab.open(planted)
    assert page.evaluate("window.pwned") is None
    assert tab.asked == [planted.as_uri()]
    assert {each.split()[0] for each in tab.refused} >= {"script-src-elem", "img-src"}
