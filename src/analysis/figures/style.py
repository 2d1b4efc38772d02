"""The house style: one palette, one canvas, one way from a drawing to an SVG in a page.

A chart is drawn with matplotlib's object interface (no pyplot, no global state)::

    with canvas("prevalence_trend") as figure:
        axes = figure.subplots()
        axes.plot(days, rate, color=BLUE.light, marker="o", label="Japan")
        svg = to_svg(figure)

Colours are drawn with a token's `light` value and leave as CSS variables with that value behind
them, so one picture is legible in a light and in a dark page; `palette.palette_css` is the page's
half of it. Nothing in the SVG needs an inline style, so that a strict Content-Security-Policy
holds, and text stays text. Series must differ in marker or line style as well as in colour.
Thousands of marks become a picture of pixels within the SVG; its axes and words stay as they are.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler
from PIL import Image

from analysis.errors import UserError
from analysis.figures.palette import (
    BLUE,
    FONTS,
    INK,
    LINE,
    MUTED,
    SERIES,
    SVG,
    TOKENS,
    WIDTH,
    Token,
)

XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
#: Points, which are the SVG's pixels.
HEIGHT = 360.0
#: Characters of an SVG above which its marks become a picture: pixels an inch, colours.
LARGE, PIXELS, COLOURS = 100_000, 144, 64

#: Drawn in step with SERIES, so that colour is never the only difference.
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1)), (0, (8, 3)))

RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    # Comes with matplotlib and is wide: what fits when measured with it fits in any page's font.
    "font.family": "DejaVu Sans",
    "font.size": 11,
    "text.color": INK.light,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": LINE.light,
    "axes.labelcolor": MUTED.light,
    "axes.titlecolor": INK.light,
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.prop_cycle": cycler(color=[token.light for token in SERIES]),
    "grid.color": LINE.light,
    "grid.linewidth": 0.8,
    "xtick.color": LINE.light,
    "ytick.color": LINE.light,
    "xtick.labelcolor": MUTED.light,
    "ytick.labelcolor": MUTED.light,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "hatch.linewidth": 0.8,
    "hatch.color": INK.light,
    "text.parse_math": False,
    "path.simplify": True,
}


@contextmanager
def canvas(name: str, *, height: float = HEIGHT, width: float = WIDTH) -> Iterator[Figure]:
    """An empty figure in the house style; draw, and call `to_svg`, inside the block.

    Args:
        name: a slug, unique in the page: ids in the SVG begin with it.
        height: in pixels.
        width: in pixels of the drawing; a page scales it to the room that it has.
    """
    with mpl.rc_context(RC):
        yield Figure(figsize=(width / 72, height / 72), label=name, layout="constrained")


def band(axes: Axes, x: object, low: object, high: object, token: Token = BLUE) -> None:
    """An interval as a band in the colour of its line."""
    axes.fill_between(x, low, high, color=token.light, alpha=0.18, linewidth=0)  # type: ignore[arg-type]


def to_svg(figure: Figure) -> str:
    """A figure as an SVG to put into a page as it stands; the figure is empty afterwards.

    The same drawing gives the same text: no date, no random ids. No prolog, no style sheet, no
    inline style; the width follows the page; colours are CSS variables with fallbacks.

    Args:
        figure: from `canvas`, or any with a label; the label prefixes the ids.

    Raises:
        UserError: it shows pixels, which could be content.
    """
    name = str(figure.get_label() or "figure")
    if figure.images or any(axes.images for axes in figure.axes):
        problem = "imshow draws pixels, which could be of content; pcolormesh draws a heat map"
        raise UserError(f"figure {name}", problem)
    fixed: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": name}
    with mpl.rc_context(fixed), warnings.catch_warnings():
        # Text stays text, so the page's font may have what the measuring font lacks.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        _lay_out(figure)
        svg = _saved(figure, name)
        if len(svg) > LARGE:
            for axes in figure.axes:
                for mark in (*axes.collections, *axes.lines, *axes.patches):
                    mark.set_rasterized(True)
            svg = min(svg, _saved(figure, name), key=len)
    figure.clear()
    return svg


def _saved(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    metadata = {"Date": None}
    figure.savefig(buffer, format="svg", transparent=True, metadata=metadata, dpi=PIXELS)
    root = ET.fromstring(buffer.getvalue())  # noqa: S314  # matplotlib's own words
    for element in list(root.iter()):
        _attributes_for_style(element)
    _drop(root, _is_dead)
    _rename_ids(root, name)
    _flatten(root)
    return _serialise(root)


def _lay_out(figure: Figure) -> None:
    """Places all once; saving would first draw the whole figure for it, to no other end."""
    layout = figure.get_layout_engine()
    if layout is not None:
        FigureCanvasSVG(figure)  # measures text as what is saved
        figure.set_dpi(72)
        layout.execute(figure)
        figure.set_layout_engine(None)


def _attributes_for_style(element: ET.Element) -> None:
    """Inline style becomes presentation attributes, which no Content-Security-Policy refuses."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = declaration.partition(":")
        if key.strip() and key.strip() != "font-family":
            element.set(key.strip(), value.strip())
    for key in ("fill", "stroke"):
        if element.get(key) in _VARIABLES:
            element.set(key, _VARIABLES[element.attrib[key]])
    for key in ("d", "transform", "x", "y"):
        if key in element.attrib:
            element.set(key, _short(element.attrib[key]))
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


