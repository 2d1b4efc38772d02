"""Shares that end within a time, as curves with their bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from analysis.figures.palette import INK, MUTED, SERIES
from analysis.figures.style import DASHES, band, canvas, to_svg

HEIGHT = 300.0
#: Hours at which the axis may be marked, and how they are said.
MARKS = {
    1 / 60: "1 min", 1 / 6: "10 min", 1.0: "1 h", 4.0: "4 h", 24.0: "1 day", 72.0: "3 days",
    168.0: "1 week", 672.0: "4 weeks",
}  # fmt: skip


@dataclass(frozen=True)
class Curve:
    """One curve: shares in 0 to 1 with their interval, by hours; nan beyond what was seen."""

    label: str
    hours: np.ndarray
    share: np.ndarray
    low: np.ndarray
    high: np.ndarray


def curves(name: str, drawn: Sequence[Curve], *, limit: float, says: str) -> str:
    """Curves over time on a logarithmic axis.

    Args:
        name: the figure's slug.
        drawn: at most six.
        limit: hours at which a vertical line stands.
        says: what the line is.
    """
    with canvas(name, height=HEIGHT) as figure:
        axes = figure.subplots()
        for curve, token, dash in zip(drawn, SERIES, DASHES, strict=False):
            band(axes, curve.hours, curve.low, curve.high, token)
            axes.plot(
                curve.hours, curve.share, color=token.light, linestyle=dash, label=curve.label
            )
        axes.axvline(limit, color=MUTED.light, linewidth=1, linestyle=(0, (2, 2)))
        axes.annotate(says, (limit, 0.03), xytext=(4, 0), textcoords="offset points",
                      fontsize=9, color=INK.light)  # fmt: skip
        _frame(axes, drawn)
        figure.legend(loc="outside upper left", ncols=2)
        return to_svg(figure)


def _frame(axes: Axes, drawn: Sequence[Curve]) -> None:
    axes.set_xscale("log")
    low = min(float(curve.hours[0]) for curve in drawn)
    high = max(float(curve.hours[-1]) for curve in drawn)
    axes.set_xlim(low, high)
    marks = [hours for hours in MARKS if low <= hours <= high]
    axes.xaxis.set_major_locator(FixedLocator(marks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: _mark(at)))
    axes.set_xlabel("time waited")
    axes.set_ylabel("decided by then")
    axes.set_ylim(0, 1.02)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.4g}%"))


def _mark(hours: float) -> str:
    return MARKS[min(MARKS, key=lambda each: abs(each - hours))]
