"""The site's own pages, from records alone: what needs attention, grids, studies, markets."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.i18n import LANGUAGES
from analysis.report.listing import Attention, Site
from analysis.report.record import PAGE, RECORD, RunRecord
from analysis.report.site import publish
from analysis.report.summary import summaries
from samples import HOSTILE, calm, finding, notebook, put_hostile, record
from samples import put as put_run


@pytest.fixture
def reports(project: Project) -> Path:
    return project.reports


def put(reports: Path, **changes: object) -> RunRecord:
    return put_run(reports, record(**changes), notebook())


def text(project: Project, path: str = "index.html") -> str:
    publish(project)
    return (project.reports / path).read_text(encoding="utf-8")


def site_of(reports: Path) -> Site:
    return Site(tuple(summaries(reports)))


def block(page: str) -> dict[str, Any]:
    """What a page's script reads."""
    (found,) = re.findall(r'<script type="application/json" id="[a-z-]+">(.*?)</script>', page)
    return dict(json.loads(found))


W09 = {"window": "2026-W09", "start": date(2026, 2, 23), "end": date(2026, 3, 2)}
DE = {"market": "DE", "market_name": "Germany", "zone": "Europe/Berlin"}


def test_an_empty_site_says_how_to_fill_it(project: Project) -> None:
    summary = publish(project)
    assert (summary.pages, summary.done, summary.failed) == (0, 0, 0)
    page = summary.index.read_text(encoding="utf-8")
    assert "There are no reports yet" in page
    assert "make reports" in page


def test_the_summary_counts_pages_by_outcome(project: Project, reports: Path) -> None:
    put(reports)
    put(reports, **W09, status="failed", reason="ValueError in cell 4", findings=())
    put(reports, **DE, status="no_data", reason="no labelled draws", findings=())
    summary = publish(project)
    assert (summary.pages, summary.done, summary.no_data, summary.failed) == (3, 1, 1, 1)
    assert summary.index == reports / "index.html"


def test_markets_go_down_and_windows_across_newest_first(reports: Path) -> None:
    put(reports)
    put(reports, **W09)
    put(reports, **DE)
    put(reports, **DE | {"window": "2026-03", "start": date(2026, 3, 1), "end": date(2026, 4, 1)})
    (study,) = site_of(reports).studies
    assert study.windows == ("2026-03", "2026-W10", "2026-W09")
    assert [row.name for row in study.rows] == ["Germany", "Japan"]
    assert list(study.rows[0].by_window) == ["2026-03", "2026-W10"]
    assert list(study.rows[1].by_window) == ["2026-W09", "2026-W10"]


def test_cells_say_the_verdict_in_shape_and_word(project: Project, reports: Path) -> None:
    better = finding("b", verdict="down", meaning="better")
    put(reports, findings=(finding(), better, calm()))
    put(reports, **W09, findings=(calm(),))
    put(reports, **DE, findings=(better,))
    put(reports, **DE | W09, findings=(finding(meaning="neutral"),))
    page = text(project)
    for mark in ("◆</i> 1 worse, 1 better", "=</i> No clear difference"):
        assert mark in page
    for mark in ("●</i> 1 better", "◇</i> 1 stands out"):
        assert mark in page


def test_links_lead_to_pages(project: Project, reports: Path) -> None:
    put(reports)
    put(reports, variant="confidence-0.9")
    publish(project)
    pages = [path for path in reports.rglob("*.html") if path.name != PAGE]
    assert len(pages) == 4 * len(LANGUAGES) + 1  # the numbers to compare are in no language
    for path in pages:
        html = path.read_text(encoding="utf-8")
        links = [part.split('"')[0].partition("#")[0] for part in html.split('href="')[1:]]
        for link in links:
            assert not link or link == "data:," or (path.parent / unquote(link)).is_file(), link
        if path.name != "findings.html" and path.parent.name != "core_metrics":
            assert any(link.endswith("core_metrics/JP/2026-W10/report.html") for link in links)
            assert any(link.endswith("2026-W10%40confidence-0.9/report.html") for link in links)


