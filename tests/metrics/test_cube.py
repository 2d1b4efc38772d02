from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.metrics import building
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.cube import build_cubes, cubes_folder, open_cubes
from analysis.metrics.layout import read_rows
from analysis.project import Project
from analysis.warehouse import (
    BUCKET_TABLE,
    BUCKETS,
    bucket_sql,
    open_warehouse,
    scratch,
    warehouse_mark,
)

WEEK = Window.parse("2026-W10")
#: London, Berlin and New York change their clocks here; the rows are in UTC.
CLOCK_CHANGE = Window.parse("2025-10-26")


@pytest.mark.parametrize("market", ["JP", "NP", "US"])
@pytest.mark.parametrize(
    "window", [WEEK, Window.parse("2025-W44"), CLOCK_CHANGE, Window.parse("2026-01")], ids=str
)
def test_the_cube_holds_what_a_plain_query_gives(
    small: Project, market: str, window: Window
) -> None:
    place = small.market(market)
    rows = open_cubes(small).slice(place, [window])
    start, end = window.instants(place)
    within = "market = ? AND {0} >= ? AND {0} < ?"
    with open_warehouse(small) as warehouse:
        views, removals, automated = (
            warehouse.rows(
                f"SELECT coalesce(sum({what}), 0) FROM {table} WHERE {within.format(time)}",
                (market, start, end),
            )[0][0]
            for what, table, time in (
                ("views", "exposure", "hour"),
                ("(action = 'remove')::INT", "decisions", "decided_at"),
                ("(action = 'remove' AND automated)::INT", "decisions", "decided_at"),
            )
        )
    assert rows.sums("views", "e.views").sum() == views
    assert rows.sums("decisions", "d.action = 'remove'").sum() == removals
    assert rows.sums("decisions", "d.action = 'remove' AND d.automated").sum() == automated
    ended = small_times(small, "median_time_to_action")
    assert rows.times(ended, 0).total == removals
    assert rows.sums("views", "e.views").shape == (1, BUCKETS)


def small_times(project: Project, metric: str) -> str:
    """The key of a quantile's histogram."""
    ended = load_catalogue(project).metrics[metric].ended
    assert ended is not None
    return ended.key


def test_windows_merge_from_their_days(small: Project) -> None:
    market = small.market("JP")
    days = [Window(day, day + timedelta(days=1)) for day in WEEK]
    rows = open_cubes(small).slice(market, [WEEK, *days])
    for fact, sql in (("views", "e.views"), ("decisions", "d.action = 'remove'")):
        sums = rows.sums(fact, sql)
        np.testing.assert_array_equal(sums[0], sums[1:].sum(0))


def test_a_unit_stays_in_its_bucket_and_the_buckets_are_even(small: Project) -> None:
    with scratch() as warehouse:
        found = warehouse.rows(f"SELECT {bucket_sql('i')} FROM range(50000) AS r(i)")
        known = warehouse.rows(f"SELECT {bucket_sql('i')} FROM (VALUES (1), (2), (42)) AS r(i)")
    counts = Counter(bucket for (bucket,) in found)
    assert sorted(counts) == list(range(BUCKETS))
    assert 300 < min(counts.values()) <= max(counts.values()) < 500
    # By hand from MD5: c4…, c8…, a1…; the last 7 bits. It must never change.
    assert [bucket for (bucket,) in known] == [0x44, 0x48, 0x21]


FACTS = {
    "views", "draws", "posts", "decisions", "seen_removals", "offences", "reports", "appeals",
    "resolutions", "waiting_appeals", "ratings", "items",
}  # fmt: skip


def facts(files: Iterable[Path]) -> set[str]:
    return {path.name.split("-")[0] for path in files}


def test_building_again_does_nothing_and_gives_the_same(own: Project) -> None:
    built = build_cubes(own)
    assert facts(built) >= FACTS
    before = {path: read_rows(path) for path in built}
    assert build_cubes(own) == []
    for path in built:
        path.unlink()
    assert {path: read_rows(path) for path in build_cubes(own)} == before
    left = {path for path in cubes_folder(own).iterdir() if path.suffix != ".json"}
    assert left == set(before)


def test_new_rows_rebuild_only_what_reads_them_and_old_cubes_go(own: Project) -> None:
    first = build_cubes(own)
    with open_warehouse(own, write=True) as warehouse:
        warehouse.stamp("appeals", "corrected")
    again = build_cubes(own)
    assert facts(again) == {"appeals", "resolutions", "waiting_appeals"}
    left = set(cubes_folder(own).glob("*.arrow"))
    assert len(left) == len(first)
    assert set(again) <= left


def test_titles_and_traps_do_not_rebuild_and_definitions_do(own: Project) -> None:
    build_cubes(own)
    path = own.params / "metrics.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("title: Automation share", "title: Automated share"), "utf-8")
    assert build_cubes(own) == []
    path.write_text(
        text.replace("c.posted_at + INTERVAL 24 HOUR", "c.posted_at + INTERVAL 12 HOUR"), "utf-8"
    )
    assert facts(build_cubes(own)) == {"decisions"}


