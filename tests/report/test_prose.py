"""Prose from Markdown: no raw HTML, no link that runs, headings in their order."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.prose import Prose, safe_link
from samples import HOSTILE

TAGS = {
    *("p", "h3", "h4", "h5", "h6", "a", "code", "em", "strong", "del", "ul", "ol", "li", "pre"),
    *("blockquote", "br", "hr", "table", "thead", "tbody", "tr", "th", "td", "div", "span"),
    *("dl", "dt", "dd"),
}
PIXEL = "iVBORw0KGgo="


def tags(html: str) -> set[str]:
    return set(re.findall(r"<([a-zA-Z!/][^\s>/]*)", html.replace("</", "<")))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("form", ["{}", "a {} b", "# {}", "> {}", "- {}", "[x]({})", "![{}]({})"])
def test_hostile_prose_is_inert(hostile: str, form: str) -> None:
    html = str(Prose().render(form.format(hostile, hostile)))
    assert tags(html) <= TAGS
    for attributes in re.findall(r"<\w+((?:[^<>\"]|\"[^\"]*\")*)>", html):
        names = set(re.findall(r"([\w-]+)=\"", attributes))
        assert names <= {"href", "rel", "title", "class", "tabindex", "scope", "start"}
    for link in re.findall(r'href="([^"]*)"', html):
        assert safe_link(link)


@given(st.text(alphabet="<>&\"'`[]()!#*_-|:/\\ \n\tajscriptonld=;xy$", max_size=80))
def test_no_text_makes_a_tag_of_its_own(text: str) -> None:
    assert tags(str(Prose().render(text))) <= TAGS


@pytest.mark.parametrize(
    ("source", "levels"),
    [
        (["# Title"], []),
        (["# Title\n\n## A", "### B", "## C"], [3, 4, 3]),
        (["## A", "#### skips", "##### again"], [3, 4, 5]),
        (["# Title", "# Another"], [3]),
        (["## A", "# Late"], [3, 3]),
        (["###### deep"], [3]),
        (["## A", "### B", "#### C", "##### D", "###### E"], [3, 4, 5, 6, 6]),
    ],
)
def test_headings_keep_their_order_below_the_pages_own(
    source: list[str], levels: list[int]
) -> None:
    prose = Prose()
    html = "".join(prose.render(cell) for cell in source)
    assert [int(level) for level in re.findall(r"<h(\d)", html)] == levels


def test_words_become_what_they_mean() -> None:
    html = Prose().render(
        "A *b* **c** `d` [e](https://example.org) and\n\n| f | g |\n|---|--:|\n| h | 1 |"
    )
    assert "<em>b</em> <strong>c</strong> <code>d</code>" in html
    assert '<a href="https://example.org" rel="noopener noreferrer">e</a>' in html
    assert '<th scope="col">f</th><th scope="col" class="number">g</th>' in html
    assert "style=" not in html


def test_mathematics_is_shown_as_written() -> None:
    assert '<code class="math">a &lt; b</code>' in Prose().render("so $a < b$ holds")


def test_pictures_come_from_the_notebook_alone() -> None:
    attached = {"a.png": {"image/png": PIXEL}, "b.svg": {"image/svg+xml": PIXEL}}
    html = Prose().render("![words](attachment:a.png)", attached)
    assert f'<img src="data:image/png;base64,{PIXEL}" alt="words">' in html
    for elsewhere in ("https://evil.example/x.png", "attachment:b.svg", "attachment:none", "x.png"):
        assert "<img" not in Prose().render(f"![words]({elsewhere})", attached)


def test_what_the_page_says_already_is_not_said_twice() -> None:
    html = Prose(said="How safe?").render("# Title\n\nHow  safe?\n\nIt was.")
    assert html.strip() == "<p>It was.</p>"
