from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from analysis.figures.breaks import Break
from analysis.figures.trend import Trend, describe, trend_figure


def trend(value: list[float], *, wide: float = 0.1, marked: int = -1) -> Trend:
    array = np.array(value, float)
    starts = [date(2026, 1, 5) + timedelta(weeks=i) for i in range(len(value))]
    return Trend(
        name="trend_rate",
        subject="Rate in Japan",
        labels=[f"W{i}" for i in range(len(value))],
        starts=starts,
        value=value,
        low=(array * (1 - wide)).tolist(),
        high=(array * (1 + wide)).tolist(),
        unit="share",
        show=lambda number: f"{number:.0%}",
        confidence=0.95,
        marked=marked % len(value),
    )


def test_the_words_say_what_is_drawn() -> None:
    words = describe(trend([0.1, 0.3, 0.2]))
    assert "3 windows from W0 to W2" in words
    assert "W2: 20% (95% interval 18% to 22%)" in words
    assert "Lowest 10% in W0" in words
    assert "highest 30% in W1" in words
    assert "No value" not in words


def test_missing_windows_are_said_and_leave_gaps() -> None:
    made = trend_figure(trend([0.1, np.nan, 0.2]), title="A title", caption="A caption.")
    assert "No value in 1 window." in made.alt
    assert made.data["value_share"].isna().sum() == 1
    assert made.caption == "A caption."


def test_the_data_are_the_numbers_with_their_unit() -> None:
    made = trend_figure(trend([0.1, 0.3]), title="t", caption="c")
    assert list(made.data) == ["window", "start", "value_share", "low_share", "high_share"]
    assert made.data["value_share"].tolist() == [0.1, 0.3]
    assert made.data["start"].tolist() == ["2026-01-05", "2026-01-12"]


def test_the_picture_is_an_svg_with_the_marked_windows_number() -> None:
    made = trend_figure(trend([0.1, 0.3, 0.2]), title="t", caption="c")
    root = ET.fromstring(made.svg)  # noqa: S314
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "W2: 20%" in texts


def test_the_same_numbers_give_the_same_picture() -> None:
    first, second = (trend_figure(trend([0.1, 0.3]), title="t", caption="c") for _ in range(2))
    assert first.svg == second.svg


def test_one_wide_band_does_not_flatten_the_line_and_the_cut_is_said() -> None:
    found = trend([0.1, 0.12, 0.11, 0.13, 0.1, 0.12])
    high = list(found.high)
    high[2] = 0.99
    cut = Trend(**{**found.__dict__, "high": high})
    assert "it is cut" in trend_figure(cut, title="t", caption="c").caption
    assert "it is cut" not in trend_figure(found, title="t", caption="c").caption


@pytest.mark.parametrize("value", [[np.nan, np.nan], [0.0, 0.0], [0.2]])
def test_odd_series_are_drawn_without_a_warning(value: list[float]) -> None:
    made = trend_figure(trend(value), title="t", caption="c")
    assert made.svg.startswith("<svg")
    assert made.alt


def test_known_breaks_are_drawn_numbered_and_said() -> None:
    plain = trend([0.1, 0.3, 0.2, 0.2])
    day = plain.starts[2]
    broken = replace(plain, breaks=[Break(day, "a new queue")])
    drawn, bare = (trend_figure(each, title="t", caption="c.") for each in (broken, plain))
    said = f"Known breaks: 1: a new queue from {day}."
    assert drawn.caption == f"c. {said}"
    assert drawn.alt.endswith(said)
    assert drawn.svg.count("<text") == bare.svg.count("<text") + 1
    assert "Known breaks" not in bare.alt
