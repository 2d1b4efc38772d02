"""A difference taken apart: two parts a row, stacked from zero, and where they end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import BLUE, GREY, INK, MUTED, OCHRE
from analysis.figures.style import canvas, to_svg

ROW_HEIGHT, FRAME = 34.0, 84.0


@dataclass(frozen=True)
class PartedBar:
    """One row: its label and its two parts, each of either sign, in percentage points.

    A `rest` is what neither part explains; it is drawn in grey, and stands in a row of its own.
    """

    label: str
    first: float
    second: float = 0.0
    rest: float = 0.0

    @property
    def total(self) -> float:
        return self.first + self.second + self.rest


def parted_bars(name: str, bars: Sequence[PartedBar], *, first: str, second: str, axis: str) -> str:
    """Horizontal bars of two parts that may pull opposite ways, with their sum in figures.

    Args:
        name: the figure's slug.
        bars: from the top down.
        first, second: what the parts are called.
        axis: what the horizontal axis measures.
    """
    with canvas(name, height=FRAME + ROW_HEIGHT * len(bars)) as figure:
        axes = figure.subplots()
        _parts(axes, bars, first=first, second=second)
        _sums(axes, bars)
        axes.axvline(0, color=INK.light, linewidth=1)
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
        axes.tick_params(axis="y", labelcolor=INK.light)
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(axis)
        axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: points(x)))
        figure.legend(handles=_handles(first, second), loc="outside upper left", ncols=2)
        return to_svg(figure)


def points(value: float) -> str:
    """Percentage points with their sign, a true minus, and no more figures than they need.

    >>> points(-1.50), points(0), points(2.0)
    ('−1.5', '0', '+2')
    """
    if abs(value) < 1e-9:
        return "0"
    return f"{value:+.2f}".rstrip("0").rstrip(".").replace("-", "−")


def summed(value: float) -> str:
    """A row's sum to a tenth of a point.

    >>> summed(-6.24), summed(-0.04), summed(1.8)
    ('−6.2', '0.0', '+1.8')
    """
    rounded = round(value, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def _parts(axes: Axes, bars: Sequence[PartedBar], *, first: str, second: str) -> None:
    one, two = (np.array([getattr(bar, part) for bar in bars]) for part in ("first", "second"))
    # The second part goes on from the first where both pull the same way, else from zero.
    start = np.where(np.sign(one) == np.sign(two), one, 0)
    rows = range(len(bars))
    axes.barh(rows, one, height=0.62, color=BLUE.light, label=first)
    hatched: dict[str, Any] = {
        "color": OCHRE.light,
        "hatch": "////",
        "edgecolor": INK.light,
        "linewidth": 0,
    }
    axes.barh(rows, two, left=start, height=0.62, label=second, **hatched)
    axes.barh(rows, [bar.rest for bar in bars], height=0.3, color=GREY.light)


def _sums(axes: Axes, bars: Sequence[PartedBar]) -> None:
    """The sum of each row beside the end of its bar, on the side that it points to."""
    for at, bar in enumerate(bars):
        parts = (bar.first, bar.second, bar.rest)
        right = bar.total >= 0
        reach = sum(p for p in parts if (p > 0) == right and p != 0)
        axes.annotate(
            summed(bar.total),
            (reach, at),
            xytext=(5 if right else -5, 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=10,
            fontweight="bold",
        )
    low, high = axes.get_xlim()
    room = 0.1 * (high - low)
    axes.set_xlim(low - room, high + room)
    axes.tick_params(axis="x", labelcolor=MUTED.light)


def _handles(first: str, second: str) -> list[Patch]:
    return [
        Patch(color=BLUE.light, label=first),
        Patch(facecolor=OCHRE.light, hatch="////", edgecolor=INK.light, linewidth=0, label=second),
    ]
