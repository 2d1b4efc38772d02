"""What schedules make due: in the market's own time, on days on which clocks change too, once."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.calendar import Market
from analysis.errors import UserError
from analysis.project import Project, Schedule
from analysis.report.record import RunRecord
from analysis.runs.schedule import LEDGER, last_due, next_due, note, read
from analysis.warehouse import open_warehouse
from support import Checkout, clean_environment

pytestmark = pytest.mark.xdist_group("schedule")

NEW_YORK, BERLIN, CAIRO, TOKYO = "America/New_York", "Europe/Berlin", "Africa/Cairo", "Asia/Tokyo"
ZONES = (
    *(NEW_YORK, BERLIN, CAIRO, TOKYO, "America/Sao_Paulo", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "America/Santiago"),
)


def market(zone: str) -> Market:
    return Market("XX", zone, zone)


def instant(text: str) -> datetime:
    """UTC, as all times in these tests."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "cron", "now", "last", "following"),
    [
        # An ordinary Monday in Tokyo, a second before and at the time.
        (TOKYO, "30 6 * * 1", "2026-03-08T21:29:59", "2026-03-01T21:30", "2026-03-08T21:30"),
        (TOKYO, "30 6 * * 1", "2026-03-08T21:30", "2026-03-08T21:30", "2026-03-15T21:30"),
        # In New York 02:00 becomes 03:00 on 2026-03-08: 02:30 is not, and is due at 03:00 (07:00Z).
        (NEW_YORK, "30 2 * * *", "2026-03-08T06:59", "2026-03-07T07:30", "2026-03-08T07:00"),
        (NEW_YORK, "30 2 * * *", "2026-03-08T07:00", "2026-03-08T07:00", "2026-03-09T06:30"),
        # Clocks go back from 02:00 to 01:00 on 2026-11-01: 01:30 is twice, and due the first time.
        (NEW_YORK, "30 1 * * *", "2026-11-01T05:29", "2026-10-31T05:30", "2026-11-01T05:30"),
        (NEW_YORK, "30 1 * * *", "2026-11-01T05:30", "2026-11-01T05:30", "2026-11-02T06:30"),
        (NEW_YORK, "30 1 * * *", "2026-11-01T06:10", "2026-11-01T05:30", "2026-11-02T06:30"),
        (NEW_YORK, "30 1 * * *", "2026-11-01T06:30", "2026-11-01T05:30", "2026-11-02T06:30"),
        # Berlin, 02:30 on both days of change.
        (BERLIN, "30 2 * * *", "2026-03-29T00:59", "2026-03-28T01:30", "2026-03-29T01:00"),
        (BERLIN, "30 2 * * *", "2026-03-29T01:00", "2026-03-29T01:00", "2026-03-30T00:30"),
        (BERLIN, "30 2 * * *", "2026-10-25T00:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        (BERLIN, "30 2 * * *", "2026-10-25T01:30", "2026-10-25T00:30", "2026-10-26T01:30"),
        # Cairo's clocks skip midnight on 2026-04-24: 00:15 is due at 01:00, which is 22:00Z.
        (CAIRO, "15 0 * * *", "2026-04-23T22:00", "2026-04-23T22:00", "2026-04-24T21:15"),
    ],
)  # fmt: skip
def test_times_on_days_on_which_clocks_change(
    zone: str, cron: str, now: str, last: str, following: str
) -> None:
    schedule, where = Schedule(cron=cron), market(zone)
    assert last_due(schedule, where, instant(now)) == instant(last)
    assert next_due(schedule, where, instant(now)) == instant(following)


def test_a_delay_is_hours_that_pass_not_hours_of_the_clock() -> None:
    """Six hours after 22:00 on the evening before a change are six, not five or seven."""
    schedule, where = Schedule(cron="0 22 * * 6", delay_hours=6), market("Europe/Berlin")
    assert next_due(schedule, where, instant("2026-03-28T12:00:00")) == instant(
        "2026-03-29T03:00:00"
    )
    before = instant("2026-03-29T02:59:59")
    assert last_due(schedule, where, before) == instant("2026-03-21T21:00:00")
    assert last_due(schedule, where, before + timedelta(seconds=1)) == instant(
        "2026-03-28T21:00:00"
    )


