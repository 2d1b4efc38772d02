"""Windows tile time in every market, and instants find their local day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.calendar import Kind, Market, Window, containing, weeks_in
from analysis.errors import UserError
from analysis.project import Project

MARKETS = list(Project(Path(__file__).resolve().parents[1]).markets.values())
FIRST, LAST = date(2015, 1, 1), date(2035, 12, 31)

markets = st.sampled_from(MARKETS)
days = st.dates(FIRST, LAST)
kinds = st.sampled_from([Kind.DAY, Kind.WEEK, Kind.MONTH, Kind.QUARTER])
ranges = st.builds(lambda day, n: Window(day, day + timedelta(n)), days, st.integers(1, 400))
windows = st.one_of(st.builds(containing, days, kinds), ranges)


@pytest.mark.parametrize(
    ("text", "start", "end", "previous", "following", "year_before"),
    [
        ("2026-W10", "2026-03-02", "2026-03-09", "2026-W09", "2026-W11", "2025-W10"),
        ("2026-W01", "2025-12-29", "2026-01-05", "2025-W52", "2026-W02", "2025-W01"),
        ("2026-W53", "2026-12-28", "2027-01-04", "2026-W52", "2027-W01", "2025-W52"),
        ("2026-03", "2026-03-01", "2026-04-01", "2026-02", "2026-04", "2025-03"),
        ("2026-01", "2026-01-01", "2026-02-01", "2025-12", "2026-02", "2025-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01", "2025-Q4", "2026-Q2", "2025-Q1"),
        ("2024-02-29", "2024-02-29", "2024-03-01", "2024-02-28", "2024-03-01", "2023-03-02"),
        (
            "2026-03-02..2026-03-09",
            "2026-03-02",
            "2026-03-09",
            "2026-02-23..2026-03-02",
            "2026-03-09..2026-03-16",
            "2025-03-03..2025-03-10",
        ),
    ],
)
def test_windows_and_their_neighbours(
    text: str, start: str, end: str, previous: str, following: str, year_before: str
) -> None:
    window = Window.parse(text)
    assert (window.start.isoformat(), window.end.isoformat()) == (start, end)
    assert window.label == text
    assert window.previous().label == previous
    assert window.next().label == following
    assert window.year_before().label == year_before


@pytest.mark.parametrize(
    ("text", "complete_until", "label"),
    [
        ("latest-week", "2026-03-09", "2026-W10"),  # complete to the Monday: the week before
        ("latest-week", "2026-03-08", "2026-W09"),  # one day is missing
        ("latest-day", "2026-03-09", "2026-03-08"),
        ("latest-month", "2026-03-31", "2026-02"),
        ("latest-month", "2026-04-01", "2026-03"),
        ("latest-quarter", "2026-03-09", "2025-Q4"),
    ],
)
def test_latest_is_the_last_window_complete_in_the_data(
    text: str, complete_until: str, label: str
) -> None:
    assert Window.parse(text, complete_until=date.fromisoformat(complete_until)).label == label


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-W60", "window: '2026-W60' has no such week; 2026 has 53"),
        ("2025-W53", "window: '2025-W53' has no such week; 2025 has 52"),
        ("2026-W00", "has no such week"),
        ("2026-13", "window: '2026-13' has no such month; 01 to 12"),
        ("2026-Q5", "window: '2026-Q5' has no such quarter; Q1 to Q4"),
        ("2026-02-30", "window: '2026-02-30' is no day of the calendar"),
        ("2026-03-09..2026-03-02", "ends before it starts"),
        ("2026-03-02..2026-03-02", "ends before it starts"),
        ("latest-wek", "did you mean 'latest-week'?"),
        ("latest-week", "needs data"),
        ("../../etc", "is no window; write one of 2026-W10"),
        ("2026W10", "is no window; did you mean '2026-W10'? Write one of"),
        ("last-week", "did you mean 'latest-week'?"),
        ("x" * 500, "…"),
        ("", "is no window"),
    ],
)
def test_what_is_no_window_says_what_is(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        Window.parse(text)
    assert message in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("code", "day", "hours"),
    [
        ("US", "2026-03-08", 23),
        ("US", "2026-11-01", 25),
        ("DE", "2026-03-29", 23),
        ("GB", "2026-10-25", 25),
        ("AU", "2026-04-05", 25),  # southern autumn
        ("AU", "2026-10-04", 23),
        ("CL", "2026-09-06", 23),  # the clocks skip midnight itself
        ("CL", "2026-04-04", 25),  # 23:00 comes twice
        ("EG", "2026-04-24", 23),
        ("NP", "2026-03-08", 24),
        ("BR", "2018-11-04", 23),  # Brazil had daylight saving until 2019
        ("BR", "2026-11-01", 24),
    ],
)
def test_days_of_23_and_25_hours(code: str, day: str, hours: float) -> None:
    market = next(each for each in MARKETS if each.code == code)
    assert Window.parse(day).hours(market) == hours


@pytest.mark.parametrize(
    ("code", "start"),
    [
        ("JP", "2026-03-01T15:00:00+00:00"),
        ("IN", "2026-03-01T18:30:00+00:00"),
        ("NP", "2026-03-01T18:15:00+00:00"),
        ("US", "2026-03-02T05:00:00+00:00"),
        ("AU", "2026-03-01T13:00:00+00:00"),
    ],
)
def test_the_same_week_begins_at_another_instant_in_each_market(code: str, start: str) -> None:
    market = next(each for each in MARKETS if each.code == code)
    assert Window.parse("2026-W10").instants(market)[0].isoformat() == start


@given(markets, windows)
@settings(max_examples=400)
def test_consecutive_windows_tile_time(market: Market, window: Window) -> None:
    following, previous = window.next(), window.previous()
    assert window.instants(market)[1] == following.instants(market)[0]
    assert previous.instants(market)[1] == window.instants(market)[0]
    assert following.previous().start == window.start
    assert following.kind is previous.kind is window.kind


@given(markets, st.datetimes(datetime(2015, 1, 1), datetime(2035, 12, 31)))
@settings(max_examples=600)
def test_an_instant_lies_in_exactly_one_local_day(market: Market, naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    local = market.local_day(instant)
    holding = []
    for shift in (-1, 0, 1):
        day = containing(local + timedelta(shift), Kind.DAY)
        start, end = day.instants(market)
        if start <= instant < end:
            holding.append(day.start)
    assert holding == [local]


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: market.code)
def test_every_local_day_of_twenty_one_years_tiles_time(market: Market) -> None:
    day, end = FIRST, market.start_of(FIRST)
    while day <= LAST:
        start, after = containing(day, Kind.DAY).instants(market)
        assert start == end
        assert 23 <= (after - start).total_seconds() / 3600 <= 25
        assert market.local_day(start) == day
        day, end = day + timedelta(1), after


@given(windows)
@settings(max_examples=300)
def test_a_label_reads_back_as_its_window(window: Window) -> None:
    assert Window.parse(window.label) == window
    assert sum(1 for _ in window) == window.days
    assert window.start in window
    assert window.end not in window


@given(windows)
@settings(max_examples=300)
def test_a_year_before_is_about_a_year_before(window: Window) -> None:
    before = window.year_before()
    assert 357 <= (window.start - before.start).days <= 372
    assert before.kind is window.kind


def test_weeks_of_a_year_agree_with_the_calendar() -> None:
    assert {year: weeks_in(year) for year in (2015, 2020, 2021, 2026, 2032)} == {
        2015: 53,
        2020: 53,
        2021: 52,
        2026: 53,
        2032: 53,
    }


def test_a_naive_instant_has_no_local_day() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        MARKETS[0].local_day(datetime(2026, 3, 2))
