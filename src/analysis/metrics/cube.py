"""The cube: sums per market, local day and bucket of clusters, from one scan of each fact.

A cube is Parquet files a month, sorted by market and day, so that a slice reads a few row groups
of a few files and never the warehouse. Whoever finds it older than the rows builds it
(`building.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats
from analysis.methods.quantiles import Histogram
from analysis.metrics.building import Manifest, ensure
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.layout import KINDS
from analysis.metrics.scan import dimension_name, measures, sum_name
from analysis.project import Project
from analysis.warehouse import BUCKETS, ParquetReader, open_warehouse, warehouse_mark
from analysis.warehouse.marks import joined

Rows = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Cubes:
    """Where the cubes of a project's present data lie.

    Attributes:
        catalogue: what they were made from.
        sums, times: by fact, the Parquet file by month, in order.
    """

    catalogue: Catalogue
    sums: dict[str, dict[str, Path]]
    times: dict[str, dict[str, Path]]

    @classmethod
    def of(cls, catalogue: Catalogue, made: Mapping[str, Manifest], folder: Path) -> Cubes:
        """The cubes that manifests in a folder tell of."""
        sums, times = (
            {fact: each.paths(folder, kind) for fact, each in made.items()} for kind in KINDS
        )
        return cls(catalogue, sums, times)

    @cached_property
    def _reader(self) -> ParquetReader:
        return ParquetReader()

    def only(self, facts: Iterable[str], *, times: bool) -> Cubes:
        """The same of some facts, with or without their histograms, by the same reader."""
        sums = {fact: self.sums[fact] for fact in facts}
        made = Cubes(self.catalogue, sums, {f: self.times[f] if times else {} for f in sums})
        made.__dict__["_reader"] = self._reader
        return made

    def days(self, market: Market, fact: str) -> tuple[date, date] | None:
        """The first and the last local day on which a market has rows of a fact; None for none."""
        files = [str(path) for path in self.sums[fact].values()]
        if not files:
            return None
        sql = "SELECT min(day) AS low, max(day) AS high FROM read_parquet(?) WHERE market = ?"
        found = self._reader.arrays(sql, (files, market.code))
        low, high = (np.ma.getdata(found[name])[0] for name in ("low", "high"))
        missing = np.ma.getmaskarray(found["low"])[0]
        return None if missing else (_day(low), _day(high))

    def levels(self, market: Market, fact: str, dimension: str) -> list[str]:
        """The levels of a fact's dimension that a market has rows of, in order; '' is none."""
        files = [str(path) for path in self.sums[fact].values()]
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
        for fact in self.sums:
            if asked.keys() <= self.catalogue.facts[fact].dimensions.keys():
                self._add(found, fact, market, asked)
        return found

    def _add(self, found: Slice, fact: str, market: Market, level: Mapping[str, str]) -> None:
        """Reads a fact's sums and each of its histograms into a slice."""
        sums, times = self.catalogue.sums(fact), self.catalogue.times(fact)
        chosen = ["market = ?", *(f"{dimension_name(name)} = ?" for name in level)]
        bound = [market.code, *level.values()]
        columns = ["bucket", *map(sum_name, sums)]
        found.add_sums(fact, self._read(self.sums[fact], columns, chosen, bound, found.windows))
        for key, number in measures(times).items():
            mine = [*chosen, f"measure = {number}"]
            columns = ["bucket", "bin", "n"]
            rows = self._read(self.times[fact], columns, mine, bound, found.windows)
            found.add_times(key, rows)

    def _read(
        self,
        paths: Mapping[str, Path],
        columns: Sequence[str],
        chosen: Sequence[str],
        bound: Sequence[object],
        windows: tuple[Window, ...],
    ) -> Rows:
        """Some columns of the rows of windows, in the order of their days."""
        months = _months(windows)
        files = [str(path) for month, path in paths.items() if month in months]
        if not files:
            return {name: np.empty(0, int) for name in ("day", *columns)}
        spans = _joined(windows)
        within = " OR ".join(["(day >= ? AND day < ?)"] * (len(spans) // 2))
        sql = (
            f"SELECT day, {', '.join(columns)} FROM read_parquet(?) "
            f"WHERE {' AND '.join(chosen)} AND ({within})"
        )
        return self._reader.arrays(sql, (files, *bound, *spans))


def build_cubes(project: Project) -> list[Path]:
    """Builds what is missing of the project's cubes; gives the files that it built.

    Raises:
        UserError: no warehouse, or a mistake in params/metrics.yaml.
    """
    return _ensure(project)[1]


def open_cubes(project: Project) -> Cubes:
    """The project's cubes, built first where they are missing."""
    return _ensure(project)[0]


def cubes_folder(project: Project) -> Path:
    """Where the cubes of the project's present warehouse lie; each warehouse has its own."""
    return project.data / "cubes" / warehouse_mark(project)


def _ensure(project: Project) -> tuple[Cubes, list[Path]]:
    catalogue, folder = load_catalogue(project), cubes_folder(project)
    with open_warehouse(project) as warehouse:
        made, built = ensure(catalogue, project.markets, warehouse, folder)
    return Cubes.of(catalogue, made, folder), built


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

    def counting(self, part: Slice, keys: Collection[tuple[str, str]]) -> Slice:
        """These sums, but those of some facts' expressions from a part of the same rows."""
        return replace(self, _sums={**self._sums, **{key: part.sums(*key) for key in keys}})

    def add_sums(self, fact: str, rows: Rows) -> None:
        """Takes in a fact's sums, in the order of their days."""
        parts = self._parts(rows["day"].astype("datetime64[D]"))
        for expression in self.catalogue.sums(fact):
            values = rows[sum_name(expression)]
            self._sums[fact, expression] = np.stack(
                [np.bincount(rows["bucket"][part], values[part], BUCKETS) for part in parts]
            )

    def add_times(self, key: str, rows: Rows) -> None:
        """Takes in a histogram, in the order of its days."""
        parts = self._parts(rows["day"].astype("datetime64[D]"))
        self._times[key] = [_histogram(rows, part) for part in parts]

    def _parts(self, days: NDArray[Any]) -> list[slice]:
        edges = [day for window in self.windows for day in (window.start, window.end)]
        places = np.searchsorted(days, np.array(edges, "datetime64[D]")).tolist()
        return [slice(*pair) for pair in zip(places[::2], places[1::2], strict=True)]


def _histogram(rows: Rows, part: slice) -> Histogram:
    bucket, bins, count = (rows[key][part] for key in ("bucket", "bin", "n"))
    return Histogram(bucket.astype(np.int64), bins.astype(np.int64), count.astype(float), BUCKETS)


@lru_cache(maxsize=8)
def _months(windows: tuple[Window, ...]) -> frozenset[str]:
    """The months that windows touch; asked for each file's kind of every fact of a slice."""
    return frozenset(f"{day:%Y-%m}" for window in windows for day in window)


def _joined(windows: Sequence[Window]) -> list[date]:
    """The starts and ends of the spans that windows cover together, in turn."""
    return [day for span in joined((w.start, w.end) for w in windows) for day in span]


def _day(value: Any) -> date:
    found: date = np.datetime64(value, "D").item()
    return found
