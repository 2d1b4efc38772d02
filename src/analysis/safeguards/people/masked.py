"""Frames that hold texts of content: they compute as any other, and show their texts masked."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

#: Columns of what people wrote or said.
CONTENT = re.compile(
    r"(?i)(^|_)(text|body|caption|description|comment|message|transcript|bio|content|post_title"
    r"|excerpt|snippet|quote|reply|tweet|hashtags)(_text)?$"
)


def is_content(column: object) -> bool:
    """Whether a column holds what people wrote, by its name.

    >>> is_content("comment_text"), is_content("content_id"), is_content("texts")
    (True, False, False)
    """
    return isinstance(column, str) and CONTENT.search(column) is not None


def mask_content(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame that shows its content columns masked; the frame itself where it has none."""
    return MaskedFrame(frame) if any(map(is_content, frame.columns)) else frame


def _told(value: object) -> object:
    return f"[text of {len(value)} characters]" if isinstance(value, str) else value


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """A plain frame in which each text of content is only said to be there."""
    plain = pd.DataFrame(frame)
    masked = {name: plain[name].map(_told) for name in plain.columns if is_content(name)}
    return plain.assign(**masked)


class MaskedFrame(pd.DataFrame):
    """A frame whose content columns are masked wherever it is shown or written."""

    @property
    def _constructor(self) -> type[MaskedFrame]:
        return MaskedFrame

    @property
    def _constructor_sliced(self) -> type[MaskedSeries]:
        return MaskedSeries

    def __repr__(self) -> str:
        return repr(_shown(self))

    def _repr_html_(self) -> str | None:
        html: str | None = _shown(self)._repr_html_()  # type: ignore[operator]
        return html

    def to_string(self, *args: Any, **options: Any) -> Any:
        return _shown(self).to_string(*args, **options)

    def to_html(self, *args: Any, **options: Any) -> Any:
        return _shown(self).to_html(*args, **options)

    def to_csv(self, *args: Any, **options: Any) -> Any:
        return _shown(self).to_csv(*args, **options)

    def to_markdown(self, *args: Any, **options: Any) -> Any:
        return _shown(self).to_markdown(*args, **options)

    def to_json(self, *args: Any, **options: Any) -> Any:
        return _shown(self).to_json(*args, **options)


class MaskedSeries(pd.Series):
    """A column of such a frame."""

    @property
    def _constructor(self) -> type[MaskedSeries]:
        return MaskedSeries

    @property
    def _constructor_expanddim(self) -> type[MaskedFrame]:
        return MaskedFrame

    def _plain(self) -> pd.Series[Any]:
        plain = pd.Series(self)
        row = isinstance(self.index, pd.Index) and any(map(is_content, self.index))
        return plain.map(_told) if is_content(self.name) or row else plain

    def __repr__(self) -> str:
        return repr(self._plain())

    def to_string(self, *args: Any, **options: Any) -> Any:
        return self._plain().to_string(*args, **options)

    def to_csv(self, *args: Any, **options: Any) -> Any:
        return self._plain().to_csv(*args, **options)
