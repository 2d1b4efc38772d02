"""The page of a run: what stands in it, in which order, and what must never."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_output, new_raw_cell

from analysis.figures.displays import Column
from analysis.report.page import render
from analysis.report.record import RunRecord, findings_of
from analysis.safeguards.disclosure import SUPPRESSED
from samples import (
    HOSTILE,
    calm,
    code,
    figure,
    finding,
    notebook,
    planted,
    record,
    show,
    table,
    typical,
)

VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Page(HTMLParser):
    """A page as a list of its tags with their attributes, and its text."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title", "desc", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]


def page(shown: NotebookNode | None = None, **changes: object) -> Page:
    return Page(render(shown or notebook(), record(**changes), site_title="Safety Studies"))


def test_the_heading_names_study_market_and_window() -> None:
    found = page()
    assert len(found.all("h1")) == 1
    assert "Core safety metrics Japan, 2026-W10" in found.text
    assert found.all("html") == [{"lang": "en", "dir": "ltr"}]


def test_sections_come_in_order_and_headings_skip_no_level() -> None:
    found = page()
    levels = [int(tag[1]) for tag, _ in found.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    sections = [attributes.get("aria-labelledby") for attributes in found.all("section")]
    assert sections == ["points", "analysis", "measured", "changed", "provenance"]


def test_the_period_is_said_in_local_days_and_in_utc() -> None:
    text = page().text
    assert "Mon, Mar 2\u2009–\u2009Sun, Mar 8, 2026" in text.replace(" – ", "\u2009–\u2009")
    assert "(7 days, local time, Asia/Tokyo)" in text
    assert "Mar 1, 2026, 15:00 to Mar 8, 2026, 15:00 UTC" in text
    assert "complete up to March 8, 2026" in text
    assert "Safety measurement" in text


def test_main_points_are_at_most_six_headlines() -> None:
    findings = [finding(f"f{i}", title=f"Metric {i}") for i in range(8)]
    aside = finding("aside", title="Metric aside", headline=False)
    text = page(findings=(aside, *findings)).text
    points = text[text.index("Main points") : text.index("Analysis")]
    assert "0.170% Metric 0 ▲ Higher, worse against 2026-W09 17 of 10,000 views" in points
    assert "95% interval 0.150% to 0.190%; 1,204 labelled draws" in points
    assert [f"Metric {i}" in points for i in range(8)] == [True] * 6 + [False] * 2
    assert "Metric aside" not in points


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ((calm(),), True),
        ((calm(), finding()), False),
        ((calm(), finding(verdict="level", comparisons=())), True),
        ((calm(), finding(verdict="up", unit="count", value=1.0, comparisons=())), False),
        ((finding(verdict="level", comparisons=()),), False),
        ((), False),
    ],
)
def test_a_page_says_when_nothing_moved(findings: tuple[object, ...], said: bool) -> None:
    assert (
        "Nothing moved or stands out beyond its uncertainty" in page(findings=findings).text
    ) == said


def test_a_count_of_what_stands_out_says_how_many_and_not_that_it_is_higher() -> None:
    told = {"unit": "count", "value": 2.0, "comparisons": (), "low": None, "high": None}
    kept = finding(**told, verdict="up", meaning="worse")
    text = page(notebook(code("", *show(kept))), findings=(kept,)).text
    assert "◆ 2 worse" in text
    assert "Higher" not in text


def test_a_change_within_its_uncertainty_is_no_rise_and_no_fall() -> None:
    found = page(notebook(code("", *show(calm()))), findings=(calm(),))
    assert "No clear difference" in found.text
    assert "Higher" not in found.text
    assert "Lower" not in found.text


def test_every_comparison_of_a_main_point_has_its_mark() -> None:
    """A number that is steady against one window and moved against another is not called steady."""
    still = calm().comparisons[0]
    moved = still.model_copy(update={"label": "2025-W10", "verdict": "down", "meaning": "worse"})
    kept = calm().model_copy(update={"comparisons": (still, moved)})
    found = page(notebook(code("", *show(kept))), findings=(kept,))
    assert "= No clear difference against 2026-W09" in found.text
    assert "▼ Lower, worse against 2025-W10" in found.text
    assert "Nothing moved" not in found.text
    assert {"class": "tone-worse"} in found.all("li")


def test_the_opposite_comparison_has_the_opposite_meaning() -> None:
    first = finding().comparisons[0]
    other = first.model_copy(update={"verdict": "down", "text": "below last year"})
    text = page(notebook(code("", *show(finding(comparisons=(first, other)))))).text
    assert "▼ Lower, better below last year" in text


