"""The site for readers outside: every count rounded to ten, beside the site for those within.

Rounding comes on top of suppression and hides how exact counts are, so that two publications can't
be subtracted to the last person (Hundepool et al. 2012, section 4.5). What says a count in words is
said anew from the rounded number; a figure that drew counts leaves its data as a table.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from analysis.project import Project
from analysis.report.bundles import (
    SVG_TYPE,
    figure_bundle,
    figure_table,
    finding_bundle,
    table_bundle,
)
from analysis.report.cells import Data, FigureWords, TableWords, whole
from analysis.report.disclosed import outputs_of, sheet_of, typed_of
from analysis.report.page import data_files, render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord, findings_of, records
from analysis.report.regions import read_notebook
from analysis.report.site import SiteSummary, publish
from analysis.safeguards.disclosure.sheets import counts_something_else
from analysis.studies.findings import Finding

BASE = 10
FOLDER = "reports-external"
#: Counts in words: with a comma, or before the noun that they count.
_COUNT = re.compile(
    r"(?<![\d.,/:W-])(?:\d{1,3}(?:,\d{3})+|\d{2,}(?= [a-z]))(?![\d%]|[.,:-]\d)(?=(?: ([a-z]+))?)"
)
#: Where an SVG says places and lengths, and numbers there that are finer than a pixel.
_PLACES = re.compile(r'(\s(?:d|points|transform|[cdr]?[xy][12]?|r|width|height)=)("[^"]*")')
_FRACTION = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


@dataclass(frozen=True)
class Outside(Project):
    """The same project with the site for readers outside."""

    @property
    def reports(self) -> Path:
        return self.root / FOLDER


def publish_outside(project: Project) -> SiteSummary:
    """Builds the site for readers outside from the one for those within, anew each time.

    Args:
        project: whose site it is; its own site is left as it is.
    """
    outside = Outside(project.root)
    shutil.rmtree(outside.reports, ignore_errors=True)
    for folder, record in records(project.reports):
        _write(outside, project, folder, record)
    return publish(outside)


def _write(outside: Outside, project: Project, folder: Path, record: RunRecord) -> None:
    place = outside.reports / record.identity
    (place / DATA).mkdir(parents=True)
    notebook = read_notebook(folder) if record.status == "done" else None
    # What a run replaced compares exact numbers.
    record = record.model_copy(update={"replaced": None})
    if notebook is not None:
        round_notebook(notebook)
        record = record.model_copy(update={"findings": findings_of(notebook)})
        (place / NOTEBOOK).write_text(json.dumps(notebook, ensure_ascii=False), encoding="utf-8")
        for name, text in data_files(notebook).items():
            (place / DATA / name).write_text(text, encoding="utf-8")
    page = render(notebook, record, site_title=project.settings.title, locale=record.locale)
    (place / PAGE).write_text(page, encoding="utf-8")
    (place / RECORD).write_text(record.model_dump_json(indent=1), encoding="utf-8")


def round_notebook(notebook: NotebookNode) -> None:
    """Rounds every count that an executed notebook shows; it is changed."""
    for output in outputs_of(notebook):
        if output.output_type == "stream":
            output.text = in_words(output.text)
            continue
        data = output.get("data")
        if data is None:
            continue
        new = _bundle(data)
        data.clear()
        data.update(new)


def _bundle(data: Any) -> dict[str, Any]:
    typed = typed_of(data)
    if isinstance(typed, Finding):
        return finding_bundle(_finding(typed))
    if isinstance(typed, TableWords):
        said = {"caption": in_words(typed.caption), "note": in_words(typed.note)}
        return table_bundle(typed.model_copy(update={**said, "data": _rounded(typed)}))
    if isinstance(typed, FigureWords):
        if sheet_of(typed).counts:
            return figure_table(typed, _rounded(typed))
        spoken = {key: in_words(getattr(typed, key)) for key in ("title", "alt", "caption")}
        words = typed.model_copy(update={**spoken, "data": _rounded(typed)})
        return figure_bundle(words, coarse(whole(data.get(SVG_TYPE, ""))), in_words)
    return {
        kind: in_words(value) if kind == "text/plain" and isinstance(value, str) else value
        for kind, value in data.items()
    }


def _rounded(typed: FigureWords | TableWords) -> Data:
    """Counts to ten, rates to three figures: a rate in full gives its count back."""
    sheet = sheet_of(typed)
    counts = dict(sheet.counted())
    rows = [
        [_cell(value, counts.get((row, at))) for at, value in enumerate(values)]
        for row, values in enumerate(sheet.rows)
    ]
    return Data(columns=list(sheet.keys), rows=rows)


def _cell(value: Any, count: int | None) -> Any:
    if count is not None:
        rounded = to_base(count)
        return f"{rounded:,}" if isinstance(value, str) else rounded
    if isinstance(value, float):
        return float(f"{value:.3g}")
    return in_words(value) if isinstance(value, str) else value


def coarse(svg: str) -> str:
    """A picture drawn to half a pixel, from which no height is read more exactly than the data say
    it: a few thousandths of an axis.

    >>> coarse('<path d="M 57.28 -86.04 L 110.14 200"/><text x="3.74">2.13</text>')
    '<path d="M 57.5 -86 L 110 200"/><text x="3.5">2.13</text>'
    """

    def half(number: re.Match[str]) -> str:
        return f"{round(2 * float(number[0])) / 2:g}"

    return _PLACES.sub(lambda part: part[1] + _FRACTION.sub(half, part[2]), svg)


def to_base(count: float) -> int:
    """A count rounded to ten, half up.

    >>> to_base(14), to_base(15), to_base(1204), to_base(0)
    (10, 20, 1200, 0)
    """
    return int((count + BASE / 2) // BASE * BASE)


def in_words(text: str) -> str:
    """A text whose counts are rounded; years, windows, shares and small numbers stay.

    >>> in_words("1,204 draws and 57 posts in 2026-W10, 12.5% over 26 windows")
    '1,200 draws and 60 posts in 2026-W10, 12.5% over 26 windows'
    """

    def said(match: re.Match[str]) -> str:
        if counts_something_else(match[1] or ""):
            return match[0]
        return f"{to_base(int(match[0].replace(',', ''))):,}"

    return _COUNT.sub(said, text)


def _finding(finding: Finding) -> Finding:
    words = {
        "sample": in_words(finding.sample),
        "text": in_words(finding.text),
        "notes": tuple(map(in_words, finding.notes)),
    }
    others = tuple(
        each.model_copy(update={"text": in_words(each.text), **_numbers(each, finding.unit)})
        for each in finding.comparisons
    )
    own = _numbers(finding, finding.unit)
    return finding.model_copy(update={**words, **own, "comparisons": others})


def _numbers(of: Any, unit: str) -> dict[str, float | None]:
    """The numbers of a finding or a comparison, rounded as their unit is."""
    names = [name for name in ("value", "low", "high", "difference") if hasattr(of, name)]
    found = {name: getattr(of, name) for name in names}
    if unit == "count":
        return {name: None if n is None else float(to_base(n)) for name, n in found.items()}
    return {name: None if n is None else float(f"{n:.3g}") for name, n in found.items()}
