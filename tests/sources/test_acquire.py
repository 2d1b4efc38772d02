"""`study acquire` and `study sources`: real rows through a declaration, left whole when killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from analysis.calendar import Window
from analysis.cli import app
from analysis.errors import UserError
from analysis.metrics import building
from analysis.metrics.cube import cubes_folder, open_cubes
from analysis.project import Project
from analysis.sources.load import acquire
from analysis.sources.summary import doubts, summaries
from analysis.studies.check import check_project
from loading import declare, everything, folder, rows
from support import Checkout, clean_environment

POSTS = {
    "kind": "files",
    "title": "Posts",
    "where": "data/raw/posts",
    "files": "*.csv",
    "layout": "csv",
    "fresh_within_hours": 24,
    "tolerance": {"rows": 100},
    "raw": {"posts": {"columns": ["id", "author", "country", "at", "risk"], "ignores": ["body"]}},
    "tables": {
        "content": "SELECT id AS content_id, author AS creator_id, country AS market, "
        "'ja' AS language, 'feed' AS surface, posts.at AS posted_at, risk AS risk_score FROM posts"
    },
}


def write(project: Project, name: str, count: int, *, start: int = 0, risk: str = "0.5") -> None:
    lines = [
        f"{n},{n % 50},JP,2026-03-{n % 28 + 1:02}T15:30:00Z,{risk if n % 10 else '7'},text of {n}"
        for n in range(start, start + count)
    ]
    text = "\n".join(["id,author,country,at,risk,body", *lines])
    (folder(project, "posts") / name).write_text(text + "\n")


def test_the_judgments_of_multilingual_hatecheck_load(project: Project, real_data: Path) -> None:
    load = acquire(project, "multilingual_hatecheck", where=str(real_data / "moderation_labels"))
    assert [(t.added, t.reasons) for t in load.tables] == [(109_770, {})]
    counts = "SELECT count(*), count(rater_id), count(gold_label), count(DISTINCT language)"
    assert rows(project, f"{counts} FROM ratings") == [(109_770, 0, 109_746, 10)]
    first = "SELECT min(started_at), max(finished_at) FROM ratings WHERE language = 'ar'"
    ((begun, _),) = rows(project, first)
    assert begun == datetime(2022, 2, 2, 14, 0, tzinfo=UTC)
    assert acquire(project, "multilingual_hatecheck", where=str(real_data / "moderation_labels")
                   ).tables == ()  # fmt: skip


def test_new_late_and_corrected_files_are_merged_by_key(project: Project) -> None:
    declare(project, {"posts": POSTS})
    write(project, "b.csv", 100, start=100)
    assert [(t.added, t.quarantined) for t in acquire(project, "posts").tables] == [(90, 10)]
    write(project, "a.csv", 100)  # late: an earlier name, and earlier rows
    assert [(t.added, t.updated) for t in acquire(project, "posts").tables] == [(90, 0)]
    write(project, "b.csv", 120, start=100, risk="0.75")  # corrected, and longer
    load = acquire(project, "posts")
    assert [(t.added, t.updated, t.quarantined) for t in load.tables] == [(18, 90, 12)]
    assert rows(project, "SELECT count(*), sum(risk_score) FROM content") == [(198, 126.0)]
    assert rows(project, "SELECT count(*) FROM _quarantine") == [(22,)]


def posted(project: Project, name: str, rows: list[tuple[int, str]]) -> None:
    """A file of posts, each by its number and the instant that it was posted."""
    lines = [f"{n},{n % 50},JP,{at},0.5,text" for n, at in rows]
    text = "\n".join(["id,author,country,at,risk,body", *lines])
    (folder(project, "posts") / name).write_text(text + "\n")


def test_late_rows_of_a_second_load_rebuild_only_their_days_of_the_cubes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(project, {"posts": POSTS})
    posted(
        project, "a.csv", [(n, f"2026-0{n % 2 + 2}-{n % 28 + 1:02}T15:30:00Z") for n in range(90)]
    )
    acquired()
    first = cube_of_posts(project)
    # Late: new ones of two days (Tokyo's are the next ones); and one that moved to another day.
    late = [(200, "2026-02-20T15:30:00Z"), (201, "2026-03-05T15:30:00Z")]
    posted(project, "b.csv", [*late, (0, "2026-02-20T01:00:00Z")])
    assert "2 added, 1 updated" in acquired()
    scanned = []
    scan = building.scan_sql
    with monkeypatch.context() as patch:
        patch.setattr(
            building,
            "scan_sql",
            lambda catalogue, fact, span, **named: (
                scanned.append((fact, span.days)) or scan(catalogue, fact, span, **named)
            ),
        )
        updated = cube_of_posts(project)
    # Of February the days from the one left (the second) to the last that gained; of March, one.
    february, march = (date(2026, 2, 2), date(2026, 2, 22)), (date(2026, 3, 6), date(2026, 3, 7))
    assert sorted(scanned) == [("posts", february), ("posts", march)]
    assert (first.sum(), updated.sum()) == (90, 92)
    shutil.rmtree(cubes_folder(project))
    np.testing.assert_array_equal(cube_of_posts(project), updated)
    assert (first != updated).any()


def acquired() -> str:
    """What `study acquire` says; it tells merges which facts watch the tables."""
    done = CliRunner().invoke(app, ["acquire"])
    assert done.exit_code == 0, done.output
    return done.output


def cube_of_posts(project: Project) -> NDArray[np.float64]:
    """How many posts each local day of each bucket holds, by the cube."""
    days = [Window(day, day + timedelta(days=1)) for day in Window.parse("2026-Q1")]
    return open_cubes(project).slice(project.market("JP"), days).sums("posts", "TRUE")


def test_what_changed_since_a_day_is_read_again(project: Project) -> None:
    declare(project, {"posts": POSTS})
    write(project, "old.csv", 10)
    write(project, "new.csv", 20, start=10)
    os.utime(folder(project, "posts") / "old.csv", (1_700_000_000, 1_700_000_000))
    since = datetime(2024, 1, 1, tzinfo=UTC)
    assert acquire(project, "posts").raw == {"posts": 30}
    assert acquire(project, "posts").raw == {}
    assert acquire(project, "posts", since=since).raw == {"posts": 20}
    assert acquire(project, "posts").raw == {}  # how far it was read is as it was
    assert acquire(project, "posts", full=True).raw == {"posts": 30}


def test_a_source_is_loaded_by_one_at_a_time(project: Project) -> None:
    declare(project, {"posts": POSTS})
    write(project, "a.csv", 10)
    place = project.data / "staging"
    place.mkdir()
    with (place / ".posts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match=r"posts: it is being loaded already"):
            acquire(project, "posts")
    assert len(acquire(project, "posts").tables) == 1


def test_no_text_of_a_column_that_is_ignored_is_staged(project: Project) -> None:
    declare(project, {"posts": POSTS})
    write(project, "a.csv", 50)
    acquire(project, "posts")
    assert "text of" not in str(everything(project, ("content",)))
    assert list((project.data / "staging").glob("posts*")) == []


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (
            "id,author,country,at,risc,body",
            r"'risk' is missing; 'risc' is like it; .*'risc' is new",
        ),
        ("id,author,country,at,risk,body,mood", r"a\.csv: the column 'mood' is new"),
        ("id,author,country,at,body", r"the column 'risk' is missing"),
    ],
)
def test_a_new_or_missing_column_is_named(project: Project, header: str, problem: str) -> None:
    declare(project, {"posts": POSTS})
    write(project, "a.csv", 5)
    path = folder(project, "posts") / "a.csv"
    values = path.read_text().splitlines()[1:]
    path.write_text("\n".join([header, *values]))
    with pytest.raises(UserError, match=problem):
        acquire(project, "posts")
    assert list((project.data / "staging").glob("posts*")) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"kind": "filez"}, r"sources\.yaml: sources\.posts"),
        ({"tables": {"contents": "FROM posts"}}, r"'contents' is no canonical table; .*'content'"),
        ({"tolerence": 1}, r"no such key"),
        ({"raw": {"posts": {"columns": ["id"], "cursor": "at"}}}, r"the cursor 'at' is not among"),
    ],
)
def test_a_mistake_in_a_declaration_is_named(
    project: Project, change: dict[str, object], problem: str
) -> None:
    declare(project, {"posts": {**POSTS, **change}})
    with pytest.raises(UserError, match=problem):
        acquire(project, "posts")


def test_the_check_reads_the_declarations(project: Project) -> None:
    declare(project, {"posts": {**POSTS, "kind": "filez"}})
    assert "params/sources.yaml" in str(check_project(project)[0])


def test_a_source_that_is_not_declared_is_named_with_the_nearest(project: Project) -> None:
    with pytest.raises(UserError, match=r"'publised' is not known; did you mean 'published'"):
        acquire(project, "publised")


def test_sources_say_what_came_of_them_and_how_fresh_each_market_is(bare: Checkout) -> None:
    assert "dsa: left out, data/raw/dsa is not there" in bare.study("acquire")
    declare(bare.project, {"posts": POSTS})
    assert "posts: Posts; not loaded yet" in bare.study("sources")
    write(bare.project, "a.csv", 100)
    said = bare.study("acquire", "posts")
    assert "content: 90 added, 0 updated, 0 as they were, 10 in quarantine" in said
    said = bare.study("sources")
    assert "content: 100 rows read, 90 added, 0 updated, 10 in quarantine" in said
    assert "10: risk_score: outside 0 to 1" in said
    assert "times 2026-03-01 15:30 to 2026-03-28 15:30 UTC" in said
    assert "content of all sources:\n      JP until 2026-03-29 00:30 JST" in said


def test_a_source_that_fails_keeps_no_other_from_being_loaded(project: Project) -> None:
    strict = POSTS | {"where": "data/raw/strict", "tolerance": {"rows": 0}}
    declare(project, {"strict": strict, "posts": POSTS})
    write(project, "a.csv", 100)
    shutil.copytree(folder(project, "posts"), project.data / "raw" / "strict", dirs_exist_ok=True)
    result = CliRunner().invoke(app, ["acquire"])
    assert result.exit_code == 2
    assert "content: 90 added" in result.stdout
    assert "strict: 10 of 100 rows break the contract" in result.stderr


def test_what_depends_on_an_old_load_says_so(project: Project) -> None:
    declare(project, {"posts": POSTS})
    write(project, "a.csv", 100)
    acquire(project, "posts")
    (found,) = summaries(project)
    assert found.stale is False
    later = datetime(2099, 1, 1, tzinfo=UTC)
    assert [each.stale for each in summaries(project, later)] == [True]
    end, day = datetime(2099, 1, 1, tzinfo=UTC), datetime(2026, 3, 28, tzinfo=UTC).date()
    until = datetime(2026, 3, 30, tzinfo=UTC).date()
    (incomplete,) = doubts(project, ["content"], until, end, day)
    complete = doubts(project, ["content"], day, end, day)
    assert incomplete.startswith("Incomplete: the last 2 days of this window")
    assert complete == ()


def start(project: Project, before: str = "") -> subprocess.Popen[bytes]:
    code = f"{before}\nfrom analysis.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, "acquire", "posts"],
        cwd=project.root,
        env={**clean_environment(), "STUDY_PROJECT": str(project.root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


#: Kills its own process when a method is called for the nth time, before or after it does its work.
KILL = """
import os, signal
from analysis.warehouse import DuckDBWarehouse
done, calls = DuckDBWarehouse.{method}, []
def killing(self, *given, **named):
    calls.append(1)
    if len(calls) == {nth} and {early}:
        os.kill(os.getpid(), signal.SIGKILL)
    found = done(self, *given, **named)
    if len(calls) == {nth}:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
