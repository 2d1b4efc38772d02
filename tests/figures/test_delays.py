"""The chance that a change is noticed, drawn and in words."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.figures.delays import Delay, delays_figure

LATE = Delay("late", "Late", np.array([0.0, 0.1, 0.3]))
SOON = Delay("soon", "Soon", np.array([0.5, 0.9, 1.0]))


def test_the_soonest_come_first_and_the_data_hold_all() -> None:
    figure = delays_figure("delays", [LATE, SOON], shown=1, title="T", caption="C", rests_on=1000)
    assert figure.alt == (
        "One panel, each a line that rises from 1 window to 3 windows after the change. "
        "Soon: 50% within 1 window, 100% within 3 windows."
    )
    rows = figure.data.to_dict("records")
    assert rows[0] == {"metric": "soon", "windows": 1, "noticed_share": 0.5}
    assert rows[-1] == {"metric": "late", "windows": 3, "noticed_share": pytest.approx(0.3)}
    assert figure.rests_on == 1000
    drawn = re.findall(r">([^<]+)</text>", figure.svg)
    assert "Soon" in drawn
    assert "Late" not in drawn


def test_all_panels_have_one_scale() -> None:
    figure = delays_figure("delays", [LATE, SOON], shown=6, title="T", caption="C")
    drawn = re.findall(r">([^<]+)</text>", figure.svg)
    # The ends of both scales, and the last value of the one that reaches it.
    assert drawn.count("100%") == 3
    assert drawn.count("0%") == 2
