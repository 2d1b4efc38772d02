"""Small multiples: many numbers over the same windows, each in a panel with a scale of its own.

`panels` draws them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.figures.breaks import Break
from analysis.figures.displays import Figure
from analysis.figures.panels import Panel, draw_panels
from analysis.methods.buckets import Floats

_NUMBERS = ("value", "low", "high", "units", "expected_low", "expected_high")


@dataclass(frozen=True)
class Multiples:
    """What a figure of small multiples is made from; the last window is the one in question.

    Attributes:
        name: the figure's slug.
        subject: what the numbers have in common, such as `Exposure in Japan`.
        labels: of the windows, oldest first.
        starts: their first days.
        panels: in the order of reading, at least one.
        confidence: of the bars.
        breaks: what changed meanwhile, in the order of its days.
    """

    name: str
    subject: str
    labels: Sequence[str]
    starts: Sequence[date]
    panels: Sequence[Panel]
    confidence: float
    breaks: Sequence[Break] = ()

    @property
    def known(self) -> str:
        """The known breaks in words, numbered as in the picture; empty for none."""
        if not self.breaks:
            return ""
        listed = (f"{at}: {each.what} from {each.day}" for at, each in enumerate(self.breaks, 1))
        return f"Known breaks: {'; '.join(listed)}."

    def frame(self) -> pd.DataFrame:
        """The data behind the picture, a row for each number and window."""
        many, panels = len(self.labels), self.panels
        columns: dict[str, list[Floats]] = {name: [] for name in _NUMBERS}
        for panel in panels:
            units = panel.units if len(panel.units) else np.full(many, np.nan)
            numbers = (panel.value, panel.low, panel.high, units, *panel.expected)
            for name, values in zip(_NUMBERS, numbers, strict=True):
                columns[name].append(values)
        return pd.DataFrame(
            {
                "metric": [panel.name for panel in panels for _ in self.labels],
                "unit": [panel.unit for panel in panels for _ in self.labels],
                "window": list(self.labels) * len(panels),
                "start": [f"{day}" for day in self.starts] * len(panels),
                **{name: np.concatenate(values) for name, values in columns.items()},
                "alert": [place in panel.alerts for panel in panels for place in range(many)],
            }
        )


def multiples_figure(made: Multiples, *, title: str, caption: str) -> Figure:
    """The picture with its words; the alternative text is made from the same numbers."""
    svg, cut = draw_panels(made.panels, made.labels, made.starts, made.breaks)
    if cut:
        caption += " What leaves a panel is cut; the data have its ends."
    caption = f"{caption} {made.known}".strip()
    return Figure(made.name, title, describe(made), caption, made.frame(), svg)


def describe(made: Multiples) -> str:
    """What the figure shows, for those who do not see it."""
    span = f"{len(made.labels)} windows from {made.labels[0]} to {made.labels[-1]}"
    if len(made.labels) == 1:
        span = f"the window {made.labels[0]}"
    number = f"{len(made.panels)} panels, each" if len(made.panels) > 1 else "One panel,"
    parts = [f"{number} a line with bars: {made.subject}, {span}."]
    parts += [_told(panel, made.confidence) for panel in made.panels]
    return " ".join([*parts, made.known]).strip()


def _told(panel: Panel, confidence: float) -> str:
    if not np.isfinite(panel.value).any():
        return f"{panel.title}: too few to show."
    start, shown = f"{panel.title}: no value in the last window", np.isfinite(panel.value)
    if shown[-1]:
        ends = _ends(panel.show, panel.low[-1], panel.high[-1])
        said = f"{panel.show(panel.value[-1])} ({confidence:.0%} interval {ends})"
        start = f"{panel.title}: {said}, {panel.verdict}"
        if shown.sum() == 1:
            return f"{start}; no other window is shown."
    lowest, highest = (panel.show(float(f(panel.value))) for f in (np.nanmin, np.nanmax))
    where = "all" if shown.all() else f"the {shown.sum()} of {len(shown)} windows that are shown"
    return f"{start}; between {lowest} and {highest} in {where}."


def _ends(show: Callable[[float], str], low: float, high: float) -> str:
    return f"from {show(low)}" if not np.isfinite(high) else f"{show(low)} to {show(high)}"
