"""nbconvert's exporter with the project's own templates, made once per process.

Two things differ from nbconvert's own HTML: every string that a template puts out is escaped
unless it is known to be HTML, and nothing on a page comes from a network.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbformat import NotebookNode

from analysis.figures.displays import Shape, show
from analysis.report.cells import Block, TextBlock, blocks
from analysis.report.i18n import foreign, gettext, ngettext, quoted
from analysis.report.prose import Prose
from analysis.report.record import RunRecord
from analysis.report.words import (
    command,
    comparison_mark,
    finding_mark,
    has_moved,
    headlines,
    key_part,
    mark,
    run_mark,
    telling,
)

TEMPLATES = Path(__file__).parent / "templates"
#: Control characters, and marks that turn the direction of the text after them around.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
_MAIN_POINTS = 6
#: How notebooks call the part that a page has as a section of its own; it ends a notebook.
_MEASURED = re.compile(r"\A\s*## How it was measured[ ]*(\n|\Z)", re.IGNORECASE)


class StudyExporter(HTMLExporter):
    """Executed notebooks to pages, through `templates/study`."""

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        # Before the first template is compiled: from then on every string is escaped.
        environment.autoescape = True
        environment.finalize = seen
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.add_extension("jinja2.ext.i18n")
        environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
            gettext, ngettext, newstyle=True
        )
        environment.globals |= {
            "command": command,
            "comparison_mark": comparison_mark,
            "code": lambda text: Markup("<code>{}</code>").format(text),
            "foreign": foreign,
            "key_part": key_part,
            "policy": policy,
            "quoted": quoted,
            "running_head": running_head,
            "script": Markup(script()),  # noqa: S704  # our own file
            "finding_mark": finding_mark,
            "headlines": lambda findings: headlines(findings)[:_MAIN_POINTS],
            "mark": mark,
            "run_mark": run_mark,
            "telling": telling,
            "cell": cell,
            "stylesheet": Markup(stylesheet()),  # noqa: S704  # our own file
        }
        environment.tests["moved"] = has_moved
        # nbconvert makes these two anew for each notebook; one of each serves every notebook.
        environment.filters["highlight_code"] = _highlighted(Highlight2HTML(parent=self))  # type: ignore[no-untyped-call]
        environment.filters["filter_data_type"] = WidgetsDataTypeFilter(parent=self)  # type: ignore[no-untyped-call]
        return environment

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own
        self, nb: NotebookNode, resources: Any = None, **kw: Any
    ) -> tuple[str, dict[str, Any]]:
        """As nbconvert's, with one flat copy of the notebook for three deep ones, and without its
        second pass over the finished page: that fills in a placeholder for missing alternative
        text, which is never missing here."""
        return TemplateExporter.from_notebook_node(self, flat(nb), resources, **kw)

    def _preprocess(self, nb: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
        return prepare(nb, resources)


class Flat(NotebookNode):
    """A notebook whose cells can be given other metadata, while their outputs, most of it, stay the
    ones that they are. It is a copy already, and copies of it are itself."""

    def __deepcopy__(self, memo: Any) -> Flat:
        return self


def flat(notebook: NotebookNode) -> Flat:
    cells = [dict(cell) | {"metadata": dict(cell.metadata)} for cell in notebook.cells]
    return Flat({**notebook, "cells": [NotebookNode(cell) for cell in cells]})  # type: ignore[no-untyped-call]


def _highlighted(highlight: Any) -> Any:
    def highlighted(source: str, **_: Any) -> Markup:
        # Long lines scroll, so the keyboard must reach them.
        html = highlight(source).strip().replace("<pre>", '<pre tabindex="0">', 1)
        return Markup(html)  # noqa: S704  # pygments escapes

    return highlighted


def prepare(notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
    """The preprocessor: leaves with every cell what the template puts out for it."""
    page = resources["page"]
    run, page["measured"] = page["run"], False
    prose = Prose(said=run.question)
    for cell, shown in zip(notebook.cells, blocks(notebook), strict=True):
        if cell.cell_type == "markdown":
            source, begins = (
                _measured(cell.source) if not page["measured"] else (cell.source, False)
            )
            page["measured"] |= begins
            cell.metadata["measured"] = begins
            cell.metadata["html"] = prose.render(source, cell.get("attachments"))
        cell.metadata["shown"] = [block for block in shown if not _heading_says(block, run)]
    return notebook, resources


def _measured(source: str) -> tuple[str, bool]:
    """A cell's prose without the heading that begins the page's section on method, and whether it
    had it: the page says it in its own language."""
    rest, found = _MEASURED.subn("", source, count=1)
    return (rest, True) if found else (source, False)


def _heading_says(block: Block, run: RunRecord) -> bool:
    """Whether a text is only a study's own name, market and window, as `Study` shows itself."""
    start = f"{run.title}: {run.market_name}, {run.window} ("
    return isinstance(block, TextBlock) and block.text.startswith(start) and "\n" not in block.text


def cell(value: Any, shape: Shape) -> str:
    """A table's value as a reader sees it, with a minus sign that is one."""
    text = show(value, shape)
    return (
        text if shape == "text" or isinstance(value, str) else text.replace("-", "\N{MINUS SIGN}")
    )


def seen(value: Any) -> Any:
    """What a template puts out, without characters that a reader can't see but a page obeys."""
    return type(value)(_UNSEEN.sub("", value)) if isinstance(value, str) else value


@cache
def exporter() -> StudyExporter:
    """The process's one exporter: templates are compiled once."""
    return StudyExporter(  # type: ignore[no-untyped-call]
        template_name="study",
        extra_template_basedirs=[str(TEMPLATES)],
        default_preprocessors=[],
        optimistic_validation=True,
    )


@cache
def stylesheet() -> str:
    """The one style sheet of pages and site, with the figures' palette."""
    from analysis.figures.style import palette_css

    return palette_css() + (TEMPLATES / "study" / "style.css").read_text(encoding="utf-8")


@cache
def script() -> str:
    """The one script of a run's page: the button that shows all code. The page does without."""
    return (TEMPLATES / "study" / "page.js").read_text(encoding="utf-8")


def policy(*styles: str) -> str:
    """The Content-Security-Policy of a page: its own style sheets and script by hash, no more.

    No other script, no frame, no form, no request. Pictures only as data in the page.

    Args:
        *styles: style sheets of this page alone, beside the one of all pages.
    """
    rules = (
        "default-src 'none'",
        f"style-src {' '.join(_hash(text) for text in (stylesheet(), *styles) if text)}",
        f"script-src {_hash(script())}",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


@lru_cache(512)
def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def running_head(text: str) -> Markup:
    """The style sheet that repeats a page's name on every sheet of paper.

    Every character but letters and digits of ASCII is written by its number, so that no name ends
    the string, the rule or the element that it stands in.

    >>> "Japan" in running_head("Japan") and "<" not in running_head("</style>")
    True
    """
    if not text:
        return Markup()
    safe = _UNSEEN.sub("", text)
    name = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in safe)
    return Markup(f'@page{{@top-left{{content:"{name}"}}}}')  # noqa: S704  # letters and digits
