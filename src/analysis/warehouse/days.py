"""Local days in SQL: by offsets from UTC that are known, by the engine's zones elsewhere.

Asking an engine what a zone's clocks show costs more, a row, than all else of a scan. A zone keeps
one offset from one change of its clocks to the next, so the few spans between the newest changes
come along with the market; only rows outside them ask the engine. The offsets are those by which
windows are reckoned, so that an engine whose zones are older still counts a day as others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from analysis.calendar import Market

#: At most as many spans of a zone come along: four years where clocks change twice a year.
SPANS = 8
DAY = 86_400
#: How far apart a zone is looked at; none changes its clocks and back within it.
STEP = 7 * DAY


class Offset(NamedTuple):
    """What a zone's clocks show less UTC, from an instant up to another; all in seconds."""

    since: int
    until: int
    seconds: int


@cache
def offsets(zone: str, first: date, last: date) -> tuple[Offset, ...]:
    """A zone's newest spans of one offset from a day of UTC's up to another, in order.

    >>> [(o.seconds, o.until) for o in offsets("Europe/London", date(2026, 1, 1), date(2026, 5, 1))]
    [(0, 1774746000), (3600, 1777593600)]
    """
    tz = ZoneInfo(zone)
    start, until = (int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp())
                    for d in (first, last))  # fmt: skip
    found: list[Offset] = []
    while until > start and len(found) < SPANS:
        seconds, since = _shown(tz, until - 1), until
        while since > start and _shown(tz, max(since - STEP, start)) == seconds:
            since = max(since - STEP, start)
        if since > start:
            since = _change(tz, max(since - STEP, start), since, seconds)
        found.append(Offset(since, until, seconds))
        until = since
    return tuple(reversed(found))


def _shown(tz: ZoneInfo, at: int) -> int:
    shown = datetime.fromtimestamp(at, tz).utcoffset()
    return int((shown or timedelta()).total_seconds())


def _change(tz: ZoneInfo, before: int, after: int, seconds: int) -> int:
    """The first second of an offset that is not yet kept before and is kept after."""
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (before, middle) if _shown(tz, middle) == seconds else (middle, after)
    return after


def zones_sql(
    markets: Sequence[Market], days: tuple[date, date] | None
) -> tuple[str, list[object], int]:
    """The relation `zones` of markets' places, codes, zones and offsets; and how many offsets.

    Args:
        markets: codes and zones are bound, in this order.
        days: the local days that are asked for; None for all, of which the newest years count.
    """
    first, last = days or (date(2000, 1, 1), date(datetime.now(UTC).year + 1, 1, 1))
    margin = timedelta(days=2)
    known = [offsets(market.zone, first - margin, last + margin) for market in markets]
    width = max(map(len, known))
    texts = "CAST(? AS VARCHAR), CAST(? AS VARCHAR)"
    rows = ", ".join(
        f"(CAST({place} AS SMALLINT), {texts}, {_values(own, width)})"
        for place, own in enumerate(known)
    )
    names = ", ".join(f"until_{i}, seconds_{i}" for i in range(width))
    bound: list[object] = [part for market in markets for part in (market.code, market.zone)]
    return f"(VALUES {rows}) AS zones(place, market, zone, since, {names})", bound, width


def _values(own: Sequence[Offset], width: int) -> str:
    """The first known second, then where each span ends and its offset; the last one repeated."""
    spans = [*own, *[own[-1]] * (width - len(own))]
    whole = [own[0].since, *(n for span in spans for n in (span.until, span.seconds))]
    return ", ".join(f"CAST({number} AS BIGINT)" for number in whole)


def day_sql(instant: str, width: int) -> str:
    """The local day of an instant beside `zones`, counted from 1 January 1970."""
    at = f"epoch({instant})"
    spans = " ".join(f"WHEN {at} < zones.until_{i} THEN zones.seconds_{i}" for i in range(width))
    known = f"CASE WHEN {at} < zones.since THEN NULL {spans} END"
    asked = f"CAST(timezone(zones.zone, {instant}) AS DATE)"
    return (
        f"coalesce(CAST(floor(({at} + {known}) / {DAY}) AS INT), "
        f"CAST(date_diff('day', DATE '1970-01-01', {asked}) AS INT))"
    )
