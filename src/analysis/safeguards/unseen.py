"""What people wrote or said: which columns hold it, and what stands in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sized
from functools import lru_cache
from typing import Any

_CONTENT = {
    *("text", "body", "caption", "description", "comment", "message", "transcript", "bio"),
    *("content", "excerpt", "snippet", "quote", "reply", "replie", "tweet", "hashtag"),
    *("prompt", "utterance"),
}
#: A title is content where it is one of these: `post_title`, and no metric's title.
_TITLED = {"post", "video"}
#: What is said about a text, and is none: `content_id`, `text_language`.
_ABOUT = {
    *("id", "hash", "type", "kind", "language", "lang", "policy", "label", "status", "category"),
    "topic",
}
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
#: An engine's name for an expression, such as `max("text")`.
_EXPRESSION = re.compile(r"[(\"|]")


@lru_cache(maxsize=4096)
def is_content(column: object) -> bool:
    """Whether a column holds what people wrote, by its name.

    >>> [is_content(name) for name in ("comment_text", "commentText", "texts", 'max("text")')]
    [True, True, True, True]
    >>> [is_content(name) for name in ("content_id", "text_language", "title", "context")]
    [False, False, False, False]
    """
    if isinstance(column, tuple):
        return any(map(is_content, column))
    words = [word.lower().removesuffix("s") for word in _WORD.findall(str(column))]
    if not words or (words[-1] in _ABOUT and not _EXPRESSION.search(str(column))):
        return False
    titled = "title" in words and not _TITLED.isdisjoint(words)
    return titled or not _CONTENT.isdisjoint(words)


def told(value: object) -> object:
    """What is said of a value of content: how long it is; numbers, times and none are themselves.

    >>> told("words"), told(b"words"), told(5)
    ('[text of 5 characters]', '[text of 5 characters]', 5)
    """
    return f"[text of {len(value)} characters]" if isinstance(value, Sized) else value


def hide(
    name: object, value: Any, how: Callable[[Any], Any] = told, *, within: bool = False
) -> Any:
    """A value under a name without the texts of content in it, those in lists and fields too.

    >>> hide("row", {"content_id": 1, "text": ["words"], "at": "noon"})
    {'content_id': 1, 'text': ['[text of 5 characters]'], 'at': 'noon'}
    """
    within = within or is_content(name)
    if isinstance(value, Mapping):
        return {key: hide(key, each, how, within=within) for key, each in value.items()}
    if isinstance(value, str | bytes):
        return how(value) if within else value
    if isinstance(value, Collection):
        return [hide(name, each, how, within=within) for each in value]
    return value


class Unseen(str):
    """A text that computes as any other, and shows no more than that it is there.

    So it stays masked wherever it goes: in an index, a list, a dictionary, an error's message.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return str(told(self))

    def __str__(self) -> str:
        return repr(self)

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)
