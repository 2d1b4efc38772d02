"""A notebook's prose as HTML: Markdown without raw HTML, its headings fitted under the page's own.

nbconvert's own filter passes raw HTML on, scripts included; here it is shown as the text that it
is. Links lead to the web, to a mail address or to a file beside the page; pictures come from the
notebook itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from markupsafe import Markup
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

#: Headings of the page above the prose: its h1, and the h2 of the analysis.
TOP = 3
_PICTURES = ("image/png", "image/jpeg")
_SCHEME = re.compile(r"[^/?#]*:")


class Prose:
    """Renders the prose of one notebook, cell by cell, in order.

    Headings keep their order below the page's: the first `#` is the study's title, which the page
    has already, and no level is skipped.

    Args:
        said: a paragraph that the page has already; where the prose repeats it, it is left out.
    """

    def __init__(self, said: str = "") -> None:
        self._said = " ".join(escape(said).split())
        self._titled = False
        self._level = TOP - 1

    def render(self, source: str, attachments: Mapping[str, Any] | None = None) -> Markup:
        """One Markdown cell as HTML."""
        html = MarkdownWithMath(_Renderer(self, attachments or {})).render(source)
        return Markup(html)  # noqa: S704  # raw HTML was escaped by the renderer

    def says(self, paragraph: str) -> bool:
        """Whether a paragraph of prose is the one that the page has already."""
        return bool(self._said) and " ".join(paragraph.split()) == self._said

    def level(self, given: int) -> int | None:
        """The page's level of a heading; None for the one that the page has already."""
        if given == 1 and not self._titled:
            self._titled = True
            return None
        self._titled = True
        self._level = max(TOP, min(given + 1, self._level + 1, 6))
        return self._level


class _Renderer(IPythonRenderer):
    def __init__(self, prose: Prose, attachments: Mapping[str, Any]) -> None:
        super().__init__(escape=True, allow_harmful_protocols=False, attachments=dict(attachments))
        self._prose = prose

    def paragraph(self, text: str) -> str:
        return "" if self._prose.says(text) else super().paragraph(text)

    def heading(self, text: str, level: int, **_: Any) -> str:
        fitted = self._prose.level(level)
        return f"<h{fitted}>{text}</h{fitted}>\n" if fitted else ""

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if not safe_link(url):
            return text
        about = f' title="{escape(title)}"' if title else ""
        return f'<a href="{escape(url)}" rel="noopener noreferrer"{about}>{text}</a>'

    def image(self, text: str, url: str, title: str | None = None) -> str:  # noqa: ARG002
        words = re.sub(r"<[^>]*>", "", text)
        source = self._attached(url)
        if source is None:
            return f'<span class="left-out">[picture left out: {words or "no words"}]</span>'
        return f'<img src="{source}" alt="{words}">'

    def _attached(self, url: str) -> str | None:
        held = self.attachments.get(url.removeprefix("attachment:"), {})
        for kind in _PICTURES:
            data = "".join(str(held.get(kind, "")).split())
            if url.startswith("attachment:") and re.fullmatch(r"[A-Za-z0-9+/=]+", data):
                return f"data:{kind};base64,{data}"
        return None

    def block_code(self, code: str, info: str | None = None) -> str:  # noqa: ARG002
        return f'<pre tabindex="0"><code>{escape(code)}</code></pre>\n'

    def block_math(self, body: str) -> str:
        return f'<code class="math">{escape(body.strip())}</code>'

    def inline_math(self, body: str) -> str:
        return f'<code class="math">{escape(body)}</code>'

    def task_list_item(self, text: str, checked: bool = False) -> str:
        # A box that does nothing would be a control that lies.
        return f"<li>{'☑' if checked else '☐'} {text}</li>\n"

    def table(self, text: str) -> str:
        return f'<div class="scroll" tabindex="0"><table>\n{text}</table></div>\n'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        kind = ' class="number"' if align == "right" else ""
        return f'<th scope="col"{kind}>{text}</th>' if head else f"<td{kind}>{text}</td>"


def safe_link(url: str) -> bool:
    """Whether a link leads to the web, to a mail address, or to a place beside the page.

    >>> safe_link("https://example.org"), safe_link("data/rate.csv"), safe_link("#limits")
    (True, True, True)
    >>> safe_link("JavaScript:alert(1)"), safe_link("java\\tscript:alert(1)"), safe_link("//evil")
    (False, False, False)
    """
    if any(ord(letter) <= 32 or letter == "\\" for letter in url) or url.startswith("//"):
        return False
    scheme = _SCHEME.match(url)
    return scheme is None or scheme[0].lower() in ("http:", "https:", "mailto:")
