"""Numbers of core_metrics whose window is still filling, in words and in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.displays import Column, Table

if TYPE_CHECKING:
    from analysis.studies.core_metrics import Measured


def still_filling(measured: Measured) -> list[Table]:
    """A table of them; none where every number is final."""
    rows = [_row(measured, name) for name in measured.provisional]
    if not rows:
        return []
    confidence = measured.study.parameters.confidence
    columns = (
        Column("title", "Metric"),
        Column("value", "Now"),
        Column("rests", "Rests on"),
        Column("final", f"Will end in ({confidence:.0%} interval)"),
        Column("on", "Final on"),
    )
    note = (
        "Where a number will end comes from what the same first days of windows before gave and "
        "what came of them (chain ladder; Hertig 1985, Mack 1993); where no day is known yet, from "
        "the newest window that is final and how far final numbers moved over as many windows (on "
        "simulated data 90 to 95 of 100 weeks ended within such 95% intervals). A dash: too few "
        "windows before are final."
    )
    caption = f"Numbers that will still move: {measured.study.market.name}, {measured.study.window}"
    least = measured.study.rules.base  # a row goes with its finding
    return [Table("provisional", caption, pd.DataFrame(rows), columns, note, rests_on=least)]


def _row(measured: Measured, name: str) -> dict[str, str]:
    words, found = measured.words(name), measured.provisional[name]
    value = measured.series[name].value(0)
    return {
        "title": words.metric.title,
        "value": "–" if value is None else words.scale.short(value),
        "rests": f"{found.days} of {found.of} days",
        "final": words.ending() or "–",
        "on": f"{found.final_on}",
    }
