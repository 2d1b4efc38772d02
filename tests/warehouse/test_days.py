"""The offsets that come along with a market are those of its zone, at every instant they cover."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest

from analysis.calendar import Market
from analysis.warehouse import scratch
from analysis.warehouse.days import SPANS, day_sql, offsets, zones_sql

FIRST, LAST = date(2000, 1, 1), date(2028, 1, 1)


def test_offsets_are_those_of_every_zone() -> None:
    drawn = np.random.default_rng(5)
    for zone in sorted(available_timezones()):
        tz, spans = ZoneInfo(zone), offsets(zone, FIRST, LAST)
        assert 1 <= len(spans) <= SPANS
        assert [each.until for each in spans[:-1]] == [each.since for each in spans[1:]]
        for span in spans:
            inside = drawn.integers(span.since, span.until, 20).tolist()
            for at in (span.since, span.until - 1, *inside):
                shown = datetime.fromtimestamp(at, tz).utcoffset()
                assert shown == timedelta(seconds=span.seconds), (zone, at)


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Chatham", "Africa/Casablanca"])
def test_days_are_the_same_where_offsets_are_known_and_where_the_engine_is_asked(zone: str) -> None:
    """Every 45 minutes of 20 years: the newest years by offsets, the others by the engine. They end
    before 2026, where the zone databases of engines begin to differ by their age."""
    zones, bound, width = zones_sql([Market("XX", "X", zone)], None)
    with scratch() as warehouse:
        found = warehouse.rows(
            f"SELECT epoch_us(t), {day_sql('t', width)}, "
            "date_diff('day', DATE '1970-01-01', CAST(timezone(zones.zone, t) AS DATE)) "
            "FROM (SELECT TIMESTAMPTZ '2006-01-01 00:00:00+00' + to_minutes(45 * i - 1) AS t "
            f"FROM range(233600) AS r(i)) JOIN {zones} ON zones.market = 'XX'",
            bound,
        )
    assert len(found) == 233600
    assert all(by_offset == by_engine for _, by_offset, by_engine in found)
    for at, day, _ in found[::500]:
        local = datetime.fromtimestamp(at // 1_000_000, UTC).astimezone(ZoneInfo(zone)).date()
        assert day == (local - date(1970, 1, 1)).days
