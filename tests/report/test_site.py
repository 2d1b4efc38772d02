"""The index of a site, from records alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.record import PAGE, RECORD, RunRecord
from analysis.report.site import collect, publish
from samples import HOSTILE, calm, finding, notebook, record
from samples import put as put_run


@pytest.fixture
def reports(project: Project) -> Path:
    return project.reports


def put(reports: Path, **changes: object) -> RunRecord:
    return put_run(reports, record(**changes), notebook())


def text(project: Project) -> str:
    publish(project)
    return (project.reports / "index.html").read_text(encoding="utf-8")


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
    (study,) = collect(reports).studies
    assert study.windows == ("2026-03", "2026-W10", "2026-W09")
    assert [row.name for row in study.rows] == ["Germany", "Japan"]
    assert [len(cell) for cell in study.rows[0].cells] == [1, 1, 0]
    assert [len(cell) for cell in study.rows[1].cells] == [0, 1, 1]


def test_cells_say_the_verdict_in_shape_and_word(project: Project, reports: Path) -> None:
    better = finding("b", verdict="down", meaning="better")
    put(reports, findings=(finding(), better, calm()))
    put(reports, **W09, findings=(calm(),))
    put(reports, **DE, findings=(better,))
    put(reports, **DE | W09, findings=(finding(meaning="neutral"),))
    page = text(project)
    for mark in ("◆</span> 1 worse, 1 better", "=</span> No clear difference"):
        assert mark in page
    for mark in ("●</span> 1 better", "◇</span> 1 stands out"):
        assert mark in page


def test_links_lead_to_pages(project: Project, reports: Path) -> None:
    put(reports)
    put(reports, variant="confidence-0.9")
    page = text(project)
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    pages = [link for link in links if link.endswith(PAGE)]
    assert set(pages) == {
        "core_metrics/JP/2026-W10/report.html",
        "core_metrics/JP/2026-W10%40confidence-0.9/report.html",
    }
    assert all((reports / unquote(link)).is_file() for link in pages)


def test_what_moved_most_comes_first(reports: Path) -> None:
    strong = finding().comparisons[0].model_copy(update={"low": 0.00029, "high": 0.00031})
    put(reports)
    put(reports, **DE, findings=(finding(comparisons=(strong,)),))
    put(reports, **W09)
    (study,) = collect(reports).studies
    assert [each.entry.record.market for each in study.moved] == ["DE", "JP"]


def test_failures_and_missing_data_are_named_with_their_reason(
    project: Project, reports: Path
) -> None:
    put(reports, status="failed", reason="ValueError in cell 4", findings=())
    put(reports, **DE, status="no_data", reason="no labelled draws", findings=())
    page = text(project)
    assert "ValueError in cell 4" in page
    assert "no labelled draws" in page
    assert "✕</span> Failed" in page
    assert "–</span> No data" in page


def test_each_market_has_the_newest_page_of_each_study(reports: Path) -> None:
    put(reports)
    put(reports, **W09)
    put(reports, study="other", title="Another study")
    put(reports, **DE)
    site = collect(reports)
    assert [study.name for study in site.studies] == ["other", "core_metrics"]
    germany, japan = site.markets
    assert [len(cell) for cell in germany.cells] == [0, 1]
    assert [cell[0].record.window for cell in japan.cells] == ["2026-W10", "2026-W10"]


def test_the_words_of_a_study_are_those_of_its_last_run(reports: Path) -> None:
    put(reports, **W09, title="Old title", started_at=datetime(2026, 1, 1, tzinfo=UTC))
    put(reports, title="New title")
    (study,) = collect(reports).studies
    assert study.newest.title == "New title"


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


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_are_inert(project: Project, reports: Path, hostile: str) -> None:
    words = {"title": hostile, "question": hostile, "owner": hostile, "market_name": hostile}
    put(reports, **words, findings=(finding(title=hostile, text=hostile),))
    put(reports, **W09 | words, status="failed", reason=hostile, findings=())
    page = text(project)
    assert "<script" not in page
    assert page.count("<img") == page.count("<svg") == page.count("<iframe") == 0
    assert page.count("<style>") == page.count("</style>") == page.count("<title>") == 1
    assert "49" not in page.split("</style>")[1] or "7*7" not in hostile


def test_publishing_again_changes_nothing(project: Project, reports: Path) -> None:
    put(reports)
    assert text(project) == text(project)
    assert [path.name for path in reports.iterdir() if path.suffix == ".html"] == ["index.html"]


def test_an_index_that_cannot_be_written_is_said_and_kept(
    project: Project, reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = text(project)
    put(reports)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match=r"reports: .* can't be written: No space left"):
        publish(project)
    assert (reports / "index.html").read_text(encoding="utf-8") == before
