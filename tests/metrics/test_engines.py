"""One scan, three engines: equal cubes, equal local days, and spread that does not cancel."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import cycle, islice
from math import floor
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from analysis.calendar import Market, Window
from analysis.methods.buckets import ratio
from analysis.metrics.building import ensure
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.cube import Cubes, open_cubes
from analysis.metrics.estimate import estimate
from analysis.metrics.plain import plain_sql
from analysis.metrics.scan import Span, bin_sql, scan_sql
from analysis.metrics.words import BASES
from analysis.project import Project
from analysis.warehouse import Warehouse, ask_rows, open_warehouse
from analysis.warehouse.buckets import bucket_sql
from engines import OTHERS, Place, carry, opened

#: NIST's Statistical Reference Datasets, univariate, "NumAcc": 1 is of low, 2 of average, 3 and 4
#: of average and higher difficulty; the values are certified to have these means and spreads.
NUMACC = {
    "NumAcc1": (["10000001", "10000003", "10000002"], 3, 1.0),
    "NumAcc2": (["1.2", "1.1", "1.3"], 1001, 0.1),
    "NumAcc3": (["1000000.2", "1000000.1", "1000000.3"], 1001, 0.1),
    "NumAcc4": (["10000000.2", "10000000.1", "10000000.3"], 1001, 0.1),
}


def numacc(name: str) -> list[str]:
    """A series: the first value once, then the other two by turns (of the first, all three)."""
    (first, *others), count, _ = NUMACC[name]
    return [first, *islice(cycle(others), count - 1)]


@pytest.fixture(scope="module", params=OTHERS)
def other(
    request: pytest.FixtureRequest,
    place: Place,
    few: Project,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Warehouse]:
    """Another engine with the rows of `few`; tests must not change it."""
    folder = tmp_path_factory.mktemp("carried")
    with open_warehouse(few) as source, opened(few, place(request.param)) as target:
        carry(source, target, folder)
        yield target


@pytest.fixture(scope="module")
def few(small: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The small platform's last ten weeks, which hold two changes of the clock."""
    made = Project(tmp_path_factory.mktemp("few") / "project")
    shutil.copytree(small.root, made.root, ignore=shutil.ignore_patterns("cubes"))
    with open_warehouse(made, write=True) as warehouse:
        for table, column in (("content", "posted_at"), ("exposure", "hour"),
                              ("prevalence_draws", "drawn_at")):  # fmt: skip
            warehouse.execute(
                f"DELETE FROM {table} WHERE {column} < TIMESTAMPTZ '2026-02-20 00:00:00+00'"
            )
    return made


def slices(cubes: Cubes, project: Project) -> dict[str, Any]:
    """What studies read: every sum, every histogram, every estimate with its interval."""
    found: dict[str, Any] = {}
    for code in ("JP", "NP", "US"):
        windows = [Window.parse("2026-W09"), Window.parse("2026-W10")]
        rows = cubes.slice(project.market(code), windows)
        for fact in cubes.catalogue.used_facts():
            for sql in cubes.catalogue.sums(fact):
                found[f"{code} {fact} {sql}"] = rows.sums(fact, sql)
            for name in cubes.catalogue.times(fact):
                for window in range(2):
                    times = rows.times(name, window)
                    order = np.lexsort((times.bin, times.bucket))
                    held = np.stack([times.bucket, times.bin, times.count])[:, order]
                    found[f"{code} {name} {window}"] = held
        for name in cubes.catalogue.metrics:
            made = estimate(rows, name)
            found[f"{code} {name}"] = np.stack(
                [made.found.value, made.interval.low, made.interval.high]
            )
    return found


def test_the_whole_path_of_metrics_gives_the_same(
    other: Warehouse, few: Project, tmp_path: Path
) -> None:
    catalogue = load_catalogue(few)
    made, _ = ensure(catalogue, few.markets, other, tmp_path / "cubes")
    cubes = Cubes.of(catalogue, made, tmp_path / "cubes")
    expected, found = slices(open_cubes(few), few), slices(cubes, few)
    assert expected.keys() == found.keys()
    assert sum(bool(np.nansum(values)) for values in expected.values()) > 60
    for name, values in expected.items():
        counts = np.array_equal(values, np.round(values), equal_nan=True)
        tolerance = 0.0 if counts else 1e-9
        np.testing.assert_allclose(found[name], values, rtol=tolerance, atol=0, err_msg=name)


