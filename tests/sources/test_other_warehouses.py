"""A load into a warehouse that is no DuckDB: the same rows, quarantine and state."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from analysis.project import Project
from analysis.sources.load import acquire
from analysis.sources.summary import summaries
from analysis.warehouse import open_warehouse
from engines import OTHERS, Place
from loading import declare, folder

FEW = {
    "kind": "files",
    "title": "Decisions and appeals",
    "where": "data/raw/few",
    "layout": "jsonl",
    "tolerance": {"rows": 5},
    "raw": {"few": {"columns": ["id", "at", "market"]}},
    "tables": {
        "decisions": "SELECT id AS decision_id, id AS content_id, id AS creator_id, market, "
        "'spam' AS policy, 'remove' AS action, 'proactive' AS detection, true AS automated, "
        "few.at AS decided_at FROM few",
        "appeals": "SELECT id AS appeal_id, CAST(id AS BIGINT) + 3 AS decision_id, "
        "few.at AS submitted_at FROM few",
    },
}


@pytest.fixture(params=OTHERS)
def elsewhere(
    request: pytest.FixtureRequest, place: Place, project: Project, monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.setenv("STUDY_WAREHOUSE", place(request.param))
    return project


def few(project: Project) -> None:
    """Ten rows; the last has no market, so that appeals against it and beyond have no decision."""
    declare(project, {"few": FEW})
    line = '{{"id": {n}, "at": "2026-03-0{day}T12:00:00Z", "market": "{market}"}}'
    lines = [line.format(n=n, day=n % 9 + 1, market="O'N9" if n == 9 else "JP") for n in range(10)]
    (folder(project, "few") / "few.jsonl").write_text("\n".join(lines))


def counts(project: Project) -> list[int]:
    with open_warehouse(project) as warehouse:
        return [
            warehouse.rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("decisions", "appeals", "_quarantine")
        ]


def test_a_load_elsewhere_is_merged_quarantined_and_counted(elsewhere: Project) -> None:
    few(elsewhere)
    load = acquire(elsewhere, "few")
    assert [(t.table, t.added, t.reasons) for t in load.tables] == [
        ("decisions", 9, {"market: not two capital letters": 1}),
        ("appeals", 6, {"decision_id: not in decisions": 4}),
    ]
    assert counts(elsewhere) == [9, 6, 5]
    with open_warehouse(elsewhere) as warehouse:
        first = datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert warehouse.rows("SELECT min(decided_at) FROM decisions") == [(first,)]
    assert {each.table: each.quarantined for each in summaries(elsewhere)} == {
        "decisions": 1,
        "appeals": 4,
    }


def test_appeals_that_wait_for_their_decision_are_merged_elsewhere_too(elsewhere: Project) -> None:
    few(elsewhere)
    acquire(elsewhere, "few")
    line = '{{"id": {n}, "at": "2026-03-09T12:00:00Z", "market": "JP"}}'
    later = "\n".join(line.format(n=n) for n in range(10, 13))
    (folder(elsewhere, "few") / "later.jsonl").write_text(later)
    decisions, appeals = acquire(elsewhere, "few").tables
    assert (decisions.added, decisions.quarantined, decisions.back) == (3, 0, 0)
    assert (appeals.added, appeals.quarantined, appeals.back) == (3, 3, 3)
    assert counts(elsewhere) == [12, 9, 8]
    assert {each.table: each.quarantined for each in summaries(elsewhere)} == {
        "decisions": 1,
        "appeals": 4,
    }


@pytest.mark.parametrize("elsewhere", OTHERS[:1], indirect=True)
def test_the_same_rows_again_change_nothing(elsewhere: Project) -> None:
    few(elsewhere)
    acquire(elsewhere, "few")
    again = acquire(elsewhere, "few", full=True)
    assert [(t.added, t.updated, t.quarantined) for t in again.tables] == [(0, 0, 1), (0, 0, 4)]
    assert acquire(elsewhere, "few").tables == ()
    assert counts(elsewhere) == [9, 6, 5]
