"""The site's runs in the order in which readers look for them: by study, market and window."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from math import inf

from analysis.report.i18n import spoken
from analysis.report.record import Status
from analysis.report.summary import Number, Summary
from analysis.report.verdicts import (
    Mark,
    Tally,
    beyond,
    has_moved,
    headlines,
    outcome_mark,
    telling,
)
from analysis.studies.findings import Comparison, Finding

#: Columns of a study's numbers.
METRICS = 6


@dataclass(frozen=True)
class Point:
    """A finding on the site, with the run that it comes from."""

    run: Summary
    finding: Finding

    @property
    def comparison(self) -> Comparison | None:
        """The one that the finding is listed for."""
        return telling(self.finding)

    @cached_property
    def beyond(self) -> float | None:
        """How far its change lies beyond its uncertainty, see `words.beyond`."""
        return beyond(self.comparison)


def ranked(points: Iterable[Point]) -> list[Point]:
    """Changes by how far they lie beyond their uncertainty, the farthest first; those without an
    interval come last."""
    names = sorted(points, key=lambda each: (each.run.identity, each.finding.name))
    return sorted(names, key=lambda each: each.beyond or -inf, reverse=True)


def mark_of(run: Summary) -> Mark:
    """A run's mark in the language that is spoken."""
    return _mark(spoken(), run.status, run.tally)


@lru_cache(1024)
def _mark(_language: str, status: Status, counted: Tally) -> Mark:
    """Few differ, and a site has one for each run and language."""
    return outcome_mark(status, counted)


def state_of(runs: Iterable[Summary]) -> str:
    """Changes when one of some runs does, or comes or goes."""
    told = repr([(run.identity, run.stamp) for run in runs])
    return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Row:
    """A market of a study: its runs by window, variants behind the plain one. Each is one of its
    own, so that what was made of it is found again without comparing runs."""

    code: str
    name: str
    runs: tuple[Summary, ...]

    @cached_property
    def by_window(self) -> dict[str, tuple[Summary, ...]]:
        found: dict[str, tuple[Summary, ...]] = {}
        for run in sorted(self.runs, key=lambda run: run.variant or ""):
            found[run.window] = (*found.get(run.window, ()), run)
        return found

    @cached_property
    def plain(self) -> tuple[Summary, ...]:
        """Runs without a variant, the newest window first."""
        return newest_first(run for run in self.runs if not run.variant)

    @cached_property
    def state(self) -> str:
        return state_of(self.runs)

    @cached_property
    def newest(self) -> Summary | None:
        """The run that tells how this market stands now."""
        return next(iter(self.plain), None)

    @property
    def newest_windows(self) -> tuple[tuple[str, tuple[Summary, ...]], ...]:
        """Windows with their runs, the newest first."""
        labels = dict.fromkeys(run.window for run in newest_first(self.runs))
        return tuple((label, self.by_window[label]) for label in labels)

    @lru_cache(4096)  # noqa: B019  # of a command that ends; every language asks for the same
    def series(self, name: str, count: int) -> list[tuple[Summary, Number]]:
        """A finding's numbers in the newest windows of one length, the oldest first."""
        newest, found = self.newest, list[tuple[Summary, Number]]()
        for run in self.plain if newest else ():
            number = run.by_name.get(name)
            if number and number.value is not None and newest and _alike(run, newest):
                found.append((run, number))
                if len(found) == count:
                    break
        return found[::-1]


def _alike(one: Summary, other: Summary) -> bool:
    """Whether windows are of one kind: months differ by up to three days."""
    return abs(one.days - other.days) <= (3 if other.days > 25 else 0)


def newest_first(runs: Iterable[Summary]) -> tuple[Summary, ...]:
    """By the end of the window; of two that end together, the longer first."""
    return tuple(sorted(runs, key=_place, reverse=True))


def _place(run: Summary) -> tuple[date, int, str]:
    return run.end, -run.start.toordinal(), run.window


