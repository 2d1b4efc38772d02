"""The site for readers outside: no exact count in any file of it."""

from __future__ import annotations

import re

import nbformat
import pandas as pd

from analysis.figures.displays import Column, Figure, Table
from analysis.project import Project
from analysis.report.audience import FOLDER, publish_outside
from analysis.report.guarded import guard
from analysis.report.page import data_files, render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord, findings_of
from analysis.safeguards.disclosure import Rules
from samples import code, finding, notebook, picture, record, show

EXACT = (1204, 733, 471)


def run(project: Project) -> None:
    """A finished run whose numbers are exact."""
    counts = pd.DataFrame({"policy": ["Spam", "Hate"], "reports": [733, 471]})
    rates = pd.DataFrame({"window": ["2026-W09", "2026-W10"], "value": [733 / 1204, 0.5123456]})
    columns = (Column("policy", "Policy"), Column("reports", "Reports", "count"))
    told = finding(
        "reports", title="Reports", text="1,204 reports, 733 reports of spam.", value=1204.0,
        low=None, high=None, unit="count", sample="1,204 reports",
        comparisons=(), notes=("Of 471 posts.",),
    )  # fmt: skip
    shown = [
        Table("by_policy", "By policy: 1,204 reports", counts, columns, "733 reports of spam."),
        Figure("bars", "733 reports of spam", "Bars: 733, 471.", "x", counts, picture()),
        Figure("rates", "Rates", "A line.", "x", rates, picture()),
        told,
    ]
    kept, withheld = guard(notebook(code("x", *show(*shown))), None, Rules())
    made = record(findings=findings_of(kept), withheld=withheld)
    folder = project.reports / made.identity
    (folder / DATA).mkdir(parents=True)
    (folder / NOTEBOOK).write_text(nbformat.writes(kept))
    (folder / PAGE).write_text(render(kept, made, site_title="s"))
    (folder / RECORD).write_text(made.model_dump_json())
    for name, text in data_files(kept).items():
        (folder / DATA / name).write_text(text)


def test_no_file_of_it_holds_an_exact_count(project: Project) -> None:
    run(project)
    before = {path: path.read_bytes() for path in project.reports.rglob("*") if path.is_file()}
    summary = publish_outside(project)
    outside = project.root / FOLDER
    assert summary.index == outside / "index.html"
    assert {path: path.read_bytes() for path in before} == before
    files = [
        path
        for path in outside.rglob("*")
        if path.is_file() and path.suffix not in {".js", ".parquet"}
    ]
    assert len(files) > 5
    for path in files:
        text = re.sub(
            r"sha256-[^']*|<svg.*?</svg>|\"svg[^\n]*", "", path.read_text(), flags=re.DOTALL
        )
        for count in EXACT:
            for shown in (f"{count}", f"{count:,}"):
                assert not re.search(rf"(?<![\d.,]){shown}(?![\d])", text), (path.name, shown)
    folder = outside / "core_metrics" / "JP" / "2026-W10"
    assert (folder / DATA / "by_policy.csv").read_text().splitlines() == [
        "policy,reports",
        "Spam,730",
        "Hate,470",
    ]
    assert "0.609\n" in (folder / DATA / "rates.csv").read_text().replace("\r", "")
    page = (folder / PAGE).read_text()
    assert page.count("<svg") == 1  # the one that drew no count
    places = re.findall(r' (?:d|x|y|width|height)="([^"]*)"', page.split("<svg", 1)[1])
    fractions = {each for part in places for each in re.findall(r"\d+\.(\d+)", part)}
    assert places
    assert fractions <= {"5"}  # drawn to half a pixel: no height tells more than the data do
    kept = RunRecord.read(folder)
    assert kept is not None
    assert kept.findings[0].value == 1200
    assert kept.findings[0].text == "1,200 reports, 730 reports of spam."
