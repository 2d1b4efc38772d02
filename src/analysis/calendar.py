"""Markets, and windows of their local days.

A window is a half-open span of *local* days. Which instants it holds depends on the market: the
same ``2026-W10`` starts nine hours earlier in Tokyo than in London, and a day on which the clocks
change has 23 or 25 hours. Nothing here reads the wall clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from analysis.errors import UserError, nearest, shorten

DAY = timedelta(days=1)
#: Engines and files keep a day as its number from this one.
FIRST_DAY = date(1970, 1, 1)
#: A year before, kept on the same weekdays.
FIFTY_TWO_WEEKS = timedelta(weeks=52)
#: Windows outside these years are typing mistakes; the zone database is not reliable far from now.
YEARS = (2000, 2099)


class Kind(StrEnum):
    """What a window is one of; its neighbours are of the same kind."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    RANGE = "range"


@dataclass(frozen=True)
class Market:
    """Where a policy is operated.

    Attributes:
        code: ISO 3166 alpha-2 code, such as ``JP``.
        name: English name.
        zone: IANA time zone, such as ``Asia/Tokyo``.
        languages: BCP 47 languages, most spoken first.
        region: the group that the market is listed in.
    """

    code: str
    name: str
    zone: str
    languages: tuple[str, ...] = ()
    region: str = ""

    @cached_property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def start_of(self, day: date) -> datetime:
        """The first instant (UTC) of a local day, on days without a midnight too.

        Where the clocks skip midnight, `fold=0` takes the offset from before the change, which is
        the instant of the change itself (PEP 495).
        """
        return datetime.combine(day, time(), tzinfo=self.tz).astimezone(UTC)

    def local_day(self, instant: datetime) -> date:
        """The local day that an aware instant lies in."""
        if instant.tzinfo is None:
            raise ValueError("local_day: the instant has no time zone")
        return instant.astimezone(self.tz).date()


@dataclass(frozen=True, order=True)
class Window:
    """A half-open span of local days ``[start, end)``.

    >>> week = Window.parse("2026-W10")
    >>> week.start.isoformat(), week.end.isoformat(), week.days
    ('2026-03-02', '2026-03-09', 7)
    >>> week.previous().label, week.year_before().label
    ('2026-W09', '2025-W10')
    """

    start: date
    end: date
    kind: Kind = Kind.RANGE

    def __post_init__(self) -> None:
        if self.end <= self.start:
            problem = f"'{self.start}..{self.end}' ends before it starts; the end is exclusive"
            raise UserError("window", problem)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def label(self) -> str:
        """The one spelling of this window: it is also its folder's name."""
        if self.kind is Kind.DAY:
            return self.start.isoformat()
        if self.kind is Kind.WEEK:
            year, week, _ = self.start.isocalendar()
            return f"{year}-W{week:02d}"
        if self.kind is Kind.MONTH:
            return f"{self.start:%Y-%m}"
        if self.kind is Kind.QUARTER:
            return f"{self.start.year}-Q{(self.start.month + 2) // 3}"
        return f"{self.start.isoformat()}..{self.end.isoformat()}"

    def __str__(self) -> str:
        return self.label

    def __iter__(self) -> Iterator[date]:
        return (self.start + DAY * i for i in range(self.days))

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def next(self) -> Window:
        """The window of the same kind that begins where this one ends."""
        if self.kind in (Kind.MONTH, Kind.QUARTER):
            return containing(self.end, self.kind)
        return Window(self.end, self.end + (self.end - self.start), self.kind)

    def previous(self) -> Window:
        """The window of the same kind that ends where this one begins."""
        if self.kind in (Kind.MONTH, Kind.QUARTER):
            return containing(self.start - DAY, self.kind)
        return Window(self.start - (self.end - self.start), self.start, self.kind)

    def year_before(self) -> Window:
        """The same window a year before.

        The month or quarter of the same name; the ISO week of the same number (week 53 becomes
        week 52 of a year that has no 53); for days and ranges 52 weeks before, so that the
        weekdays agree.
        """
        if self.kind in (Kind.MONTH, Kind.QUARTER):
            return containing(self.start.replace(year=self.start.year - 1), self.kind)
        if self.kind is Kind.WEEK:
            year, week, _ = self.start.isocalendar()
            monday = date.fromisocalendar(year - 1, min(week, weeks_in(year - 1)), 1)
            return Window(monday, monday + 7 * DAY, Kind.WEEK)
        return Window(self.start - FIFTY_TWO_WEEKS, self.end - FIFTY_TWO_WEEKS, self.kind)

    def instants(self, market: Market) -> tuple[datetime, datetime]:
        """The window's first instant and the first after it, in UTC.

        >>> tokyo = Market("JP", "Japan", "Asia/Tokyo")
        >>> [t.isoformat() for t in Window.parse("2026-03-02").instants(tokyo)]
        ['2026-03-01T15:00:00+00:00', '2026-03-02T15:00:00+00:00']
        """
        return market.start_of(self.start), market.start_of(self.end)

    def hours(self, market: Market) -> float:
        """How long the window lasts in a market: 167 or 169 in the week of a clock change."""
        start, end = self.instants(market)
        return (end - start).total_seconds() / 3600

    @classmethod
    def parse(cls, text: str, *, complete_until: date | None = None) -> Window:
        """Reads a window as a person writes it.

        Args:
            text: ``2026-W10``, ``2026-03``, ``2026-Q1``, ``2026-03-02..2026-03-09`` (end
                exclusive), ``2026-03-02``, or ``latest-day``, ``latest-week``, ``latest-month``,
                ``latest-quarter``.
            complete_until: the first local day that the data do not hold whole; ``latest`` is the
                last window that ends on it or before. Never the wall clock's.

        Raises:
            UserError: the text is no window, or ``latest`` is asked for without data.
        """
        given = text.strip()
        if given.startswith("latest"):
            return _latest(given, complete_until)
        for pattern, read in _FORMS:
            found = re.fullmatch(pattern, given)
            if found:
                return _in_range(given, read(*found.groups()))
        meant = _meant(given)
        hint = f"did you mean {meant!r}? Write" if meant else "write"
        raise UserError("window", f"{shorten(text)!r} is no window; {hint} one of {FORMS}")


