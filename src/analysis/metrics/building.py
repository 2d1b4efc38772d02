"""Builds the cubes: a fact's in one scan, and afterwards only the local days that merges touched.

A fact's cube is one Parquet file a month, and a manifest that says what they were built from. Files
are written aside and renamed and never changed; the manifest is replaced last. So whoever is
killed leaves the cube as it was, and whoever comes next does the same work again.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from analysis.calendar import Market
from analysis.methods.quantiles import BIN_RATIO
from analysis.metrics.catalogue import Catalogue
from analysis.metrics.expressions import check_expressions
from analysis.metrics.scan import Span, scan_sql
from analysis.metrics.watching import unlinked
from analysis.warehouse import BUCKETS, Marks, Warehouse, read_marks
from analysis.warehouse.interface import ROW_GROUP
from analysis.writing import aside

#: Raise it when the files' layout changes.
LAYOUT = 3
#: Where more months than these were touched, one scan of everything is cheaper.
MOST_MONTHS = 12

#: A digest of what touched it, by market and local day.
Days = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Manifest:
    """What a fact's cube was built from, and its files.

    Attributes:
        base: the version of the fact's definition and of its tables as wholes.
        days: the digest of the merges that touched a local day of a market.
        parts: the file by month.
    """

    base: str
    days: Days
    parts: dict[str, str]

    @classmethod
    def read(cls, folder: Path, fact: str) -> Manifest | None:
        """The manifest that is there; None without one, or where a file of it is missing."""
        try:
            found = cls(**json.loads((folder / f"{fact}.json").read_text("utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return found if all((folder / name).exists() for name in found.parts.values()) else None

    def paths(self, folder: Path) -> dict[str, Path]:
        """The file by month, in order."""
        return {month: folder / name for month, name in sorted(self.parts.items())}


def ensure(
    catalogue: Catalogue, markets: Mapping[str, Market], warehouse: Warehouse, folder: Path
) -> tuple[dict[str, Manifest], list[Path]]:
    """Every fact's manifest, of cubes that hold the present rows; and the files built for it.

    Raises:
        UserError: a mistake in params/metrics.yaml.
    """
    marks = read_marks(warehouse)
    held = {fact: Manifest.read(folder, fact) for fact in catalogue.used_facts()}
    wanted = {
        fact: (base(catalogue, fact, marks, markets), _days(marks, fact, markets)) for fact in held
    }
    made: dict[str, Manifest] = {}
    built: list[Path] = []
    if any(old is None or old.base != wanted[fact][0] for fact, old in held.items()):
        for problem in check_expressions(catalogue):
            raise problem
    for fact, old in held.items():
        if old is not None and (old.base, old.days) == wanted[fact]:
            made[fact] = old
        else:
            build = _Build(catalogue, fact, markets, warehouse, folder)
            made[fact], files = build.update(old, *wanted[fact])
            built += files
    return made, built


def base(catalogue: Catalogue, fact: str, marks: Marks, markets: Mapping[str, Market]) -> str:
    """What all of a fact's cube depends on. Titles and traps are not in it.

    A change of a table that is not linked to the fact's rows one by one may be felt by all of them.
    """
    spec = catalogue.facts[fact]
    tables = {name: marks.whole.get(name) for name in sorted(spec.reads)}
    felt = {name: sorted(_listed(marks.days(name))) for name in unlinked(catalogue, fact)}
    return _digest(
        {
            "layout": [LAYOUT, BUCKETS, BIN_RATIO],
            "tables": tables,
            "felt": felt,
            "fact": spec.model_dump(exclude={"title"}),
            "cluster": catalogue.clusters[spec.cluster].model_dump(exclude={"title"}),
            "sums": catalogue.sums(fact),
            "times": {k: [m.value, m.where] for k, m in catalogue.times(fact).items()},
            "markets": {code: market.zone for code, market in markets.items()},
        }
    )


def _listed(days: Mapping[tuple[str, date], str]) -> Iterator[tuple[str, str, str]]:
    return ((market, str(day), digest) for (market, day), digest in days.items())


def _days(marks: Marks, fact: str, markets: Mapping[str, Market]) -> Days:
    found: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for market, day, digest in sorted(_listed(marks.days(fact))):
        if market in markets:
            found[market][day] = digest
    return dict(found)


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Build:
    """One fact's cube, being brought up to date."""

    catalogue: Catalogue
    fact: str
    markets: Mapping[str, Market]
    warehouse: Warehouse
    folder: Path

    def update(self, old: Manifest | None, base: str, days: Days) -> tuple[Manifest, list[Path]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        touched = _touched(old.days, days) if old is not None and old.base == base else None
        parts: dict[str, str] = {}
        if old is None or touched is None or len(touched) > MOST_MONTHS:
            tables = _by_month(self._scan(self.markets))
        else:
            parts = {month: name for month, name in old.parts.items() if month not in touched}
            tables = ((month, self._renewed(old, month, pairs)) for month, pairs in touched.items())
        built = []
        for month, rows in tables:
            if rows.num_rows:
                name = f"{self.fact}-{month}-{_digest([base, _of_month(days, month)])}.parquet"
                self._write(rows, name)
                parts[month] = name
                built.append(self.folder / name)
        made = Manifest(base, days, parts)
        self._keep(made)
        return made, built

    def _scan(self, codes: Iterable[str], days: tuple[date, date] | None = None) -> pa.Table:
        """Some days of some markets, or every day."""
        span = Span(tuple(self.markets[code] for code in sorted(codes)), days)
        found = self.warehouse.arrow(*scan_sql(self.catalogue, self.fact, span))
        names = pa.array([market.code for market in span.markets], pa.string())
        places = found["market"].combine_chunks().cast(pa.int32())
        return found.set_column(
            0, "market", pa.DictionaryArray.from_arrays(places, names).cast(pa.string())
        )

    def _renewed(self, old: Manifest, month: str, pairs: set[tuple[str, date]]) -> pa.Table:
        """A month of which some days of some markets are scanned again."""
        codes = {code for code, _ in pairs}
        first, last = min(day for _, day in pairs), max(day for _, day in pairs)
        rows = self._scan(codes, (first, last + timedelta(days=1)))
        if month not in old.parts:
            return rows
        kept = pq.read_table(self.folder / old.parts[month])
        inside = pc.and_(
            pc.is_in(kept["market"], pa.array(sorted(codes))),
            pc.and_(pc.greater_equal(kept["day"], first), pc.less_equal(kept["day"], last)),
        )
        both = pa.concat_tables([kept.filter(pc.invert(inside)), rows.cast(kept.schema)])
        keys = kept.column_names[: kept.column_names.index("n")]  # the rest are numbers summed
        return both.sort_by([(key, "ascending") for key in keys])

    def _write(self, rows: pa.Table, name: str) -> None:
        with aside(self.folder / name) as path:
            pq.write_table(rows, path, compression="zstd", row_group_size=ROW_GROUP)

    def _keep(self, made: Manifest) -> None:
        """Puts the manifest in place, then removes what no longer belongs to the cube."""
        with aside(self.folder / f"{self.fact}.json") as path:
            path.write_text(json.dumps(asdict(made), sort_keys=True), "utf-8")
        for path in self.folder.glob(f"{self.fact}-*.parquet"):
            if path.name not in made.parts.values():
                path.unlink(missing_ok=True)


def _touched(old: Days, new: Days) -> dict[str, set[tuple[str, date]]]:
    """The markets and days that differ, by month."""
    found: defaultdict[str, set[tuple[str, date]]] = defaultdict(set)
    for code in old.keys() | new.keys():
        before, after = old.get(code, {}).items(), new.get(code, {}).items()
        for day, _ in before ^ after:
            found[day[:7]].add((code, date.fromisoformat(day)))
    return dict(found)


def _of_month(days: Days, month: str) -> dict[str, dict[str, str]]:
    kept = ({d: h for d, h in own.items() if d[:7] == month} for own in days.values())
    return {code: own for code, own in zip(days, kept, strict=True) if own}


def _by_month(rows: pa.Table) -> Iterable[tuple[str, pa.Table]]:
    """Rows in the order of their months, a month at a time."""
    months = pc.strftime(rows["day"], "%Y-%m").combine_chunks()
    ends = pc.run_end_encode(months)
    start = 0
    for end, month in zip(ends.run_ends.to_pylist(), ends.values.to_pylist(), strict=True):
        yield month, rows.slice(start, end - start)
        start = end