@settings(max_examples=25)
@given(
    zone=st.sampled_from(ZONES),
    cron=st.sampled_from(["30 2 * * *", "0 0 * * *", "15 1 * * 0", "*/20 * * * *", "5 */6 * * *"]),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 1)),
    delay=st.sampled_from([0.0, 2.5, 30.0]),
)
def test_each_time_is_due_once_and_none_is_passed_over(
    zone: str, cron: str, start: datetime, delay: float
) -> None:
    """Asked every ten minutes through three days, what is last due moves as what is next said."""
    schedule, where = Schedule(cron=cron, delay_hours=delay), market(zone)
    asked = [start.replace(tzinfo=UTC) + timedelta(minutes=10 * n) for n in range(3 * 144)]
    for now, later in pairwise(asked[:: 1 if cron.startswith("*") else 3]):
        last, following = last_due(schedule, where, now), next_due(schedule, where, now)
        shift = timedelta(hours=delay)
        assert last + shift <= now < following
        moved = last_due(schedule, where, later)
        assert moved == last if later < following else last < moved <= later - shift


@pytest.mark.parametrize(
    "text", ["30 6 * *", "61 6 * * 1", "@weekly", "0 0 31 2 *", "0 30 6 * * 1"]
)
def test_what_is_no_cron_expression(checkout: Checkout, text: str) -> None:
    checkout.edit(
        "params/studies/core_metrics.yaml", "title:", f"schedule: {{cron: '{text}'}}\ntitle:"
    )
    with pytest.raises(UserError, match=r"schedule\.cron: .*no cron expression; write minute hour"):
        checkout.project.study("core_metrics")


def test_what_was_done_is_kept(project: Project) -> None:
    time = instant("2026-03-08T21:30:00")
    note(project, {"core_metrics/JP": time})
    note(project, {"core_metrics/DE": time})
    assert read(project) == {"core_metrics/JP": time, "core_metrics/DE": time}
    (project.reports / LEDGER).write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match="without it all studies are due once more"):
        read(project)


@pytest.fixture
def small(checkout: Checkout) -> Checkout:
    """A study of one market with a schedule that names one time a year."""
    checkout.study("new", "small")
    checkout.edit("params/studies/small.yaml", "title:", "schedule: {cron: 0 0 1 1 *}\ntitle:")
    return checkout


def test_what_is_due_is_run_once(small: Checkout) -> None:
    assert "1 runs: 1 done" in small.study("run", "--due")
    year = datetime.now(market(TOKYO).tz).year
    done = read(small.project)
    assert done == {"small/JP": instant(f"{year - 1}-12-31T15:00")}
    said = small.study("run", "--due")
    assert said == f"nothing is due; next is small/JP at {year + 1}-01-01 00:00 {TOKYO}\n"
    # A year later it is due again, and fresh: nothing has changed.
    note(small.project, {"small/JP": done["small/JP"] - timedelta(days=365)})
    assert "0 failed, 1 fresh already" in small.study("run", "--due")
    assert read(small.project) == done
    # What failed was tried: it is not due until the next time.
    small.edit("src/analysis/studies/small.py", '    query = """', '    1 / 0\n    query = """')
    note(small.project, {"small/JP": done["small/JP"] - timedelta(days=365)})
    assert "ZeroDivisionError in cell" in small.study("run", "--due", status=1)
    assert read(small.project) == done


def test_watching_runs_what_changes_until_it_is_told_to_end(small: Checkout) -> None:
    """Its own lines are waited for, and a signal makes it look: nothing here waits for a clock."""
    small.edit("params/studies/small.yaml", "schedule: {cron: 0 0 1 1 *}\n", "")
    watching = subprocess.Popen(
        [sys.executable, "-c", "from analysis.cli import main; main()", "run", "small", "--watch"],
        cwd=small.root,
        env=clean_environment() | {"PYTHONPATH": str(small.root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert watching.stdout

        def heard(what: str) -> None:
            lines = []
            for line in watching.stdout or ():
                lines.append(line)
                if re.search(what, line):
                    return
            raise AssertionError("".join(lines))

        heard(r"1 runs: 1 done")
        heard(r"watching; no study has a schedule")
        folder = small.project.reports / "small" / "JP" / "2026-W10"
        before = RunRecord.read(folder)
        with open_warehouse(small.project, write=True) as warehouse:
            warehouse.stamp("user_reports", "another load")
        watching.send_signal(signal.SIGHUP)
        heard(r"1 runs: 1 done")
        after = RunRecord.read(folder)
        assert before
        assert after
        assert after.started_at > before.started_at
        # A mistake is said; the command stays.
        small.edit("params/studies/small.yaml", "title:", "titel:")
        watching.send_signal(signal.SIGHUP)
        heard(r"did you mean 'title'")
        heard("watching; looks again soon")
        watching.send_signal(signal.SIGTERM)
        heard("stopped watching")
        assert watching.wait(60) == 0
    finally:
        watching.kill()
        watching.wait()
