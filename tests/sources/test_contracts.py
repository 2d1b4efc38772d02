"""A deliberately dirty load: 100,000 rows, twelve kinds of fault, each counted as planted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.sources.load import Load, acquire
from analysis.sources.summary import summaries
from loading import declare, everything, folder, rows

ROWS = 100_000
#: Each kind of fault: what it does to a row, how often it is planted, the reason that it must get.
FAULTS: tuple[tuple[dict[str, Any], int, str], ...] = (
    ({"decided": "yesterday"}, 120, "decided_at: not an instant with its offset from UTC"),
    ({"views": "12.5"}, 75, "views_before: not a whole number"),
    ({"auto": "perhaps"}, 60, "automated: not true or false"),
    ({"market": ""}, 210, "market: no value"),
    ({"market": "Japan"}, 90, "market: not two capital letters"),
    ({"action": "banished"}, 33, "action: not one of the values allowed"),
    ({"policy": "hate_speach"}, 47, "policy: not one of the values allowed"),
    ({"views": "-1"}, 51, "views_before: outside 0 or more"),
    ({"decided": "1970-01-01T00:00:00Z"}, 64, "decided_at: before the year 2000"),
    ({"decided": "2399-01-01T00:00:00Z"}, 29, "decided_at: in the future"),
    ({"copy": "same"}, 40, "key doubled, the same row: kept once"),
    ({"copy": "other"}, 18, "key doubled, different values: none is kept"),
)
COLUMNS = (
    "id",
    "post",
    "author",
    "market",
    "policy",
    "action",
    "found",
    "auto",
    "decided",
    "views",
)
DIRTY = {
    "kind": "files",
    "title": "Decisions with faults",
    "where": "data/raw/dirty",
    "layout": "csv",
    "raw": {"actions": {"columns": list(COLUMNS)}},
    "tables": {
        "decisions": "SELECT id AS decision_id, post AS content_id, author AS creator_id, market, "
        "policy, action, found AS detection, auto AS automated, decided AS decided_at, "
        "views AS views_before FROM actions"
    },
}


def clean_row(number: int) -> dict[str, str]:
    return {
        "id": str(number),
        "post": str(number * 7),
        "author": str(number % 5_000),
        "market": ("JP", "BR", "DE")[number % 3],
        "policy": "hate_speech",
        "action": "remove",
        "found": "proactive",
        "auto": "true",
        "decided": f"2026-03-{number % 28 + 1:02}T{number % 24:02}:00:00Z",
        "views": str(number % 1_000),
    }


def dirty_rows(total: int) -> list[dict[str, str]]:
    """The rows in random order; a copy stands beside the row whose key it takes."""
    draw = np.random.default_rng(20260302)
    plan = [fault for fault, count, _ in FAULTS for _ in range(count) if "copy" not in fault]
    copies = [fault["copy"] for fault, count, _ in FAULTS for _ in range(count) if "copy" in fault]
    made = [clean_row(number) for number in range(total - len(copies))]
    places = draw.choice(len(made), len(plan) + len(copies), replace=False)
    for place, fault in zip(places, plan, strict=False):
        made[place].update(fault)
    for place, kind in zip(places[len(plan) :], copies, strict=True):
        made.append({**made[place], **({"views": "5000"} if kind == "other" else {})})
    assert len(made) == total
    return [made[place] for place in draw.permutation(total)]


def write(project: Project, total: int) -> Project:
    lines = [",".join(COLUMNS), *(",".join(row[c] for c in COLUMNS) for row in dirty_rows(total))]
    (folder(project, "dirty") / "actions.csv").write_text("\n".join(lines) + "\n")
    return project


@pytest.fixture
def dirty(project: Project) -> Project:
    """Every fault among fewer rows."""
    return write(project, 3_000)


def planted() -> dict[str, int]:
    """A row whose key another has with different values can't be trusted either: both go."""
    return {
        reason: count * (2 if fault.get("copy") == "other" else 1)
        for fault, count, reason in FAULTS
    }