@dataclass(frozen=True)
class StudyRuns:
    """A study on the site."""

    name: str
    runs: tuple[Summary, ...]

    @cached_property
    def state(self) -> str:
        return state_of(self.runs)

    @cached_property
    def said(self) -> Summary:
        """The run whose words are the study's: the last that was executed."""
        return max(self.runs, key=lambda run: run.started)

    @cached_property
    def windows(self) -> tuple[str, ...]:
        """Labels, the newest first."""
        return tuple(dict.fromkeys(run.window for run in newest_first(self.runs)))

    @cached_property
    def data_until(self) -> date | None:
        """The first local day that the data did not hold whole, by the latest of its runs."""
        return max((run.data_until for run in self.runs if run.data_until), default=None)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        return tuple(_rows(self.runs))

    @cached_property
    def current(self) -> tuple[Summary, ...]:
        """Each market's run of its newest window."""
        return tuple(row.newest for row in self.rows if row.newest)

    @cached_property
    def metrics(self) -> tuple[tuple[str, str], ...]:
        """Names and titles of the numbers that most current runs have among their main points."""
        found = (each for run in self.current for each in headlines(run.findings))
        points = [each for each in found if each.value is not None]
        times = Counter(each.name for each in points)
        shown = {name for name, _ in times.most_common(METRICS)}
        return tuple({each.name: each.title for each in points if each.name in shown}.items())

    def of_market(self, row: Row) -> StudyRuns:
        """The same study in one market."""
        return StudyRuns(self.name, row.runs)


def _rows(runs: Sequence[Summary]) -> Iterator[Row]:
    by_market: dict[str, list[Summary]] = {}
    for run in runs:
        by_market.setdefault(run.market, []).append(run)
    rows = (Row(code, found[0].market_name, tuple(found)) for code, found in by_market.items())
    yield from sorted(rows, key=lambda row: (row.name.casefold(), row.code))


@dataclass(frozen=True)
class Site:
    """Every run of a site."""

    runs: tuple[Summary, ...]

    @cached_property
    def studies(self) -> tuple[StudyRuns, ...]:
        """In the order of their titles."""
        by_study: dict[str, list[Summary]] = {}
        for run in self.runs:
            by_study.setdefault(run.study, []).append(run)
        found = (StudyRuns(name, tuple(runs)) for name, runs in by_study.items())
        return tuple(sorted(found, key=lambda study: (study.said.title.casefold(), study.name)))

    @cached_property
    def markets(self) -> tuple[Row, ...]:
        """Every market with its runs of all studies, by name."""
        return tuple(_rows(self.runs))

    @cached_property
    def state(self) -> str:
        return state_of(self.runs)

    @cached_property
    def newest(self) -> dict[tuple[str, str], Summary]:
        """By study and market, the run that tells how they stand now."""
        rows = ((study, row) for study in self.studies for row in study.rows)
        return {(study.name, row.code): row.newest for study, row in rows if row.newest}

    def count(self, status: str) -> int:
        return sum(run.status == status for run in self.runs)


@dataclass(frozen=True)
class Attention:
    """What a reader should look at first, of the runs that tell how markets stand now.

    Attributes:
        moved: changes beyond their uncertainty, see `ranked`.
        failed, stale: runs that did not finish, and whose data are incomplete or old.
        failed_before: all others that did not finish: of windows before, and variants.
        behind: markets whose newest window ends before their study's newest.
        compared: how many findings were compared with something.
    """

    moved: tuple[Point, ...]
    failed: tuple[Summary, ...]
    failed_before: tuple[Summary, ...]
    stale: tuple[Summary, ...]
    behind: tuple[Summary, ...]
    compared: int

    @cached_property
    def by_run(self) -> tuple[tuple[Point, ...], ...]:
        """The changes of each run, those runs first that have the strongest."""
        groups: dict[str, list[Point]] = {}
        for point in self.moved:
            groups.setdefault(point.run.identity, []).append(point)
        return tuple(map(tuple, groups.values()))

    @classmethod
    def of(cls, studies: Iterable[StudyRuns], market: str | None = None) -> Attention:
        """Of some studies; of one market, where it is named."""
        moved = list[Point]()
        failed, before, stale, behind = (list[Summary]() for _ in range(4))
        compared = 0
        for study in studies:
            last = max((run.end for run in study.current), default=date.min)
            for run in study.current:
                if market not in (None, run.market):
                    continue
                points = [Point(run, each) for each in headlines(run.findings)]
                compared += sum(bool(each.finding.comparisons) for each in points)
                moved += [each for each in points if has_moved(each.finding)]
                failed += [run] * (run.status == "failed")
                stale += [run] * (run.status == "done" and run.stale)
                behind += [run] * (run.end < last)
            current = {run.identity for run in study.current}
            others = (run for run in study.runs if run.identity not in current)
            before += [e for e in others if e.status == "failed" and market in (None, e.market)]
        said = (tuple(failed), newest_first(before), tuple(stale), tuple(behind))
        return cls(tuple(ranked(moved)), *said, compared)
