"""From a slice of the cube to estimates: each metric in each window, with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np

from analysis.errors import UserError
from analysis.methods.buckets import Floats, Replicated, ratio
from analysis.methods.differences import Difference, difference
from analysis.methods.intervals import Family, Interval, interval
from analysis.methods.multiplicity import benjamini_hochberg
from analysis.methods.quantiles import Histogram, quantiles
from analysis.metrics.catalogue import FILE, Metric, Times
from analysis.metrics.cube import Slice


@dataclass(frozen=True)
class Series:
    """One metric in several windows; arrays have the windows as their only axis.

    Attributes:
        name, metric: from the catalogue.
        confidence: of the intervals.
        found: the estimates: shares 0 to 1, rates and means as a plain ratio,
            counts, quantiles in the metric's unit; nan for none.
        interval: in the same unit.
        units: how many the estimate rests on (the catalogue's `sample`).
        events: how many independent ones the numerator is worth.
    """

    name: str
    metric: Metric
    confidence: float
    found: Replicated
    interval: Interval
    units: Floats
    events: Floats

    def value(self, window: int) -> float | None:
        """The estimate, or None where the window holds nothing to count."""
        return _known(self.found.value[window])

    def limits(self, window: int) -> tuple[float | None, float | None]:
        return _known(self.interval.low[window]), _known(self.interval.high[window])


_Found: TypeAlias = dict[str, Series]


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def estimate(rows: Slice, name: str, *, confidence: float = 0.95) -> Series:
    """A metric of the catalogue in every window of a slice."""
    return estimate_all(rows, [name], confidence=confidence)[name]


def estimate_all(
    rows: Slice, names: Iterable[str] | None = None, *, confidence: float = 0.95
) -> dict[str, Series]:
    """Several metrics (all of the catalogue) in every window of a slice.

    Metrics of one kind are worked out together, which takes little longer than one.
    """
    metrics = rows.catalogue.metrics
    wanted = list(metrics if names is None else names)
    alike: dict[tuple[str, bool], list[str]] = {}
    for name in wanted:
        alike.setdefault(_alike(metrics[name]), []).append(name)
    found: dict[str, Series] = {}
    for (family, weighted), each in alike.items():
        made = _quantiles if family == "quantile" else partial(_ratios, weighted=weighted)
        found |= made(rows, each, confidence)
    return {name: found[name] for name in wanted}


def _alike(metric: Metric) -> tuple[str, bool]:
    family = metric.kind if metric.kind in ("quantile", "share") else "rate"
    return family, metric.units is not None


def _ratios(rows: Slice, names: list[str], confidence: float, *, weighted: bool) -> _Found:
    metrics = [rows.catalogue.metrics[name] for name in names]
    family: Family = "share" if metrics[0].kind == "share" else "rate"
    sums = (np.stack(part) for part in zip(*(_sums(rows, each) for each in metrics), strict=True))
    numerator, denominator, units, events = sums
    if family == "share":
        _check_shares(names, numerator.sum(-1), denominator.sum(-1))
    found = ratio(numerator, denominator)
    trials, happened = units.sum(-1), events.sum(-1)
    effects = [design_effect(found.at(i), trials[i], family) for i in range(len(names))]
    limits = interval(
        found,
        family,
        confidence=confidence,
        trials=units,
        events=happened if weighted else None,
        design_effect=np.array(effects)[:, None],
    )
    worth = _effective(found, happened)
    counted = np.where(np.array([m.kind == "count" for m in metrics])[:, None], happened, trials)
    return {
        name: Series(name, metrics[i], confidence, found.at(i), limits.at(i), counted[i], worth[i])
        for i, name in enumerate(names)
    }


def _check_shares(names: list[str], parts: Floats, wholes: Floats) -> None:
    """That every numerator is a part of its denominator.

    Raises:
        UserError: one is not, so the metric is no share; every interval of it would be wrong.
    """
    slack = 1e-9 * np.abs(wholes)
    for at in np.argwhere((parts < -slack) | (parts > wholes + slack))[:1]:
        part, whole = parts[tuple(at)], wholes[tuple(at)]
        said = f"kind share, but its numerator adds up to {part:,.6g} of {whole:,.6g}"
        fix = "a numerator is a part of its denominator; kind mean and the rates take any"
        raise UserError(f"{FILE}: metrics.{names[at[0]]}", f"{said}; {fix}")


def _effective(found: Replicated, happened: Floats) -> Floats:
    """How many independent events the numerators are worth: fewer where they come in clumps."""
    with np.errstate(divide="ignore", invalid="ignore"):
        worth = found.value**2 / found.variance
    least: Floats = np.fmin(happened, np.where(found.value > 0, worth, 0.0))
    return least


def _sums(rows: Slice, metric: Metric) -> tuple[Floats, Floats, Floats, Floats]:
    """Numerators, denominators, units and events; a count's denominator is one, in all buckets."""
    sums = {key: rows.sums(fact, sql) for key, fact, sql in metric.expressions()}
    top = sums["numerator"]
    if metric.kind == "count":
        held = any(rows.sums(metric.fact, sql).any() for sql in rows.catalogue.sums(metric.fact))
        sums["denominator"] = np.full_like(top, 1 / top.shape[-1] if held else 0.0)
    bottom = sums["denominator"]
    return top, bottom, sums.get("units", bottom), sums.get("events", top)


def design_effect(found: Replicated, trials: Floats, family: Family = "share") -> float:
    """How much larger the variance is than that of independent trials, over all windows.

    What a window without any event is worth can't be seen in it; its neighbours tell. Nan where
    no window holds any.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        plain = found.value * ((1 - found.value) if family == "share" else 1) / trials
    seen = (found.value > 0) & (plain > 0) & np.isfinite(found.variance)
    if not seen.any():
        return float("nan")
    return max(1.0, float(found.variance[seen].sum() / plain[seen].sum()))


def _quantiles(rows: Slice, names: list[str], confidence: float) -> _Found:
    metrics = [rows.catalogue.metrics[name] for name in names]
    windows = range(len(rows.windows))
    ended = [one for m in metrics for one in _times(rows, m.ended) if one is not None]
    waiting = [one for m in metrics for one in _times(rows, m.still_waiting)]
    shares = [m.quantile or 0.5 for m in metrics for _ in windows]
    found, limits = quantiles(ended, shares, waiting=waiting, confidence=confidence)
    pairs = zip(ended, waiting, strict=True)
    total = np.array([one.total + (other.total if other else 0.0) for one, other in pairs])
    made = {}
    for place, (name, metric) in enumerate(zip(names, metrics, strict=True)):
        mine = slice(place * len(windows), (place + 1) * len(windows))
        value, ends = found.part(mine), limits.part(mine)
        if metric.unit != "hours":  # counts: whole numbers
            value = replace(value, value=np.round(value.value))
            ends = Interval(*(np.round(end) for end in ends.ends()))
        made[name] = Series(name, metric, confidence, value, ends, total[mine], total[mine])
    return made


def _times(rows: Slice, times: Times | None) -> list[Histogram | None]:
    """A histogram in each window."""
    key = None if times is None else times.key
    return [None if key is None else rows.times(key, at) for at in range(len(rows.windows))]


@dataclass(frozen=True)
class Rules:
    """When a difference is called a move.

    Attributes:
        fewest_events: with fewer in both windows, nothing is said.
        false_calls: the largest share of the moves called that may be chance (Benjamini and
            Hochberg 1995), over all comparisons of a run.
        smallest_change: relative to the number before; smaller moves are not called, however
            certain.
    """

    fewest_events: float
    false_calls: float
    smallest_change: float


@dataclass(frozen=True)
class Move:
    """A metric in one window against another.

    Attributes:
        before: the other window's estimate; None where it has none.
        difference: None where it can't be made.
        verdict: `up`, `down`, `no_change`, or `unclear` where there is too little to say.
    """

    before: float | None
    difference: Difference | None
    verdict: str

    @property
    def called(self) -> bool:
        return self.verdict in ("up", "down")

    @property
    def score(self) -> float:
        """The difference over its uncertainty: at 1 the interval ends at zero. 0 for none."""
        return 0.0 if self.difference is None else abs(float(self.difference.score))


def judge(
    series: Mapping[str, Series], window: int, others: Mapping[str, int | None], rules: Rules
) -> dict[tuple[str, str], Move]:
    """Every metric against every other window, with the number of comparisons allowed for.

    Args:
        series: by metric.
        window: the place of the window in question.
        others: the places of the windows to compare with, by name; None where there is none.
        rules: when a difference is a move.

    Returns:
        The move by metric and name of the other window.
    """
    pairs = [(metric, name) for metric in series for name in others]
    by_other = {name: _differences(series, window, other, rules) for name, other in others.items()}
    made = [by_other[name].get(metric) for metric, name in pairs]
    p_values = np.array([np.nan if each is None else float(each.p_value) for each in made])
    adjusted = benjamini_hochberg(p_values)
    return {
        pair: _move(series[pair[0]], others[pair[1]], each, float(q), rules)
        for pair, each, q in zip(pairs, made, adjusted, strict=True)
    }


def _differences(
    series: Mapping[str, Series], window: int, other: int | None, rules: Rules
) -> dict[str, Difference]:
    """The differences of the metrics that have enough events and a number in both windows."""
    if other is None:
        return {}
    least = rules.fewest_events
    names = [name for name, each in series.items() if max(each.events[[window, other]]) >= least]
    if not names:
        return {}
    chosen = [series[name] for name in names]
    now, then = (_together(chosen, at) for at in (window, other))
    made = difference(*now, *then, confidence=chosen[0].confidence)
    found = {name: made.at(place) for place, name in enumerate(names)}
    return {name: each for name, each in found.items() if each.known}


def _together(series: Sequence[Series], window: int) -> tuple[Replicated, Interval]:
    """What several metrics are in one window, arrays with the metrics as their first axis."""
    found = [each.found.at(window) for each in series]
    limits = [each.interval.at(window).ends() for each in series]
    parts = ((each.value, each.influence, each.residual) for each in found)
    return (
        Replicated(*(np.array(part) for part in zip(*parts, strict=True))),
        Interval(*(np.array(end) for end in zip(*limits, strict=True))),
    )


def _move(
    series: Series, other: int | None, made: Difference | None, adjusted: float, rules: Rules
) -> Move:
    before = None if other is None else series.value(other)
    if made is None or before is None:
        return Move(before, None, "unclear")
    clear = adjusted <= rules.false_calls and (made.low > 0 or made.high < 0)
    if not clear or abs(made.value) < rules.smallest_change * before:
        return Move(before, made, "no_change")
    return Move(before, made, "up" if made.value > 0 else "down")
