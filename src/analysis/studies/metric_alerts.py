"""What core_metrics watches: which metrics left what was expected, and which counts contradict."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures.delays import Delay, delays_figure
from analysis.figures.displays import Column, Figure, Table
from analysis.methods.buckets import Floats
from analysis.metrics.catalogue import Catalogue, Metric
from analysis.metrics.estimate import Series
from analysis.metrics.monitoring import DRAWS, Outlook, Promise, Watched, watch
from analysis.studies.findings import Finding

if TYPE_CHECKING:
    from analysis.studies.base import Study
    from analysis.studies.core_metrics import Loaded, Measured

#: How many windows before the one in question say what is usual.
USUAL = 8
#: A count that followed the other by less than this share of the way did not follow it.
FOLLOWED = 0.5
#: The relative move whose detection is told, and within how many windows.
MOVE, SPANS = 0.2, (1, 2, 4, 8, 13)
#: How many curves of it a page draws.
CURVES = 6
#: How the title of a change of counting ends, after the metric that tells of it.
ALONE = "data, not behaviour"
ANNOTATE = (
    "Where it is known what changed, add it to params/annotations.yaml: charts then mark it, and "
    "expectations take it as a shift of the level."
)


def watch_metrics(
    study: Study, loaded: Loaded, series: Mapping[str, Series], promise: Promise
) -> Watched:
    """Every metric with enough history, known breaks taken as shifts of its level."""
    windows = [loaded.rows.windows[place] for place in loaded.history]
    shifts: dict[str, list[int]] = {name: [] for name in series}
    for each in study.project.annotations:
        first = next((at for at, window in enumerate(windows) if window.end > each.date), 0)
        if first and each.market in ("all", study.market.code):
            for name in shifts if each.metric == "all" else {each.metric} & shifts.keys():
                shifts[name].append(first)
    whole = windows[-1].end <= loaded.after
    return watch(
        {name: one for name, one in series.items() if whole or one.metric.kind != "count"},
        windows,
        loaded.history,
        study.market,
        promise,
        shifts=shifts,
        confidence=study.parameters.confidence,
    )


def misled_by(catalogue: Catalogue, diagnostic: str) -> list[str]:
    """The metrics that divide by the count whose way of counting a diagnostic checks."""
    checked = catalogue.metrics[diagnostic]
    return [
        name
        for name, metric in catalogue.metrics.items()
        if (metric.base_fact, metric.denominator) == (checked.fact, checked.numerator)
        and name != diagnostic
    ]


def counting(measured: Measured) -> list[Finding]:
    """Diagnostics that raised an alert: changes in how something is counted."""
    return [
        _counting(measured, name)
        for name, outlook in measured.watched.outlooks.items()
        if outlook.now and measured.catalogue.metrics[name].diagnostic
    ]


def _counting(measured: Measured, name: str) -> Finding:
    """Whether what should move with a count moved, or the count moved alone."""
    words, metric = measured.words(name), measured.catalogue.metrics[name]
    misled = misled_by(measured.catalogue, name)
    # The numerator with the most events tells most surely whether people did otherwise.
    witness = max(misled, key=lambda other: measured.series[other].events[0], default=name)
    alone = not _followed(measured, metric, measured.series[witness].metric)
    value = measured.series[name].value(0)
    titles = ", ".join(_lower(measured.series[other].metric.title) for other in misled)
    window = measured.study.window
    surprise = words.surprise()
    start = "; ".join([words.statement(), *(each.text for each in surprise)])
    if alone:
        said = "what people do did not follow, so this is a change in the data and not in behaviour"
        said += f"; not to be read as behaviour in {window}: {titles}" if titles else ""
    else:
        said = "what people do moved along, so it may be more than a change of counting"
    return Finding(
        name=f"counting_{name}",
        title=f"{metric.title}: {ALONE if alone else 'counts disagree'}",
        text=f"{start}; {said}.",
        value=None if value is None else value * words.factor,
        low=words.limits()[0],
        high=words.limits()[1],
        unit=words.unit,
        noun=metric.noun,
        confidence=measured.series[name].confidence,
        sample=words.sample,
        comparisons=surprise,
        verdict=surprise[0].verdict if surprise else "level",
        headline=True,
        in_table=True,
        notes=(ANNOTATE,),
    )


def _followed(measured: Measured, checked: Metric, other: Metric) -> bool:
    """Whether a numerator moved with the count that is checked, both over the units counted."""
    rows = measured.loaded.rows

    def moved(fact: str, expression: str) -> float:
        totals = rows.sums(fact, expression).sum(-1)
        units = rows.sums(checked.fact, checked.denominator or "").sum(-1)
        before = list(measured.loaded.history[-1 - USUAL : -1])
        now, then = totals[0] / units[0], totals[before].sum() / units[before].sum()
        return math.log(now / then) if now > 0 and then > 0 else math.nan

    count = moved(checked.fact, checked.numerator or "")
    return moved(other.fact, other.numerator or "") / count > FOLLOWED


def misled(measured: Measured) -> set[str]:
    """The metrics of this run whose alerts say that something is counted otherwise."""
    raised = [f.name.removeprefix("counting_") for f in counting(measured) if ALONE in f.title]
    return {other for name in raised for other in (name, *misled_by(measured.catalogue, name))}


def alerts(measured: Measured) -> Finding:
    """Which of the watched metrics left what was expected, and what an alert is worth."""
    watched, apart = measured.watched, misled(measured)
    raised = [name for name, each in watched.outlooks.items() if each.now and name not in apart]
    count, window = len(watched.outlooks), measured.study.window
    if not count:
        text = f"No metric can be watched in {window}: too few windows or events before it."
    elif not raised:
        text = f"None of the {count} metrics watched left what was expected in {window}."
    else:
        listed = ", ".join(_said(measured, name) for name in raised)
        text = f"{len(raised)} of the {count} metrics watched left what was expected: {listed}."
    if apart & watched.outlooks.keys() and count:
        text += " What rests on a count that changed is told apart and not in it."
    return Finding(
        name="alerts",
        title="Alerts",
        text=text,
        value=float(len(raised)) if count else None,
        unit="count",
        noun="metrics",
        confidence=None,
        sample=f"{count} metrics",
        verdict="up" if raised else "level",
        headline=bool(raised),
        notes=(_promised(measured),),
    )


def detection(measured: Measured) -> Iterator[Figure | Table]:
    """How soon a lasting move of each watched metric would raise an alert, at its traffic."""
    watched, study = measured.watched, measured.study
    found = watched.noticed(measured.series, MOVE, study.rng())
    titles = [measured.series[name].metric.title for name in watched.outlooks]
    note = (
        f"Of {DRAWS:,} simulated moves that begin at once and last, by the limits and the errors "
        "of this run; a share that can't rise so far falls. Expectations follow a move, so what "
        "is not noticed early may never be."
    )
    named = zip(watched.outlooks, titles, found, strict=True)
    delays = [Delay(*each) for each in named if not _withheld(measured, each[0])]
    if delays:
        often = sum(float(each.chance[-1]) >= 0.5 for each in delays)
        title = (
            f"A lasting move of {MOVE:.0%} is noticed at least every other time within "
            f"{found.shape[1]} windows in {often} of {len(delays)} metrics"
        )
        caption = (
            f"The metrics in which it is noticed soonest. {note} Source: {DRAWS:,} draws a metric "
            "from what was expected in this run; limits after Lucas (1982)."
        )
        yield delays_figure(
            "delays", delays, shown=CURVES, title=title, caption=caption, rests_on=DRAWS
        )
    spans = [span for span in SPANS if span <= watched.watched]
    rows = [
        {"title": title, "windows": half(chance)}
        | {f"within_{span}": float(chance[span - 1]) for span in spans}
        for title, chance in zip(titles, found, strict=True)
    ]
    columns = (
        Column("title", "Metric"),
        Column("windows", "Windows until half are noticed"),
        *(Column(f"within_{span}", f"Noticed within {span}", "share") for span in spans),
    )
    caption = f"How soon a lasting move of {MOVE:.0%} raises an alert in {study.market.name}"
    frame = pd.DataFrame(rows, columns=[column.key for column in columns])
    yield Table("detection", caption, frame, columns, note, folded=True, rests_on=DRAWS)


def half(chance: Floats) -> str:
    """How many windows it takes until half of all moves are noticed."""
    reached = np.flatnonzero(chance >= 0.5)
    return str(int(reached[0]) + 1) if len(reached) else f"more than {len(chance)}"


def _said(measured: Measured, name: str) -> str:
    words = measured.words(name)
    outlook = measured.watched.outlooks[name]
    side = "above" if outlook.now > 0 else "below"
    if outlook.began < len(outlook.alarm) - 1:  # an alert that goes on is one alert
        side += f" since {measured.loaded.rows.windows[measured.loaded.history[outlook.began]]}"
    value = measured.series[name].value(0) or 0.0
    if _withheld(measured, name):
        return f"{_lower(words.metric.title)} {side}"
    return (
        f"{_lower(words.metric.title)} {side} ({words.scale.short(value)}, expected "
        f"{words.expected()})"
    )


def _withheld(measured: Measured, name: str) -> bool:
    """Whether a metric's number rests on so few that it is not told."""
    return measured.words(name).finding().statement().unsafe(measured.study.rules)


