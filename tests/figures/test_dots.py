"""A row of dots for each measure: every market once, the one in question by shape and number."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from analysis.figures import palette, style
from analysis.figures.dots import DotRow, dot_rows

ROWS = [
    DotRow(
        label="Removed before\nany report",
        value=0.849,
        others=[0.9 + n / 500 for n in range(40)],
        half=(0.92, 0.96),
        expected=(0.85, 0.99),
    ),
    DotRow(
        label="Removed of all\npublished",
        value=0.014,
        others=[0.004, 0.006, 0.006, 0.008, 0.033],
        half=(0.006, 0.008),
        expected=None,
    ),
]


def drawn(rows: list[DotRow]) -> str:
    return dot_rows("standing", rows, own="Japan", expected="usual range")


def test_it_shows_every_value_and_says_its_own() -> None:
    svg = drawn(ROWS)
    texts = [node.text for node in ET.fromstring(svg).iter(f"{{{style.SVG}}}text")]  # noqa: S314
    assert {"Japan", "another market", "half of the others", "usual range"} <= set(texts)
    assert {"84.9%", "1.4%"} <= set(texts)
    assert not [text for text in texts if re.fullmatch(r"\d+\.0+%", text or "")]
    marks = re.findall(r"<use [^>]*" + re.escape(palette.GREY.css), svg)
    assert len(marks) == 40 + 5 + 1  # and one in the legend


def test_dots_of_equal_values_do_not_hide_each_other() -> None:
    svg = drawn([DotRow("one", 0.5, [0.4] * 10, (0.4, 0.4), None)])
    places = re.findall(r'<use x="([\d.]+)" y="([\d.]+)" fill="var\(--series-6', svg)
    assert len(set(places)) == 11


def test_it_is_small_and_the_same_each_time() -> None:
    rows = [ROWS[0]] * 5
    assert drawn(rows) == drawn(rows)
    assert len(drawn(rows)) < 60_000


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_scale(value: float) -> None:
    assert f"{value:.1%}" in drawn([DotRow("end", value, [0.5] * 6, (0.5, 0.5), (0.4, 0.6))])