DuckDBWarehouse.{method} = killing
"""
POINTS = [
    ("to_parquet", 2, True),  # the good rows are staged
    ("replace_rows", 1, False),  # the rows are merged
    ("replace_rows", 2, False),  # so is the quarantine
    ("replace_rows", 3, True),  # all is counted, but for how far the source was read
    ("replace_rows", 3, False),  # all is written, and not committed
    ("close", 2, True),  # committed, and not closed
]


def test_a_load_that_is_killed_leaves_tables_as_if_it_had_run_once(project: Project) -> None:
    """At points that matter, and at seeded moments of the time that a load takes."""
    declare(project, {"posts": POSTS | {"tolerance": {"share": 0.2}}})
    write(project, "a.csv", 5_000)
    begun = time.monotonic()
    assert start(project).wait() == 0
    takes = time.monotonic() - begun
    once, draw = everything(project, ("content",)), np.random.default_rng(3)
    for point in (*POINTS, None, None, None):
        (project.data / "warehouse.duckdb").unlink()
        if point is None:
            process = start(project)
            with suppress(subprocess.TimeoutExpired):
                process.wait(takes * draw.uniform(0.3, 0.9))
            process.kill()
            process.wait()
        else:
            method, nth, early = point
            process = start(project, KILL.format(method=method, nth=nth, early=early))
            assert process.wait() == -signal.SIGKILL, point
        acquire(project, "posts")
        assert everything(project, ("content",)) == once, point
        loads = "SELECT count(*) FROM _loads WHERE added > 0"
        assert rows(project, loads) == [(1,)], point
    assert list((project.data / "staging").glob("posts*")) == []
