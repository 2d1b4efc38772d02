"""A page that looks as if it held a secret does not stay in the site."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_output

from analysis.project import Project
from analysis.report import holding
from analysis.report.guarded import guard
from analysis.report.holding import NOTE, look_through
from analysis.report.page import data_files, render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord, findings_of
from analysis.report.site import publish
from planted import KINDS
from samples import code, notebook, record


def leave(project: Project, market: str = "JP") -> Path:
    """A finished run as the runner leaves it."""
    kept, withheld = guard(notebook())
    made = record(market=market, findings=findings_of(kept), withheld=withheld)
    folder = project.reports / made.identity
    (folder / DATA).mkdir(parents=True)
    (folder / NOTEBOOK).write_text(nbformat.writes(kept))
    (folder / PAGE).write_text(render(kept, made, site_title="s"))
    (folder / RECORD).write_text(made.model_dump_json())
    for name, text in data_files(kept).items():
        (folder / DATA / name).write_text(text)
    return folder


def in_notebook(folder: Path, text: str) -> str:
    path = folder / NOTEBOOK
    given = nbformat.read(path, 4)
    given.cells.append(code("x", new_output("stream", name="stdout", text=text)))
    nbformat.write(given, path)
    return f"notebook.ipynb, cell {len(given.cells)}, output 1"


def in_page(folder: Path, text: str) -> str:
    path = folder / PAGE
    path.write_text(path.read_text().replace("</main>", f"<p>{text}</p></main>"))
    return "report.html, line "


def in_csv(folder: Path, text: str) -> str:
    (folder / DATA / "by_policy.csv").write_text(f"policy\n{text}\n")
    return "data/by_policy.csv, line 2"


@pytest.mark.parametrize("plant", [in_notebook, in_page, in_csv])
@pytest.mark.parametrize("kind", ["AWS key id", "GitHub token", "password in a URL"])
def test_it_is_held_back_and_says_where_it_is_and_not_what(
    project: Project, kind: str, plant: object
) -> None:
    calm, folder = leave(project, "DE"), leave(project)
    assert publish(project).held == ()
    text, value = KINDS[kind]()
    where = plant(folder, text)  # type: ignore[operator]
    (line,) = publish(project).held
    assert line.startswith("core_metrics/JP/2026-W10 is held back: ")
    assert where in line
    site = [path for path in project.reports.rglob("*") if path.is_file()]
    assert all(value.encode() not in path.read_bytes() for path in site)
    assert value not in line
    kept = RunRecord.read(folder)
    assert kept is not None
    assert (kept.status, kept.findings, kept.parameters) == ("failed", (), {})
    assert sorted(path.name for path in folder.iterdir()) == [PAGE, RECORD]
    held = project.data / "held" / "core_metrics" / "JP" / "2026-W10"
    assert any(value.encode() in path.read_bytes() for path in held.rglob("*") if path.is_file())
    assert held.stat().st_mode & 0o077 == 0
    untouched = RunRecord.read(calm)
    assert untouched is not None
    assert untouched.status == "done"
    assert publish(project).held == ()  # said once; the page says it from now on


def test_what_its_worker_looked_through_is_not_looked_through_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = leave(project)
    look_through(project, folder, record(market="JP"))
    assert (folder / NOTE).exists()
    with monkeypatch.context() as patched:
        patched.setattr(holding, "scan_page", pytest.fail)
        assert publish(project).held == ()
        assert publish(project).held == ()
    assert not (folder / NOTE).exists()


def test_a_workers_word_is_taken_for_what_it_saw_alone(project: Project) -> None:
    folder = leave(project)
    look_through(project, folder, record(market="JP"))
    in_notebook(folder, KINDS["GitHub token"]()[0])
    assert len(publish(project).held) == 1
    other = leave(project, "DE")
    in_notebook(other, KINDS["GitHub token"]()[0])
    look_through(project, other, record(market="DE"))
    assert not (other / NOTE).exists()
    assert len(publish(project).held) == 1


def test_what_a_person_allows_is_let_through(project: Project) -> None:
    folder = leave(project)
    in_notebook(folder, KINDS["GitHub token"]()[0])
    (line,) = publish(project).held
    digest = line.split("(")[1].split(")")[0]
    settings = project.params / "project.yaml"
    settings.write_text(settings.read_text() + f"\nnot_secrets: [{digest}]\n")
    held = project.data / "held" / "core_metrics" / "JP" / "2026-W10"
    for path in list(held.iterdir()):
        target = folder / path.name
        if target.is_file():
            target.unlink()
        path.rename(target)
    assert publish(Project(project.root)).held == ()
    assert json.loads((folder / RECORD).read_text())["status"] == "done"
