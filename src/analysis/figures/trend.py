"""A number over consecutive windows, its interval as a band, one window marked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.figures.breaks import Break
from analysis.figures.displays import Figure
from analysis.figures.palette import BLUE, INK, MUTED, VERMILION
from analysis.figures.style import band, canvas, to_svg

HEIGHT = 250.0


@dataclass(frozen=True)
class Trend:
    """What a trend chart is made from.

    Attributes:
        name: the figure's slug.
        subject: what the number is and where, such as `Violative view rate in Japan`.
        labels: of the windows, oldest first.
        starts: their first days.
        value, low, high: in the number's unit; nan where there is none.
        unit: of the values, for the column names of the data: `share`, `hours`.
        show: a value as an axis and a sentence show it, unit included.
        confidence: of the band.
        marked: the place of the window that the page is about.
        breaks: what changed meanwhile, in the order of its days.
        rests_on: the least number that a value rests on.
    """

    name: str
    subject: str
    labels: Sequence[str]
    starts: Sequence[date]
    value: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    unit: str
    show: Callable[[float], str]
    confidence: float
    marked: int
    breaks: Sequence[Break] = ()
    rests_on: int | None = None

    @property
    def known(self) -> str:
        """The breaks in words, numbered as in the chart; empty without any."""
        said = (f"{at}: {each.what} from {each.day}" for at, each in enumerate(self.breaks, 1))
        return f"Known breaks: {'; '.join(said)}." if self.breaks else ""

    def frame(self) -> pd.DataFrame:
        """The numbers behind the chart, one row a window."""
        columns = {
            "window": list(self.labels),
            "start": [day.isoformat() for day in self.starts],
            f"value_{self.unit}": list(self.value),
            f"low_{self.unit}": list(self.low),
            f"high_{self.unit}": list(self.high),
        }
        return pd.DataFrame(columns)


def trend_figure(trend: Trend, *, title: str, caption: str) -> Figure:
    """The chart with its words; the alternative text is made from the same numbers."""
    with canvas(trend.name, height=HEIGHT) as figure:
        axes = figure.subplots()
        cut = draw_trend(axes, trend)
        svg = to_svg(figure)
    if cut:
        caption += " Where the band leaves the chart it is cut; the data have its ends."
    caption = f"{caption} {trend.known}".strip()
    said, least = describe(trend), trend.rests_on
    return Figure(trend.name, title, said, caption, trend.frame(), svg, rests_on=least)


def describe(trend: Trend) -> str:
    """What the chart shows, for those who do not see it."""
    value = np.asarray(trend.value, float)
    span = f"{trend.labels[0]} to {trend.labels[-1]}"
    if not np.isfinite(value).any():
        return f"{trend.subject}, {span}: no values."
    lowest, highest = int(np.nanargmin(value)), int(np.nanargmax(value))
    parts = [f"Line with a band: {trend.subject}, {len(value)} windows from {span}."]
    if np.isfinite(value[trend.marked]):
        ends = f"{trend.show(trend.low[trend.marked])} to {trend.show(trend.high[trend.marked])}"
        percent = f"{trend.confidence:.0%} interval"
        shown = trend.show(value[trend.marked])
        parts.append(f"{trend.labels[trend.marked]}: {shown} ({percent} {ends}).")
    parts.append(f"Lowest {trend.show(value[lowest])} in {trend.labels[lowest]},")
    parts.append(f"highest {trend.show(value[highest])} in {trend.labels[highest]}.")
    missing = int(np.isnan(value).sum())
    if missing:
        parts.append(f"No value in {missing} window{'s' if missing > 1 else ''}.")
    return " ".join([*parts, trend.known]).strip()


def draw_trend(axes: Axes, trend: Trend) -> bool:
    """Draws a trend into axes; says whether the band was cut to keep the line legible."""
    days = np.array(trend.starts, "datetime64[D]")
    value, low, high = (np.asarray(x, float) for x in (trend.value, trend.low, trend.high))
    band(axes, days, low, high)
    axes.plot(days, value, color=BLUE.light, marker="o", markersize=3.5)
    top = _limits(axes, value, low, high)
    _mark(axes, trend, days, value)
    _breaks(axes, trend.breaks)
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: trend.show(y)))
    axes.margins(x=0.04)
    return bool(np.nanmax(high, initial=-np.inf) > top)


def _limits(axes: Axes, value: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """An axis that the line fills; one window with few events must not flatten the others."""
    known = value[np.isfinite(value)]
    if not len(known):
        return np.inf
    usual = np.nanquantile(high, 0.8) if np.isfinite(high).any() else known.max()
    top = float(max(known.max() * 1.15, min(usual * 1.1, known.max() * 3)))
    bottom = float(np.nanmin(low)) if np.isfinite(low).any() else float(known.min())
    axes.set_ylim(0 if bottom < 0.6 * top else bottom - 0.05 * (top - bottom), top or 1.0)
    return top


def _mark(axes: Axes, trend: Trend, days: np.ndarray, value: np.ndarray) -> None:
    at = trend.marked
    axes.axvline(days[at], color=MUTED.light, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0)
    if not np.isfinite(value[at]):
        return
    axes.plot(days[at : at + 1], value[at : at + 1], "D", color=VERMILION.light, markersize=7)
    right = at > len(value) * 0.75
    # Beside the line, not on it: below where the line comes down from the left.
    low, high = axes.get_ylim()
    falls = right and value[at - 1] > value[at] > low + 0.2 * (high - low)
    axes.annotate(
        f"{trend.labels[at]}: {trend.show(value[at])}",
        (days[at], value[at]),
        xytext=(-8 if right else 8, -16 if falls else 9),
        textcoords="offset points",
        ha="right" if right else "left",
        color=INK.light,
        fontweight="bold",
    )


def _breaks(axes: Axes, breaks: Sequence[Break]) -> None:
    """A dotted line with a number for each known break; the caption says what it was."""
    for at, each in enumerate(breaks, 1):
        day = np.datetime64(each.day, "D")
        axes.axvline(day, color=INK.light, linewidth=1, linestyle=(0, (1, 2)), zorder=1)  # type: ignore[arg-type]  # dates too
        axes.annotate(
            str(at),
            (day, 0.98),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            va="top",
            fontweight="bold",
        )