def test_each_fault_is_counted_as_it_was_planted_and_no_row_is_lost(project: Project) -> None:
    dirty = write(project, ROWS)
    declare(dirty, {"dirty": DIRTY | {"tolerance": {"share": 0.01}}})
    load = acquire(dirty, "dirty")
    (table,) = load.tables
    print("\n".join(load.lines()))
    assert table.reasons == planted()
    assert (table.read, table.added + table.quarantined) == (ROWS, ROWS)
    kept = "SELECT reason, count(*) FROM _quarantine WHERE source = 'dirty' GROUP BY 1"
    assert dict(rows(dirty, kept)) == planted()
    assert rows(dirty, "SELECT count(*) FROM decisions") == [(ROWS - sum(planted().values()),)]


def test_the_same_rows_again_change_nothing(dirty: Project) -> None:
    declare(dirty, {"dirty": DIRTY | {"tolerance": {"rows": 1_000}}})
    acquire(dirty, "dirty")
    before = everything(dirty, ("decisions",))
    assert acquire(dirty, "dirty").tables == ()
    again = acquire(dirty, "dirty", full=True)
    assert [(t.added, t.updated, t.reasons) for t in again.tables] == [(0, 0, planted())]
    assert everything(dirty, ("decisions",)) == before


def test_a_load_stops_beyond_its_tolerance_and_keeps_what_was_wrong(dirty: Project) -> None:
    declare(dirty, {"dirty": DIRTY | {"tolerance": {"share": 0.001}}})
    with pytest.raises(UserError, match=r"of 3,000 rows break the contract.*nothing was merged"):
        acquire(dirty, "dirty")
    assert rows(dirty, "SELECT count(*) FROM decisions") == [(0,)]
    assert rows(dirty, "SELECT count(*) FROM _quarantine") == [(sum(planted().values()),)]
    assert rows(dirty, "SELECT stopped FROM _loads") == [(True,)]
    declare(dirty, {"dirty": DIRTY | {"tolerance": {"share": 0.5}}})
    acquire(dirty, "dirty")  # the state did not move: all is read again
    assert rows(dirty, "SELECT count(*) FROM _quarantine") == [(sum(planted().values()),)]


def small(project: Project, sql: str, columns: str, values: str) -> Load:
    (folder(project, "dirty") / "few.csv").write_text(f"{columns}\n{values}\n")
    raw = {"few": {"columns": columns.split(",")}}
    tables = {sql.split()[0]: sql.partition(" ")[2]}
    declare(project, {"few": DIRTY | {"raw": raw, "tables": tables, "tolerance": {"rows": 9}}})
    return acquire(project, "few")


def test_a_link_to_a_row_that_is_not_there_is_refused(project: Project) -> None:
    sql = "appeals SELECT id AS appeal_id, d AS decision_id, a AS submitted_at FROM few"
    (table,) = small(project, sql, "id,d,a", "1,77,2026-03-01T00:00:00Z").tables
    assert table.reasons == {"decision_id: not in decisions": 1}
    ((content,),) = rows(project, "SELECT content FROM _quarantine")
    assert '"decision_id":"77"' in content


POSTS = DIRTY | {
    "where": "data/raw/posts",
    "raw": {"posts": {"columns": ["id"]}},
    "tables": {
        "content": "SELECT id AS content_id, id AS creator_id, 'JP' AS market, 'ja' AS language, "
        "'feed' AS surface, '2026-03-01T00:00:00Z' AS posted_at FROM posts"
    },
}
REPORTS = DIRTY | {
    "where": "data/raw/reports",
    "tolerance": {"rows": 9},
    "raw": {"reports": {"columns": ["id", "post", "market"]}},
    "tables": {
        "user_reports": "SELECT id AS report_id, post AS content_id, 1 AS reporter_id, market, "
        "TIMESTAMPTZ '2026-03-02 00:00:00+00' AS reported_at FROM reports"
    },
}
WAITS, WRONG = "content_id: not in content", "market: not two capital letters"
HELD = "SELECT reason, count(*) FROM _quarantine GROUP BY 1 ORDER BY 1"


def reports(project: Project, name: str = "", *lines: str) -> list[tuple[int, int, int, int]]:
    """Loads another file of reports, if any; what came of its rows."""
    if lines:
        text = "\n".join(["id,post,market", *lines])
        (folder(project, "reports") / name).write_text(text + "\n")
    found = acquire(project, "reports").tables
    return [(t.added, t.updated, t.quarantined, t.back) for t in found]


