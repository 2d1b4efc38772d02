"""A figure's SVG made safe to stand inside a page: what is not known to be harmless is left out.

Inline SVG shares the page's document, so a script, a handler, a foreign document or a reference
outwards would be the page's own. Elements and attributes pass by name; everything else is dropped,
inline style included, which the page's Content-Security-Policy would refuse anyway.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from xml.etree import ElementTree as ET

from markupsafe import Markup

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"

_ELEMENTS = (
    "svg g path rect circle ellipse line polyline polygon text tspan defs clipPath mask pattern "
    "use symbol linearGradient radialGradient stop image"
)
_ATTRIBUTES = (
    "id d x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy width height points transform viewBox "
    "preserveAspectRatio fill fill-opacity fill-rule stroke stroke-width stroke-opacity "
    "stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit opacity "
    "color visibility clip-path clip-rule clipPathUnits mask maskUnits patternUnits "
    "patternContentUnits patternTransform gradientUnits gradientTransform spreadMethod offset "
    "stop-color stop-opacity font-family font-size font-style font-weight font-stretch "
    "text-anchor dominant-baseline baseline-shift letter-spacing textLength lengthAdjust "
    "rotate href"
)
ELEMENTS = frozenset(_ELEMENTS.split())
ATTRIBUTES = frozenset(_ATTRIBUTES.split())
_ENTITY = re.compile(r"<!(ENTITY|ATTLIST|ELEMENT)", re.IGNORECASE)
#: Attributes that hold shapes: thousands of them, in which no words are.
_SHAPES = frozenset(("d", "points", "transform", "x", "y", "width", "height", "clip-path"))
_LOCAL = re.compile(r"url\(\s*['\"]?#([\w.-]+)['\"]?\s*\)")
#: A picture of pixels that a chart's many marks became; PNG runs nothing and asks nobody.
_PIXELS = re.compile(r"data:image/png;base64,\s*(iVBORw0KGgo[A-Za-z0-9+/\s]*={0,2})")
_ID = re.compile(r"[\w.-]+")


def inline(text: str, *, prefix: str, title: str, description: str) -> Markup | None:
    """An SVG to stand inside a page, with its words for those who do not see it.

    Args:
        text: the SVG as a figure left it.
        prefix: goes before every id, so that ids of two figures in a page differ.
        title: what the picture is called.
        description: what it shows.

    Returns:
        None where the text is no SVG, or declares entities of its own.
    """
    root = _parse(text)
    if root is None:
        return None
    _clean(root, f"{prefix}-")
    _size(root)
    ids = f"{prefix}-title", f"{prefix}-desc"
    root.attrib |= {"role": "img", "aria-labelledby": " ".join(ids)}
    for at, (tag, words) in enumerate((("title", title), ("desc", description))):
        element = ET.Element(tag, {"id": ids[at]})
        element.text = words
        root.insert(at, element)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  # made of what passed above


def tidy(text: str, clean: Callable[[str], str]) -> str:
    """An SVG as a notebook may keep it: nothing in it that no figure of ours has.

    Args:
        text: the SVG as a kernel gave it.
        clean: what every text passes through, and every attribute that is no shape.

    Returns:
        Empty where it is no SVG.
    """
    root = _parse(text)
    if root is None:
        return ""
    _clean(root, "")
    for element in root.iter():
        own = _SHAPES | {"href"} if element.tag == "image" else _SHAPES
        for name in element.attrib.keys() - own:
            element.set(name, clean(element.attrib[name]))
        element.text = clean(element.text) if element.text else None
        element.tail = clean(element.tail) if element.tail else None
    root.attrib |= {"xmlns": SVG.strip("{}"), "role": "img"}
    return ET.tostring(root, encoding="unicode")


def _parse(text: str) -> ET.Element | None:
    if _ENTITY.search(text):
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314  # no entities; expat stops other bombs itself
    except ET.ParseError:
        return None
    return root if root.tag.removeprefix(SVG) == "svg" else None


def _clean(element: ET.Element, prefix: str) -> None:
    """Drops what is not allowed, below and in one element; namespaces go, HTML has its own."""
    for child in list(element):
        name = child.tag.removeprefix(SVG) if isinstance(child.tag, str) else ""
        if name in ELEMENTS:
            _clean(child, prefix)
        if name not in ELEMENTS or (name == "image") != ("data:" in child.get("href", "")):
            element.remove(child)
    element.tag = element.tag.removeprefix(SVG)
    kept = {}
    for name, value in element.attrib.items():
        short = "href" if name == HREF else name
        safe = _value(short, value, prefix) if short in ATTRIBUTES else None
        if safe is not None:
            kept[short] = safe
    element.attrib.clear()
    element.attrib |= kept


def _value(name: str, value: str, prefix: str) -> str | None:
    """An attribute's value with ids made the page's own; None where it points outwards."""
    if name == "id":
        return f"{prefix}{value}" if _ID.fullmatch(value) else None
    if name == "href" and (pixels := _PIXELS.fullmatch(value)):
        return f"data:image/png;base64,{''.join(pixels[1].split())}"
    if name == "href":
        return f"#{prefix}{value[1:]}" if value[:1] == "#" and _ID.fullmatch(value[1:]) else None
    local = _LOCAL.sub(rf"url(#{prefix}\1)", value)
    if "url" in _LOCAL.sub("", value).lower() or "\\" in value:
        return None
    return local


def _size(root: ET.Element) -> None:
    """Scales with the page: a viewBox made from width and height where there is none."""
    width, height = (re.match(r"[\d.]+", root.attrib.pop(name, "")) for name in ("width", "height"))
    if "viewBox" not in root.attrib and width and height:
        root.set("viewBox", f"0 0 {width[0]} {height[0]}")
