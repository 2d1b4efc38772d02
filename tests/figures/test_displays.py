"""What a notebook shows carries its words and its data, and no text in it is markup."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display
from IPython.utils.capture import capture_output

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.shapes import FIGURE, TABLE, TITLE, show

HOSTILE = "<script>alert(1)</script>"


def figure() -> Figure:
    data = pd.DataFrame({"week": ["2026-W10"], "share": [0.25]})
    return Figure("rate", f"A rate {HOSTILE}", "It is 25%.", "Source: made up.", data, "<svg/>")


@pytest.mark.parametrize(
    ("value", "shape", "text"),
    [
        (1234567, "count", "1,234,567"),
        (0.5, "share", "50.0%"),
        (0.0017, "share", "0.170%"),
        (0.0, "share", "0.0%"),
        (np.float64(0.25), "share", "25.0%"),
        (np.int64(3), "count", "3"),
        (12.345, "number", "12.3"),
        (float("nan"), "share", "–"),
        (None, "count", "–"),
        ("text", "count", "text"),
    ],
)
def test_values_as_readers_see_them(value: object, shape: str, text: str) -> None:
    assert show(value, shape) == text  # type: ignore[arg-type]  # shapes come from the table


def test_a_figure_shows_its_title_then_its_picture() -> None:
    InteractiveShell.instance()
    with capture_output() as shown:
        display(figure())
    title, picture = (output.data for output in shown.outputs)
    assert title[TITLE] == {"name": "rate"}
    assert HOSTILE not in title["text/html"]
    assert picture["image/svg+xml"] == "<svg/>"
    assert picture[FIGURE]["alt"] == "It is 25%."
    assert picture[FIGURE]["data"] == {"columns": ["week", "share"], "rows": [["2026-W10", 0.25]]}


def test_a_tables_payload_is_plain_json_and_its_html_is_escaped() -> None:
    frame = pd.DataFrame(
        {
            "policy": [HOSTILE, "spam"],
            "n": np.array([3, 4], dtype="int64"),
            "day": pd.to_datetime(["2026-03-02", None]),
            "hidden": [1, 2],
        }
    )
    columns = (Column("policy", "Policy"), Column("n", "Items", "count"), Column("day", "Day"))
    bundle = Table("items", "Items by policy", frame, columns)._repr_mimebundle_()
    payload = json.loads(json.dumps(bundle[TABLE]))
    assert payload["data"]["columns"] == ["policy", "n", "day"]
    assert payload["data"]["rows"][1] == ["spam", 4, None]
    assert HOSTILE not in bundle["text/html"]
    assert "hidden" not in json.dumps(bundle)


def test_a_table_is_displayed_as_the_bundle_that_it_is() -> None:
    InteractiveShell.instance()
    table = Table("items", "Items", pd.DataFrame({"n": [1]}), (Column("n", "Items", "count"),))
    with capture_output() as shown:
        display(table)
    assert [output.data for output in shown.outputs] == [table._repr_mimebundle_()]
