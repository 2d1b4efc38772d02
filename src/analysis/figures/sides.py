"""Shares with their intervals in panels on one scale: who differs, on which side, how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.palette import BLUE, GREY, INK, MUTED, VERMILION, Token
from analysis.figures.style import canvas, to_svg

ROW_HEIGHT, FRAME, HEAD = 25.0, 46.0, 34.0
LABEL = 30


@dataclass(frozen=True)
class Range:
    """One row, as shares in 0 to 1.

    Attributes:
        label: what the row is, cut to 30 characters.
        value, low, high: the share and its interval.
        called: drawn as a square in a colour of its own, not as a dot.
        own: its label is bold.
    """

    label: str
    value: float
    low: float
    high: float
    called: bool = False
    own: bool = False


@dataclass(frozen=True)
class Panel:
    """Rows that are compared with each other.

    Attributes:
        title: what the shares are, with the direction that is worse.
        rows: from the top down.
        middle: the line that they are seen against; None for none.
    """

    title: str
    rows: Sequence[Range]
    middle: float | None


def range_panels(name: str, panels: Sequence[Panel], *, called: str, middle: str) -> str:
    """Panels under each other, on one scale, so that their shares compare.

    Args:
        name: the figure's slug.
        panels: at least one, each with rows.
        called: what a square means.
        middle: what the line means.
    """
    sizes = [len(panel.rows) for panel in panels]
    height = FRAME + sum(ROW_HEIGHT * size + HEAD for size in sizes)
    with canvas(name, height=height) as figure:
        heights = [ROW_HEIGHT * size + HEAD for size in sizes]
        grid = figure.subplots(
            len(panels), 1, squeeze=False, sharex=True, gridspec_kw={"height_ratios": heights}
        )
        for axes, panel in zip(grid[:, 0], panels, strict=True):
            _panel(axes, panel)
        highest = max(row.high for panel in panels for row in panel.rows)
        grid[0, 0].set_xlim(0, 1.03 * highest)
        figure.legend(handles=_handles(called, middle), loc="outside upper left", ncols=3)
        return to_svg(figure)


def _panel(axes: Axes, panel: Panel) -> None:
    for at, row in enumerate(panel.rows):
        token, marker = (VERMILION, "s") if row.called else (BLUE, "o")
        axes.plot([row.low, row.high], [at, at], color=token.light, linewidth=2)
        axes.plot([row.value], [at], color=token.light, marker=marker, markersize=6.5)
    if panel.middle is not None:
        axes.axvline(panel.middle, color=GREY.light, linewidth=1.2, linestyle=(0, (4, 3)), zorder=0)
    labels = [row.label if len(row.label) <= LABEL else row.label[: LABEL - 1] + "…" for row in
              panel.rows]  # fmt: skip
    axes.set_yticks(range(len(labels)), labels)
    for text, row in zip(axes.get_yticklabels(), panel.rows, strict=True):
        text.set_color(INK.light)
        text.set_fontweight("bold" if row.own else "normal")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_title(panel.title, fontsize=11)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.4g}%"))
    axes.tick_params(axis="x", labelcolor=MUTED.light, labelbottom=True)


def _handles(called: str, middle: str) -> list[Line2D]:
    return [
        _handle(BLUE, "o", "share with its interval"),
        _handle(VERMILION, "s", called),
        Line2D([], [], color=GREY.light, linewidth=1.2, linestyle=(0, (4, 3)), label=middle),
    ]


def _handle(token: Token, marker: str, label: str) -> Line2D:
    return Line2D([], [], color=token.light, marker=marker, markersize=6.5, label=label)