def test_a_metric_is_the_same_by_its_plain_query(other: Warehouse, few: Project) -> None:
    """What `study metric` prints, `study sql` takes, in the engine's own dialect."""
    catalogue, market = load_catalogue(few), few.market("US")
    window = Window.parse("2026-W10")
    rows = open_cubes(few).slice(market, [window])
    for name in ("proactive_removal_rate", "violative_view_rate", "median_time_to_action"):
        plain = other.translate(plain_sql(catalogue, name, market, window), pretty=True)
        ((found,),) = ask_rows(other, plain, limit=2).rows
        metric = catalogue.metrics[name]
        value = estimate(rows, name).value(0)
        assert value is not None
        tolerance = 0.02 if metric.kind == "quantile" else 1e-9  # a bin is 1 % wide
        assert found == pytest.approx(value * BASES.get(metric.kind, 1), rel=tolerance)


DRAWS = {
    "draw_id": pa.int64(),
    "content_id": pa.int64(),
    "market": pa.string(),
    "surface": pa.string(),
    "drawn_at": pa.timestamp("us", "UTC"),
    "impressions": pa.float64(),
    "draw_probability": pa.float64(),
    "stratum": pa.string(),
    "risk_score": pa.float64(),
    "policy": pa.string(),
    "label": pa.bool_(),
}


def load_draws(warehouse: Warehouse, rows: list[dict[str, Any]]) -> None:
    """Rows of `prevalence_draws`, what is not given as empty as it may be."""
    empty = {"content_id": 1, "surface": "feed", "draw_probability": 1.0, "label": True}
    whole = [{name: {**empty, **row}.get(name) for name in DRAWS} for row in rows]
    warehouse.take_in("_draws", pa.Table.from_pylist(whole, pa.schema(DRAWS)))
    with warehouse.transaction():
        warehouse.insert("prevalence_draws", "SELECT * FROM _draws")
        warehouse.stamp("prevalence_draws", "test")


def means(value: str = "p.impressions") -> Catalogue:
    """A catalogue of one metric: the mean of a column of labelled draws."""
    return Catalogue.model_validate(
        {
            "clusters": {"draw": {"title": "t", "table": "prevalence_draws", "column": "draw_id"}},
            "facts": {
                "draws": {
                    "title": "t", "reads": ["prevalence_draws"], "from": "prevalence_draws AS p",
                    "market": "p.market", "time": "p.drawn_at", "cluster": "draw",
                    "cluster_id": "p.draw_id",
                }
            },
            "metrics": {
                "mean": {
                    "title": "t", "question": "q", "group": "exposure", "fact": "draws",
                    "kind": "per_hundred", "numerator": value, "denominator": "1",
                    "says": "{value}", "sample": "s", "good": "neutral", "traps": ["t"],
                    "source": "s",
                }
            },
        }
    )  # fmt: skip


#: Zones whose clocks change within the days tested, and one that keeps half an hour all year.
#: Lord Howe's change is of half an hour.
CHANGES = {
    "US": ("America/New_York", "2026-03-08"),
    "DE": ("Europe/Berlin", "2026-03-29"),
    "LH": ("Australia/Lord_Howe", "2026-04-05"),
    "IN": ("Asia/Kolkata", "2026-03-29"),
    "O'": ("Pacific/Chatham", "2026-04-05"),
    "OLD": ("America/New_York", "2016-03-13"),  # so long ago that the engine's own zones are asked
}


def test_local_days_of_a_week_in_which_clocks_change(warehouse: Warehouse) -> None:
    markets = {code: Market(code, code, zone) for code, (zone, _) in CHANGES.items()}
    rows, expected = [], Counter[tuple[str, str]]()
    for code, (zone, day) in CHANGES.items():
        first = datetime.fromisoformat(day).replace(tzinfo=UTC) - timedelta(days=3, minutes=15)
        for quarter in range(6 * 96):
            at = first + timedelta(minutes=15 * quarter)
            rows.append({"draw_id": len(rows), "market": code, "drawn_at": at, "impressions": 1.0})
            expected[code, str(at.astimezone(ZoneInfo(zone)).date())] += 1
    load_draws(warehouse, rows)
    found, codes = Counter[tuple[str, str]](), list(markets)
    cube = warehouse.arrow(*scan_sql(means(), "draws", Span(tuple(markets.values()))))
    for market, day, count in zip(*(cube[c].to_pylist() for c in ("market", "day", "n")),
                                  strict=True):  # fmt: skip
        found[codes[market], str(date(1970, 1, 1) + timedelta(days=day))] += count
    assert found == expected
    hours = {key: n / 4 for key, n in expected.items()}
    assert hours["US", "2026-03-08"] == hours["DE", "2026-03-29"] == 23
    assert hours["OLD", "2016-03-13"] == 23
    assert hours["LH", "2026-04-05"] == 24.5
    assert hours["O'", "2026-04-05"] == 25