_VARIABLES = {token.light: token.css for token in TOKENS}


def _short(numbers: str) -> str:
    """Hundredths of a pixel are enough, and a space is as good as a new line."""
    shorter = re.sub(r"-?\d+\.\d+", lambda found: f"{round(float(found[0]), 2) + 0.0:g}", numbers)
    return " ".join(shorter.split())


def _is_dead(element: ET.Element) -> bool:
    """Metadata, the style sheet that would leak into the page, and shapes without paint."""
    kind = element.tag.removeprefix(f"{{{SVG}}}")
    bare = element.get("fill") == "none" and not {"stroke", "id"} & element.attrib.keys()
    return kind in ("metadata", "style") or (kind == "path" and bare)


def _drop(root: ET.Element, dead: Callable[[ET.Element], bool]) -> None:
    for parent in list(root.iter()):
        for child in [child for child in parent if dead(child)]:
            parent.remove(child)


def _rename_ids(root: ET.Element, name: str) -> None:
    """Only ids that something points at stay, numbered after the figure's name."""
    used = set(re.findall(r"url\(#([^)]+)\)", ET.tostring(root, encoding="unicode")))
    used |= {element.attrib[XLINK_HREF][1:] for element in root.iter(f"{{{SVG}}}use")}
    names: dict[str, str] = {}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", names.setdefault(str(old), f"{name}-{len(names) + 1}"))
    for element in root.iter():
        if XLINK_HREF in element.attrib:
            href = element.attrib.pop(XLINK_HREF)
            element.set("href", f"#{names[href[1:]]}" if href.startswith("#") else _fewer(href))
        for key, value in element.attrib.items():
            if value.startswith("url(#"):
                element.set(key, f"url(#{names[value[5:-1]]})")


def _fewer(pixels: str) -> str:
    """A picture as data with as many colours as a chart has, which is a third as long."""
    start, comma, encoded = pixels.partition(",")
    picture, made = Image.open(io.BytesIO(base64.b64decode(encoded))), io.BytesIO()
    # The octree is the one way of Pillow's that keeps how far each colour lets through.
    few = picture.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    few.save(made, "PNG", optimize=True)
    return f"{start}{comma}{base64.b64encode(made.getvalue()).decode()}"


def _flatten(parent: ET.Element) -> None:
    """Groups that say nothing dissolve into what is around them."""
    for child in list(parent):
        _flatten(child)
        if child.tag in (f"{{{SVG}}}g", f"{{{SVG}}}defs") and not child.attrib:
            if child.tag.endswith("defs") and len(child):
                continue
            at = list(parent).index(child)
            parent[at : at + 1] = list(child)


def _serialise(root: ET.Element) -> str:
    for element in root.iter():
        if element.tag != f"{{{SVG}}}text":
            element.text = None
        element.tail = None
        element.tag = element.tag.removeprefix(f"{{{SVG}}}")
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {
        "xmlns": SVG,
        "role": "img",
        "font-family": FONTS,
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    return ET.tostring(root, encoding="unicode")
