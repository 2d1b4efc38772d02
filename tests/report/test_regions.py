"""What publishing fills into pages: neighbours, verification, language; and no page more."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from analysis.report.record import PAGE, VERIFIED, RunRecord, Verification, records
from analysis.report.regions import refresh, speak
from analysis.report.summary import summaries
from analysis.safeguards.withheld import Withheld
from samples import finding, notebook, put, record

WEEK = {"window": "2026-W09", "start": date(2026, 2, 23), "end": date(2026, 3, 2)}


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    put(tmp_path, record(), notebook())
    put(tmp_path, record(**WEEK), notebook())
    put(tmp_path, record(market="DE", market_name="Germany", locale="de_DE"), notebook())
    return tmp_path


def page(reports: Path, identity: str) -> str:
    return (reports / identity / PAGE).read_text(encoding="utf-8")


def fill(reports: Path) -> int:
    return len(refresh(reports, summaries(reports)))


def test_pages_link_to_their_neighbours(reports: Path) -> None:
    assert fill(reports) == 3
    newer, older = (page(reports, f"core_metrics/JP/2026-W{at}") for at in ("10", "09"))
    assert 'rel="prev" href="../../../core_metrics/JP/2026-W09/report.html"' in newer
    assert 'rel="next" href="../../../core_metrics/JP/2026-W10/report.html"' in older
    assert 'href="../../../core_metrics/DE/2026-W10/report.html"><bdi>Germany' in newer
    assert "core_metrics/DE" not in older
    assert "Andere Märkte" in page(reports, "core_metrics/DE/2026-W10")


def test_only_pages_whose_neighbours_changed_are_written(reports: Path) -> None:
    fill(reports)
    assert fill(reports) == 0
    put(reports, record(market="BR", market_name="Brazil"), notebook())
    assert fill(reports) == 3  # its own, and the two of its window; not the week before
    (reports / "core_metrics/BR/2026-W10" / "run.json").unlink()
    assert fill(reports) == 2
    assert "Brazil" not in page(reports, "core_metrics/JP/2026-W10")


def test_a_page_says_whether_nbval_reproduced_it(reports: Path) -> None:
    fill(reports)
    folder = reports / "core_metrics/JP/2026-W10"
    assert "not executed again yet" in page(reports, "core_metrics/JP/2026-W10")
    for differences, said in ((0, "every number was the same"), (2, "2 values differed")):
        note = Verification(
            at=datetime(2026, 3, 10, tzinfo=UTC), key=record().key, differences=differences
        )
        (folder / VERIFIED).write_text(note.model_dump_json(), encoding="utf-8")
        assert fill(reports) == 1
        assert said in page(reports, "core_metrics/JP/2026-W10")


def test_a_page_changes_its_language_and_its_record_says_so(reports: Path) -> None:
    identity = "core_metrics/JP/2026-W10"
    speak(reports, "Safety Studies", {identity: "ja"})
    assert [kept.locale for _, kept in records(reports)] == ["de_DE", "en", "ja"]
    assert '<html lang="ja"' in page(reports, identity)
    assert RunRecord.read(reports / identity).locale == "ja"  # type: ignore[union-attr]


def test_a_rerun_says_what_it_revised() -> None:
    before = record(findings=(finding("same"), finding("moved", value=0.002), finding("gone")))
    now = record(findings=(finding("same"), finding("moved"), finding("new")))
    kept = now.after(before, ("data",)).replaced
    assert kept is not None
    assert kept.compared == 2
    assert [(each.name, bool(each.before), bool(each.after)) for each in kept.revised] == [
        ("moved", True, True),
        ("new", False, True),
        ("gone", True, False),
    ]
    assert now.after(None, ()).replaced is None
    counts = [finding("n", value=value, unit="count", low=None, high=None) for value in (705, 790)]
    first = record(findings=(finding("n", value=700, unit="count", low=None, high=None),))
    for count, told in zip(counts, (None, 700), strict=True):
        again = record(findings=(count,), withheld=Withheld(minimum=11)).after(first, ())
        assert again.replaced is not None
        (each,) = again.replaced.revised
        assert each.before is not None
        assert each.before.value == told  # five more are five people
    assert record().after(record(status="failed"), ("code",)).replaced.revised == ()  # type: ignore[union-attr]
