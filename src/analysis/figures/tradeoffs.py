"""How one quantity falls or rises with another: a line for each of a few choices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import INK, SERIES
from analysis.figures.style import DASHES, MARKERS, canvas, to_svg

HEIGHT = 320.0


@dataclass(frozen=True)
class Tradeoff:
    """One choice: its label and its points, in the units of the axes."""

    label: str
    across: Sequence[float]
    up: Sequence[float]


def tradeoffs(
    name: str,
    lines: Sequence[Tradeoff],
    *,
    across: str,
    up: str,
    show_across: Callable[[float], str],
    show_up: Callable[[float], str],
    marked: float | None = None,
) -> str:
    """Lines with points, distinguished by colour, dash and marker; both axes begin at zero.

    Args:
        name: the figure's slug.
        lines: at most six.
        across, up: what the axes measure, with units.
        show_across, show_up: a value as its axis shows it.
        marked: a place on the horizontal axis to mark.
    """
    with canvas(name, height=HEIGHT) as figure:
        axes = figure.subplots()
        for place, line in enumerate(lines):
            axes.plot(
                line.across,
                line.up,
                color=SERIES[place].light,
                linestyle=DASHES[place],
                marker=MARKERS[place],
                label=line.label,
            )
        if marked is not None:
            axes.axvline(marked, color=INK.light, linewidth=1, linestyle=(0, (1, 2)))
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(7))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: show_across(x)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: show_up(y)))
        figure.legend(loc="outside upper left", ncols=2)
        return to_svg(figure)
