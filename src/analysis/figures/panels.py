"""Draws small multiples: a panel for each number, all of them one picture.

The SVG is written as it stands, in the house style's colours and fonts: the lines of all panels are
one path, and so are their bars and bands. matplotlib takes a second for fifty panels, most of it to
lay out text that stands where it is put; this takes some milliseconds, and the page is smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from xml.etree import ElementTree as ET

import numpy as np

from analysis.figures.breaks import Break
from analysis.figures.palette import (
    BLUE,
    FONTS,
    GREY,
    INK,
    LINE,
    MUTED,
    SVG,
    VERMILION,
    WIDTH,
    Token,
)
from analysis.methods.buckets import Floats

COLUMNS, PANEL_HEIGHT = 2, 116.0
#: Of a panel: the room for its title, below its plot, for the axis, and for the marked number.
TITLE, FOOT, AXIS, END, GAP = 22.0, 20.0, 54.0, 66.0, 8.0
#: Half the size of a diamond and of a triangle; from an alert's number to its triangle.
DIAMOND, TRIANGLE, AWAY = 4.5, 4.0, 10.0
#: Of a panel's title: its size, and how wide a bold letter is at most, on average, over its size.
TITLE_SIZE, BOLD = 11.5, 0.62


@dataclass(frozen=True)
class Panel:
    """One number over the windows of a figure.

    Attributes:
        name: a slug, for the data.
        title: what it is called.
        value, low, high: in the number's unit, oldest first; nan where there is none.
        unit: of the values: `share`, `hours`.
        show: a value as a sentence shows it, unit included.
        word: a unit that is a word, as `show` ends with it; it is drawn once, at the title.
        counted: what numbers without a unit are of, such as `per 1,000`; drawn at the title too.
        verdict: what is said of the marked window, a clause.
        expected_low, expected_high: what was expected before each window was seen; empty for none.
        alerts: the places of windows in which the number left what was expected.
        breaks: the places among the figure's breaks that are this number's.
        units: how many each window's number rests on, nan where it is not shown; empty if unknown.
        scale: the ends of the panel's scale; None for one that its line fills.
    """

    name: str
    title: str
    value: Floats
    low: Floats
    high: Floats
    unit: str
    show: Callable[[float], str]
    verdict: str
    word: str = ""
    counted: str = ""
    expected_low: Floats = field(default_factory=lambda: np.empty(0))
    expected_high: Floats = field(default_factory=lambda: np.empty(0))
    alerts: Sequence[int] = ()
    breaks: Sequence[int] = ()
    units: Floats = field(default_factory=lambda: np.empty(0))
    scale: tuple[float, float] | None = None

    @property
    def expected(self) -> tuple[Floats, Floats]:
        """The ends of the expectation, nan where there is none."""
        none = np.full(len(self.value), np.nan)
        return (self.expected_low, self.expected_high) if len(self.expected_low) else (none, none)

    def number(self, value: float) -> str:
        """A value as the picture shows it."""
        return self.show(value).removesuffix(self.word)

    def side(self, at: int) -> int:
        """1 where a window's number lies above the middle of what was expected, else -1."""
        low, high = self.expected
        return 1 if self.value[at] > (low[at] + high[at]) / 2 else -1


