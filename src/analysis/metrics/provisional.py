"""Numbers whose window is still filling: which they are, and where they will end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats
from analysis.methods.lateness import final
from analysis.metrics.cube import Cubes
from analysis.metrics.estimate import Series, estimate_all
from analysis.metrics.monitoring import scale_of

#: How many windows before say how far numbers move.
REVISIONS = 26


@dataclass(frozen=True)
class Provisional:
    """A number that is not final.

    Attributes:
        days, of: how many of the window's days it rests on, from the first.
        final_on: the local day from which it stands.
        low, high: where it is expected to end, in the estimate's unit; None where too few windows
            before tell.
    """

    days: int
    of: int
    final_on: date
    low: float | None
    high: float | None


def known_days(window: Window, after: date, hours: float) -> int:
    """How many of a window's days are known for good.

    Args:
        window: which.
        after: the first local day without data.
        hours: how long after a row's time it is known.

    >>> week = Window.parse("2026-W10")
    >>> [known_days(week, week.end, hours) for hours in (0, 24, 48, 336)]
    [7, 6, 5, 0]
    """
    passed = (after - window.start).days - math.ceil(hours / 24)
    return min(max(passed, 0), window.days)


def provisional(
    cubes: Cubes,
    series: Mapping[str, Series],
    windows: Sequence[Window],
    places: Sequence[int],
    market: Market,
    *,
    after: date,
) -> dict[str, Provisional]:
    """The metrics whose last window is not final.

    Args:
        cubes: where the windows' first days are read from.
        series: estimates, by metric.
        windows: that follow one another, oldest first; the last is the one in question.
        places: of these windows in the series.
        market: whose.
        after: the first local day without data.
    """
    window, found = windows[-1], {}
    days = {
        name: known_days(window, after, each.metric.matures_hours) for name, each in series.items()
    }
    waiting = sorted((name for name in series if days[name] < window.days), key=days.__getitem__)
    past = range(max(0, len(windows) - 1 - REVISIONS), len(windows) - 1)
    known = _read(cubes, series, [windows[at] for at in past], market, days, waiting)
    for name in waiting:
        each = series[name]
        stands = window.end + timedelta(days=math.ceil(each.metric.matures_hours / 24))
        ends = _ends(each, known[name], list(places), past) if name in known else (None, None)
        found[name] = Provisional(days[name], window.days, stands, *ends)
    return found


def _read(
    cubes: Cubes,
    series: Mapping[str, Series],
    past: Sequence[Window],
    market: Market,
    days: Mapping[str, int],
    waiting: Sequence[str],
) -> dict[str, tuple[Floats, Floats]]:
    """The numbers and sizes of windows before over as many of their first days, by metric."""
    names = [name for name in waiting if days[name]]
    if not names or not past:
        return {}
    counts = sorted({days[name] for name in names})
    parts = [Window(w.start, w.start + timedelta(days=each)) for each in counts for w in past]
    metrics = [series[name].metric for name in names]
    facts = dict.fromkeys(fact for each in metrics for fact in (each.fact, each.base_fact))
    read = cubes.only(facts, times=any(each.kind == "quantile" for each in metrics))
    made = estimate_all(read.slice(market, parts), names)
    found = {}
    for name in names:
        first = counts.index(days[name]) * len(past)
        mine = slice(first, first + len(past))
        found[name] = made[name].found.value[mine], made[name].units[mine]
    return found


def _ends(
    whole: Series, known: tuple[Floats, Floats], places: list[int], past: range
) -> tuple[float | None, float | None]:
    """Where a metric will end of whose window the first days are known."""
    there, back = scale_of(whole.metric)
    value, units = whole.found.value[places], whole.units[places]
    made = final(
        there(known[0]),
        there(value[list(past)]),
        known[1],
        float(there(value)[-1]),
        float(units[-1]),
        confidence=whole.confidence,
    )
    if made is None:
        return None, None
    return float(back(np.array(made.low))), float(back(np.array(made.high)))
