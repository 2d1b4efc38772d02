"""What every kernel of a run does again the first time, done once before they are forked.

Where studies draw with matplotlib, fonts are found and their letters measured, tables of glyphs and
dates made: a tenth of a second for the first chart of a process. Nothing is kept but what
matplotlib keeps for any chart.
"""

from __future__ import annotations

import sys
from datetime import date

DRAWS = "analysis.figures.style"


def rehearse() -> None:
    """Draws a chart as studies do, where what draws was imported for them."""
    if DRAWS not in sys.modules:
        return
    from analysis.figures.trend import Trend, trend_figure

    days = [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)]
    trend = Trend(
        name="rehearsal",
        subject="Rehearsal",
        labels=[day.isoformat() for day in days],
        starts=days,
        value=[0.1, 0.2, 0.3],
        low=[0.05, 0.1, 0.2],
        high=[0.15, 0.3, 0.4],
        unit="share",
        show="{:.1%}".format,
        confidence=0.95,
        marked=2,
    )
    trend_figure(trend, title="", caption="")
