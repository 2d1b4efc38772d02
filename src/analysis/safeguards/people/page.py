"""The page of one item: small, grey, blurred until clicked, which is comfort, not protection."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from html import escape

from analysis.errors import UserError
from analysis.safeguards.people.fetching import Content
from analysis.safeguards.personal import Masker

#: Pixels of a picture's longer side.
SMALL = 160
_STYLE = (
    "body{font:16px sans-serif;margin:1em}img,video{filter:grayscale(1)}"
    f"video{{width:{SMALL}px}}"
    "details:not([open])+.blur{filter:grayscale(1) blur(14px)}"
)


def page_of(content: Content, words: Sequence[str], *, unmask: bool) -> str:
    """The page of an item.

    Args:
        content: the item.
        words: slurs, as regular expressions, that stay masked.
        unmask: shows slurs and handles of a text as they are.
    """
    if content.kind == "text":
        body = f"<p>{escape(text_of(content, words, unmask=unmask))}</p>"
    elif content.kind == "image":
        source = base64.b64encode(small_grey(content.data)).decode()
        body = (
            "<details><summary>show it less blurred</summary></details>"
            f'<img class="blur" alt="the item" src="data:image/png;base64,{source}">'
        )
    else:
        source = base64.b64encode(content.data).decode()
        kind = escape(content.media_type or f"{content.kind}/mp4", quote=True)
        # Nothing plays by itself: no autoplay, nothing loaded before, sound off.
        told = f'controls muted preload="none" src="data:{kind};base64,{source}"'
        body = f"<{content.kind} {told}></{content.kind}>"
    return f"<!DOCTYPE html><meta charset=utf-8><title>item</title><style>{_STYLE}</style>{body}"


def text_of(content: Content, words: Sequence[str], *, unmask: bool) -> str:
    """A text, with slurs and handles masked unless it was asked for again without."""
    text = content.data.decode("utf-8", "replace")
    if unmask:
        return text
    for word in words:
        text = re.sub(word, "[masked]", text, flags=re.IGNORECASE)
    return Masker()(text)


def small_grey(data: bytes) -> bytes:
    """A picture as a small grey one without any of its metadata.

    Raises:
        UserError: it is no picture that can be read.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.draft("L", (SMALL, SMALL))
            grey = picture.convert("L")
        grey.thumbnail((SMALL, SMALL))
    except (OSError, ValueError, Image.DecompressionBombError):
        raise UserError("reveal", "the item is no picture that can be read") from None
    made = io.BytesIO()
    grey.save(made, "PNG")
    return made.getvalue()
