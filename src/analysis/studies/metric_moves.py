"""How metrics moved, in words: what a verdict means, what is said of all of them together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analysis.calendar import Window
from analysis.metrics.catalogue import Metric
from analysis.metrics.estimate import Move, Series
from analysis.metrics.words import BASES
from analysis.safeguards.disclosure.rates import Rules, unsafe
from analysis.studies.findings import Finding, Meaning, Unit, Verdict

UNITS: dict[str, Unit] = {
    "share": "share",
    "per_hundred": "per_hundred",
    "per_thousand": "per_thousand",
    "per_million": "per_million",
    "mean": "mean",
    "count": "count",
    "quantile": "hours",
}


def unit_of(metric: Metric) -> Unit:
    """What a metric's findings are in."""
    counted = metric.kind == "quantile" and metric.unit != "hours"
    return "count" if counted else UNITS[metric.kind]


def shown(move: Move, series: Series, place: int | None, rules: Rules) -> Move:
    """A move, or none where the other window's number rests on too few to be shown: who has this
    window's and the difference has it too.

    Args:
        move: in one window against another.
        series: of the metric.
        place: of the other window.
        rules: of disclosure control.
    """
    if move.before is None or place is None:
        return move
    unit, base = unit_of(series.metric), round(float(np.nan_to_num(series.units[place])))
    value = move.before * BASES.get(series.metric.kind, 1.0)
    counted = series.metric.kind == "count" and rules.small(value)
    if counted or base < rules.least(unit) or unsafe(value, [base], rules, unit):
        return Move(None, None, "unclear")
    return move


def meaning(metric: Metric, verdict: Verdict) -> Meaning:
    """What a verdict means for people's safety."""
    if verdict not in ("up", "down") or metric.good == "neutral":
        return "neutral"
    return "better" if verdict == metric.good else "worse"


def move_word(verdict: str, label: str) -> str:
    """A verdict as the end of a chart's title."""
    words = {
        "up": f"up from {label}",
        "down": f"down from {label}",
        "no_change": f"no clear change from {label}",
    }
    return words.get(verdict, f"too few to compare with {label}")


def summary(
    titles: Mapping[str, str],
    moves: Mapping[tuple[str, str], Move],
    windows: Mapping[str, Window],
    note: str,
) -> Finding:
    """How many metrics moved against each other window, and which.

    Args:
        titles: of the metrics, by metric.
        moves: by metric and comparison.
        windows: what each comparison is with.
        note: when a difference is a move.
    """
    clauses = [_moved(titles, moves, name, window) for name, window in windows.items()]
    first = next(iter(windows))
    called = [name for name in titles if moves[name, first].called]
    return Finding(
        name="what_moved",
        title="What moved",
        text=" ".join(clauses),
        value=float(len(called)),
        unit="count",
        noun="metrics",
        confidence=None,
        sample=f"{len(titles)} metrics",
        notes=(note,),
    )


def _moved(
    titles: Mapping[str, str],
    moves: Mapping[tuple[str, str], Move],
    name: str,
    window: Window,
) -> str:
    compared = [key for key in titles if moves[key, name].difference is not None]
    called = [key for key in compared if moves[key, name].called]
    called.sort(key=lambda key: -moves[key, name].score)
    if not compared:
        return f"Nothing can be compared with {window}."
    number = f"{len(compared)} of {len(titles)} metrics can be compared with {window}"
    if not called:
        return f"{number}; none moved beyond its uncertainty."
    listed = ", ".join(f"{_lower(titles[key])} ({moves[key, name].verdict})" for key in called)
    return f"{number}; {len(called)} moved beyond uncertainty: {listed}."


def _lower(title: str) -> str:
    return title[0].lower() + title[1:]
