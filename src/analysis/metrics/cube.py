"""The cube: sums per market, local day and bucket of clusters, from one scan of each fact.

A cube is two files a fact, sorted by market and day and mapped into memory (`layout.py`), so that a
slice reads the days that it is of and never the warehouse. Whoever finds it older than the rows
builds it (`building.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.calendar import Market, Window, numbered_day
from analysis.methods.buckets import Floats
from analysis.methods.quantiles import Histogram
from analysis.metrics.building import Manifest, current, ensure
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.layout import SUMS, TIMES, Rows, market_rows
from analysis.metrics.scan import dimension_name, measures, sum_name
from analysis.project import Project
from analysis.warehouse import BUCKETS, noted_marks, open_warehouse, warehouse_mark


@dataclass(frozen=True)
class Cubes:
    """Where the cubes of a project's present data lie.

    Attributes:
        catalogue: what they were made from.
        sums, times: by fact, the file; None where there are no such rows.
    """

    catalogue: Catalogue
    sums: dict[str, Path | None]
    times: dict[str, Path | None]

    @classmethod
    def of(cls, catalogue: Catalogue, made: Mapping[str, Manifest], folder: Path) -> Cubes:
        """The cubes that manifests in a folder tell of."""
        sums, times = (
            {fact: each.path(folder, kind) for fact, each in made.items()} for kind in (SUMS, TIMES)
        )
        return cls(catalogue, sums, times)

    def only(self, facts: Iterable[str], *, times: bool) -> Cubes:
        """The same of some facts, with or without their histograms."""
        sums = {fact: self.sums[fact] for fact in facts}
        return Cubes(self.catalogue, sums, {f: self.times[f] if times else None for f in sums})

    def days(self, market: Market, fact: str) -> tuple[date, date] | None:
        """The first and the last local day on which a market has rows of a fact; None for none."""
        rows = _rows(self.sums[fact], market, ["day"])
        return (
            None if rows is None else (numbered_day(rows["day"][0]), numbered_day(rows["day"][-1]))
        )

    def levels(self, market: Market, fact: str, dimension: str) -> list[str]:
        """The levels of a fact's dimension that a market has rows of, in order; '' is none."""
        name = dimension_name(dimension)
        rows = _rows(self.sums[fact], market, [name])
        return [] if rows is None else sorted(set(rows[name]))

    def by_level(self, market: Market, windows: Sequence[Window], name: str) -> dict[str, Floats]:
        """The numerator of a metric in windows that follow one another, by the levels of the
        dimension that the catalogue watches it by; in their order."""
        metric = self.catalogue.metrics[name]
        level, total = dimension_name(metric.by or ""), sum_name(metric.numerator or "")
        rows = _rows(self.sums[metric.fact], market, ["day", level, total])
        if rows is None:
            return {}
        days = [windows[0].start, *(window.end for window in windows)]
        edges = np.array(days, "M8[D]").astype(np.int32)
        place = np.searchsorted(edges, rows["day"], side="right") - 1
        inside = (place >= 0) & (place < len(windows))
        names, code = np.unique(rows[level][inside], return_inverse=True)
        cells, shape = code * len(windows) + place[inside], (len(names), len(windows))
        found = np.bincount(cells, rows[total][inside], shape[0] * shape[1]).reshape(shape)
        return dict(zip(names.tolist(), found, strict=True))

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
        """Reads a fact's sums and its histograms into a slice."""
        sums, numbers = self.catalogue.sums(fact), measures(self.catalogue.times(fact))
        chosen = {dimension_name(name): of for name, of in level.items()}
        columns = ["day", "bucket", *map(sum_name, sums)]
        found.add_sums(fact, _chosen(self.sums[fact], market, columns, chosen))
        columns = ["measure", "day", "bucket", "bin", "n"]
        rows = _chosen(self.times[fact] if numbers else None, market, columns, chosen)
        # Of the same type, as otherwise all of the rows would be copied into another one.
        each = np.arange(1, len(numbers) + 2, dtype=rows["measure"].dtype)
        edges = np.searchsorted(rows["measure"], each)
        for key, number in numbers.items():
            mine = slice(edges[number - 1], edges[number])
            found.add_times(key, {name: rows[name][mine] for name in columns})


def _rows(path: Path | None, market: Market, columns: Iterable[str]) -> Rows | None:
    return None if path is None else market_rows(path, market.code, columns)


def _chosen(
    path: Path | None, market: Market, columns: Sequence[str], level: Mapping[str, str]
) -> Rows:
    """Some columns of a market's rows that are of a level, in order; none where there are none."""
    rows = _rows(path, market, [*columns, *level])
    if rows is None:
        return {name: np.empty(0, np.int32) for name in columns}
    if not level:
        return rows
    kept = np.logical_and.reduce([rows[name] == of for name, of in level.items()])
    return {name: rows[name][kept] for name in columns}


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
    if held := current(catalogue, project.markets, noted_marks(project), folder):
        return Cubes.of(catalogue, held, folder), []
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
        edges, places = self._edges
        cuts = np.searchsorted(rows["day"], edges)
        first, end = cuts[0], cuts[-1]
        # Between two edges all days are in the same windows: added up once, then by windows.
        spans = np.repeat(np.arange(len(edges) - 1), np.diff(cuts))
        cells = spans * BUCKETS + rows["bucket"][first:end]
        for expression in self.catalogue.sums(fact):
            values = rows[sum_name(expression)][first:end]
            parts = np.bincount(cells, values, len(edges) * BUCKETS).reshape(-1, BUCKETS)
            self._sums[fact, expression] = np.add.reduceat(parts, places)[::2]

    def add_times(self, key: str, rows: Rows) -> None:
        """Takes in a histogram, in the order of its days."""
        edges, places = self._edges
        cuts = np.searchsorted(rows["day"], edges)[places].tolist()
        pairs = zip(cuts[::2], cuts[1::2], strict=True)
        self._times[key] = [_histogram(rows, slice(*pair)) for pair in pairs]

    @cached_property
    def _edges(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The days on which windows start or end, and each window's two among them."""
        ends = [day for window in self.windows for day in (window.start, window.end)]
        numbers = np.array(ends, "M8[D]").astype(np.int32)
        return np.unique(numbers, return_inverse=True)


def _histogram(rows: Rows, part: slice) -> Histogram:
    bucket, bins, count = (rows[key][part] for key in ("bucket", "bin", "n"))
    return Histogram(bucket.astype(np.int64), bins.astype(np.int64), count.astype(float), BUCKETS)