FORMS = (
    "2026-W10, 2026-03, 2026-Q1, 2026-03-02, 2026-03-02..2026-03-09 (end exclusive), latest-week"
)
_LATEST = {f"latest-{kind}": kind for kind in Kind if kind is not Kind.RANGE}


def day_number(day: date) -> int:
    """A day as its number.

    >>> day_number(date(1970, 1, 3)), numbered_day(2)
    (2, datetime.date(1970, 1, 3))
    """
    return (day - FIRST_DAY).days


def numbered_day(number: int) -> date:
    """The day of a number."""
    return FIRST_DAY + timedelta(days=int(number))


def weeks_in(year: int) -> int:
    """The number of ISO weeks in a year, 52 or 53: 28 December is always in the last."""
    return date(year, 12, 28).isocalendar().week


def containing(day: date, kind: Kind) -> Window:
    """The day, week, month or quarter that holds a local day."""
    if kind is Kind.DAY:
        return Window(day, day + DAY, kind)
    if kind is Kind.WEEK:
        monday = day - DAY * day.weekday()
        return Window(monday, monday + 7 * DAY, kind)
    months = 1 if kind is Kind.MONTH else 3
    first = day.replace(month=(day.month - 1) // months * months + 1, day=1)
    after = first + timedelta(days=31 * months)
    return Window(first, after.replace(day=1), kind)


def _meant(given: str) -> str | None:
    """The window most like a text that is none.

    >>> [_meant(text) for text in ("2026W10", "2026/3", "2026q1", "2026.03.02", "lastweek")]
    ['2026-W10', '2026-03', '2026-Q1', '2026-03-02', 'latest-week']
    """
    found = re.fullmatch(r"(2[0-9]{3})[-_/. ]*([WwQq]?)[-_/. ]*([0-9]{1,2})", given)
    if found:
        year, letter, number = found.groups()
        digits = 1 if letter in "Qq" and letter else 2
        return f"{year}-{letter.upper()}{int(number):0{digits}d}"
    found = re.fullmatch(r"(2[0-9]{3})[-_/. ]+([0-9]{1,2})[-_/. ]+([0-9]{1,2})", given)
    if found:
        year, month, day = (int(part) for part in found.groups())
        return f"{year}-{month:02d}-{day:02d}"
    return nearest(given, _LATEST)


def _latest(given: str, complete_until: date | None) -> Window:
    if given not in _LATEST:
        close = nearest(given, _LATEST) or "latest-week"
        allowed = ", ".join(_LATEST)
        problem = f"{shorten(given)!r} is not known; did you mean {close!r}? Allowed: {allowed}"
        raise UserError("window", problem)
    if complete_until is None:
        raise UserError("window", f"{given!r} needs data, and there are none yet; name the window")
    window = containing(complete_until, _LATEST[given])
    return window.previous()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError("window", f"'{text}' is no day of the calendar") from None


def _week(year: str, week: str) -> Window:
    weeks = weeks_in(int(year))
    if not 1 <= int(week) <= weeks:
        raise UserError("window", f"'{year}-W{week}' has no such week; {year} has {weeks}")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return Window(monday, monday + 7 * DAY, Kind.WEEK)


def _month(year: str, month: str) -> Window:
    if not 1 <= int(month) <= 12:
        raise UserError("window", f"'{year}-{month}' has no such month; 01 to 12")
    return containing(date(int(year), int(month), 1), Kind.MONTH)


def _quarter(year: str, quarter: str) -> Window:
    if not 1 <= int(quarter) <= 4:
        raise UserError("window", f"'{year}-Q{quarter}' has no such quarter; Q1 to Q4")
    return containing(date(int(year), 3 * int(quarter) - 2, 1), Kind.QUARTER)


def _range(start: str, end: str) -> Window:
    return Window(_day(start), _day(end), Kind.RANGE)


def _in_range(given: str, window: Window) -> Window:
    if not YEARS[0] <= window.start.year <= YEARS[1]:
        raise UserError("window", f"{given!r} lies outside {YEARS[0]} to {YEARS[1]}")
    return window


_YMD = r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
_YEAR = r"(2[0-9]{3})"
_FORMS = (
    (_YEAR + r"-[Ww]([0-9]{1,2})", _week),
    (_YEAR + r"-[Qq]([0-9])", _quarter),
    (_YEAR + r"-([0-9]{2})", _month),
    (_YMD, lambda day: containing(_day(day), Kind.DAY)),
    (_YMD + r"\.\." + _YMD, _range),
)
