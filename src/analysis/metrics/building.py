"""Builds the cubes: a fact's in one scan, and afterwards only the local days that merges touched.

A fact's cube is a file of its sums, another of its times' histograms, which are many more rows, and
a manifest that says what they were built from. Files are written aside and renamed and never
changed; the manifest is replaced last. So whoever is killed leaves the cube as it was, and whoever
comes next does the same work again.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Timer

import pyarrow as pa

from analysis.calendar import Market
from analysis.errors import UserError
from analysis.methods.quantiles import BIN_RATIO
from analysis.metrics.catalogue import Catalogue
from analysis.metrics.expressions import check_expressions
from analysis.metrics.layout import parted, read_rows, spliced, write_rows
from analysis.metrics.scan import OWN_ROWS, Span, own_rows_sql, scan_sql
from analysis.metrics.watching import unlinked
from analysis.warehouse import BUCKET_TABLE, BUCKETS, Marks, Warehouse, read_marks
from analysis.writing import aside

#: Raise it when the files' layout changes.
LAYOUT = 5
#: Where more months than these were touched, one scan of everything is cheaper.
MOST_MONTHS = 12

#: More rows of a fact than these are not kept in memory while another is scanned.
MOST_BESIDE = 2_000_000

#: Building that takes longer says so.
SLOW_SECONDS = 5.0
LOG = logging.getLogger(__name__)

#: A digest of what touched it, by market and local day.
Days = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Manifest:
    """What a fact's cube was built from, and its files.

    Attributes:
        base: the version of the fact's definition and of its tables as wholes.
        days: the digest of the merges that touched a local day of a market.
        parts: by kind (`sums`, `times`), the file, where there are such rows.
    """

    base: str
    days: Days
    parts: dict[str, str]

    @classmethod
    def read(cls, folder: Path, fact: str) -> Manifest | None:
        """The manifest that is there; None without one, or where a file of it is missing."""
        try:
            found = cls(**json.loads((folder / f"{fact}.json").read_text("utf-8")))
            whole = all((folder / name).exists() for name in found.parts.values())
        except (FileNotFoundError, ValueError, TypeError, AttributeError):
            return None
        return found if whole else None

    def path(self, folder: Path, kind: str) -> Path | None:
        """The file of a kind; None where there is none."""
        return folder / self.parts[kind] if kind in self.parts else None


def current(
    catalogue: Catalogue, markets: Mapping[str, Market], marks: Marks, folder: Path
) -> dict[str, Manifest] | None:
    """Every fact's manifest where all cubes hold the rows that marks tell of; None where not."""
    found = {}
    for fact, wanted in _wanted(catalogue, markets, marks).items():
        held = Manifest.read(folder, fact)
        if held is None or (held.base, held.days) != wanted:
            return None
        found[fact] = held
    return found


def _wanted(
    catalogue: Catalogue, markets: Mapping[str, Market], marks: Marks
) -> dict[str, tuple[str, Days]]:
    """What each fact's manifest says when its cube holds the present rows."""
    return {
        fact: (base(catalogue, fact, marks, markets), _days(marks, fact, markets))
        for fact in catalogue.used_facts()
    }


def ensure(
    catalogue: Catalogue, markets: Mapping[str, Market], warehouse: Warehouse, folder: Path
) -> tuple[dict[str, Manifest], list[Path]]:
    """Every fact's manifest, of cubes that hold the present rows; and the files built for it.

    Raises:
        UserError: a mistake in params/metrics.yaml, or tables that cubes need are not there.
    """
    held = {fact: Manifest.read(folder, fact) for fact in catalogue.used_facts()}
    wanted = _wanted(catalogue, markets, read_marks(warehouse))
    if any(old is None or old.base != wanted[fact][0] for fact, old in held.items()):
        _complete(catalogue, warehouse)
        for problem in check_expressions(catalogue):
            raise problem
    made = {fact: old for fact, old in held.items() if old and (old.base, old.days) == wanted[fact]}
    # One fact's rows are put in order and written while the engine scans the next one's; where
    # they are many, before it does, as both take memory.
    with _said_if_slow(), ThreadPoolExecutor(1) as writer:
        writing: dict[str, Future[Manifest]] = {}
        for fact in [fact for fact in held if fact not in made]:
            build = _Build(catalogue, fact, markets, warehouse, folder)
            scans = build.scans(held[fact], *wanted[fact])
            for each in writing.values():
                each.result()
            large = sum(scan.count for scan in scans) > MOST_BESIDE
            writing[fact] = writer.submit(build.write, scans, held[fact], *wanted[fact])
            if large:
                writing[fact].result()
    new = {fact: each.result() for fact, each in writing.items()}
    files = [folder / name for each in new.values() for name in each.parts.values()]
    return {fact: new.get(fact) or made[fact] for fact in held}, files