def test_another_zone_moves_the_days(own: Project) -> None:
    sums = open_cubes(own).slice(own.market("NP"), [WEEK]).sums("views", "e.views")
    path = own.params / "markets.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("Asia/Kathmandu", "America/New_York"), "utf-8")
    moved = Project(own.root)
    other = open_cubes(moved).slice(moved.market("NP"), [WEEK]).sums("views", "e.views")
    assert sums.sum() != other.sum()


def test_a_wrong_expression_builds_nothing(own: Project) -> None:
    path = own.params / "metrics.yaml"
    path.write_text(path.read_text("utf-8").replace("AND d.automated", "AND d.automatd"), "utf-8")
    with pytest.raises(UserError, match="did you mean 'automated'"):
        build_cubes(own)
    assert not (own.data / "cubes").exists()


def test_a_slice_needs_no_warehouse(own: Project) -> None:
    cubes = open_cubes(own)
    (own.data / "warehouse.duckdb").unlink()
    assert cubes.slice(own.market("JP"), [WEEK]).any(0)


def test_the_days_of_a_market(small: Project) -> None:
    cubes = open_cubes(small)
    found = cubes.days(small.market("JP"), "views")
    assert found is not None
    assert found[0] <= date(2025, 1, 14)
    assert found[1] == date(2026, 3, 9)
    assert cubes.days(small.market("BR"), "views") is None
    assert not cubes.slice(small.market("BR"), [WEEK]).any(0)


@pytest.mark.parametrize("dimension", ["policy", "surface"])
def test_the_levels_of_a_dimension_add_up_to_all(small: Project, dimension: str) -> None:
    market, cubes = small.market("JP"), open_cubes(small)
    windows = [WEEK, Window.parse("2026-01")]
    levels = cubes.levels(market, "draws", dimension)
    assert levels == {"policy": ["", "spam"], "surface": ["feed"]}[dimension]
    whole = cubes.slice(market, windows)
    parts = [cubes.slice(market, windows, {dimension: level}) for level in levels]
    for sql in cubes.catalogue.sums("draws"):
        together = sum(part.sums("draws", sql) for part in parts)
        np.testing.assert_allclose(together, whole.sums("draws", sql), rtol=1e-12)
    labelled = [part.sums("draws", "p.label").sum() for part in parts]
    if dimension == "policy":
        assert labelled == [0, whole.sums("draws", "p.label").sum()]
        assert labelled[1] > 0


def test_a_fact_without_the_dimension_is_not_in_the_slice(small: Project) -> None:
    rows = open_cubes(small).slice(small.market("JP"), [WEEK], {"policy": "spam"})
    with pytest.raises(KeyError):
        rows.sums("views", "e.views")


def test_an_earlier_versions_warehouse_is_told_of_and_mended_by_a_load(own: Project) -> None:
    before = open_cubes(own).slice(own.market("JP"), [WEEK]).sums("views", "e.views")
    shutil.rmtree(cubes_folder(own))
    with open_warehouse(own, write=True) as warehouse:
        warehouse.execute(f"DROP TABLE {BUCKET_TABLE}")
    with pytest.raises(UserError, match=r"has no _buckets.*`study acquire` adds what lacks"):
        open_cubes(own)
    with open_warehouse(own, write=True) as warehouse:  # as `study acquire` opens it
        ids = "SELECT count(DISTINCT creator_id) FROM content"
        assert warehouse.rows(f"SELECT count(*) FROM {BUCKET_TABLE}")[0] >= warehouse.rows(ids)[0]
    after = open_cubes(own).slice(own.market("JP"), [WEEK]).sums("views", "e.views")
    np.testing.assert_array_equal(after, before)


def test_a_cube_is_of_one_warehouse(own: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_cubes(own).slice(own.market("JP"), [WEEK]).sums("views", "e.views")
    shutil.copy(own.data / "warehouse.duckdb", own.data / "other.duckdb")
    monkeypatch.setenv("STUDY_WAREHOUSE", "duckdb:///data/other.duckdb")
    with open_warehouse(own, write=True) as warehouse:  # the same versions, other rows
        warehouse.execute("UPDATE exposure SET views = views + 1")
    other = open_cubes(own).slice(own.market("JP"), [WEEK]).sums("views", "e.views")
    assert other.sum() > first.sum()
    monkeypatch.delenv("STUDY_WAREHOUSE")
    assert build_cubes(own) == []  # both are kept
    with monkeypatch.context() as patch:
        marks = []
        for password in ("one", "two"):
            url = f"postgresql://reader:{password}@db.example/safety"
            patch.setenv("STUDY_WAREHOUSE", url)
            marks.append(warehouse_mark(own))
    assert marks[0] == marks[1]
    assert "one" not in marks[0]


def test_building_that_takes_long_says_so_once(
    own: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(building, "SLOW_SECONDS", 0.001)
        build_cubes(own)
    build_cubes(own)
    assert [each.message for each in caplog.records] == [
        "building the cubes of rows that are new or changed"
    ]
