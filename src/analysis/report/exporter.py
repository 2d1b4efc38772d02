"""nbconvert's exporter with the project's own templates, made once per process.

Two things differ from nbconvert's own HTML: every string that a template puts out is escaped
unless it is known to be HTML, and nothing on a page comes from a network.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment
from markupsafe import Markup
from nbconvert.exporters import HTMLExporter
from nbconvert.exporters.templateexporter import TemplateExporter
from nbconvert.filters import Highlight2HTML
from nbconvert.filters.widgetsdatatypefilter import WidgetsDataTypeFilter
from nbformat import NotebookNode

from analysis.report.cells import Block, TextBlock, blocks
from analysis.report.prose import Prose
from analysis.report.record import RunRecord
from analysis.report.templating import TEMPLATES, equip

#: How notebooks call the part that a page has as a section of its own; it ends a notebook.
_MEASURED = re.compile(r"\A\s*## How it was measured[ ]*(\n|\Z)", re.IGNORECASE)


class StudyExporter(HTMLExporter):
    """Executed notebooks to pages, through `templates/study`."""

    def _create_environment(self) -> Environment:
        environment: Environment = super()._create_environment()  # type: ignore[no-untyped-call]
        equip(environment, "page")
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
    @lru_cache(256)  # the runs of a study have all cells but one in common
    def html_of(source: str) -> Markup:
        # Long lines scroll, so the keyboard must reach them.
        html = highlight(source).strip().replace("<pre>", '<pre tabindex="0">', 1)
        return Markup(html)  # noqa: S704  # pygments escapes

    def highlighted(source: str, **_: Any) -> Markup:
        return html_of(source)

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


@cache
def exporter() -> StudyExporter:
    """The process's one exporter: templates are compiled once."""
    return StudyExporter(  # type: ignore[no-untyped-call]
        template_name="study",
        extra_template_basedirs=[str(TEMPLATES.parent)],
        default_preprocessors=[],
        optimistic_validation=True,
    )
