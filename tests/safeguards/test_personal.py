"""Who somebody is and where something lies is masked and counted; numbers and dates are left."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from nbformat.v4 import new_output

from analysis.figures.displays import Column
from analysis.report.guarded import guard
from analysis.report.page import data_files, render
from analysis.safeguards.personal import Masker, holds_ids
from analysis.warehouse import TABLES
from samples import code, figure, notebook, picture, record, show, table

MASKED = {
    "e-mail": (
        "ann@example.org",
        "a.b+c@mail.example.co.uk",
        "ann (at) example.org",
        "x＠example.jp",
    ),
    "phone": ("+81 90-1234-5678", "+4930123456", "(555) 123-4567", "555-123-4567", "03-1234-5678"),
    "handle": ("@ann_b", "@日本_taro", "＠somebody", "@a.b.c1"),
    "path": (
        *("/home/ann/x.csv", "/Users/ann/Library", "C:\\Users\\ann\\x", "~/notes/x", "/tmp/x/y"),  # noqa: S108
        *("file:///home/ann", "\\\\server\\share\\x"),
    ),
    "id": ("12345678901234567", "-9223372036854775808", "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"),
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in MASKED.items() for text in texts]
)
def test_masked(kind: str, text: str) -> None:
    masker = Masker()
    assert masker(f"it was {text}, then") == f"it was [{kind}], then"
    assert masker.found == {kind: 1}
    assert masker(f"it was [{kind}], then") == f"it was [{kind}], then"


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-02..2026-03-09", "2026-W10@strict", "10,240 of 1,204", "0.0017 to 0.0019"),
        *(
            "2026-02-07 00:00:00+00:00",
            "+0.03 points",
            "+12.5%",
            "a/b and 1/2",
            "src/analysis/x.py",
        ),
        *("https://example.org/home/x", "0.12345678901234567", "9,876,543,210", "24/7", "p < 0.05"),
        *("0f1e2d3c4b5a6978", "120 345 6789", "2023-Q3 @ 5", "core_metrics/JP/2026-W10"),
    ],
)
def test_left(text: str) -> None:
    assert Masker()(text) == text


def test_every_id_of_every_table_is_known() -> None:
    ids = {name for each in TABLES.values() for name in each.columns if name.endswith("_id")}
    assert len(ids) > 9
    assert all(holds_ids(name) and holds_ids(f"top {name}") for name in ids)
    assert not any(holds_ids(name) for name in ("market", "views", "policy", "paid", "label"))


def test_ids_never_reach_a_report() -> None:
    frame = pd.DataFrame({"creator_id": [11, 12], "reports": [700, 500], "who": [2**62, 2**61]})
    columns = (
        Column("creator_id", "Creator"),
        Column("reports", "R", "count"),
        Column("who", "Who"),
    )
    titled = (Column("creator_id", "rater_id"), *columns[1:])
    shown = [table("a", frame=frame, columns=columns), table("b", frame=frame, columns=titled)]
    kept, withheld = guard(notebook(code("x", *show(*shown))))
    html = render(kept, record(withheld=withheld), site_title="s")
    assert withheld.personal == {"id": 8}
    for text in (html, json.dumps(kept), *data_files(kept).values()):
        assert str(2**62) not in text
    assert data_files(kept)["a.csv"].splitlines()[1] == "[id],700,[id]"
    assert "8 e-mail addresses, phone numbers, account names, ids or paths are masked" in html


def test_texts_of_content_never_reach_a_report() -> None:
    """Of a table, a figure's picture and its data, whatever frame they were made from."""
    words = "a text that nobody should meet unasked"
    frame = pd.DataFrame({"comment_text": [words], "reports": [700]})
    columns = (Column("comment_text", "Said"), Column("reports", "R", "count"))
    drawn = figure("b", data=frame, svg=picture().replace("</svg>", f"<text>{words}</text></svg>"))
    kept, withheld = guard(
        notebook(code("x", *show(table("a", frame=frame, columns=columns), drawn)))
    )
    html = render(kept, record(withheld=withheld), site_title="s")
    for text in (html, json.dumps(kept), *data_files(kept).values()):
        assert words not in text
    assert data_files(kept)["a.csv"].splitlines()[1] == "[text of 38 characters],700"
    assert "Left out: texts of content." in html


FOREIGN = {
    "application/javascript": "alert(1)",
    "text/html": "<script>alert(1)</script>",
    "application/vnd.jupyter.widget-view+json": {"model_id": "x"},
    "image/svg+xml": "<svg onload=alert(1)>",
    "image/png": "aWNl",
    "image/jpeg": "aWNl",
    "application/pdf": "aWNl",
    "text/latex": "$x$",
    "text/markdown": "[x](javascript:alert(1))",
    "application/vnd.plotly.v1+json": {"data": []},
    "application/geo+json": {},
    "<script>alert(1)</script>": "x",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_types_that_are_not_ours_are_dropped_with_a_note(kind: str) -> None:
    output = new_output("display_data", data={kind: FOREIGN[kind], "text/plain": "<Thing at 0x1>"})
    given = notebook(code("x", output))
    given.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    kept, withheld = guard(given)
    html = render(kept, record(withheld=withheld), site_title="s")
    name = kind if "/" in kind and "<" not in kind else "another type"
    assert withheld.kinds == (name,)
    assert f"Left out: {name}." in html
    saved = json.dumps(kept)
    assert "alert" not in saved
    assert "widgets" not in kept.metadata
    assert kept.cells[0].outputs[0].data.keys() == {
        "application/vnd.analysis.left-out+json",
        "text/plain",
    }


def test_what_hides_in_a_display_of_ours_is_dropped() -> None:
    (output,) = show(table())
    output.data["text/html"] = "<script>alert(1)</script>"
    output.data["application/javascript"] = "alert(1)"
    output.metadata["x"] = "alert(1)"
    kept, _ = guard(notebook(code("x", output)))
    assert "alert" not in json.dumps(kept)
    assert "<table>" in kept.cells[0].outputs[0].data["text/html"]
