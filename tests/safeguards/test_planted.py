"""Secrets planted where runs show things: none comes back in the notebook, page, CSV or record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from xml.sax.saxutils import escape, quoteattr

import nbformat
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_output

from analysis.figures.displays import Column
from analysis.report.guarded import Gate, guard
from analysis.report.page import data_files, render
from analysis.report.record import findings_of
from analysis.safeguards.scanning import scan_notebook, scan_page, scan_text
from analysis.safeguards.secrets import Redactor, redact, secrets_file
from planted import ENVIRONMENT, KINDS, Secret
from samples import code, figure, finding, notebook, record, show, table


def _in_a_table(text: str) -> NotebookNode:
    frame = pd.DataFrame({"policy": [text], "decisions": [20]})
    return code(
        "x", *show(table(frame=frame, columns=(Column("policy", "P"), Column("decisions", "D"))))
    )


def _in_an_error(text: str) -> NotebookNode:
    lines = ["Traceback", f"ValueError: {text}"]
    return code("x", new_output("error", ename="ValueError", evalue=text, traceback=lines))


def _in_a_drawing(text: str) -> NotebookNode:
    """In a comment, an attribute that a page keeps and one that it drops, a text, a title."""
    said = quoteattr(text)
    comment = "" if "--" in text else text
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg"><!-- {comment} --><title>{escape(text)}</title>'
        f"<text font-family={said} data-note={said}>{escape(text)}<tspan/>{escape(text)}</text>"
        "</svg>"
    )
    return code("x", *show(figure(svg=drawn)))


PLACES: dict[str, Callable[[str], NotebookNode]] = {
    "printed": lambda text: code("x", new_output("stream", name="stderr", text=f"log: {text}\n")),
    "returned": lambda text: code(
        "x",
        new_output(
            "execute_result", data={"text/plain": text, "text/html": text}, metadata={"a": text}
        ),
    ),
    "traceback": _in_an_error,
    "table": _in_a_table,
    "finding": lambda text: code("x", *show(finding(text=text, notes=(text,), sample=text))),
    "drawing": _in_a_drawing,
    "figure": lambda text: code(
        "x", *show(figure(alt=text, caption=text, svg=figure().svg.replace("2026-03-02", "") + ""))
    ),
}


def left(cell: NotebookNode, environment: Mapping[str, str]) -> dict[str, str]:
    """Everything that a run with this cell would leave behind, by file."""
    given = notebook(cell)
    given.metadata["papermill"] = {"parameters": {"note": json.dumps(cell.outputs)}}
    kept, withheld = guard(given, Gate(Redactor(environment)))
    made = record(findings=findings_of(kept), withheld=withheld)
    return {
        "notebook.ipynb": nbformat.writes(kept),
        "report.html": render(kept, made, site_title="s"),
        "run.json": made.model_dump_json(),
        **data_files(kept),
    }


@pytest.fixture(scope="module")
def secrets() -> dict[str, Secret]:
    return {kind: make() for kind, make in KINDS.items()}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_secret_leaves_nowhere(kind: str, place: str, secrets: dict[str, Secret]) -> None:
    text, value = secrets[kind]
    files = left(PLACES[place](text), ENVIRONMENT)
    for name, content in files.items():
        for form in (value, json.dumps(value)[1:-1], value.replace("'", "&#39;")):
            assert form not in content, f"{kind} planted in {place} is in {name}"
        for line in value.splitlines()[1:-1]:
            assert line not in content
    assert "[redacted]" in files["notebook.ipynb"]


@pytest.mark.parametrize("kind", KINDS)
def test_messages_are_clean_too_and_cleaning_again_changes_nothing(
    kind: str, secrets: dict[str, Secret]
) -> None:
    text, value = secrets[kind]
    once = redact(f"could not open: {text}", ENVIRONMENT)
    assert value not in once
    assert redact(once, ENVIRONMENT) == once


def test_what_is_no_secret_stays() -> None:
    for text in (
        "0f1e2d3c4b5a6978",
        "core_metrics/JP/2026-W10 in 5.7 s",
        "median hours from report to decision",
        "Password reset fraud rose",
        "tokens: 5",
        "skipped-because-the-data-end-early-in-this-window",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ):
        assert redact(text, ENVIRONMENT) == text


def test_names_in_code_are_no_secrets() -> None:
    cell = code("token = next(tokens)\nsecret_share = estimate(rows)")
    kept, withheld = guard(notebook(cell), Gate(Redactor({})))
    assert kept.cells[0].source == "token = next(tokens)\nsecret_share = estimate(rows)"
    assert withheld.secrets == 0


def test_the_shells_folder_is_no_password() -> None:
    assert redact("in /srv/project", {"PWD": "/srv/project"}) == "in /srv/project"


def test_every_value_of_dlts_secrets_is_one(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "secrets.toml").write_text(
        '[sources]\nmoderation_db = "plain-words-here"\n'
    )
    assert redact("got plain-words-here", secrets_file(tmp_path)) == "got [redacted]"
    (tmp_path / ".dlt" / "secrets.toml").write_text("no toml [")
    assert secrets_file(tmp_path) == {}


#: What detect-secrets has a detector of its own for, or a name before it that it knows.
_SCANNED = (
    *("password in a URL", "assigned key in JSON", "AWS key id", "GitHub token", "GitLab token"),
    *("Slack token", "Stripe key", "SendGrid key", "Twilio key"),
    *("JSON web token", "private key", "Telegram bot token"),
)


@pytest.mark.parametrize("kind", _SCANNED)
def test_the_second_look_finds_what_the_first_let_through(
    kind: str, secrets: dict[str, Secret]
) -> None:
    text, value = secrets[kind]
    cell = code("x", new_output("stream", name="stdout", text=text))
    page = render(notebook(), record(reason=""), site_title="s").replace(
        "</main>", f"<p>{text}</p></main>"
    )
    found = {
        "page": scan_page(page, "report.html"),
        "notebook": scan_notebook(nbformat.writes(notebook(cell)), "notebook.ipynb"),
        "csv": scan_text(f"a,b\n1,{text}\n", "x.csv"),
    }
    for where, hits in found.items():
        assert hits, where
        assert value not in " ".join(map(str, hits))
    assert "cell 1, output 1" in found["notebook"][0].where
    digests = [hit.digest for hit in found["page"]]
    assert scan_page(page, "report.html", digests) == []


def test_our_own_pages_and_notebooks_hold_nothing_that_looks_like_a_secret() -> None:
    kept, withheld = guard(notebook())
    assert scan_page(render(kept, record(withheld=withheld), site_title="s"), "report.html") == []
    assert scan_notebook(nbformat.writes(kept), "notebook.ipynb") == []