def test_a_figure_has_its_words_its_picture_and_its_data() -> None:
    found = page()
    (svg,) = found.all("svg")
    assert svg["role"] == "img"
    ids = {attributes["id"] for attributes in found.all("title", "desc") if "id" in attributes}
    assert set(svg["aria-labelledby"].split()) == ids
    html = render(notebook(), record(), site_title="s")
    assert f">{figure().alt}</desc>" in html
    assert figure().caption in found.text
    assert {"href": "data/violative_view_rate.csv", "download": ""} in found.all("a")


def test_a_table_has_caption_scopes_and_aligned_numbers() -> None:
    found = page(notebook(code("", *show(table()))))
    assert {"scope": "row"} in found.all("th")
    assert {"scope": "col", "class": "number"} in found.all("th")
    assert all("scope" in attributes for attributes in found.all("th"))
    text = found.text
    assert "Removals by policy Policy Decisions Proactive removals (%)" in text
    assert "Spam and fake engagement120,34597.3%" in text
    assert "Policies with fewer than 11 decisions are left out." in text
    regions = [each for each in found.all("div") if each.get("role") == "region"]
    assert regions
    assert all(each["tabindex"] == "0" and each["aria-labelledby"] for each in regions)


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["19 views", "–"], "told short"),
        (["+3.9 points (+2.2 to +5.8)", "−0.1 points (−0.2 to +0.1)"], "told"),
        (["▲ alert: 35% to 55%", "more than 13"], "told"),
        (["2nd lowest of 50", "10th lowest"], "short"),
        (["2026-03-02", "2026-03-09"], "short"),
        (["6 of 7 days", "none"], "short"),
    ],
)
def test_numbers_in_words_stand_under_one_another_at_the_end(cells: list[str], style: str) -> None:
    frame = pd.DataFrame({"row": ["a", "b"], "cell": cells})
    columns = (Column("row", "Row"), Column("cell", "Cell"))
    found = page(notebook(code("", *show(table(frame=frame, columns=columns)))))
    assert [each.get("class") for each in found.all("td")][:2] == [style, style]


def test_a_suppressed_number_is_in_the_pages_language_in_a_table_of_another() -> None:
    frame = pd.DataFrame({"row": ["a"], "cell": [SUPPRESSED]})
    shown = table(frame=frame, columns=(Column("row", "Row"), Column("cell", "Cell")))
    for locale, said in (
        ("en", ">suppressed</td>"),
        ("ar_EG", '><span lang="ar-EG" dir="rtl">محجوب</span></td>'),
    ):
        html = render(notebook(code("", *show(shown))), record(), site_title="s", locale=locale)
        assert said in html


def test_columns_are_set_by_what_they_hold() -> None:
    frame = pd.DataFrame({"a": ["2026-W10"], "b": ["word " * 20], "c": [1.5], "d": ["x" * 20]})
    columns = tuple(Column(key, key, "number" if key == "c" else "text") for key in "abcd")
    found = page(notebook(code("", *show(table(frame=frame, columns=columns)))))
    heads = [each.get("class") for each in found.all("th") if each["scope"] == "col"][:4]
    assert heads == ["short", "long", "number", None]
    assert (
        "−1.5"
        in page(notebook(code("", *show(table(frame=-frame[["c"]], columns=columns[2:3]))))).text
    )


def test_notes_of_several_findings_are_said_once() -> None:
    shown = notebook(
        code("", *show(finding("a", notes=("Ours.", "A.")), finding("b", notes=("Ours.",))))
    )
    text = page(shown).text
    assert text.count("Ours.") == text.count("A.") == 1
    assert text.index("A.") < text.index("Ours.")


def test_code_is_there_but_behind_a_toggle() -> None:
    found = page()
    cells = [each for each in found.all("details") if each.get("class") == "code"]
    assert len(cells) == sum(cell.cell_type == "code" for cell in notebook().cells)
    assert not [each for each in cells if "open" in each]
    (toggle,) = (each for each in found.all("button") if each["id"] == "show-code")
    assert toggle["type"] == "button"
    assert toggle["aria-pressed"] == "false"


def test_provenance_says_how_to_repeat_the_run() -> None:
    text = page(variant="confidence-0.9", revision="7a838b1").text
    assert "study run core_metrics --market JP --window 2026-W10 -p confidence=0.95" in text
    for part in ("7a838b1", "0f1e2d3c4b5a6978", "20260302", "6.2 seconds", "pandas", "3.1.1"):
        assert part in text
    assert {"href": "notebook.ipynb", "download": ""} in page().all("a")