def _promised(measured: Measured) -> str:
    promise = measured.promise
    false = f"{promise.false_alarms:g} false alert{'s' * (promise.false_alarms > 1)}"
    return (
        "What was expected comes from the windows before: trend, season of the year, public "
        "holidays, known breaks, chance in the sample and what moves from window to window beyond "
        f"it. While nothing happens, {false} a "
        f"quarter is allowed in each group of metrics over all {promise.markets} markets together, "
        f"so one in {promise.markets / promise.false_alarms:.3g} quarters for a group here; limits "
        "allow for the number of metrics watched. Where a metric hangs together for months more "
        "come, and still at most one a quarter and group, 95 times in 100. An alert that goes on "
        "is one. Metrics with fewer than "
        f"{promise.fewest_events:g} events in a usual window are not watched."
    )


def expected_clause(outlook: Outlook | None, value: float | None, ends: str) -> str:
    """How a number lies to what was expected, a clause; empty where nothing was.

    Args:
        outlook: of its metric.
        value: the number, in the estimate's unit.
        ends: what was expected, in words.
    """
    if outlook is None or value is None or not ends:
        return ""
    outside = outlook.outside(value)
    side = "above" if value > outlook.middle[-1] else "below"
    if outlook.now and outside:
        return f"an alert: {side} what was expected ({ends})"
    if outlook.now:
        word = "above" if outlook.now > 0 else "below"
        return f"an alert: for several windows {word} the middle of what was expected ({ends})"
    if outside:
        return f"{side} what was expected ({ends}), not far enough for an alert"
    return f"as expected ({ends})"


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
