"""Watches counts by the levels of a dimension: each level's events against the others'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from analysis.calendar import Window
from analysis.methods.alarms import Limits, first_of, noticed
from analysis.methods.buckets import Floats
from analysis.methods.expectation import FEWEST
from analysis.methods.q_charts import charts, seen
from analysis.metrics.monitoring import Promise, quarter

#: Levels with fewer events in a usual window are not watched: they would take years.
LEAST = 1.0
#: Paths of chance by which it is found how soon a move is noticed.
DRAWS = 300


@dataclass(frozen=True)
class Level:
    """A level of a count, watched; arrays are over the windows.

    Attributes:
        count, whole: its events, and those of all levels.
        alarm: 1 where it left what was usual upwards, -1 downwards, else 0.
        began: the window in which the last window's alert began; -1 without one.
        limits: when there is one.
        worth: how many of its events count as one.
    """

    count: Floats
    whole: Floats
    alarm: Floats
    began: int
    limits: Limits
    worth: float

    @property
    def now(self) -> int:
        """The alarm of the last window."""
        return int(self.alarm[-1])


@dataclass(frozen=True)
class Levels:
    """A count's levels.

    Attributes:
        watched: by level, those with enough events to be watched.
        others: how many have too few.
        windows: how many at the end are watched.
    """

    watched: dict[str, Level]
    others: int
    windows: int

    def noticed(self, move: float, rng: Generator) -> dict[str, Floats]:
        """By level, the chance that a lasting relative move has raised an alarm by its first,
        second, … window, as often as they are watched."""
        if not self.watched:
            return {}
        levels = list(self.watched.values())
        learned = len(levels[0].whole) - self.windows
        usual = np.array([each.count[:learned].mean() / each.worth for each in levels])
        shown = seen(learned, self.windows)
        moved = 2 * np.sqrt(usual)[:, None] * (np.sqrt(1 + move) - 1) * shown
        draws = rng.standard_normal((DRAWS, self.windows))
        found = noticed(moved, [each.limits for each in levels], draws)
        return dict(zip(self.watched, found, strict=True))


def watch_levels(
    counts: Mapping[str, Floats], windows: Sequence[Window], promise: Promise
) -> Levels:
    """Watches the levels that have enough events.

    Twice a quarter is watched: what a few events tell takes long.

    Args:
        counts: events by level, in windows that follow one another, oldest first.
        windows: those; the last is the one in question.
        promise: how often an alarm may be false, in all levels together.
    """
    span = quarter(windows)
    watched = min(2 * span, len(windows) - 2 * FEWEST)
    if watched <= 0 or not counts:
        return Levels({}, len(counts), 0)
    every = np.array(list(counts.values()))
    kept = every[:, :-watched].mean(1) >= LEAST
    if kept.sum() < 2:
        return Levels({}, len(counts), 0)
    made = charts(every, watched=watched, rate=promise.rate(span, int(kept.sum())))
    first, whole = first_of(made.alarm)[:, -1], every.sum(0)
    found = {
        name: Level(
            every[at], whole, made.alarm[at], int(first[at]), made.limits[at], float(made.worth[at])
        )
        for at, name in enumerate(counts)
        if kept[at]
    }
    return Levels(found, len(counts) - len(found), watched)