def test_attention_ranks_by_how_far_a_change_lies_beyond_its_uncertainty(reports: Path) -> None:
    """0.0003 with an end at 0.0001 is 1.5 times its uncertainty, at 0.00029 thirty times; a
    difference without an interval comes last."""
    told = finding().comparisons[0]
    strong = told.model_copy(update={"low": 0.00029, "high": 0.005})
    bare = told.model_copy(update={"low": None, "high": None})
    put(reports)
    put(reports, **DE, findings=(finding(comparisons=(strong,)), calm()))
    put(reports, market="BR", market_name="Brazil", findings=(finding(comparisons=(bare,)),))
    put(reports, **W09, findings=(finding(comparisons=(strong,)),))  # not the newest of its market
    moved = Attention.of(site_of(reports).studies).moved
    assert [each.run.market for each in moved] == ["DE", "JP", "BR"]
    assert [each.beyond for each in moved] == [pytest.approx(30), pytest.approx(1.5), None]


def test_the_index_says_how_far_and_what_that_means(project: Project, reports: Path) -> None:
    put(reports)
    page = text(project)
    assert "1.5 times its uncertainty" in page
    assert "the difference divided by how far it is from there to the nearer end" in page
    assert page.index("What needs attention") < page.index("Markets by windows")


def test_a_site_where_nothing_moved_says_so(project: Project, reports: Path) -> None:
    put(reports, findings=(calm(),))
    assert "Nothing moved or stands out beyond its uncertainty." in text(project)


def test_failures_and_stale_data_are_shown_as_such(project: Project, reports: Path) -> None:
    put(reports, status="failed", reason="ValueError in cell 4", findings=())
    put(reports, **DE, data_until=date(2026, 3, 7))
    put(reports, market="BR", market_name="Brazil", **W09)
    put(reports, market="FR", market_name="France", status="no_data", reason="none", findings=())
    found = Attention.of(site_of(reports).studies)
    assert [run.market for run in found.failed] == ["JP"]
    assert [run.market for run in found.stale] == ["DE"]
    assert [run.market for run in found.behind] == ["BR"]
    page = text(project)
    for said in ("ValueError in cell 4", "the data end 2 days before it does", "✕</i> Failed"):
        assert said in page
    for said in ("Stale or incomplete data", "Behind the other markets", "–</i> No data"):
        assert said in page


def test_failures_of_windows_before_and_of_variants_are_counted_and_listed(
    project: Project, reports: Path
) -> None:
    put(reports)
    put(reports, **W09, status="failed", reason="KeyError in cell 2", findings=())
    put(reports, variant="strict", status="failed", reason="KeyError in cell 3", findings=())
    found = Attention.of(site_of(reports).studies)
    assert not found.failed
    assert [run.identity.partition("/")[2] for run in found.failed_before] == [
        "JP/2026-W10@strict",
        "JP/2026-W09",
    ]
    page = text(project)
    assert '<a href="#failed">2 failed</a>' in page
    assert page.count('id="failed"') == 1
    assert "2 pages of earlier windows or variants" in page
    assert page.index("2026-W10@strict</bdi></a>: <span>KeyError in cell 3") < page.index(
        "2026-W09</bdi></a>: <span>KeyError in cell 2"
    )


def test_main_numbers_stand_with_their_interval_and_their_last_windows(
    project: Project, reports: Path
) -> None:
    put(reports, **W09, findings=(finding(value=0.0014, low=0.0012, high=0.0016), calm()))
    put(reports)
    page = text(project)
    assert "<b>0.170%</b>" in page
    assert "<small>0.150% to 0.190%</small>" in page
    words = "2 windows: 0.140% in 2026-W09, 0.170% in 2026-W10; lowest 0.140%, highest 0.170%"
    assert f'role="img" aria-label="{words}"' in page


def test_a_number_that_was_not_a_main_point_before_is_in_its_line(
    project: Project, reports: Path
) -> None:
    put(reports, **W09, findings=(calm().model_copy(update={"headline": False}),))
    put(reports, findings=(calm(),))
    assert "2 windows: 13.0% in 2026-W09" in text(project)


def test_each_market_and_study_has_a_page_of_its_own(project: Project, reports: Path) -> None:
    put(reports)
    put(reports, **W09)
    put(reports, study="other", title="Another study")
    put(reports, **DE)
    japan = text(project, "by-market/JP.html")
    assert [t in japan for t in ("Core safety metrics", "Another study", "Germany")] == [
        True,
        True,
        False,
    ]
    study = text(project, "by-study/core_metrics.html")
    assert "Germany" in study
    assert "../core_metrics/JP/2026-W09/report.html" in study
    assert "Another study" not in study


