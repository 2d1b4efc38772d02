"""Versions of rows: of a whole table when it was made anew, of local days when rows were merged."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from analysis.warehouse.interface import Warehouse

Span = tuple[date, date]


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

    def version(self, names: Iterable[str], market: str, spans: Sequence[Span]) -> dict[str, str]:
        """The version of the rows of a market on the local days of half-open spans.

        Args:
            names: tables, or facts that merges watch.

        Returns:
            By name, 16 hexadecimal digits; rows of other markets and days don't change them. An
            empty text for what was never loaded.
        """
        found = {}
        for name in names:
            loads = sorted(
                {
                    (str(day), load)
                    for day, load in self.touched.get((name, market), ())
                    if any(start <= day < end for start, end in spans)
                }
            )
            whole = self.whole.get(name, "")
            found[name] = _digest([whole, loads]) if whole or loads else ""
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
