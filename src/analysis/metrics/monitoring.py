"""Watches the metrics of a market: what each window was expected to be, and what left it.

Each metric is taken to a scale where effects add (shares by their logit, others by logarithm), with
the variance of its sampling there from its own interval. Statistics are in `methods.expectation`
and `methods.alarms`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import expit, logit

from analysis.calendar import Market, Window
from analysis.methods.alarms import Limits, alarms, first_of, limits, noticed
from analysis.methods.buckets import Floats
from analysis.methods.expectation import FEWEST, Expectation, Terms, expect, terms
from analysis.metrics.catalogue import Metric
from analysis.metrics.days_off import holiday_shares
from analysis.metrics.estimate import Series

QUARTER_DAYS = 91
#: Paths of chance by which it is found how soon a move is noticed.
DRAWS = 1000
_LEAST = 1e-6


@dataclass(frozen=True)
class Promise:
    """How often an alarm may be false.

    Attributes:
        false_alarms: in a quarter, for each group of metrics, over all markets together, while
            nothing happens.
        markets: how many markets share them.
        fewest_events: metrics with fewer independent events in a usual window are not watched.
    """

    false_alarms: float
    markets: int
    fewest_events: float

    def rate(self, windows: int, metrics: int) -> float:
        """False alarms a window and metric, in a group of some metrics.

        >>> Promise(1, 16, 10).rate(13, 5) * 16 * 13 * 5
        1.0
        """
        return min(0.25, self.false_alarms / (self.markets * windows * metrics))


@dataclass(frozen=True)
class Outlook:
    """What a metric was expected to be, and where it raised an alarm; arrays over the windows.

    Attributes:
        middle, low, high: in the estimate's unit; nan where nothing can be said.
        alarm: 1 where the metric left what was expected upwards, -1 downwards, else 0.
        began: the window in which the last window's alarm began; -1 without one.
        limits: when it does.
        watched: how many windows at the end are watched; the others were learned from.
    """

    middle: Floats
    low: Floats
    high: Floats
    alarm: Floats
    began: int
    limits: Limits
    watched: int

    @property
    def now(self) -> int:
        """The alarm of the last window."""
        return int(self.alarm[-1])

    def outside(self, value: float) -> bool:
        """Whether a number of the last window lies beyond what was expected of it."""
        return not self.low[-1] <= value <= self.high[-1]


@dataclass(frozen=True)
class Watched:
    """All metrics that can be watched.

    Attributes:
        outlooks: by metric.
        expectation: of all of them, in that order, on the scale where effects add.
        watched: how many windows at the end are watched.
    """

    outlooks: dict[str, Outlook]
    expectation: Expectation | None
    watched: int

    def noticed(self, series: Mapping[str, Series], move: float, rng: Generator) -> Floats:
        """The chance that a lasting relative move of each metric has raised an alarm by its first,
        second, … window, as often as the metrics have been watched; shape `(metrics, windows)`.

        A share whose rise would pass one is moved down.
        """
        if self.expectation is None:
            return np.empty((0, self.watched))
        first = self.expectation.score.shape[1] - self.watched
        steps = np.array([_step(series[name], each, move) for name, each in self.outlooks.items()])
        moved = steps[:, None] * self.expectation.seen[:, first:]
        draws = rng.standard_normal((DRAWS, self.watched))
        return noticed(moved, [each.limits for each in self.outlooks.values()], draws)


def watch(
    series: Mapping[str, Series],
    windows: Sequence[Window],
    places: Sequence[int],
    market: Market,
    promise: Promise,
    *,
    shifts: Mapping[str, Sequence[int]],
    confidence: float,
) -> Watched:
    """Watches the metrics that have enough events in enough windows.

    Args:
        series: estimates, by metric.
        windows: that follow one another, oldest first; the last is the one in question.
        places: of these windows in the series.
        market: whose.
        promise: how often an alarm may be false.
        shifts: by metric, the windows from which its level is known to have shifted.
        confidence: of the intervals of what is expected.
    """
    span = quarter(windows)
    watched = min(span, len(windows) - 2 * FEWEST)
    names = [
        name for name, each in series.items() if watched > 0 and _enough(each, places, promise)
    ]
    if not names:
        return Watched({}, None, max(watched, 0))
    scales = [_Scale(series[name], list(places), windows) for name in names]
    made = expect(
        np.array([scale.values for scale in scales]),
        np.array([scale.variance for scale in scales]),
        _terms(market, windows),
        watched=watched,
        shifts=[shifts.get(name, ()) for name in names],
        confidence=confidence,
    )
    sizes = Counter(series[name].metric.group for name in names)
    found = [limits(promise.rate(span, sizes[series[name].metric.group])) for name in names]
    raised = np.zeros_like(made.score)
    raised[:, -watched:] = alarms(made.score[:, -watched:], found)
    first = first_of(raised)[:, -1].tolist()
    outlooks = {}
    for at, (name, scale) in enumerate(zip(names, scales, strict=True)):
        middle, low, high = (scale.back(ends[at]) for ends in (made.middle, made.low, made.high))
        outlooks[name] = Outlook(middle, low, high, raised[at], first[at], found[at], watched)
    return Watched(outlooks, made, watched)


def quarter(windows: Sequence[Window]) -> int:
    """How many windows like the last a quarter has."""
    return max(1, round(QUARTER_DAYS / windows[-1].days))


def _step(series: Series, outlook: Outlook, move: float) -> float:
    """A relative move on the scale where effects add."""
    if series.metric.kind != "share":
        return float(np.log1p(move))
    usual = float(np.nanmedian(outlook.middle))
    return float(logit(usual * (1 + move if usual * (1 + move) < 1 else 1 - move)) - logit(usual))


def _enough(series: Series, places: Sequence[int], promise: Promise) -> bool:
    """Whether most windows have the events that a judgement needs, and enough have a number."""
    kept = list(places)
    share = series.metric.kind == "share"
    value = series.found.value[kept]
    inside = np.isfinite(value) & (value > 0) & ((value < 1) | (not share))
    events = np.nan_to_num(series.events[kept])
    if share:  # what is left is as good as what happened: a share of 0.99 has few exceptions
        events = np.fmin(events, events * (1 - value) / np.where(inside, value, np.nan))
    usual = float(np.median(events[inside])) if inside.any() else 0.0
    return int(inside.sum()) >= 2 * FEWEST and usual >= promise.fewest_events


class _Scale:
    """A metric on the scale where effects add, and the way back."""

    def __init__(self, series: Series, places: list[int], windows: Sequence[Window]) -> None:
        self.metric: Metric = series.metric
        self.offset = np.zeros(len(windows))
        if self.metric.kind == "count":  # longer windows count more
            self.offset = np.log([window.days for window in windows])
        value, low, high = (
            self._there(ends[places])
            for ends in (series.found.value, series.interval.low, series.interval.high)
        )
        self.values: Floats = np.where(np.isfinite(value), value, np.nan)
        reach = -stats_reach(series.confidence)
        with np.errstate(invalid="ignore"):
            half = np.where(np.isfinite(low), (high - low) / 2, high - value) / reach
        # Where a window has few events by chance its own variance is large by the same chance, so
        # that of a usual window is taken, at each window's size.
        size = np.ones(len(places)) if self.metric.kind == "count" else series.units[places]
        known = np.isfinite(half) & np.isfinite(self.values) & (size > 0) & (half > 0)
        usual = float(np.median(half[known] ** 2 * size[known])) if known.any() else np.nan
        with np.errstate(divide="ignore"):
            self.variance: Floats = np.where(size > 0, np.maximum(usual / size, _LEAST), np.nan)

    def _there(self, value: Floats) -> Floats:
        return scale_of(self.metric)[0](value) - self.offset

    def back(self, value: Floats) -> Floats:
        """From the scale to the estimate's unit."""
        return scale_of(self.metric)[1](value + self.offset)


def scale_of(metric: Metric) -> tuple[Callable[[Floats], Floats], Callable[[Floats], Floats]]:
    """The scale on which a metric's effects add: the way there, nan for what is not on it, and the
    way back."""

    def there(value: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.asarray(logit(value) if metric.kind == "share" else np.log(value), float)
        return np.where(np.isfinite(found), found, np.nan)

    def back(value: Floats) -> Floats:
        return np.asarray(expit(value) if metric.kind == "share" else np.exp(value), float)

    return there, back


def stats_reach(confidence: float) -> float:
    """The standard normal deviate at the lower end of an interval.

    >>> round(stats_reach(0.95), 2)
    -1.96
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 - confidence) / 2)


def _terms(market: Market, windows: Sequence[Window]) -> Terms:
    first = windows[0].start
    days = np.array([(window.start - first).days + window.days / 2 for window in windows])
    daily = all(window.days == 1 for window in windows)
    weekdays = np.array([window.start.weekday() for window in windows]) if daily else None
    return terms(days / 365.25, holiday_shares(market, windows), weekdays)
