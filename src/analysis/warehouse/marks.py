"""Versions of rows: of a whole table when it was made anew, of local days when rows were merged."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from analysis.warehouse.interface import Warehouse
from analysis.warehouse.tables import TABLES

Span = tuple[date, date]
MODULUS = 1 << 128


@dataclass(frozen=True)
class Marks:
    """What is known of the versions of a warehouse's rows.

    Attributes:
        whole: the version of each table as a whole.
        touched: by table or fact and market, the local days that merges touched, with the load.
    """

    whole: dict[str, str]
    touched: dict[tuple[str, str], list[tuple[date, str]]]

    def days(self, name: str) -> dict[tuple[str, date], str]:
        """By market and local day, a digest of the loads that touched a table's or fact's rows."""
        loads: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
        for (of, market), noted in self.touched.items():
            if of == name:
                for day, load in noted:
                    loads[market, day].append(load)
        return {place: _digest(sorted(found)) for place, found in loads.items()}

    def version(
        self,
        names: Iterable[str],
        market: str | None = None,
        spans: Sequence[Span] | None = None,
    ) -> dict[str, str]:
        """The version of the rows of a market on the local days of half-open spans.

        Args:
            names: tables, or facts that merges watch.
            market: rows of other markets don't change it; None takes all markets.
            spans: rows of other days don't change it; None takes all days.

        Returns:
            By name, 16 hexadecimal digits; an empty text for what was never loaded.
        """
        days = None if spans is None else joined(spans)
        found = {}
        for name in names:
            whole = self.whole.get(name, "")
            places = self._loads.get(name, {})
            chosen = places.values() if market is None else filter(None, [places.get(market)])
            loads = sum(each.sum(days) for each in chosen) % MODULUS
            found[name] = _digest([whole, loads]) if whole or loads else ""
        return found

    @property
    def facts(self) -> list[str]:
        """The names of facts that merges watch."""
        return sorted({name for name, _ in self.touched} - TABLES.keys())

    @cached_property
    def _loads(self) -> dict[str, dict[str, Loads]]:
        found: defaultdict[str, dict[str, Loads]] = defaultdict(dict)
        for (name, market), noted in self.touched.items():
            found[name][market] = Loads.of(market, noted)
        return dict(found)


@dataclass(frozen=True)
class Loads:
    """The loads that touched a market's days, so that any span of days costs the same.

    A set of loads is told by the sum of its elements' digests, which can be taken apart again
    (Bellare and Micciancio 1997, AdHASH): a span's is the difference of two running sums.

    Attributes:
        days: in order.
        sums: before each day, and after the last.
    """

    days: list[date]
    sums: list[int]

    @classmethod
    def of(cls, market: str, noted: Iterable[tuple[date, str]]) -> Loads:
        days, sums = [], [0]
        for day, load in sorted(noted):
            text = json.dumps([market, str(day), load])
            days.append(day)
            sums.append(sums[-1] + int.from_bytes(hashlib.sha256(text.encode()).digest()[:16]))
        return cls(days, sums)

    def sum(self, spans: Sequence[Span] | None) -> int:
        if spans is None:
            return self.sums[-1]
        places = (
            (bisect_left(self.days, start), bisect_left(self.days, end)) for start, end in spans
        )
        return sum(self.sums[last] - self.sums[first] for first, last in places)


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same days as spans that don't overlap, in order.

    >>> march = [date(2026, 3, day) for day in range(1, 9)]
    >>> joined([(march[4], march[6]), (march[1], march[3]), (march[3], march[5])]) == [
    ...     (march[1], march[6])
    ... ]
    True
    """
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def read_marks(warehouse: Warehouse) -> Marks:
    """The marks of a warehouse, in two small queries."""
    touched: defaultdict[tuple[str, str], list[tuple[date, str]]] = defaultdict(list)
    if "_touched" in warehouse.columns():
        noted = "SELECT DISTINCT name, market, day, load_id FROM _touched"
        for name, market, day, load in warehouse.rows(noted):
            touched[name, market].append((day, load))
    return Marks(warehouse.versions(), dict(touched))


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