def test_a_market_code_is_a_value_and_never_sql(warehouse: Warehouse, tmp_path: Path) -> None:
    codes = ["O'", "x') OR TRUE --", "JP"]
    markets = {code: Market(code, code, "Asia/Tokyo") for code in codes}
    at = datetime(2026, 3, 3, 12, tzinfo=UTC)
    load_draws(
        warehouse,
        [
            {"draw_id": i, "market": code, "drawn_at": at, "impressions": i + 1.0}
            for i, code in enumerate(codes)
        ],
    )
    made, _ = ensure(means(), markets, warehouse, tmp_path)
    cubes = Cubes.of(means(), made, tmp_path)
    for i, code in enumerate(codes):
        rows = cubes.slice(markets[code], [Window.parse("2026-W10")])
        assert rows.sums("draws", "p.impressions").sum() == i + 1
        until = warehouse.complete_until("prevalence_draws", markets[code])
        assert str(until) == "2026-03-03"


def test_spread_is_right_where_raw_squares_cancel(warehouse: Warehouse, tmp_path: Path) -> None:
    """NIST's NumAcc series: certified spread from buckets; from raw sums of squares, nonsense."""
    markets = {name: Market(name, name, "UTC") for name in NUMACC}
    at = datetime(2026, 3, 3, 12, tzinfo=UTC)
    series = [(name, float(text)) for name in NUMACC for text in numacc(name)]
    load_draws(
        warehouse,
        [
            {"draw_id": i, "market": name, "drawn_at": at, "impressions": value}
            for i, (name, value) in enumerate(series)
        ],
    )
    made, _ = ensure(means(), markets, warehouse, tmp_path)
    cubes = Cubes.of(means(), made, tmp_path)
    dealt = dict(warehouse.rows(f"SELECT draw_id, {bucket_sql('draw_id')} FROM prevalence_draws"))
    for name, market in markets.items():
        rows = cubes.slice(market, [Window.parse("2026-W10")])
        found = ratio(rows.sums("draws", "p.impressions"), rows.sums("draws", "1"))
        mine = [(dealt[i], value) for i, (of, value) in enumerate(series) if of == name]
        mean, variance = exact(mine)
        assert float(found.value[0]) == pytest.approx(mean, rel=1e-15)
        assert float(found.variance[0]) == pytest.approx(variance, rel=1e-6)
        centred = """
            SELECT sum((impressions - m) * (impressions - m)) / (count(*) - 1)
            FROM prevalence_draws
            JOIN (SELECT avg(impressions) AS m FROM prevalence_draws WHERE market = ?) AS means
              ON TRUE
            WHERE market = ?"""
        ((spread,),) = warehouse.rows(centred, [name, name])
        assert spread**0.5 == pytest.approx(NUMACC[name][2], rel=1e-7)
    raw = """
        SELECT (sum(impressions * impressions) - sum(impressions) * sum(impressions) / count(*))
          / (count(*) - 1)
        FROM prevalence_draws WHERE market = ?"""
    ((cancelled,),) = warehouse.rows(raw, ["NumAcc4"])
    assert abs(cancelled / 0.01 - 1) > 0.5  # no digit is right; often not even the sign


def exact(rows: list[tuple[int, float]]) -> tuple[float, float]:
    """The mean and its delete-a-group jackknife variance, in rational numbers."""
    total, count = sum((Fraction(v) for _, v in rows), Fraction(0)), len(rows)
    replicates = []
    for bucket in range(128):
        mine = [Fraction(value) for dealt, value in rows if dealt == bucket]
        replicates.append((total - sum(mine, Fraction(0))) / (count - len(mine)))
    middle = sum(replicates) / 128
    spread = sum((each - middle) ** 2 for each in replicates) * Fraction(127, 128)
    return float(total / count), float(spread)


def test_bins_are_the_same_at_every_edge(warehouse: Warehouse, project: Project) -> None:
    """The two whole seconds beside each edge of a bin, held against rational numbers."""
    edges = {k: Fraction(101, 100) ** k * 3600 for k in range(-765, 1376)}
    seconds = sorted({floor(edge) + more for edge in edges.values() for more in (0, 1)})
    warehouse.take_in("_times", pa.table({"s": pa.array(seconds, pa.int64())}))
    hours = {"value": "s / 3600.0", "where": "TRUE"}
    metric = load_catalogue(project).metrics["median_time_to_action"].model_copy(update=hours)
    found = dict(warehouse.rows(f"SELECT s, {bin_sql(metric)} FROM _times"))
    for k, edge in edges.items():
        below, above = floor(edge) - (edge == floor(edge)), floor(edge) + (edge != floor(edge))
        assert found.get(below, k - 1) < k <= found[above], (k, below)
