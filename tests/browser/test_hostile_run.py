"""A notebook that shows hostile strings in every way a kernel can: run, published, opened."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from browsing import Tab
from samples import HOSTILE
from tiny import make_tiny

TEXTS = [text for text in HOSTILE if "\x00" not in text]
#: The cell: each string as table, figure, finding, print, and as every foreign type of output.
BODY = """
import html, json, pathlib
import pandas as pd
from IPython.display import HTML, SVG, Javascript, Markdown, display
from analysis.figures.displays import Column, Figure, Table
from analysis.studies.findings import Finding

texts = json.loads(pathlib.Path(TEXTS).read_text())
frame = pd.DataFrame({"policy": texts, "n": range(1000, 1000 + len(texts))})
columns = (Column("policy", texts[1]), Column("n", texts[2], "count"))
display(Table("every", texts[0], frame, columns))
for at, text in enumerate(texts):
    words = {"title": text, "text": text, "sample": text, "notes": (text,)}
    display(Finding(name=f"f{at}", value=1.0, unit="hours", headline=at < 3, **words))
    print(text)
    for kind in (HTML, Javascript, Markdown):
        display(kind(text))
    widget = {"application/vnd.jupyter.widget-view+json": {"a": text}}
    display({text: text, "text/html": text, **widget}, raw=True)
    if at % 10 == 0:
        inside = f'<text onclick="pwned=1">{html.escape(text)}</text><script>pwned=1</script>'
        drawn = f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
        display(SVG(drawn))
        display(Figure(text, text, text, text, frame[["policy"]][at : at + 1], drawn))
"""
STATE = """() => [window.pwned === undefined,
    document.querySelectorAll('iframe,object,embed,base,form,meta[http-equiv=refresh]').length,
    [...document.querySelectorAll('*')].flatMap(e => [...e.attributes])
        .filter(a => /^on/.test(a.name) || /^\\s*javascript:/i.test(a.value)).length]"""


def test_a_run_of_hostile_strings_is_published_and_runs_nothing(tab: Tab, tmp_path: Path) -> None:
    assert len(TEXTS) >= 150
    given = tmp_path / "texts.json"
    given.write_text(json.dumps(TEXTS), encoding="utf-8")
    made = make_tiny(
        tmp_path, markets="[JP]", weeks=1, body=BODY.replace("TEXTS", repr(str(given)))
    )
    assert "1 runs: 1 done" in made.study("run", "tiny")
    run = made.project.reports / "tiny" / "JP" / "2026-W01"
    pages = [run / "report.html", *made.project.reports.glob("by-*/*.html")]
    for path in [*pages, made.project.reports / "index.html"]:
        page = tab.open(path)
        assert page.evaluate(STATE) == [True, 0, 0], path.name
        assert tab.refused == []
        assert all(asked.startswith("file:") for asked in tab.asked)
    assert tab.complaints == []
    with (run / "data" / "every.csv").open(newline="") as lines:
        cells = [row[0] for row in csv.reader(lines)][1:]
    assert len(cells) == len(TEXTS)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    notebook = json.loads((run / "notebook.ipynb").read_text(encoding="utf-8"))
    shown = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    kinds = {kind for output in shown for kind in output.get("data", ())}
    ours = "application/vnd.analysis."
    assert {each for each in kinds if not each.startswith(ours)} <= {
        "text/plain",
        "text/html",
        "image/svg+xml",
    }
    pictures = [output["data"]["image/svg+xml"] for output in shown if _drawn(output)]
    assert len(pictures) >= len(TEXTS) // 10
    assert not [svg for svg in pictures if "script" in svg.split(">")[1] or "onclick=" in svg]


def _drawn(output: dict[str, Any]) -> bool:
    return "image/svg+xml" in output.get("data", {})
