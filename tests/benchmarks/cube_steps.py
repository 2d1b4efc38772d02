"""One step of `cube.py`: `cube_steps.py STEP FOLDER ROWS` prints its figures as JSON."""

from __future__ import annotations

import hashlib
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from analysis.calendar import Market, Window
from analysis.metrics import building
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
  (['spam', 'hate', 'nudity', 'violence'])[1 + (hash(content_id, 1) % 4)::BIGINT],
  CASE WHEN hash(content_id, 2) % 5 = 0 THEN 'no_action' ELSE 'remove' END,
  CASE WHEN hash(content_id, 3) % 10 = 0 THEN 'user_report' ELSE 'proactive' END,
  hash(content_id, 4) % 4 > 0, posted_at + to_seconds((60 + hash(content_id, 5) % 400000)::BIGINT),
  hash(content_id, 6) % 50
FROM content""",
    ]


#: The facts that have rows here.
FACTS = ("views", "posts", "decisions", "seen_removals", "offences")


def by_hand(project: Project, _: int) -> dict[str, float]:
    """What the cube holds of every fact with rows, as a person would ask DuckDB's client for it."""
    catalogue = load_catalogue(project)
    zones = ", ".join(f"('{m.code}', '{m.zone}')" for m in project.markets.values())
    queries = {}
    for fact in FACTS:
        spec = catalogue.facts[fact]
        sums = "".join(f", sum(({sql})::DOUBLE)" for sql in catalogue.sums(fact))
        bins = "".join(f", {bin_sql(m)} AS bin_{k}" for k, m in catalogue.times(fact).items())
        sets = "".join(f", (code, local, bucket, bin_{key})" for key in catalogue.times(fact))
        queries[fact] = (
            f"SELECT {spec.market} AS code, timezone(zone, {spec.time})::DATE AS local, bucket, "
            f"count(*){sums}{bins} FROM {spec.source} JOIN _buckets ON id = {spec.cluster_id} "
            f"JOIN (VALUES {zones}) AS z(market, zone) ON z.market = {spec.market} "
            f"WHERE {spec.where} GROUP BY GROUPING SETS ((code, local, bucket){sets})"
        )
    spent = {}
    with duckdb.connect(project.data / "warehouse.duckdb", read_only=True) as client:
        client.execute("SET TimeZone = 'UTC'")

        def work() -> None:
            for fact, query in queries.items():
                started = time.process_time()
                client.sql(query).to_arrow_table()
                spent[f"cpu_{fact}"] = time.process_time() - started

        return timed(work) | spent


def build(project: Project, _: int) -> dict[str, float]:
    """Every fact's cube, from nothing."""
    spent: dict[str, float] = {}
    plain = building._Build.update

    def watched(self: building._Build, *given: object) -> object:
        started = time.process_time()
        found = plain(self, *given)  # type: ignore[arg-type]  # passed on as they came
        spent[f"cpu_{self.fact}"] = time.process_time() - started
        return found

    building._Build.update = watched  # type: ignore[assignment]  # to time each fact
    return timed(lambda: build_cubes(project)) | spent


def pandas(project: Project, _: int) -> dict[str, float]:
    """The sums of views as pandas makes them, from frames that are in memory already."""
    import pandas as pd

    with duckdb.connect(project.data / "warehouse.duckdb", read_only=True) as client:
        client.execute("SET TimeZone = 'UTC'")
        exposure = client.sql("SELECT content_id, market, hour, views FROM exposure").df()
        content = client.sql("SELECT content_id, creator_id FROM content").df()
    zones = {code: market.zone for code, market in project.markets.items()}

    def work() -> object:
        ids = content["creator_id"].drop_duplicates()
        dealt = pd.Series([_bucket(i) for i in ids], index=ids)
        rows = exposure.merge(content, on="content_id")
        rows["bucket"] = rows["creator_id"].map(dealt)
        days = [
            part.dt.tz_convert(zones[code]).dt.tz_localize(None).dt.normalize()
            for code, part in rows.groupby("market")["hour"]
        ]
        rows["day"] = pd.concat(days)
        keys = ["market", "day", "bucket"]
        return rows.groupby(keys)["views"].agg(["size", "sum"]).sort_index()

    return timed(work)


def _bucket(identifier: int) -> int:
    return hashlib.md5(str(identifier).encode(), usedforsecurity=False).digest()[0] % 128


def one_day(project: Project, _: int) -> dict[str, float]:
    """One more day of views is merged; then the cubes follow."""
    with open_warehouse(project, write=True) as warehouse:
        started = time.perf_counter()
        with warehouse.transaction():
            merge(
                warehouse, "exposure", "SELECT * FROM newest", load_id=f"newest-{time.time_ns()}",
                markets=project.markets, watches=watches(load_catalogue(project)),
            )  # fmt: skip
        merging = time.perf_counter() - started
    return timed(lambda: build_cubes(project)) | {"merging": merging}


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
