"""A funnel: shares by how much they rest on, within limits for units that are like the average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import BLUE, GREY, INK, MUTED, VERMILION
from analysis.figures.style import canvas, to_svg

HEIGHT = 330.0
Values = Sequence[float] | np.ndarray


@dataclass(frozen=True)
class FunnelDrawing:
    """What a funnel is drawn from; shares in 0 to 1.

    Attributes:
        sizes, shares: of the units.
        shrunk: of the units, after shrinkage.
        outside: units beyond the outer limits.
        labels: names beside the dots; empty texts for units that are not named.
        average: the line in the middle.
        at: the sizes at which limits are given.
        inner, outer: low and high limits.
        across, up: what the axes measure.
    """

    sizes: Values
    shares: Values
    shrunk: Values
    outside: Sequence[bool]
    labels: Sequence[str]
    average: float
    at: Values
    inner: tuple[Values, Values]
    outer: tuple[Values, Values]
    across: str
    up: str


def funnel_plot(name: str, drawn: FunnelDrawing, *, unit: str) -> str:
    """The funnel as an SVG; `unit` is what a dot is called."""
    with canvas(name, height=HEIGHT) as figure:
        axes = figure.subplots()
        for limits, style in ((drawn.inner, (0, (3, 2))), (drawn.outer, "-")):
            for end in limits:
                axes.plot(drawn.at, end, color=GREY.light, linewidth=1.2, linestyle=style)
        axes.axhline(drawn.average, color=MUTED.light, linewidth=1)
        _units(axes, drawn)
        axes.set_xlabel(drawn.across)
        axes.set_ylabel(drawn.up)
        axes.set_ylim(bottom=-0.01)
        axes.margins(x=0.03)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.4g}%"))
        figure.legend(handles=_handles(unit), loc="outside upper left", ncols=3)
        return to_svg(figure)


def _units(axes: Axes, drawn: FunnelDrawing) -> None:
    columns = (drawn.sizes, drawn.shares, drawn.shrunk, drawn.outside, drawn.labels)
    for size, share, shrunk, outside, label in zip(*columns, strict=True):
        token, marker = (VERMILION, "s") if outside else (BLUE, "o")
        axes.plot([size, size], [share, shrunk], color=token.light, linewidth=0.8)
        axes.plot([size], [share], color=token.light, marker=marker, markersize=6, zorder=3)
        axes.plot([size], [shrunk], color=token.light, marker="_", markersize=9, zorder=3)
        if label:
            axes.annotate(
                label,
                (size, share),
                xytext=(6, 4),
                textcoords="offset points",
                fontsize=9,
                color=INK.light,
            )


def _handles(unit: str) -> list[Line2D]:
    blank: dict[str, object] = {"linestyle": ""}
    return [
        Line2D([], [], color=BLUE.light, marker="o", label=unit, **blank),  # type: ignore[arg-type]  # keywords
        Line2D([], [], color=VERMILION.light, marker="s", label="outside the funnel", **blank),  # type: ignore[arg-type]  # keywords
        Line2D([], [], color=BLUE.light, marker="_", label="after shrinkage", **blank),  # type: ignore[arg-type]  # keywords
        Line2D([], [], color=MUTED.light, linewidth=1, label="average"),
        Line2D([], [], color=GREY.light, linestyle=(0, (3, 2)), label="95% of units like it"),
        Line2D([], [], color=GREY.light, label="99.8%"),
    ]
