"""Where one stands among many: a row of dots for each measure, each on a scale of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import BLUE, GREY, INK, LINE, MUTED
from analysis.figures.style import canvas, to_svg

ROW_HEIGHT, FRAME = 84.0, 44.0


@dataclass(frozen=True)
class DotRow:
    """One measure, as shares in 0 to 1.

    Attributes:
        label: of the measure, at most about 30 characters a line.
        value: of the one that the chart is about.
        others: every other value.
        half: the quartiles of the others.
        expected: the range for one more like the others, where there are enough of them.
    """

    label: str
    value: float
    others: Sequence[float]
    half: tuple[float, float]
    expected: tuple[float, float] | None


def dot_rows(name: str, rows: Sequence[DotRow], *, own: str, expected: str) -> str:
    """A strip of dots for each measure, the one in question marked by a diamond and its number.

    Args:
        name: the figure's slug.
        rows: at least one.
        own: what the diamond is called.
        expected: what the range of `DotRow.expected` is called.
    """
    with canvas(name, height=FRAME + ROW_HEIGHT * len(rows)) as figure:
        panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
        for axes, row in zip(panels, rows, strict=True):
            _row(axes, row)
        figure.legend(handles=_handles(own, expected), loc="outside upper left", ncols=4)
        return to_svg(figure)


def _row(axes: Axes, row: DotRow) -> None:
    axes.axvspan(*row.half, ymin=0.12, ymax=0.76, color=LINE.light, linewidth=0, zorder=0)
    if row.expected:
        axes.plot(row.expected, [0, 0], color=MUTED.light, marker="|", markersize=11, linewidth=1)
    sns.swarmplot(x=np.asarray(row.others), ax=axes, color=GREY.light, size=3.4, warn_thresh=1)
    axes.plot(row.value, 0, color=BLUE.light, marker="D", markersize=8, zorder=9, linestyle="")
    axes.annotate(
        f"{row.value:.1%}",
        (row.value, 0),
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        color=INK.light,
        fontweight="bold",
        fontsize=10,
        zorder=10,
    )
    _frame(axes, row.label)


def _frame(axes: Axes, label: str) -> None:
    # A swarm is at most 0.8 of this scale wide: room for about ten equal values.
    axes.set_ylim(0.45, -0.6)
    axes.set_yticks([0], [label])
    axes.tick_params(axis="y", labelcolor=INK.light)
    axes.set_xlabel("")
    axes.margins(x=0.04)
    axes.grid(visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))


def _handles(own: str, expected: str) -> list[Line2D | Patch]:
    return [
        Line2D([], [], color=BLUE.light, marker="D", markersize=8, linestyle="", label=own),
        Line2D([], [], color=GREY.light, marker="o", linestyle="", label="another market"),
        Patch(color=LINE.light, label="half of the others"),
        Line2D([], [], color=MUTED.light, marker="|", markersize=11, linewidth=1, label=expected),
    ]
