"""nbconvert's exporter with the project's own templates, made once per process.

Two things differ from nbconvert's own HTML: every string that a template puts out is escaped
unless it is known to be HTML, and nothing on a page comes from a network.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
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
from analysis.report.prose import Prose
from analysis.report.record import RunRecord
from analysis.report.words import (
    command,
    comparison_mark,
    finding_mark,
    has_moved,
    headlines,
    mark,
    run_mark,
    telling,
)

TEMPLATES = Path(__file__).parent / "templates"
#: Control characters, and marks that turn the direction of the text after them around.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
_MAIN_POINTS = 6


class StudyExporter(HTMLExporter):
    """Executed notebooks to pages, through `templates/study`."""

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        # Before the first template is compiled: from then on every string is escaped.
        environment.autoescape = True
        environment.finalize = seen
        environment.trim_blocks = environment.lstrip_blocks = True
        environment.globals |= {
            "command": command,
            "comparison_mark": comparison_mark,
            "csp": policy(),
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
        """As nbconvert's, without its second pass over the finished page: that fills in a
        placeholder for missing alternative text, which is never missing here."""
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)


def _highlighted(highlight: Any) -> Any:
    return lambda source, **_: Markup(highlight(source).strip())  # noqa: S704  # pygments escapes


def prepare(notebook: NotebookNode, resources: Any) -> tuple[NotebookNode, Any]:
    """The preprocessor: leaves with every cell what the template puts out for it."""
    run = resources["page"]["run"]
    prose = Prose(said=run.question)
    for cell, shown in zip(notebook.cells, blocks(notebook), strict=True):
        if cell.cell_type == "markdown":
            cell.metadata["html"] = prose.render(cell.source, cell.get("attachments"))
        cell.metadata["shown"] = [block for block in shown if not _heading_says(block, run)]
    return notebook, resources


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
        preprocessors=[prepare],
        optimistic_validation=True,
    )


@cache
def stylesheet() -> str:
    """The one style sheet of pages and site, with the figures' palette."""
    from analysis.figures.style import palette_css

    return palette_css() + (TEMPLATES / "study" / "style.css").read_text(encoding="utf-8")


@cache
def policy() -> str:
    """The Content-Security-Policy of every page: its own style sheet by hash, and nothing else.

    No script, no frame, no form, no request. Pictures only as data in the page.
    """
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
    rules = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)
