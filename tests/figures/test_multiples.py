from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from analysis.figures.breaks import Break
from analysis.figures.multiples import Multiples, describe, multiples_figure
from analysis.figures.panels import Panel


def panel(value: list[float], *, name: str = "rate", wide: float = 0.1) -> Panel:
    array = np.array(value, float)
    return Panel(
        name=name,
        title=name.capitalize(),
        value=array,
        low=array * (1 - wide),
        high=array * (1 + wide),
        unit="share",
        show=lambda number: f"{number:.0%}",
        verdict="no clear change from W0",
    )


def multiples(*panels: Panel) -> Multiples:
    count = len(panels[0].value)
    starts = [date(2026, 1, 5) + timedelta(weeks=i) for i in range(count)]
    labels = [f"W{i}" for i in range(count)]
    return Multiples("made", "Things in Japan", labels, starts, panels, 0.95)


def drawn(made: Multiples) -> ET.Element:
    return ET.fromstring(multiples_figure(made, title="t", caption="c").svg)  # noqa: S314


def texts(root: ET.Element) -> list[str | None]:
    return [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_words_say_what_is_drawn() -> None:
    words = describe(multiples(panel([0.1, 0.3, 0.2]), panel([0.5, 0.5, np.nan], name="other")))
    assert words.startswith("2 panels, each a line with bars: Things in Japan, 3 windows from W0")
    said = "Rate: 20% (95% interval 18% to 22%), no clear change from W0; between 10% and 30%"
    assert said in words
    assert "Other: no value in the last window; between 50% and 50% in the 2 of 3 windows" in words


def test_each_panel_has_its_title_its_number_and_its_scale() -> None:
    found = texts(drawn(multiples(panel([0.1, 0.3, 0.2]), panel([0.5, 0.6, 0.7], name="other"))))
    for text in ("Rate", "Other", "20%", "70%", "W0", "W2"):
        assert text in found


def test_the_data_are_the_numbers_with_their_unit() -> None:
    made = multiples_figure(multiples(panel([0.1, 0.3])), title="t", caption="c")
    assert made.data["value"].tolist() == [0.1, 0.3]
    assert made.data["unit"].unique().tolist() == ["share"]
    assert made.data["start"].tolist() == ["2026-01-05", "2026-01-12"]
    assert made.data["expected_low"].isna().all()


def test_higher_numbers_stand_higher() -> None:
    root = drawn(multiples(panel([0.1, 0.2, 0.4, 0.3])))
    line = next(each for each in root if each.get("stroke-width") == "1.8")
    numbers = [float(x) for x in re.findall(r"[\d.]+", line.attrib["d"])]
    xs, ys = numbers[::2], numbers[1::2]
    assert all(a < b for a, b in pairwise(xs))
    assert np.argsort(ys).tolist() == [2, 3, 1, 0]


def test_a_window_between_gaps_is_a_dash() -> None:
    root = drawn(multiples(panel([0.1, np.nan, 0.4, np.nan, 0.3, 0.2])))
    line = next(each for each in root if each.get("stroke-width") == "1.8").attrib["d"]
    spans = [
        max(xs) - min(xs)
        for run in line.split("M")[1:]
        for xs in [[float(x) for x in re.findall(r"[\d.]+", run)][::2]]
    ]
    assert spans[:2] == pytest.approx([4, 4])
    assert spans[2] > 20


def test_what_was_expected_and_alerts_are_drawn_and_kept() -> None:
    plain = panel([0.1, 0.1, 0.3])
    low, high = np.array([np.nan, 0.08, 0.08]), np.array([np.nan, 0.12, 0.12])
    made = multiples(replace(plain, expected_low=low, expected_high=high, alerts=[2]))
    figure = multiples_figure(made, title="t", caption="c")
    assert figure.data["alert"].tolist() == [False, False, True]
    assert figure.data["expected_high"].tolist()[1:] == [0.12, 0.12]
    marks = next(each for each in drawn(made) if "--series-2" in each.get("fill", ""))
    assert marks.attrib["d"].count("M") == 2  # the diamond and the triangle
    assert [p.side(2) for p in made.panels] == [1]


def test_known_breaks_are_numbered_and_said() -> None:
    made = multiples(replace(panel([0.1, 0.3, 0.2]), breaks=[0]))
    made = replace(made, breaks=[Break(made.starts[1], "a new queue")])
    figure = multiples_figure(made, title="t", caption="c.")
    assert figure.caption == "c. Known breaks: 1: a new queue from 2026-01-12."
    assert figure.alt.endswith("Known breaks: 1: a new queue from 2026-01-12.")
    assert "1" in texts(drawn(made))


def test_one_wide_bar_does_not_flatten_the_line_and_the_cut_is_said() -> None:
    wide = panel([0.1, 0.12, 0.11, 0.13, 0.1, 0.12])
    wide.high[2] = 0.99
    figure = multiples_figure(multiples(wide), title="t", caption="c.")
    assert "is cut" in figure.caption
    assert (
        "is cut" not in multiples_figure(multiples(panel([0.1])), title="t", caption="c.").caption
    )


@pytest.mark.parametrize("value", [[np.nan, np.nan], [0.0, 0.0], [0.2], [np.nan, 0.1], [-0.1, 0.1]])
def test_odd_series_are_drawn(value: list[float]) -> None:
    made = multiples_figure(multiples(panel(value)), title="t", caption="c")
    assert made.svg.startswith("<svg")
    assert "nan" not in made.svg
    assert made.alt


def test_hostile_titles_stay_text() -> None:
    made = multiples(replace(panel([0.1, 0.2]), title="<script>alert(1)</script>"))
    assert "<script>alert(1)</script>" in texts(drawn(made))


def test_small_charts_do_without_matplotlib() -> None:
    """Whose import takes a quarter of a second of each command and of each cold kernel."""
    code = "import sys, analysis.studies.core_metrics; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
