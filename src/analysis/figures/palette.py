"""The house's colours, letters and width, apart from what draws: the site's pages and small charts
do without matplotlib, whose import takes a quarter of a second."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Token:
    """A colour by its role: the CSS variable, and its value on a light and on a dark page."""

    variable: str
    light: str
    dark: str

    @property
    def css(self) -> str:
        return f"var({self.variable}, {self.light})"


PAPER = Token("--paper", "#ffffff", "#15181c")
INK = Token("--ink", "#1a1a1a", "#ececec")
MUTED = Token("--muted", "#5c6166", "#a8aeb5")
LINE = Token("--line", "#d9dcdf", "#3a4046")
#: Okabe and Ito's colours (2008), moved where needed to stand 3:1 against paper and apart from each
#: other for readers who do not see all colours (tests/figures/test_vision.py).
BLUE = Token("--series-1", "#0072b2", "#56b4e9")
VERMILION = Token("--series-2", "#d55e00", "#ff9a57")
GREEN = Token("--series-3", "#00855f", "#3ddc97")
PURPLE = Token("--series-4", "#a03080", "#e39ac4")
OCHRE = Token("--series-5", "#7a5a00", "#f5d54a")
GREY = Token("--series-6", "#868c93", "#7d848c")

SVG = "http://www.w3.org/2000/svg"
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
#: Of a figure, in points, which are the SVG's pixels.
WIDTH = 720.0
#: What makes a picture that was drawn for a light page legible on a dark one, hues as they were.
ON_DARK = "invert(1) hue-rotate(180deg)"
TOKENS = (PAPER, INK, MUTED, LINE, BLUE, VERMILION, GREEN, PURPLE, OCHRE, GREY)
SERIES = (BLUE, VERMILION, GREEN, PURPLE, OCHRE, GREY)


def palette_css() -> str:
    """The palette as custom properties, for the style sheet of a page.

    Light by default, dark where the reader's system asks for it or `data-theme` says so.
    """
    light = "".join(f"{token.variable}:{token.light};" for token in TOKENS) + "--pixels:none;"
    dark = "".join(f"{token.variable}:{token.dark};" for token in TOKENS) + f"--pixels:{ON_DARK};"
    return (
        f":root{{{light}}}\n"
        f'@media (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}\n'
        f':root[data-theme="dark"]{{{dark}}}\n'
    )
