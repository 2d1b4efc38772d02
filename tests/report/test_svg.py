"""SVG stands inside the page, so nothing may pass that isn't known to be harmless."""

from __future__ import annotations

import pytest

from analysis.report.svg import inline, tidy
from analysis.safeguards.secrets import Redactor
from samples import figure

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def clean(body: str, root: str = 'viewBox="0 0 10 10"') -> str:
    found = inline(f"<svg {NS} {root}>{body}</svg>", prefix="f", title="T", description="D")
    assert found is not None
    return str(found)


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>pwned=1</script>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml'>pwned</body></foreignObject>",
        "<a href='javascript:pwned=1'><text>x</text></a>",
        "<image href='https://evil.example/pwned.png'/>",
        "<image href='data:image/svg+xml;base64,pwned'/>",
        "<image href='data:image/png;base64,pwned'/>",
        "<image href='#pwned'/>",
        "<use href='data:image/png;base64,iVBORw0KGgopwned'/>",
        "<use href='https://evil.example/pwned.svg#x'/>",
        "<use xlink:href='data:image/svg+xml,pwned'/>",
        "<use href='javascript:pwned'/>",
        "<animate attributeName='href' values='javascript:pwned'/>",
        "<set attributeName='onmouseover' to='pwned'/>",
        "<style>@import url(//evil.example/pwned.css)</style>",
        "<rect fill='url(https://evil.example/pwned#x)'/>",
        "<rect fill='u\\72l(//evil.example/pwned)'/>",
        "<rect style='background:url(//evil.example/pwned)'/>",
        "<rect onclick='pwned=1' onload='pwned=1'/>",
        "<rect class='pwned'/>",
        "<iframe src='javascript:pwned'/>",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>pwned=1</x:script>",
        "<metadata>pwned</metadata>",
    ],
)
def test_what_is_not_known_is_dropped(hostile: str) -> None:
    kept = clean(f"{hostile}<circle r='1'/>")
    assert "pwned" not in kept
    assert '<circle r="1"' in kept


def test_a_picture_of_pixels_stays_as_it_is() -> None:
    """Of many marks: what looks like a secret in it is none, and a line of it has no end."""
    secret = "AKIA" + "Q3EXAMPLE7KEYQ3X"
    pixels = f"data:image/png;base64,iVBORw0KGgo{secret}+/=="
    given = f'<svg {NS}><image x="3" xlink:href="{pixels}"/><text>{secret}</text></svg>'
    kept = tidy(given, Redactor())
    assert f'href="{pixels}"' in kept
    assert kept.count(secret) == 1
    assert pixels in str(inline(kept, prefix="f", title="T", description="D"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no svg",
        "<html/>",
        "<svg",
        "<svg/><script/>",
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg>&a;</svg>',
        '<!DOCTYPE svg [<!entity a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
    ],
)
def test_what_is_no_svg_is_refused(text: str) -> None:
    assert inline(text, prefix="f", title="T", description="D") is None


def test_ids_and_what_points_at_them_become_the_figures_own() -> None:
    kept = clean('<clipPath id="a"/><g clip-path="url(#a)"><use href="#a" xlink:href="#a"/></g>')
    assert kept.count('id="f-a"') == 1
    assert 'clip-path="url(#f-a)"' in kept
    assert 'href="#f-a"' in kept
    assert "xlink" not in kept


def test_words_stand_in_the_picture() -> None:
    found = inline("<svg/>", prefix="f", title="A & B", description="<script>")
    assert found is not None
    assert found.startswith('<svg role="img" aria-labelledby="f-title f-desc">')
    assert '<title id="f-title">A &amp; B</title>' in found
    assert '<desc id="f-desc">&lt;script&gt;</desc>' in found


def test_a_picture_with_a_size_scales() -> None:
    assert 'viewBox="0 0 720 360"' in clean("", root='width="720pt" height="360pt"')


def test_the_house_style_passes_whole() -> None:
    """What `figures.style` draws loses nothing: no element and no attribute."""
    drawn = figure().svg
    found = inline(drawn, prefix="f", title="T", description="D")
    assert found is not None
    for tag in ("<path", "<text", "<use", "<clipPath", "<g"):
        assert found.count(tag) == drawn.count(tag)
    for attribute in (" d=", " fill=", " stroke=", " transform=", " clip-path=", "var(--series-1"):
        assert found.count(attribute) == drawn.count(attribute)