def posts(project: Project, *ids: int) -> None:
    text = "\n".join(["id", *map(str, ids)])
    (folder(project, "posts") / "posts.csv").write_text(text + "\n")
    acquire(project, "posts")


def test_a_row_that_waits_for_another_is_merged_when_that_has_come(project: Project) -> None:
    declare(project, {"posts": POSTS, "reports": REPORTS})
    assert reports(project, "a.csv", "1,77,JP", "2,78,JP", "3,79,JP") == [(0, 0, 3, 0)]
    assert reports(project, "b.csv", "2,78,BR", "4,80,Japan") == [(0, 0, 2, 0)]  # 2 is corrected
    assert reports(project) == []
    posts(project, 77, 78)
    assert reports(project) == [(2, 0, 0, 2)]  # nothing new was read
    merged = "SELECT report_id, market FROM user_reports ORDER BY 1"
    assert rows(project, merged) == [(1, "JP"), (2, "BR")]
    assert rows(project, HELD) == [(WAITS, 1), (WRONG, 1), (f"settled: {WAITS}", 3)]
    (held,) = (each for each in summaries(project) if each.source == "reports")
    assert held.reasons == {WAITS: 1, WRONG: 1}
    assert reports(project) == []


def test_a_row_that_is_corrected_at_its_source_leaves_the_quarantine(project: Project) -> None:
    declare(project, {"posts": POSTS, "reports": REPORTS})
    posts(project, 77)
    assert reports(project, "a.csv", "1,77,Japan") == [(0, 0, 1, 0)]
    assert reports(project, "b.csv", "1,77,JP") == [(1, 0, 0, 0)]
    assert rows(project, HELD) == [(f"settled: {WRONG}", 1)]
    assert reports(project, "c.csv", "1,77,Japan") == [(0, 0, 1, 0)]  # broken again
    assert rows(project, HELD) == [(WRONG, 1)]


def test_times_that_run_backwards_and_shares_beyond_one_are_refused(project: Project) -> None:
    sql = (
        "ratings SELECT id AS rating_id, id AS item_id, 'ja' AS language, "
        "s AS started_at, f AS finished_at FROM few"
    )
    values = "1,2026-03-01T00:00:00Z,2026-02-01T00:00:00Z"
    (table,) = small(project, sql, "id,s,f", values).tables
    assert table.reasons == {"finished_at: less than started_at": 1}
    sql = (
        "content SELECT id AS content_id, id AS creator_id, 'JP' AS market, 'ja' AS language, "
        "'feed' AS surface, t AS posted_at, r AS risk_score FROM few"
    )
    at = "2026-03-01T00:00:00Z"
    (table,) = small(project, sql, "id,t,r", f"1,{at},1.5\n2,{at},nan\n3,{at},0.5").tables
    assert table.reasons == {
        "risk_score: outside 0 to 1": 1,
        "risk_score: not a finite number": 1,
    }


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("SELECT idd AS decision_id FROM actions", r"no column 'idd'; did you mean 'id'\?"),
        ("SELECT id AS decision_idd FROM actions", r"'decision_idd'.*did you mean 'decision_id'"),
        ("SELECT id AS decision_id FROM actions", r"the column 'content_id', .* is missing"),
        ("SELECT id AS FROM actions", r"syntax error"),
    ],
)
def test_a_mistake_in_a_mapping_is_one_line(dirty: Project, sql: str, problem: str) -> None:
    declare(dirty, {"dirty": DIRTY | {"tables": {"decisions": sql}}})
    with pytest.raises(UserError, match=problem):
        acquire(dirty, "dirty")


def test_a_time_without_a_zone_is_no_instant(dirty: Project) -> None:
    sql = DIRTY["tables"]["decisions"].replace("decided AS", "try_strptime(decided, '%Y-%m-%d') AS")
    declare(dirty, {"dirty": DIRTY | {"tables": {"decisions": sql}}})
    with pytest.raises(UserError, match=r"'decided_at' is a time without a zone; write timezone"):
        acquire(dirty, "dirty")
