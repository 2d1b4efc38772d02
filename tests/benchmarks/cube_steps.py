"""One step of `cube.py`: run as a module with STEP FOLDER ROWS, it prints its figures as JSON."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from analysis.calendar import Market, Window
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.cube import build_cubes, open_cubes
from analysis.metrics.scan import bin_sql
from analysis.metrics.watching import watches
from analysis.project import Project
from analysis.warehouse import merge, open_warehouse
from analysis.warehouse.tables import TABLES

#: The newest days are loaded by the step that adds one.
DAYS, END = 420, "2026-03-09"
WEEKS = [Window.parse(f"2026-W{week:02d}") for week in range(2, 10)]


def make(project: Project, rows: int) -> dict[str, float]:
    """Fills the warehouse; all but the last day's views."""
    with open_warehouse(project, write=True) as warehouse:
        for sql in _rows(list(project.markets), rows):
            warehouse.execute(sql)
        warehouse.execute(
            "CREATE TABLE newest AS SELECT * FROM exposure "
            f"WHERE hour >= TIMESTAMPTZ '{END} 00:00:00+00' - INTERVAL 1 DAY"
        )
        warehouse.execute(
            f"DELETE FROM exposure WHERE hour >= TIMESTAMPTZ '{END} 00:00:00+00' - INTERVAL 1 DAY"
        )
        for table in TABLES:
            warehouse.stamp(table, "bench")
        warehouse.execute("CHECKPOINT")
    return {}


def _rows(codes: list[str], rows: int) -> list[str]:
    posts = rows // 10
    creators, markets = max(1000, posts // 10), len(codes)
    listed = ", ".join(f"'{code}'" for code in codes)
    first = f"TIMESTAMPTZ '{END} 00:00:00+00' - INTERVAL {DAYS} DAY"
    hours = DAYS * 24
    return [
        f"""INSERT INTO content
SELECT i, creator, ([{listed}])[1 + creator % {markets}], 'xx',
  (['feed', 'search', 'live'])[1 + i % 3], {first} + to_seconds(i * {hours * 3600} // {posts}),
  20, 'topic', 0.5
FROM (SELECT i, (hash(i) % {creators})::BIGINT AS creator FROM range({posts}) AS r(i))""",
        # Hour by hour, as rows arrive.
        f"""INSERT INTO exposure
SELECT content_id, market, surface, {first} + to_hours(hour), 1 + (hash(content_id, hour) % 200),
  1 + hash(hour, content_id) % 50
FROM (SELECT CAST(i * {hours} // {rows} AS BIGINT) AS hour,
    greatest(0, i // 10 - (hash(i) % {max(1, posts // 14)})::BIGINT) AS post
  FROM range({rows}) AS r(i))
JOIN content ON content_id = post""",
        """INSERT INTO decisions
SELECT content_id, content_id, creator_id, market,
  (['spam', 'hate_speech', 'adult_nudity', 'violent_extremism'])[
    1 + (hash(content_id, 1) % 4)::BIGINT],
  CASE WHEN hash(content_id, 2) % 5 = 0 THEN 'no_action' ELSE 'remove' END,
  CASE WHEN hash(content_id, 3) % 10 = 0 THEN 'user_report' ELSE 'proactive' END,
  hash(content_id, 4) % 4 > 0, posted_at + to_seconds((60 + hash(content_id, 5) % 400000)::BIGINT),
  hash(content_id, 6) % 50
FROM content""",
    ]


def by_hand(project: Project, _: int) -> dict[str, float]:
    """What the cube holds of every fact, as a person would ask DuckDB's client for it."""
    catalogue = load_catalogue(project)
    zones = ", ".join(f"('{m.code}', '{m.zone}')" for m in project.markets.values())
    queries = []
    for fact in catalogue.used_facts():
        spec, times = catalogue.facts[fact], catalogue.times(fact)
        by = [f"coalesce({sql}, '') AS by_{name}" for name, sql in spec.dimensions.items()]
        sums = [f"sum(({sql})::DOUBLE)" for sql in catalogue.sums(fact)]
        bins = [f"{bin_sql(each)} AS bin_{key}" for key, each in times.items()]
        keys = ", ".join(["code", "local", "bucket", *(f"by_{name}" for name in spec.dimensions)])
        sets = [f"({keys})", *(f"({keys}, bin_{key})" for key in times)]
        queries.append(
            f"SELECT {spec.market} AS code, timezone(zone, {spec.time})::DATE AS local, "
            f"{', '.join(['bucket', *by, 'count(*)', *sums, *bins])} "
            f"FROM {spec.source} JOIN _buckets ON id = {spec.cluster_id} "
            f"JOIN (VALUES {zones}) AS z(market, zone) ON z.market = {spec.market} "
            f"WHERE {spec.where} GROUP BY GROUPING SETS ({', '.join(sets)})"
        )
    with duckdb.connect(project.data / "warehouse.duckdb", read_only=True) as client:
        client.execute("SET TimeZone = 'UTC'")
        return timed(lambda: [client.sql(query).to_arrow_table() for query in queries])


def build(project: Project, _: int) -> dict[str, float]:
    """Every fact's cube, from nothing."""
    return timed(lambda: build_cubes(project))


def pandas(project: Project, _: int) -> dict[str, float]:
    """The same cube as pandas makes it of frames in memory, its numbers held against ours."""
    from benchmarks import cube_in_pandas  # pandas is slow to import, and no other step needs it

    frames, found = cube_in_pandas.Frames.read(project), {}
    spent = timed(lambda: found.update(cube_in_pandas.cube(frames)))
    cube_in_pandas.hold_against_ours(project, found)
    return spent


def one_day(project: Project, _: int) -> dict[str, float]:
    """One more day of views is merged; then the cubes follow."""
    with open_warehouse(project, write=True) as warehouse:
        watched, load_id = watches(load_catalogue(project)), f"newest-{time.time_ns()}"
        given = {"load_id": load_id, "markets": project.markets, "watches": watched}

        def work() -> None:
            with warehouse.transaction():
                merge(warehouse, "exposure", "SELECT * FROM newest", **given)

        merging = timed(work)
    merged = {"merging": merging["seconds"], "cpu_merging": merging["cpu"]}
    return timed(lambda: build_cubes(project)) | merged


def slices(project: Project, _: int) -> dict[str, float]:
    """A study's slice: a market, 12 weeks up to each of several, and the week a year before."""
    cubes, spent = open_cubes(project), []
    for market, window in _asked(list(project.markets.values())):
        windows = [window, window.year_before()]
        while len(windows) < 13:
            windows.append(windows[-1 if len(windows) > 2 else 0].previous())
        started = time.perf_counter()
        cubes.slice(market, windows)
        spent.append(time.perf_counter() - started)
    return figures(statistics.median(spent)) | {"slowest": max(spent), "first": spent[0]}


def _asked(markets: list[Market]) -> list[tuple[Market, Window]]:
    return [(markets[i % len(markets)], WEEKS[i % len(WEEKS)]) for i in range(20)]


def timed(work: Callable[[], object]) -> dict[str, float]:
    started, processor = time.perf_counter(), time.process_time()
    work()
    spent = figures(time.perf_counter() - started)
    return spent | {"cpu": time.process_time() - processor}


def figures(seconds: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": seconds, "peak_gb": peak}


STEPS = {step.__name__: step for step in (make, by_hand, build, pandas, one_day, slices)}

if __name__ == "__main__":
    name, folder, rows = sys.argv[1:]
    print(json.dumps(STEPS[name](Project(Path(folder)), int(rows))))