def test_a_page_is_written_when_a_run_on_it_changed_and_no_other(
    project: Project, reports: Path
) -> None:
    put(reports, study="other", title="Another study")
    put(reports, **DE)
    publish(project)
    assert publish(project).written == 0
    own = [*reports.glob("*.html"), *reports.glob("by-*/*.html")]
    own += [*reports.glob("in-*/by-*/*.html"), *reports.glob("by-*/*/*.html")]
    before = {path: path.stat().st_mtime_ns for path in own}
    put(reports)
    publish(project)
    same = {path for path, at in before.items() if path.stat().st_mtime_ns == at}
    assert {path.name for path in same} == {"DE.html", "other.html", "findings.html", "JP.html"}
    assert reports / "by-study/other/JP.html" in same
    assert reports / "by-study/core_metrics/DE.html" in same


def test_what_did_not_change_of_the_index_is_taken_over_as_it_lies(
    project: Project, reports: Path
) -> None:
    put(reports, study="other", title="Another study")
    put(reports)
    page = text(project)
    parts = re.findall(r"<!--part (\w+)-->", page)
    (reports / "index.html").write_text(page.replace(parts[0], parts[0][::-1]))
    put(reports, **W09)
    again = text(project)
    assert len(parts) == len(set(parts)) == 2
    assert len({*re.findall(r"<!--part (\w+)-->", again)} & {*parts}) == 1
    for name in (".site.json", "index.html"):
        (reports / name).unlink()
    assert text(project) == again


def test_any_two_runs_can_be_compared(project: Project, reports: Path) -> None:
    """Numbers of a market lie in a page of their own: each run's, with what it compared itself."""
    put(reports)
    put(reports, **W09)
    put(reports, **DE, variant="strict")
    found = block(text(project, "by-study/core_metrics.html"))
    runs = [
        (found["markets"][market][0], found["windows"][window], variant)
        for market, window, variant in found["runs"]
    ]
    assert set(runs[:2]) == {("JP", "2026-W10", ""), ("DE", "2026-W10", "strict")}
    assert runs[2:] == [("JP", "2026-W09", "")]
    numbers = block(text(project, "by-study/core_metrics/JP.html"))
    assert set(numbers["runs"]) == {"2026-W10", "2026-W09"}
    metrics, against, values, known = numbers["runs"]["2026-W10"]
    first = numbers["metrics"][metrics][0]
    assert first == ["violative_view_rate", "Violative view rate", "share", ""]
    assert values[0] == [0.0017, 0.0015, 0.0019]
    assert [numbers["labels"][at] for at in against] == ["2026-W09"]
    assert known[0][2:5] == [0.0003, 0.0001, 0.0005]
    assert found["marks"][known[0][5]] == ["worse", "▲", "Higher, worse"]
    assert list(block(text(project, "by-study/core_metrics/DE.html"))["runs"]) == [
        "2026-W10@strict"
    ]


def test_pages_of_what_is_gone_are_removed(project: Project, reports: Path) -> None:
    put(reports)
    gone = put(reports, **DE)
    publish(project)
    assert (reports / "in-ar/by-market/DE.html").is_file()
    (reports / gone.identity / RECORD).unlink()
    assert publish(project).pages == 1
    assert not (reports / "in-ar/by-market/DE.html").exists()
    assert (reports / "by-market/JP.html").is_file()