def draw_panels(
    panels: Sequence[Panel], labels: Sequence[str], starts: Sequence[date], breaks: Sequence[Break]
) -> tuple[str, bool]:
    """The picture as an SVG, and whether anything was cut to keep lines legible.

    Args:
        panels: in the order of reading.
        labels, starts: of the windows, oldest first.
        breaks: what the panels' `breaks` point into.
    """
    days = np.array(starts, "datetime64[D]").astype(float)
    places = [_place(panel, at, days) for at, panel in enumerate(panels)]
    both = list(zip(panels, places, strict=True))
    root = _picture(-(-len(panels) // COLUMNS) * PANEL_HEIGHT)
    _path(root, map(_frame, places), stroke=LINE, width=0.8)
    _path(root, (_bands(*each) for each in both), fill=GREY, opacity=0.3)
    _path(root, (_bars(*each) for each in both), stroke=BLUE, opacity=0.5)
    _path(root, (_runs(*each) for each in both), stroke=BLUE, width=1.8)
    _path(root, (_marks(*each) for each in both), fill=VERMILION)
    for panel, place in both:
        _words(root, panel, place, labels)
        _breaks(root, panel, place, breaks)
    cut = any(_is_cut(panel, place) for panel, place in both)
    return ET.tostring(root, encoding="unicode"), cut


@dataclass(frozen=True)
class _Place:
    """A panel's plot in the picture, and its scales."""

    left: float
    top: float
    days: Floats
    low: float
    high: float

    @property
    def right(self) -> float:
        return self.left + WIDTH / COLUMNS - AXIS - END

    @property
    def bottom(self) -> float:
        return self.top + PANEL_HEIGHT - TITLE - FOOT - GAP

    @cached_property
    def xs(self) -> Floats:
        """Where the windows stand."""
        return self.x(self.days)

    def x(self, days: Floats) -> Floats:
        """Where days stand; a single window stands at the right end."""
        span = self.days[-1] - self.days[0]
        share = (days - self.days[0]) / span if span else np.ones_like(days)
        found: Floats = self.left + (self.right - self.left) * share
        return found

    def y(self, value: Floats) -> Floats:
        """Heights, held within the panel; nan stays."""
        share = (np.clip(value, self.low, self.high) - self.low) / (self.high - self.low)
        found: Floats = self.bottom - (self.bottom - self.top) * share
        return found


def _place(panel: Panel, at: int, days: Floats) -> _Place:
    row, column = divmod(at, COLUMNS)
    left, top = column * WIDTH / COLUMNS + AXIS, row * PANEL_HEIGHT + TITLE + 4
    return _Place(left, top, days, *(panel.scale or _limits(panel)))


def _limits(panel: Panel) -> tuple[float, float]:
    """A scale that the line fills; one window with few events must not flatten the others."""
    known = panel.value[np.isfinite(panel.value)]
    if not len(known):
        return 0.0, 1.0
    lows, highs = (
        np.concatenate([ends[np.isfinite(ends)] for ends in pair])
        for pair in zip((panel.low, panel.high), panel.expected, strict=True)
    )
    usual = _quantile(highs, 0.9) if len(highs) else known.max()
    top = float(max(known.max(), min(usual, 2 * known.max())))
    floor = _quantile(lows, 0.1) if len(lows) else known.min()
    bottom = float(min(known.min(), floor))
    if 0 <= bottom < 0.6 * top or top == bottom:
        bottom = min(0.0, bottom)
    if top == bottom:  # all of them are zero
        return 0.0, 1.0
    return _round(bottom, top - bottom, np.floor), _round(top, top - bottom, np.ceil)


def _quantile(values: Floats, share: float) -> float:
    """As NumPy's, which takes longer to ask for than to find."""
    places = np.arange(len(values))
    return float(np.interp(share * (len(values) - 1), places, np.sort(values)))


def _round(value: float, span: float, towards: Callable[[float], float]) -> float:
    """An end of a scale at a round number, a twentieth of the span away at most."""
    step = 10 ** np.floor(np.log10(span or 1)) / 2
    return float(towards(round(value / step, 9)) * step)


def _is_cut(panel: Panel, place: _Place) -> bool:
    ends = np.concatenate([panel.low, panel.high, *panel.expected])
    least = 1e-9 * (place.high - place.low)  # rounding is no cut
    return bool(((ends > place.high + least) | (ends < place.low - least)).any())


def _frame(place: _Place) -> str:
    ends = f"{place.left:.1f} {{0:.1f}}H{place.right:.1f}".format
    return f"M{ends(place.top)}M{ends(place.bottom)}"


def _runs(panel: Panel, place: _Place) -> str:
    """The line, broken where there is no value; a single window's is a dash."""
    points, found = np.column_stack([place.xs, place.y(panel.value)]), ""
    for run in _finite(panel.value):
        alone = run.stop - run.start == 1
        found += _line(points[run] + np.array([(-2, 0), (2, 0)]) if alone else points[run])
    return found


def _bars(panel: Panel, place: _Place) -> str:
    low, high = place.y(panel.low), place.y(np.where(np.isnan(panel.high), np.inf, panel.high))
    told = np.isfinite(panel.value) & np.isfinite(panel.low)
    return _written("M%.1f %.1fV%.1f", np.column_stack([place.xs, low, high])[told])


def _bands(panel: Panel, place: _Place) -> str:
    """What was expected; a single window's is a few pixels wide."""
    low, high = (place.y(end) for end in panel.expected)
    found = ""
    for run in _finite(low + high):
        x, lower, upper = place.xs[run], low[run], high[run]
        if len(x) == 1:
            x, lower, upper = np.array([x[0] - 3, x[0] + 3]), lower.repeat(2), upper.repeat(2)
        found += _line(np.column_stack([np.r_[x, x[::-1]], np.r_[lower, upper[::-1]]])) + "z"
    return found


def _finite(values: Floats) -> list[slice]:
    edges = np.flatnonzero(np.diff(np.r_[False, np.isfinite(values), False].astype(int)))
    return [slice(*pair) for pair in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]


def _marks(panel: Panel, place: _Place) -> str:
    """A diamond at the last window, and triangles on the side that alerts left to."""
    points, found = np.column_stack([place.xs, place.y(panel.value)]), ""
    if np.isfinite(panel.value[-1]):
        corners = DIAMOND * np.array([(-1, 0), (0, -1), (1, 0), (0, 1)])
        found += _line(points[-1] + corners) + "z"
    for at in (each for each in panel.alerts if np.isfinite(panel.value[each])):
        sign = panel.side(at)
        corners = TRIANGLE * np.array([(-1, -sign), (1, -sign), (0, sign)])
        found += _line(points[at] - (0, sign * AWAY) + corners) + "z"
    return found


def _line(points: Floats) -> str:
    """A path through points."""
    return "M" + _written("%.1f %.1f ", points).rstrip()


def _written(pattern: str, rows: Floats) -> str:
    """Rows of numbers, each by a pattern."""
    return pattern * len(rows) % tuple(rows.ravel().tolist())


def _words(root: ET.Element, panel: Panel, place: _Place, labels: Sequence[str]) -> None:
    start = place.left - AXIS + 4
    titled = _titled(panel)
    size = min(TITLE_SIZE, (WIDTH / COLUMNS - 12) / (BOLD * len(titled)))
    _text(root, start, place.top - TITLE / 2 + 3, titled, size=size, bold=True)
    if not np.isfinite(panel.value).any():
        _text(root, place.left, (place.top + place.bottom) / 2, "too few to show", token=MUTED)
        return
    for value, y in ((place.high, place.top), (place.low, place.bottom)):
        _text(root, place.left - 5, y + 3, panel.number(value), token=MUTED, anchor="end")
    foot = place.bottom + 14
    _text(root, place.right, foot, labels[-1], token=MUTED, anchor="end")
    if len(labels) > 1:
        _text(root, place.left, foot, labels[0], token=MUTED)
    if np.isfinite(panel.value[-1]):
        number, y = panel.number(panel.value[-1]), float(place.y(panel.value)[-1]) + 4
        _text(root, place.right + 8, y, number, size=11, bold=True)


def _titled(panel: Panel) -> str:
    unit = panel.word.strip() or panel.counted
    return f"{panel.title} ({unit})" if unit else panel.title


def _breaks(root: ET.Element, panel: Panel, place: _Place, breaks: Sequence[Break]) -> None:
    """A dotted line with a number for each known break; the caption says what it was."""
    for at in panel.breaks:
        x = float(place.x(np.array([breaks[at].day], "datetime64[D]").astype(float))[0])
        line = f"M{x:.1f} {place.top:.1f}V{place.bottom:.1f}"
        _path(root, [line], stroke=INK, width=1, dashes="1 2")
        _text(root, x + 3, place.top + 9, str(at + 1), bold=True)


def _picture(height: float) -> ET.Element:
    look = {"role": "img", "font-family": FONTS, "stroke-linejoin": "round"}
    return ET.Element("svg", {"xmlns": SVG, "viewBox": f"0 0 {WIDTH:g} {height:g}", **look})


def _path(
    root: ET.Element,
    parts: Iterable[str],
    *,
    stroke: Token | None = None,
    fill: Token | None = None,
    width: float = 1.1,
    opacity: float = 1,
    dashes: str = "",
) -> None:
    """Many lines, or areas where they are filled, as one path."""
    d = "".join(parts)
    if not d:
        return
    look = {"d": d, "fill": "none" if fill is None else fill.css}
    if stroke is not None:
        look |= {"stroke": stroke.css, "stroke-width": f"{width:g}"}
    if opacity < 1:
        look["opacity"] = f"{opacity:g}"
    if dashes:
        look["stroke-dasharray"] = dashes
    ET.SubElement(root, "path", look)


def _text(
    root: ET.Element,
    x: float,
    y: float,
    words: str,
    *,
    size: float = 10,
    token: Token = INK,
    bold: bool = False,
    anchor: str = "start",
) -> None:
    look = {"x": f"{x:.1f}", "y": f"{y:.1f}", "font-size": f"{size:g}", "fill": token.css}
    if bold:
        look["font-weight"] = "bold"
    if anchor != "start":
        look["text-anchor"] = anchor
    ET.SubElement(root, "text", look).text = words
