"""The charts of moderation quality: what is drawn is what was given, whatever it is called."""

from __future__ import annotations

import re

import numpy as np
import pytest

from analysis.figures.curves import Curve, curves
from analysis.figures.funnels import FunnelDrawing, funnel_plot
from analysis.figures.palette import BLUE, VERMILION
from analysis.figures.sides import Panel, Range, range_panels

HOSTILE = "<script>alert(1)</script> $x^2$ with a long tail of a name"


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


def test_panels_share_a_scale_and_mark_what_is_called() -> None:
    rows = [
        Range("French", 0.58, 0.56, 0.60, called=True, own=True),
        Range("Dutch", 0.1, 0.08, 0.3),
    ]
    other = [Range(HOSTILE, 0.05, 0.0, 0.9)]
    panels = [Panel("first", rows, 0.3), Panel("second", other, None)]
    svg = range_panels("panels", panels, called="called", middle="the middle")
    said = texts(svg)
    assert {"French", "Dutch", "first", "second", "called"} <= set(said)
    assert "<script" not in svg
    assert any(text.endswith("…") for text in said)
    assert said.count("80%") == 2  # both panels reach the widest interval
    assert svg.count(VERMILION.css) > 0


def test_a_funnel_names_only_what_it_is_given_a_name_for() -> None:
    at = np.array([10.0, 100.0])
    drawn = FunnelDrawing(
        [20.0, 90.0], [0.1, 0.5], [0.12, 0.45], [False, True], ["", HOSTILE], 0.15, at,
        ([0.0, 0.1], [0.3, 0.2]), ([0.0, 0.05], [0.5, 0.25]), "labels", "wrong",
    )  # fmt: skip
    svg = funnel_plot("funnel", drawn, unit="a team")
    said = texts(svg)
    assert {"labels", "wrong", "a team", "after shrinkage", "99.8%"} <= set(said)
    assert "<script" not in svg
    assert BLUE.css in svg


@pytest.mark.parametrize("limit", [1.0, 24.0])
def test_curves_say_their_axis_in_time_and_end_where_nothing_is_known(limit: float) -> None:
    hours = np.geomspace(0.1, 672, 20)
    share = np.where(hours < 100, hours / 200, np.nan)
    drawn = [Curve("reports", hours, share, share / 2, share * 1.5)]
    said = texts(curves("curve", drawn, limit=limit, says=f"{limit:g} hours"))
    assert {"1 h", "1 day", "1 week", "time waited", f"{limit:g} hours"} <= set(said)
    assert "100%" in said