def test_a_record_is_read_once_and_again_when_it_changed(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = put(reports)
    put(reports, **DE)
    first = summaries(reports)
    read: list[Path] = []
    real = RunRecord.read
    monkeypatch.setattr(RunRecord, "read", lambda folder: read.append(folder) or real(folder))
    assert summaries(reports) == first
    assert read == []
    changed = kept.model_copy(update={"findings": (calm(),), "seconds": 7.123})
    (reports / kept.identity / RECORD).write_text(changed.model_dump_json(), encoding="utf-8")
    assert [run.tally.worse for run in summaries(reports)] == [1, 0]
    assert read == [reports / kept.identity]


@pytest.mark.parametrize("broken", ["{", "[]", '{"code": 1}', '{"code": "x", "runs": {"a": 1}}'])
def test_broken_notes_of_the_last_publication_are_made_anew(
    project: Project, reports: Path, broken: str
) -> None:
    put(reports)
    index = text(project)
    for name in (".runs.jsonl", ".site.json", ".pages.json"):
        (reports / name).write_text(broken, encoding="utf-8")
    assert text(project) == index


def test_the_words_of_a_study_are_those_of_its_last_run(reports: Path) -> None:
    put(reports, **W09, title="Old title", started_at=datetime(2026, 1, 1, tzinfo=UTC))
    put(reports, title="New title")
    (study,) = site_of(reports).studies
    assert study.said.title == "New title"


@pytest.mark.parametrize("broken", ["{", "", "[]", '{"study": "x"}'])
def test_a_folder_without_a_complete_record_is_left_out(
    project: Project, reports: Path, broken: str
) -> None:
    put(reports)
    dirty = put(reports, **DE)
    (reports / dirty.identity / RECORD).write_text(broken)
    without_page = put(reports, **W09)
    (reports / without_page.identity / PAGE).unlink()
    assert publish(project).pages == 1


def test_what_is_written_aside_is_not_on_the_index(project: Project, reports: Path) -> None:
    put(reports / ".aside")
    assert publish(project).pages == 0


def test_the_site_speaks_every_language_and_the_one_asked_for_at_its_root(
    project: Project, reports: Path
) -> None:
    put(reports)
    assert '<html lang="en" dir="ltr">' in text(project)
    assert '<html lang="ar" dir="rtl">' in text(project, "in-ar/by-study/core_metrics.html")
    assert "日本, " not in text(project, "in-de/index.html")
    publish(project, locale="ja")
    page = text(project)  # and it stays so
    assert '<html lang="ja" dir="ltr">' in page
    assert "<bdi>日本</bdi>" in page
    assert '<a href="in-en/index.html" lang="en" hreflang="en">English</a>' in page
    assert not (reports / "in-ja").exists() or not list((reports / "in-ja").rglob("*.html"))


def test_a_search_finds_titles_parameters_and_words_of_findings(
    project: Project, reports: Path
) -> None:
    put(reports, parameters={"market": "JP", "window": "2026-W10", "policy": "spam"})
    found = block(text(project))
    assert found["words"] == ["spam\n"]
    assert [title for title, _ in found["texts"]] == ["Violative view rate", "Overturn rate"]
    assert found["texts"][1][1].startswith("overturn rate ")
    told = "of views were of violative content; between and"
    assert ["worse", "▲", "Higher, worse", "Violative view rate", told] in found["findings"]
    assert found["told"] == [[0, 1]]
    assert found["runs"] == [[0, 0, 0, 0, 0, 0, 0, 0, 0, 1]]


def test_a_search_finds_what_is_no_main_point_and_did_not_move(
    project: Project, reports: Path
) -> None:
    hidden = calm().model_copy(update={"headline": False, "name": "appeals_open", "title": "Open"})
    put(reports, findings=(finding(), hidden))
    found = block(text(project))
    assert len(found["findings"]) == 1
    assert ["Open", found["texts"][1][1]] == found["texts"][1]
    assert "appeals open" in found["texts"][1][1]


def test_hostile_names_are_inert(
    project: Project, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analysis.report.pages.LANGUAGES", ("en",))
    runs = put_hostile(reports)
    publish(project)
    own = [path for path in reports.rglob("*.html") if path.name != PAGE]
    assert len(own) == 3 + 2 * len(HOSTILE)
    for path in own:
        page = path.read_text(encoding="utf-8")
        scripts = re.findall(r"<script[^>]*>", page)
        data = [tag for tag in scripts if "application/json" in tag]
        assert len(scripts) - len(data) == 1
        assert page.count("</script") == len(scripts)
        assert page.count("<img") == page.count("<iframe") == page.count("<math") == 0
        beside = path.parent.name == "core_metrics"
        assert page.count("<style>") == page.count("</style>") == (1 if beside else 3)
        assert page.count("<title>") == page.count("</title>") == 1
        assert not re.search("[\x00\x08\u202e\u2066]", page)
        if data:
            assert len(block(page)["runs"]) == (2 if beside else len(runs))


def test_an_index_that_cannot_be_written_is_said_and_kept(
    project: Project, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = text(project)
    put(reports)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"reports: .* can't be written: No space left"):
        publish(project)
    assert (reports / "index.html").read_text(encoding="utf-8") == before
