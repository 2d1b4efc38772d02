"""Estimates with their intervals, a row each, against a line that they are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import BLUE, GREY, INK, VERMILION
from analysis.figures.style import canvas, to_svg

ROW_HEIGHT, FRAME = 24.0, 84.0
#: An axis ends at this many times the largest estimate; one wide interval must not hide the others.
ROOM = 2.2


@dataclass(frozen=True)
class RangeRow:
    """One estimate.

    Attributes:
        label: what it is of.
        value, low, high: in one unit; value is None where only an upper limit is known.
        group: rows of a group stand together, and the first is headed by it.
        marked: drawn in another colour and shape.
    """

    label: str
    value: float | None
    low: float
    high: float
    group: str = ""
    marked: bool = False


def ranges(
    name: str,
    rows: Sequence[RangeRow],
    *,
    line: float | None,
    line_label: str,
    axis: str,
    show: Callable[[float], str],
) -> tuple[str, bool]:
    """Dots with whiskers, from the top down.

    Args:
        name: the figure's slug.
        rows: at least one.
        line: what the rows are compared with; None for nothing.
        line_label: what that is called.
        axis: what the horizontal axis measures.
        show: a value as the axis shows it.

    Returns:
        The picture, and whether a whisker was cut at the axis' end.
    """
    places = _places(rows)
    with canvas(name, height=FRAME + ROW_HEIGHT * (places[-1] + 1)) as figure:
        axes = figure.subplots()
        end = _end(rows, line)
        for row, at in zip(rows, places, strict=True):
            _row(axes, row, at, end)
        if line is not None:
            axes.axvline(line, color=INK.light, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        _frame(axes, rows, places, end)
        axes.set_xlabel(axis)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: show(x)))
        handles = _handles(rows, line_label if line is not None else "")
        figure.legend(handles=handles, loc="outside upper left", ncols=4)
        return to_svg(figure), bool(max(row.high for row in rows) > end)


def _places(rows: Sequence[RangeRow]) -> list[float]:
    """Where each row stands; a group begins with room for its heading."""
    at, group, found = -1.0, "", []
    for row in rows:
        at += 2 if row.group != group else 1
        group = row.group
        found.append(at)
    return found


def _end(rows: Sequence[RangeRow], line: float | None) -> float:
    values = [row.value for row in rows if row.value is not None]
    largest = max([*values, line or 0.0])
    highest = max(row.high for row in rows)
    return 1.02 * (min(highest, ROOM * largest) if largest else highest)


def _row(axes: Axes, row: RangeRow, at: float, end: float) -> None:
    token, shape = (VERMILION, "D") if row.marked else (BLUE, "o")
    high = min(row.high, end)
    if row.value is None:
        axes.plot([0, high], [at, at], color=GREY.light, linewidth=1.5, linestyle=(0, (1.5, 1.5)))
        axes.plot(high, at, color=GREY.light, marker="|", markersize=9, linestyle="")
        return
    axes.plot([row.low, high], [at, at], color=token.light, linewidth=1.5)
    axes.plot(row.value, at, color=token.light, marker=shape, markersize=6, linestyle="")
    if row.high > end:
        axes.plot(end, at, color=token.light, marker=">", markersize=5, clip_on=False)


def _frame(axes: Axes, rows: Sequence[RangeRow], places: Sequence[float], end: float) -> None:
    heads = [
        (at - 1, row.group)
        for at, row, before in zip(places, rows, [None, *rows], strict=False)
        if row.group and (before is None or before.group != row.group)
    ]
    labels = [*zip(places, [row.label for row in rows], strict=True), *heads]
    axes.set_yticks([at for at, _ in labels], [text for _, text in labels])
    axes.tick_params(axis="y", labelcolor=INK.light)
    for head in axes.get_yticklabels()[len(rows) :]:
        head.set_fontweight("bold")
    axes.set_ylim(places[-1] + 0.6, min(places[0], *(at for at, _ in labels)) - 0.4)
    axes.set_xlim(0, end)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))


def _handles(rows: Sequence[RangeRow], line_label: str) -> list[Line2D]:
    def dot(token: str, shape: str, label: str) -> Line2D:
        return Line2D([], [], color=token, marker=shape, linewidth=1.5, label=label)

    found = [dot(BLUE.light, "o", "estimate and interval")]
    if any(row.marked for row in rows):
        found.append(dot(VERMILION.light, "D", "clearly apart from the rest"))
    if any(row.value is None for row in rows):
        style: dict[str, Any] = {"linestyle": (0, (1.5, 1.5)), "marker": "|", "linewidth": 1.5}
        found.append(Line2D([], [], color=GREY.light, label="none seen: at most", **style))
    if line_label:
        dashes = (0, (4, 2))
        found.append(
            Line2D([], [], color=INK.light, linewidth=1, linestyle=dashes, label=line_label)
        )
    return found


def describe(rows: Sequence[RangeRow], show: Callable[[float], str]) -> str:
    """The rows in words, for those who do not see the chart."""
    return "; ".join(_said(row, show) for row in rows) + "."


def _said(row: RangeRow, show: Callable[[float], str]) -> str:
    name = f"{row.group}, {row.label}" if row.group else row.label
    if row.value is None:
        return f"{name}: none seen, at most {show(row.high)}"
    return f"{name}: {show(row.value)} ({show(row.low)} to {show(row.high)})"


def largest_first(values: Sequence[float]) -> list[int]:
    """Places of values from the largest down; equal ones stay in their order.

    >>> largest_first([0.1, 0.3, 0.3])
    [1, 2, 0]
    """
    return [int(place) for place in np.argsort(-np.asarray(values, float), kind="stable")]
