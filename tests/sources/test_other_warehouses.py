"""A load into a warehouse that is no DuckDB: the same rows, quarantine and state."""

from __future__ import annotations

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


def test_a_load_elsewhere_is_merged_quarantined_and_counted(elsewhere: Project) -> None:
    declare(elsewhere, {"few": FEW})
    lines = [
        f'{{"id": {n}, "at": "2026-03-0{n % 9 + 1}T12:00:00Z", "market": "O\'N{n}"}}'
        if n == 9
        else f'{{"id": {n}, "at": "2026-03-0{n % 9 + 1}T12:00:00Z", "market": "JP"}}'
        for n in range(10)
    ]
    (folder(elsewhere, "few") / "few.jsonl").write_text("\n".join(lines))
    load = acquire(elsewhere, "few")
    # The ninth has no market, so that the appeals that point at it and beyond have no decision.
    assert [(t.table, t.added, t.reasons) for t in load.tables] == [
        ("decisions", 9, {"market: not two capital letters": 1}),
        ("appeals", 6, {"decision_id: not in decisions": 4}),
    ]
    again = acquire(elsewhere, "few", full=True)
    assert [(t.added, t.updated, t.quarantined) for t in again.tables] == [(0, 0, 1), (0, 0, 4)]
    assert acquire(elsewhere, "few").tables == ()
    with open_warehouse(elsewhere) as warehouse:
        counts = [
            warehouse.rows(f"SELECT count(*) FROM {table}")[0][0]
            for table in ("decisions", "appeals", "_quarantine")
        ]
    assert counts == [9, 6, 5]
    assert {each.table: each.quarantined for each in summaries(elsewhere)} == {
        "decisions": 1,
        "appeals": 4,
    }
