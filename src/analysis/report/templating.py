"""What templates of all pages are given: words, policies, and strings that are always escaped.

The site's own pages are made with this alone. Pages of runs go through nbconvert, whose import
takes longer than a publication may.
"""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader
from jinja2.bccache import Bucket
from markupsafe import Markup, escape

from analysis.figures.shapes import Shape, show
from analysis.report.cells import TableBlock
from analysis.report.doubts import doubt
from analysis.report.i18n import foreign, furniture, gettext, ngettext, quoted
from analysis.report.verdicts import (
    comparison_mark,
    finding_mark,
    has_moved,
    headlines,
    mark,
    run_mark,
    telling,
)
from analysis.report.words import command, key_part
from analysis.safeguards.disclosure import SUPPRESSED

TEMPLATES = Path(__file__).parent / "templates" / "study"
#: Control characters, and marks that turn the direction of the text after them around.
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufeff]")
_MAIN_POINTS = 6


class Compiled(FileSystemBytecodeCache):
    """Templates as bytecode, kept beside them as Python keeps modules: two tenths of a second of
    each command. Where nothing can be kept, each process compiles its own."""

    def __init__(self, kind: str, folder: Path = TEMPLATES / "__pycache__") -> None:
        super().__init__(str(folder), f"{kind}-%s.pyc")

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


def equip(environment: Environment, kind: str) -> None:
    """Makes an environment the project's: before the first template is compiled, so that from then
    on every string that a template puts out is escaped unless it is known to be HTML.

    Args:
        environment: it is changed.
        kind: of pages; the same template is compiled otherwise for another.
    """
    environment.bytecode_cache = Compiled(kind)
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
        "apart": lambda text: Markup("<bdi>{}</bdi>").format(text),
        "code": lambda text: Markup("<code>{}</code>").format(text),
        "doubt_said": doubt,
        "foreign": foreign,
        "furniture": furniture,
        "key_part": key_part,
        "policy": policy,
        "quoted": quoted,
        "running_head": running_head,
        "own": lambda name: Markup(own(name)),  # noqa: S704  # our own file
        "finding_mark": finding_mark,
        "headlines": lambda findings: headlines(findings)[:_MAIN_POINTS],
        "mark": mark,
        "run_mark": run_mark,
        "telling": telling,
        "rows": rows,
        "stylesheet": Markup(stylesheet()),  # noqa: S704  # our own file
    }
    environment.tests["moved"] = has_moved


@cache
def environment() -> Environment:
    """The environment of the site's own pages; templates are compiled once a process."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    equip(made, "site")
    return made


def cell(value: Any, shape: Shape) -> str:
    """A table's value as a reader sees it, with a minus sign that is one."""
    text = show(value, shape)
    return (
        text if shape == "text" or isinstance(value, str) else text.replace("-", "\N{MINUS SIGN}")
    )


def rows(table: TableBlock) -> Markup:
    """The rows of a table. A page has thousands of cells, for which Jinja takes ten times as long:
    more than all else of a run's page."""
    columns, hidden = table.words.columns, furniture(gettext("suppressed"))
    styles = [f' class="{name}"' if name else "" for name in table.styles]
    made = []
    for row in table.words.data.rows:
        shown = [
            hidden if value == SUPPRESSED else escape(cell(value, each.shape))
            for value, each in zip(row, columns, strict=False)
        ]
        cells = [f"<td{style}>{text}</td>" for style, text in zip(styles, shown, strict=False)]
        if shown:
            cells[0] = f'<th scope="row"{styles[0]}>{shown[0]}</th>'
        made.append(f"<tr>{''.join(cells)}</tr>")
    return Markup("\n".join(made))  # noqa: S704  # each cell is escaped


def seen(value: Any) -> Any:
    """What a template puts out, without characters that a reader can't see but a page obeys."""
    return type(value)(_UNSEEN.sub("", value)) if isinstance(value, str) else value


@cache
def stylesheet() -> str:
    """The one style sheet of pages and site, with the figures' palette."""
    from analysis.figures.palette import palette_css

    return palette_css() + own("style.css")


@cache
def own(name: str) -> str:
    """A style sheet or a script of ours, as a page holds it."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def policy(script: str, *styles: str, frames: bool = False) -> str:
    """The Content-Security-Policy of a page: its own style sheets and script by hash, no more.

    No other script, no form, no request. Pictures only as data in the page.

    Args:
        script: the page's one script.
        *styles: style sheets of this page, beside the one of all pages.
        frames: whether it may open pages of the site in a frame.
    """
    rules = (
        "default-src 'none'",
        f"style-src {' '.join(_hash(text) for text in (stylesheet(), *styles) if text)}",
        f"script-src {_hash(script)}",
        *(["frame-src 'self'"] if frames else []),
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(rules)


@lru_cache(512)
def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def running_head(*texts: str) -> Markup:
    """The style sheet that repeats what a page is about on every sheet of paper.

    Each text is set apart from the others, whichever way its language is written.

    Every character but letters and digits of ASCII is written by its number, so that no name ends
    the string, the rule or the element that it stands in.

    >>> "Japan" in running_head("Japan") and "<" not in running_head("</style>")
    True
    """
    if not any(texts):
        return Markup()
    said = " \N{MIDDLE DOT} ".join(f"\u2068{_UNSEEN.sub('', text)}\u2069" for text in texts)
    name = "".join(c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in said)
    return Markup(f'@page{{@top-left{{content:"{name}"}}}}')  # noqa: S704  # letters and digits
