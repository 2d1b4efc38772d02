"""Bars of two parts: lengths as given, the sum in figures, the rest told apart."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.figures import palette, style
from analysis.figures.bars import PartedBar, parted_bars, summed

BARS = [
    PartedBar("Safety", -6.0, -0.2),
    PartedBar("Privacy", 1.5, -2.0),
    PartedBar("Left open", 0, rest=7.1),
]


def drawn(bars: list[PartedBar]) -> str:
    return parted_bars("gap", bars, first="another rate", second="another mix", axis="points")


def test_words_and_sums_are_text() -> None:
    root = ET.fromstring(drawn(BARS))  # noqa: S314
    texts = {node.text for node in root.iter(f"{{{style.SVG}}}text")}
    assert {"Safety", "Privacy", "Left open", "another rate", "another mix", "points"} <= texts
    assert {"−6.2", "−0.5", "+7.1"} <= texts
    assert not any("-" in (text or "") for text in texts)


def test_lengths_are_in_proportion() -> None:
    svg = drawn([PartedBar("one", 2, 0), PartedBar("two", -6, 0)])
    found = re.findall(
        r'<path d="M ([\d.]+) [\d.]+ L ([\d.]+) [^"]*" [^>]*fill="var\(--series-1', svg
    )
    lengths = [abs(float(a) - float(b)) for a, b in found]
    assert lengths[-1] / lengths[-2] == 3 or abs(lengths[1] / lengths[0] - 3) < 0.01


def test_parts_differ_in_more_than_colour_and_the_rest_is_neither() -> None:
    svg = drawn(BARS)
    assert "<pattern" in svg
    assert palette.GREY.css in svg


parts = st.floats(-30, 30).map(lambda part: round(part, 3))


@settings(max_examples=8)
@given(st.lists(st.tuples(parts, parts), min_size=1, max_size=7))
def test_any_signs_can_be_drawn(drawn_parts: list[tuple[float, float]]) -> None:
    bars = [PartedBar(f"row {at}", *both) for at, both in enumerate(drawn_parts)]
    svg = drawn(bars)
    for bar in bars:
        assert f">{summed(bar.total)}</text>" in svg