@contextmanager
def _said_if_slow() -> Iterator[None]:
    """One line where building takes long; whoever waits knows for what, and that it is once."""
    late = Timer(SLOW_SECONDS, LOG.warning, ["building the cubes of rows that are new or changed"])
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def _complete(catalogue: Catalogue, warehouse: Warehouse) -> None:
    """Looks whether all tables are there; an earlier version's warehouse may lack some."""
    read = {table for fact in catalogue.used_facts() for table in catalogue.facts[fact].reads}
    lacking = sorted({*read, BUCKET_TABLE} - warehouse.columns().keys())
    if lacking:
        problem = (
            f"{warehouse.where} has no {', '.join(lacking)}, as an earlier version made it; "
            "`study acquire` adds what lacks, `study demo` makes the demo again"
        )
        raise UserError("warehouse", problem)


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
            "fact": spec.model_dump(exclude={"title", "outcomes"}),
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


@dataclass
class _Scan:
    """What was scanned: some days of some markets, or every day, from the first to the end."""

    markets: list[str]
    days: tuple[date, date] | None
    found: pa.Table | None

    @property
    def count(self) -> int:
        return 0 if self.found is None else self.found.num_rows

    def rows(self) -> dict[str, pa.Table]:
        """Its rows by kind, in order; once, as what was scanned is the largest thing in memory."""
        taken, self.found = [self.found], None
        return parted(taken.pop(), self.markets)


@dataclass(frozen=True)
class _Build:
    """One fact's cube, being brought up to date."""

    catalogue: Catalogue
    fact: str
    markets: Mapping[str, Market]
    warehouse: Warehouse
    folder: Path

    def scans(self, old: Manifest | None, base: str, days: Days) -> list[_Scan]:
        """Asks the engine for what the cube lacks: the touched days, by month, or everything."""
        touched = _touched(old.days, days) if old is not None and old.base == base else None
        if touched is None or len(touched) > MOST_MONTHS:
            return [self._scan(self.markets)]
        return [
            self._scan(
                {code for code, _ in pairs},
                (min(day for _, day in pairs), max(day for _, day in pairs) + timedelta(days=1)),
            )
            for pairs in touched.values()
        ]

    def _scan(self, codes: Iterable[str], days: tuple[date, date] | None = None) -> _Scan:
        span = Span(tuple(self.markets[code] for code in sorted(codes)), days)
        fact = self.catalogue.facts[self.fact]
        rows = own_rows_sql(fact, span) if self.warehouse.guesses else None
        if rows:
            self.warehouse.keep(OWN_ROWS, rows)
        sql, bound = scan_sql(self.catalogue, self.fact, span, own_rows=bool(rows))
        listed = [market.code for market in span.markets]
        return _Scan(listed, days, self.warehouse.arrow(sql, bound))

    def write(
        self, scans: Sequence[_Scan], old: Manifest | None, base: str, days: Days
    ) -> Manifest:
        """Puts what was scanned in files, beside what stays of the old ones."""
        self.folder.mkdir(parents=True, exist_ok=True)
        digest, parts = _digest([base, days]), {}
        found = self._renewed(scans, old) if scans[0].days and old else scans[0].rows()
        for kind in sorted(found):
            rows = found.pop(kind)
            if rows.num_rows:
                parts[kind] = f"{self.fact}-{kind}-{digest}.arrow"
                with aside(self.folder / parts[kind]) as path:
                    write_rows(rows, path)
        made = Manifest(base, days, parts)
        self._keep(made)
        return made

    def _renewed(self, scans: Sequence[_Scan], old: Manifest) -> dict[str, pa.Table]:
        """The old rows, those of the scanned days replaced; by kind."""
        found = {kind: read_rows(self.folder / name) for kind, name in old.parts.items()}
        for scan in scans:
            days = scan.days or (date.min, date.max)
            for kind, rows in scan.rows().items():
                held = found.get(kind, rows.slice(0, 0))
                found[kind] = spliced(held, rows, scan.markets, days)
        return found

    def _keep(self, made: Manifest) -> None:
        """Puts the manifest in place, then removes what no longer belongs to the cube."""
        with aside(self.folder / f"{self.fact}.json") as path:
            path.write_text(json.dumps(asdict(made), sort_keys=True), "utf-8")
        for path in self.folder.glob(f"{self.fact}-*"):
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
