"""The findings of all runs as one table: its columns, its rows, and what a spreadsheet may do."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analysis.project import Project
from analysis.report.data import HIDDEN_START, defuse
from analysis.report.findings_table import COLUMNS, CSV, PARQUET, SCHEMA, write_findings
from analysis.report.record import RECORD
from analysis.report.site import publish
from analysis.report.summary import summaries
from samples import HOSTILE, calm, code, finding, notebook, put, put_hostile, record

W09 = {"window": "2026-W09", "start": date(2026, 2, 23), "end": date(2026, 3, 2)}


def written(reports: Path) -> list[dict[str, str]]:
    write_findings(reports, summaries(reports))
    with (reports / CSV).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def lean(reports: Path, **changes: object) -> None:
    put(reports, record(**changes), notebook(code("pass")))


def test_a_row_is_a_finding_with_its_run_and_its_first_comparison(tmp_path: Path) -> None:
    lean(tmp_path, variant="strict")
    rows = written(tmp_path)
    assert [row["finding"] for row in rows] == ["violative_view_rate", "overturn_rate"]
    first = rows[0]
    assert (first["study"], first["market"], first["window"]) == ("core_metrics", "JP", "2026-W10")
    assert (first["variant"], first["start"], first["end"]) == (
        "strict",
        "2026-03-02",
        "2026-03-09",
    )
    assert (first["value"], first["unit"], first["verdict"]) == ("0.0017", "share", "up")
    assert (first["compared_with"], first["difference_low"]) == ("2026-W09", "0.0001")
    assert (first["headline"], first["comparisons"]) == ("true", "1")


def test_columns_and_types_are_as_declared_and_each_has_its_meaning(
    project: Project,
) -> None:
    lean(project.reports)
    publish(project)
    table = pq.read_table(project.reports / PARQUET)
    assert table.schema.equals(SCHEMA)
    with (project.reports / CSV).open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == SCHEMA.names
    said = (project.reports / "findings.html").read_text(encoding="utf-8")
    for column in COLUMNS:
        assert f"<code>{column.name}</code>" in said
        assert f"<code>{column.type}</code>" in said
        assert len(column.meaning) > 10


def test_a_suppressed_number_is_empty(tmp_path: Path) -> None:
    hidden = finding(value=None, low=None, high=None, comparisons=(), verdict="unclear")
    lean(tmp_path, findings=(hidden,))
    (row,) = written(tmp_path)
    assert [row[name] for name in ("value", "low", "high", "difference", "compared_with")] == [
        ""
    ] * 5


def test_only_changed_runs_are_read_and_the_files_are_as_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lean(tmp_path)
    lean(tmp_path, **W09)
    lean(tmp_path, market="DE", market_name="Germany")
    written(tmp_path)
    assert not write_findings(tmp_path, summaries(tmp_path))
    gone = tmp_path / "core_metrics/DE/2026-W10"
    (gone / RECORD).unlink()
    again = tmp_path / "core_metrics/JP/2026-W09"
    changed = record(**W09, findings=(calm(),))
    (again / RECORD).write_text(changed.model_dump_json(), encoding="utf-8")
    lean(tmp_path, variant="strict")
    runs = summaries(tmp_path)
    read: list[Path] = []
    real = type(changed).read
    monkeypatch.setattr(type(changed), "read", lambda folder: read.append(folder) or real(folder))
    assert write_findings(tmp_path, runs)
    assert [folder.name for folder in read] == ["2026-W09", "2026-W10@strict"]
    step = (tmp_path / CSV).read_text(encoding="utf-8")
    (tmp_path / PARQUET).unlink()
    assert write_findings(tmp_path, runs)
    assert (tmp_path / CSV).read_text(encoding="utf-8") == step
    assert step.count("\n") == 1 + 2 + 1 + 2


def test_a_broken_or_older_file_is_made_anew(tmp_path: Path) -> None:
    lean(tmp_path)
    rows = written(tmp_path)
    (tmp_path / PARQUET).write_bytes(b"PAR1 broken")
    assert written(tmp_path) == rows
    pq.write_table(pq.read_table(tmp_path / PARQUET).drop_columns(["key"]), tmp_path / PARQUET)
    assert written(tmp_path) == rows


def test_no_hostile_text_is_a_formula_in_a_spreadsheet(tmp_path: Path) -> None:
    put_hostile(tmp_path)
    rows = written(tmp_path)
    assert len(rows) == 2 * len(HOSTILE)
    titles = {row["title"] for row in rows}
    assert titles == {defuse(text) for text in HOSTILE}
    for row in rows:
        for name in ("title", "text", "sample", "market_name", "compared_with"):
            assert not row[name].lstrip(HIDDEN_START).startswith(tuple("=+-@\t\r\n＝＋－＠")), row[
                name
            ]
