"""The cube: sums per market, local day and bucket of clusters, from one scan of each fact.

A cube is a Parquet file a month, sorted by market and day, so that a slice reads a few row groups
of a few files and never the warehouse. Whoever finds it older than the rows builds it
(`building.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats
from analysis.methods.quantiles import Histogram
from analysis.metrics.building import ensure
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.scan import dimension_name, sum_name
from analysis.project import Project
from analysis.warehouse import BUCKETS, ParquetReader, open_warehouse
from analysis.warehouse.marks import joined


@dataclass(frozen=True)
class Cubes:
    """Where the cubes of a project's present data lie.

    Attributes:
        catalogue: what they were made from.
        paths: by fact, the Parquet file by month, in order.
    """

    catalogue: Catalogue
    paths: dict[str, dict[str, Path]]

    @cached_property
    def _reader(self) -> ParquetReader:
        return ParquetReader()

    def days(self, market: Market, fact: str) -> tuple[date, date] | None:
        """The first and the last local day on which a market has rows of a fact; None for none."""
        files = [str(path) for path in self.paths[fact].values()]
        if not files:
            return None
        sql = "SELECT min(day) AS low, max(day) AS high FROM read_parquet(?) WHERE market = ?"
        found = self._reader.arrays(sql, (files, market.code))
        low, high = (np.ma.getdata(found[name])[0] for name in ("low", "high"))
        missing = np.ma.getmaskarray(found["low"])[0]
        return None if missing else (_day(low), _day(high))

    def levels(self, market: Market, fact: str, dimension: str) -> list[str]:
        """The levels of a fact's dimension that a market has rows of, in order; '' is none."""
        files = [str(path) for path in self.paths[fact].values()]
        if not files:
            return []
        name = dimension_name(dimension)
        sql = f"SELECT DISTINCT {name} FROM read_parquet(?) WHERE market = ? ORDER BY 1"
        return [str(level) for level in self._reader.arrays(sql, (files, market.code))[name]]

    def slice(
        self, market: Market, windows: Sequence[Window], level: Mapping[str, str] | None = None
    ) -> Slice:
        """The sums of a market in each of several windows, which may overlap.

        Args:
            market: whose.
            windows: in the order of the slice's arrays.
            level: of some dimensions, the one level that is read. Facts without such a dimension
                are then not in the slice: what they count can't be told apart by it.
        """
        asked = level or {}
        found = Slice(self.catalogue, tuple(windows), {}, {})
        spans = _joined(windows)
        within = " OR ".join(["(day >= ? AND day < ?)"] * (len(spans) // 2))
        chosen = ["market = ?", f"({within})", *(f"{dimension_name(name)} = ?" for name in asked)]
        sql = f"SELECT * EXCLUDE (market) FROM read_parquet(?) WHERE {' AND '.join(chosen)}"
        months = {f"{day:%Y-%m}" for window in windows for day in window}
        for fact, paths in self.paths.items():
            if not asked.keys() <= self.catalogue.facts[fact].dimensions.keys():
                continue
            files = [str(path) for month, path in paths.items() if month in months]
            bound = (files, market.code, *spans, *asked.values())
            found.add(fact, self._reader.arrays(sql, bound) if files else None)
        return found


def build_cubes(project: Project) -> list[Path]:
    """Builds what is missing of the project's cubes; gives the files that it built.

    Raises:
        UserError: no warehouse, or a mistake in params/metrics.yaml.
    """
    return _ensure(project)[1]


def open_cubes(project: Project) -> Cubes:
    """The project's cubes, built first where they are missing."""
    return _ensure(project)[0]


def _ensure(project: Project) -> tuple[Cubes, list[Path]]:
    catalogue, folder = load_catalogue(project), project.data / "cubes"
    with open_warehouse(project) as warehouse:
        made, built = ensure(catalogue, project.markets, warehouse, folder)
    return Cubes(catalogue, {fact: each.paths(folder) for fact, each in made.items()}), built


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

    def times(self, key: str, window: int) -> Histogram:
        """A histogram in one window, by its key and the window's place."""
        return self._times[key][window]

    def add(self, fact: str, rows: Mapping[str, NDArray[Any]] | None) -> None:
        """Takes in a fact's rows, in the order of their days; None for none."""
        if rows is None:
            rows = self._none(fact)
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

    def _none(self, fact: str) -> dict[str, NDArray[Any]]:
        sums = (sum_name(expression) for expression in self.catalogue.sums(fact))
        return {name: np.empty(0, int) for name in ("day", "bucket", "measure", "bin", "n", *sums)}

    def _parts(self, days: NDArray[Any]) -> list[slice]:
        edges = [day for window in self.windows for day in (window.start, window.end)]
        places = np.searchsorted(days, np.array(edges, "datetime64[D]")).tolist()
        return [slice(*pair) for pair in zip(places[::2], places[1::2], strict=True)]


def _histogram(rows: Mapping[str, NDArray[Any]], part: slice, mine: NDArray[Any]) -> Histogram:
    bucket, bins, count = (rows[key][part][mine[part]] for key in ("bucket", "bin", "n"))
    return Histogram(bucket.astype(np.int64), bins.astype(np.int64), count.astype(float), BUCKETS)


def _joined(windows: Sequence[Window]) -> list[date]:
    """The starts and ends of the spans that windows cover together, in turn."""
    return [day for span in joined((w.start, w.end) for w in windows) for day in span]


def _day(value: Any) -> date:
    found: date = np.datetime64(value, "D").item()
    return found
