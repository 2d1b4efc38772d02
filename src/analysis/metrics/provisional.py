"""Numbers whose window is still filling: which they are, and where they will end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from analysis.calendar import Market, Window
from analysis.methods.buckets import Floats
from analysis.methods.lateness import Final, final
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
        each, hours = series[name], series[name].metric.matures_hours
        stands = window.end + timedelta(days=math.ceil(hours / 24))
        settled = [known_days(other, after, hours) == other.days for other in windows]
        if name in known:
            ends = _ends(each, known[name], list(places), past, settled)
        else:
            ends = _ahead(each, list(places), np.flatnonzero(settled))
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
    whole: Series,
    known: tuple[Floats, Floats],
    places: list[int],
    past: range,
    settled: Sequence[bool],
) -> tuple[float | None, float | None]:
    """Where a metric will end of whose window the first days are known."""
    units = whole.units[places]
    value = _scaled(whole, whole.found.value[places], units)
    ended = np.where(np.array(settled)[list(past)], value[list(past)], np.nan)
    first, size = _scaled(whole, *known), float(units[-1])
    made = final(first, ended, known[1], float(value[-1]), size, confidence=whole.confidence)
    return _unscaled(whole, made, size)


def _ahead(
    whole: Series, places: list[int], settled: NDArray[np.int64]
) -> tuple[float | None, float | None]:
    """Where a metric will end of whose window no day is known: from the newest window that is
    final, and how far final numbers moved over as many windows."""
    if not len(settled):
        return None, None
    units = whole.units[places]
    value = _scaled(whole, whole.found.value[places], units)
    newest = int(settled[-1])
    apart = len(places) - 1 - newest
    later = settled[np.isin(settled - apart, settled)][-REVISIONS:]
    first, size = value[later - apart], float(units[newest])
    known = units[later - apart]
    made = final(first, value[later], known, value[newest], size, confidence=whole.confidence)
    return _unscaled(whole, made, size)


def _scaled(whole: Series, value: Floats, units: Floats) -> Floats:
    """Numbers where effects add; a share with half an event more on both sides, so that one of
    none or all has its place there."""
    if whole.metric.kind == "share":
        value = (value * units + 0.5) / (units + 1)
    return scale_of(whole.metric)[0](value)


def _unscaled(whole: Series, made: Final | None, size: float) -> tuple[float | None, float | None]:
    """From that scale to the estimate's unit, of a window of some size."""
    if made is None:
        return None, None
    ends = scale_of(whole.metric)[1](np.array([made.low, made.high]))
    if whole.metric.kind == "share":
        ends = np.clip((ends * (size + 1) - 0.5) / size, 0, 1)
    return float(ends[0]), float(ends[1])
