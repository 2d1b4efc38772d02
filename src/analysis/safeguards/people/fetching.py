"""Where an item to look at comes from: the production system, through a declared fetcher.

The warehouse holds no content. A fetcher gets one item and says first which policy it is about.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import Literal, Protocol

from analysis.errors import UserError
from analysis.project import Project


@dataclass(frozen=True)
class Content:
    """One item, in memory alone.

    Attributes:
        kind: of the item.
        data: its text in UTF-8, or its bytes.
        media_type: of pictures, video and audio, such as `image/png`.
        policies: further policies that it is about, known only with the content.
    """

    kind: Literal["text", "image", "video", "audio"]
    data: bytes = field(repr=False)
    media_type: str = ""
    policies: tuple[str, ...] = ()


class Fetcher(Protocol):
    """What gets items."""

    def policy(self, item: int | str) -> str:
        """The policy that an item is about, a key of params/policies.yaml, without its content."""
        ...

    def fetch(self, item: int | str) -> Content:
        """The item."""
        ...


_registered: list[Fetcher] = []


def register(fetcher: Fetcher) -> None:
    """Makes a fetcher the one that `reveal` uses in this kernel."""
    _registered[:] = [fetcher]


def fetcher_of(project: Project) -> Fetcher:
    """The registered fetcher, or the one that params/project.yaml names as `module:name`.

    Raises:
        UserError: there is none, or it can't be imported.
    """
    if _registered:
        return _registered[0]
    named = project.settings.content_fetcher
    if not named:
        problem = "no fetcher; name one in params/project.yaml (content_fetcher) or register one"
        raise UserError("reveal", problem)
    module, _, name = named.partition(":")
    try:
        found: Fetcher = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        raise UserError("content_fetcher", f"{named!r} can't be imported") from None
    return found
