"""The SVG that a page inlines: small, the same each time, safe under a strict policy, legible."""

from __future__ import annotations

import base64
import io
import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from analysis.errors import UserError
from analysis.figures import palette, style


def draw(name: str = "sample") -> str:
    with style.canvas(name) as figure:
        axes = figure.subplots()
        axes.plot([1, 2, 3], [3, 1, 2], color=palette.BLUE.light, marker="o", label="a & <b>")
        axes.bar([1, 2], [2, 1], hatch="//", color=palette.GREY.light)
        style.band(axes, [1, 2, 3], [2, 0, 1], [4, 2, 3])
        axes.set_title("日本 – 94 %")
        axes.legend()
        return style.to_svg(figure)


def test_the_same_drawing_gives_the_same_text() -> None:
    assert draw() == draw()


def test_it_is_one_svg_element_without_prolog_size_or_date() -> None:
    svg = draw()
    root = ET.fromstring(svg)  # noqa: S314
    assert svg.startswith("<svg ")
    assert root.get("viewBox") == "0 0 720 360"
    assert not {"width", "height"} & root.attrib.keys()
    assert "<metadata" not in svg
    assert len(svg) < 20_000


def test_nothing_needs_an_inline_style_or_an_outside_address() -> None:
    svg = draw()
    assert "style=" not in svg
    assert "<style" not in svg
    addresses = set(re.findall(r"https?://[^\"' ]+", svg))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_text_is_text() -> None:
    root = ET.fromstring(draw())  # noqa: S314
    texts = [node.text for node in root.iter(f"{{{style.SVG}}}text")]
    assert "a & <b>" in texts
    assert "日本 – 94 %" in texts


def test_ids_are_the_figures_own_and_every_reference_is_met() -> None:
    svg = draw("first")
    ids = re.findall(r' id="([^"]+)"', svg)
    referred = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    assert ids
    assert len(ids) == len(set(ids))
    assert set(ids) == referred
    assert all(each.startswith("first-") for each in ids)
    assert not set(ids) & set(re.findall(r' id="([^"]+)"', draw("second")))


def test_every_colour_is_a_variable_with_its_fallback() -> None:
    colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', draw()))
    plain = {value for value in colours if not value.startswith(("var(", "url("))}
    assert plain <= {"none"}
    assert palette.INK.css in colours
    assert palette.BLUE.css in colours


def test_a_drawing_leaves_no_global_state() -> None:
    before = dict(mpl.rcParams)
    draw()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("M 36.100000 128.16 \nL 0 12.345678 \nz\n", "M 36.1 128.16 L 0 12.35 z"),
        ("translate(10.000000 2.50) rotate(-90)", "translate(10 2.5) rotate(-90)"),
        ("M 100 -0.004", "M 100 0"),
        ("M 1234.5678 10", "M 1234.57 10"),
    ],
)
def test_numbers_are_shortened_and_nothing_else(given: str, expected: str) -> None:
    assert style._short(given) == expected


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_contrast_of_text_and_of_series(mode: str) -> None:
    paper = getattr(palette.PAPER, mode)
    for token in (palette.INK, palette.MUTED):
        assert contrast(getattr(token, mode), paper) >= 4.5, token
    for token in palette.SERIES:
        assert contrast(getattr(token, mode), paper) >= 3, token


def test_series_differ_in_more_than_colour() -> None:
    assert len(set(style.MARKERS)) == len(palette.SERIES)
    assert len(set(map(str, style.DASHES))) == len(palette.SERIES)


def test_the_palette_names_every_variable_in_both_modes() -> None:
    css = palette.palette_css()
    for token in palette.TOKENS:
        assert f"{token.variable}:{token.light};" in css
        assert css.count(f"{token.variable}:{token.dark};") == 2


def dense(points: int) -> str:
    drawn = np.random.default_rng(20260218)
    with style.canvas("dense") as figure:
        axes = figure.subplots()
        axes.scatter(drawn.normal(size=points), drawn.normal(size=points), color=palette.BLUE.light)
        axes.set_title("Posts by views")
        return style.to_svg(figure)


def test_thousands_of_marks_are_pixels_at_twice_the_size_and_words_stay_words() -> None:
    svg = dense(20_000)
    root = ET.fromstring(svg)  # noqa: S314
    (image,) = root.iter(f"{{{style.SVG}}}image")
    encoded = image.attrib["href"].removeprefix("data:image/png;base64,")
    picture = Image.open(io.BytesIO(base64.b64decode(encoded)))
    assert picture.width == pytest.approx(2 * float(image.attrib["width"]), abs=2)
    assert "Posts by views" in [node.text for node in root.iter(f"{{{style.SVG}}}text")]
    assert len(svg) < style.LARGE
    assert svg == dense(20_000)
    assert "<image" not in dense(50)


def test_pixels_that_could_be_content_are_refused() -> None:
    with style.canvas("thumbnail") as figure:
        figure.subplots().imshow(np.zeros((8, 8, 3)))
        with pytest.raises(UserError, match=r"thumbnail.*pcolormesh"):
            style.to_svg(figure)
