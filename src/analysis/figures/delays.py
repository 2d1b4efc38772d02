"""How soon a change is noticed: for each number the chance by each window after it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.figures.displays import Figure
from analysis.figures.panels import Panel, draw_panels
from analysis.methods.buckets import Floats


@dataclass(frozen=True)
class Delay:
    """The chance that a change of one number was noticed.

    Attributes:
        name: a slug, for the data.
        title: what the number is called.
        chance: in 0 to 1, by the first, second, … window; the same windows for all of a figure.
    """

    name: str
    title: str
    chance: Floats


def delays_figure(
    name: str,
    delays: Sequence[Delay],
    *,
    shown: int,
    title: str,
    caption: str,
    rests_on: int | None = None,
) -> Figure:
    """A panel for each of the numbers whose changes are noticed soonest, the data of all beside.

    Args:
        name: the figure's slug.
        delays: at least one.
        shown: panels at most.
        title, caption, rests_on: as a figure's.
    """
    ordered = sorted(delays, key=lambda each: -float(each.chance.sum()))
    panels = [_panel(each) for each in ordered[:shown]]
    many = len(ordered[0].chance)
    labels = [_windows(at) for at in range(1, many + 1)]
    steps = [date.fromordinal(at) for at in range(1, many + 1)]  # all as far apart
    svg, _ = draw_panels(panels, labels, steps, ())
    said = [f"{each.title}: {each.verdict}." for each in panels]
    number = f"{len(panels)} panels" if len(panels) > 1 else "One panel"
    alt = f"{number}, each a line that rises from {labels[0]} to {labels[-1]} after the change."
    frame = pd.DataFrame(
        {
            "metric": [each.name for each in ordered for _ in labels],
            "windows": list(range(1, many + 1)) * len(ordered),
            "noticed_share": np.concatenate([each.chance for each in ordered]),
        }
    )
    return Figure(name, title, " ".join([alt, *said]), caption, frame, svg, rests_on)


def _panel(delay: Delay) -> Panel:
    chance, none = delay.chance, np.full(len(delay.chance), np.nan)
    first, last = float(chance[0]), float(chance[-1])
    verdict = f"{_share(first)} within {_windows(1)}, {_share(last)} within {_windows(len(chance))}"
    return Panel(
        delay.name, delay.title, chance, none, none, "share", _share, verdict, scale=(0.0, 1.0)
    )


def _share(value: float) -> str:
    return f"{value:.0%}"


def _windows(count: int) -> str:
    return f"{count} windows" if count > 1 else "1 window"
