"""The cube: sums per market, local day and bucket of clusters, from one scan of each fact.

A cube is one Parquet file per fact, sorted by market and day so that a slice reads a few row
groups and never the warehouse. Its name carries the version of what it was made from: the rows
of its tables, the fact's definition, the markets. Whoever finds it missing builds it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats
from analysis.methods.quantiles import BIN_RATIO, Histogram
from analysis.metrics.catalogue import Catalogue, check_expressions, load_catalogue
from analysis.metrics.scan import BUCKETS, scan_sql, sum_name, zones_sql
from analysis.project import Project
from analysis.warehouse import ParquetReader, Warehouse, open_warehouse

#: Raise it when the files' layout changes.
LAYOUT = 1


@dataclass(frozen=True)
class Cubes:
    """Where the cubes of a project's present data lie.

    Attributes:
        catalogue: what they were made from.
        paths: the Parquet file by fact.
    """

    catalogue: Catalogue
    paths: dict[str, Path]

    @cached_property
    def _reader(self) -> ParquetReader:
        return ParquetReader()

    def days(self, market: Market, fact: str) -> tuple[date, date] | None:
        """The first and the last local day on which a market has rows of a fact; None for none."""
        sql = "SELECT min(day) AS low, max(day) AS high FROM read_parquet(?) WHERE market = ?"
        found = self._reader.arrays(sql, (str(self.paths[fact]), market.code))
        low, high = (np.ma.getdata(found[name])[0] for name in ("low", "high"))
        missing = np.ma.getmaskarray(found["low"])[0]
        return None if missing else (_day(low), _day(high))

    def slice(self, market: Market, windows: Sequence[Window]) -> Slice:
        """The sums of a market in each of several windows, which may overlap."""
        found = Slice(self.catalogue, tuple(windows), {}, {})
        spans = _joined(windows)
        within = " OR ".join(["(day >= ? AND day < ?)"] * (len(spans) // 2))
        sql = f"SELECT * EXCLUDE (market) FROM read_parquet(?) WHERE market = ? AND ({within})"
        for fact, path in self.paths.items():
            found.add(fact, self._reader.arrays(sql, (str(path), market.code, *spans)))
        return found


def build_cubes(project: Project) -> list[Path]:
    """Builds what is missing of the project's cubes, each fact in one scan; gives what it built.

    Raises:
        UserError: no warehouse, or a mistake in params/metrics.yaml.
    """
    return _ensure(project)[1]


def open_cubes(project: Project) -> Cubes:
    """The project's cubes, built first where they are missing."""
    return _ensure(project)[0]


def _ensure(project: Project) -> tuple[Cubes, list[Path]]:
    catalogue = load_catalogue(project)
    folder = project.data / "cubes"
    with open_warehouse(project) as warehouse:
        tables = warehouse.versions()
        paths = {
            fact: folder / f"{fact}-{version(catalogue, fact, tables, project.markets)}.parquet"
            for fact in catalogue.used_facts()
        }
        missing = {fact: path for fact, path in paths.items() if not path.exists()}
        if missing:
            _build(catalogue, missing, project.markets, warehouse)
    return Cubes(catalogue, paths), list(missing.values())


def version(
    catalogue: Catalogue, fact: str, tables: Mapping[str, str], markets: Mapping[str, Market]
) -> str:
    """What a fact's cube depends on, as 16 hexadecimal digits. Titles and traps are not in it."""
    spec = catalogue.facts[fact]
    parts = {
        "layout": [LAYOUT, BUCKETS, BIN_RATIO],
        "tables": {name: tables.get(name) for name in sorted(spec.reads)},
        "fact": spec.model_dump(exclude={"title"}),
        "cluster": catalogue.clusters[spec.cluster].model_dump(exclude={"title"}),
        "sums": catalogue.sums(fact),
        "times": {k: [m.value, m.where] for k, m in catalogue.times(fact).items()},
        "markets": {code: market.zone for code, market in markets.items()},
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _build(
    catalogue: Catalogue,
    missing: Mapping[str, Path],
    markets: Mapping[str, Market],
    warehouse: Warehouse,
) -> None:
    for problem in check_expressions(catalogue):
        raise problem
    warehouse.execute("CREATE OR REPLACE TEMP TABLE _zones (market VARCHAR, zone VARCHAR)")
    warehouse.execute(*zones_sql(markets))
    for fact, path in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.stem}-{os.getpid()}.tmp")
        with ExitStack() as leaving:
            leaving.callback(aside.unlink, missing_ok=True)
            warehouse.to_parquet(scan_sql(catalogue, fact), aside)
            aside.replace(path)
        for old in path.parent.glob(f"{fact}-*.parquet"):
            if old != path:
                old.unlink(missing_ok=True)


@dataclass(frozen=True)
class Slice:
    """What a study reads of the cubes: one market, some windows.

    Attributes:
        catalogue: what the sums mean.
        windows: in the order of the arrays' first axis.
    """

    catalogue: Catalogue
    windows: tuple[Window, ...]
    _sums: dict[tuple[str, str], Floats]
    _times: dict[str, list[Histogram]]

    def sums(self, fact: str, expression: str) -> Floats:
        """An expression's sums, shape `(windows, 128)`."""
        return self._sums[fact, expression]

    def any(self, window: int) -> bool:
        """Whether a window, by its place, holds any rows."""
        return any(bool(sums[window].any()) for sums in self._sums.values())

    def times(self, metric: str, window: int) -> Histogram:
        """A quantile's histogram in one window, by the window's place."""
        return self._times[metric][window]

    def add(self, fact: str, rows: Mapping[str, NDArray[Any]]) -> None:
        """Takes in a fact's rows, in the order of their days."""
        parts = self._parts(rows["day"].astype("datetime64[D]"))
        times = self.catalogue.times(fact)
        is_sum = rows["measure"] == "" if times else np.ones(len(rows["day"]), bool)
        for expression in self.catalogue.sums(fact):
            values = np.where(is_sum, rows[sum_name(expression)], 0.0)
            self._sums[fact, expression] = np.stack(
                [np.bincount(rows["bucket"][part], values[part], BUCKETS) for part in parts]
            )
        for name in times:
            mine = rows["measure"] == name
            self._times[name] = [_histogram(rows, part, mine) for part in parts]

    def _parts(self, days: NDArray[Any]) -> list[slice]:
        edges = [day for window in self.windows for day in (window.start, window.end)]
        places = np.searchsorted(days, np.array(edges, "datetime64[D]")).tolist()
        return [slice(*pair) for pair in zip(places[::2], places[1::2], strict=True)]


def _histogram(rows: Mapping[str, NDArray[Any]], part: slice, mine: NDArray[Any]) -> Histogram:
    bucket, bins, count = (rows[key][part][mine[part]] for key in ("bucket", "bin", "n"))
    return Histogram(bucket.astype(np.int64), bins.astype(np.int64), count.astype(float), BUCKETS)


def _joined(windows: Sequence[Window]) -> list[date]:
    """The starts and ends of the spans that windows cover together, in turn."""
    spans: list[date] = []
    for window in sorted(windows):
        if spans and window.start <= spans[-1]:
            spans[-1] = max(spans[-1], window.end)
        else:
            spans += [window.start, window.end]
    return spans


def _day(value: Any) -> date:
    found: date = np.datetime64(value, "D").item()
    return found