def test_text_is_shown_plain_and_other_outputs_by_a_note() -> None:
    returned = {"text/plain": "<Figure size 640x480>", "image/png": "aWNl"}
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "Box()"}
    cells = [
        code("a", new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m <b>\n")),
        code("b", new_output("execute_result", data=returned)),
        code("c", new_output("display_data", data={"text/html": "<b onclick=x>bold</b>"})),
        code("d", new_output("display_data", data=widget)),
        code("e", new_output("display_data", data={"application/javascript": "alert(1)"})),
        new_raw_cell("<script>raw</script>"),
    ]
    text = page(notebook(*cells)).text
    analysis = text[text.index("Show code") : text.index("How it was measured")]
    assert "red <b>" in analysis
    assert "Left out: image/png." in analysis
    assert "Left out: text/html." in analysis
    assert "Box()" in analysis
    for absent in ("bold", "alert", "raw", "<Figure"):
        assert absent not in analysis


def test_a_secret_that_was_printed_does_not_reach_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2hunter2")
    printed = new_output("stream", name="stderr", text="postgresql://me:hunter2hunter2@db/x")
    html = render(notebook(code("a", printed)), record(), site_title="s")
    assert "hunter2" not in html
    assert "[redacted]" in html


def test_a_display_that_is_not_what_it_says_is_no_error() -> None:
    kinds = ("figure", "table", "finding")
    cells = [
        code("a", new_output("display_data", data={f"application/vnd.analysis.{k}+json": payload}))
        for k in kinds
        for payload in ({}, [], "text", {"name": 1, "data": {"columns": "x"}})
    ]
    text = page(notebook(*cells)).text
    assert text.count("Left out: application/vnd.analysis.") == len(cells)


def test_a_broken_picture_leaves_its_words() -> None:
    text = page(notebook(code("a", *show(figure(svg="<svg"))))).text
    assert figure().alt in text


def test_what_the_header_says_is_not_said_again() -> None:
    kept = record()
    shown = {"text/plain": f"{kept.title}: {kept.market_name}, {kept.window} (2026-03-02 to …)"}
    cells = [
        new_markdown_cell(f"# Core metrics\n\n{kept.question}"),
        code("study", new_output("execute_result", data=shown)),
    ]
    text = page(notebook(*cells)).text
    assert text.count(kept.question) == 1
    assert "to …" not in text


@pytest.mark.parametrize("status", ["failed", "no_data"])
def test_pages_without_findings_are_calm(status: str) -> None:
    found = page(status=status, reason="ValueError in cell 4", findings=())
    assert len(found.all("h1")) == 1
    assert "ValueError in cell 4" in found.text
    assert "study run core_metrics --market JP --window 2026-W10" in found.text
    assert "Traceback" not in found.text
    assert not found.all("a") or {"href": "notebook.ipynb", "download": ""} not in found.all("a")


def test_a_failed_run_shows_nothing_of_its_notebook() -> None:
    error = new_output("error", ename="ValueError", evalue="s3cret", traceback=["s3cret frame"])
    html = render(
        notebook(code("boom", error)),
        record(status="failed", reason="ValueError in cell 1", findings=()),
        site_title="s",
    )
    assert "s3cret" not in html
    assert "boom" not in html


@pytest.mark.parametrize("status", ["done", "failed", "no_data"])
def test_nothing_comes_from_a_network_and_nothing_runs(status: str) -> None:
    html = render(notebook(), record(status=status), site_title="s")
    found = Page(html)
    assert not re.search(r"(src|href|action|data|poster|srcset)=.?(https?:)?//", html)
    assert "@import" not in html
    assert "url(http" not in html
    assert len(found.all("script")) == (status == "done")
    assert not found.all("iframe", "object", "embed", "base", "form")
    assert not [name for _, attributes in found.tags for name in attributes if name == "style"]


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_styles_and_script_by_their_hashes_and_nothing_else() -> None:
    html = render(notebook(), record(), site_title="s")
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    (policy,) = (m["content"] for m in Page(html).all("meta") if "http-equiv" in m)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": " ".join(map(hashed, styles)),
        "script-src": hashed(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def skeleton(html: str) -> list[tuple[str, ...]]:
    """A page's tags with the names of their attributes: what no data may change."""
    return [(tag, *sorted(attributes)) for tag, attributes in Page(html).tags]


def run_page(shown: NotebookNode, kept: RunRecord, title: str) -> str:
    return render(shown, kept, site_title=title)


@pytest.mark.parametrize("status", ["done", "failed", "no_data"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_words_change_nothing_but_words(hostile: str, status: str) -> None:
    change = {"status": status}
    shown, kept = planted(hostile)
    html = run_page(shown, kept.model_copy(update=change), hostile)
    plain = "x" * len(hostile)
    harmless, calm_record = planted(plain)
    expected = run_page(harmless, calm_record.model_copy(update=change), plain)
    # Highlighted code has spans of its own.
    spans = [tag for tag in skeleton(expected) if tag[0] != "span"]
    assert [tag for tag in skeleton(html) if tag[0] != "span"] == spans
    for tag, attributes in Page(html).tags:
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "a":
            assert attributes["href"].startswith(("data/", "notebook.ipynb", "../", "#"))
    assert not re.search("[\x00\x08\u202e\u2066]", html)


def test_a_typical_page_is_small() -> None:
    html = render(notebook(code("x = 1\n" * 10)), record(), site_title="s")
    assert len(html.encode()) < 40_000


def test_what_a_table_has_is_not_said_once_more_and_stays_in_the_record() -> None:
    told, quiet = finding("told"), finding("quiet", text="Quiet.", in_table=True)
    made = notebook(code("", *show(told, quiet)))
    assert [each.name for each in findings_of(made)] == ["told", "quiet"]
    assert "Quiet." not in render(made, record(), site_title="s")


def test_a_folded_table_opens_when_asked() -> None:
    for folded in (False, True):
        made = notebook(code("", *show(table(caption="What it means", folded=folded))))
        text = render(made, record(), site_title="s")
        assert ("What it means</summary>" in text) == folded


def test_a_headlines_sentence_is_not_said_twice() -> None:
    """The analysis has what the main points leave out of it, and nothing where that is nothing."""
    first = finding().comparisons[0]
    inside = first.model_copy(update={"text": "up from 9 in 2026-W09"})
    beside = first.model_copy(update={"label": "others", "text": "far above 49 other markets"})
    told = finding(
        text="48 of 1,000 views; up from 9 in 2026-W09.",
        comparisons=(inside, beside),
        notes=("It rises where people report more.",),
    )
    whole = finding("whole", title="Whole", text="All is said.", comparisons=(), notes=())
    plain = finding("plain", text="No headline.", headline=False, notes=())
    html = render(
        notebook(code("", *show(told, whole, plain))),
        record(findings=(told, whole, plain)),
        site_title="s",
    )
    points, analysis = html.split('id="analysis"')
    for text in (told.text, whole.text):
        assert text in points
        assert text not in analysis
    assert "Whole" not in analysis
    assert "up from 9" not in analysis
    for text in ("far above 49 other markets</li>", told.notes[0], plain.text):
        assert text in analysis


def test_a_headline_without_a_number_has_none() -> None:
    bare = finding(value=None, low=None, high=None, comparisons=())
    html = render(notebook(), record(findings=(bare,)), site_title="s")
    assert '<p class="value"><span' in html


def test_doubts_speak_the_language_of_the_page() -> None:
    incomplete = (
        "Incomplete: the last 2 days of this window have no complete data yet, and its numbers "
        "will change."
    )
    stale = (
        "Stale: decisions was last loaded from tool on 2026-03-08 04:05 UTC, which is longer ago "
        "than the 26 hours expected."
    )
    known = (incomplete, stale, "Something else.")
    html = render(notebook(), record(doubts=known), site_title="s", locale="de")
    assert "Die Daten enden 2 Tage vor dem Zeitfenster" in html
    assert "Veraltet: decisions wurde zuletzt am 8. März 2026" in html.replace(
        "08.03.2026", "8. März 2026"
    )
    assert "26 Stunden" in html
    assert '<span lang="en" dir="ltr">Something else.</span>' in html


def test_a_typical_pages_size() -> None:
    """At most 150 KB beside its figures, and 400 KB in all, of a page as long as any study's."""
    many = [
        *(cell for _ in range(6) for cell in typical()),
        code("", *show(*(finding(f"f{at}") for at in range(44)))),
    ]
    html = render(notebook(*many), record(), site_title="s")
    figures = sum(len(found.encode()) for found in re.findall(r"<svg.*?</svg>", html, re.DOTALL))
    assert figures > 6 * 2_000
    assert len(html.encode()) - figures <= 150_000
    assert len(html.encode()) <= 400_000
