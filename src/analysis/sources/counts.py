"""What loads did, counted: kept in the warehouse beside the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pyarrow as pa

from analysis.warehouse import Warehouse


@dataclass(frozen=True)
class TableLoad:
    """What a load did to a table.

    Attributes:
        read: rows that the mapping gave, and those that came out of quarantine.
        reasons: rows in quarantine, by why.
        back: of the rows read, those that came out of quarantine.
        first, last: the span of times of the rows that were good, in UTC.
    """

    table: str
    read: int
    added: int
    updated: int
    reasons: dict[str, int]
    first: datetime | None
    last: datetime | None
    back: int = 0

    @property
    def quarantined(self) -> int:
        return sum(self.reasons.values())


def load_name(source: str) -> str:
    """A name for a load, which no other has."""
    return f"{source}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"


def note_loads(
    warehouse: Warehouse,
    source: str,
    load_id: str,
    tables: Sequence[TableLoad],
    *,
    stopped: bool = False,
) -> None:
    """Adds to `_loads` what a load did, within the caller's transaction."""
    instant = pa.timestamp("us", "UTC")
    counted = pa.table(
        {
            "load_id": pa.array([load_id] * len(tables), pa.string()),
            "source": pa.array([source] * len(tables), pa.string()),
            "table_name": pa.array([t.table for t in tables], pa.string()),
            "loaded_at": pa.array([datetime.now(UTC)] * len(tables), instant),
            "stopped": pa.array([stopped] * len(tables), pa.bool_()),
            "rows_read": pa.array([t.read for t in tables], pa.int64()),
            "added": pa.array([t.added for t in tables], pa.int64()),
            "updated": pa.array([t.updated for t in tables], pa.int64()),
            "quarantined": pa.array([t.quarantined for t in tables], pa.int64()),
            "first_time": pa.array([t.first for t in tables], instant),
            "last_time": pa.array([t.last for t in tables], instant),
        }
    )
    warehouse.take_in("_counted", counted)
    warehouse.insert("_loads", "SELECT * FROM _counted")
