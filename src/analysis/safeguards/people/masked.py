"""Frames that hold texts of content: they compute as any other, and show their texts masked.

Two things mask them: each text is an `Unseen`, which stays one in an index, a list or a plain
frame; and what is computed of a text is masked by its column's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from analysis.safeguards.unseen import Unseen, hide, is_content, told


def mask_content(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame that shows its content masked; the frame itself where it has none."""
    names = [*frame.columns, *_fields(frame)]
    return MaskedFrame(frame.apply(_unseen)) if any(map(is_content, names)) else frame


def _fields(frame: pd.DataFrame) -> Iterator[object]:
    """The fields of rows within a row."""
    for value in frame.head(1).to_numpy(object).ravel():
        yield from value if isinstance(value, dict) else ()


def _unseen(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column whose texts are `Unseen`; bytes are only told to be there."""
    content = is_content(column.name)
    if column.dtype != object and not (content and isinstance(column.dtype, pd.StringDtype)):
        return column
    values = [hide(column.name, value, _as_unseen) for value in column]
    return pd.Series(values, column.index, object if content else column.dtype)


def _as_unseen(value: str | bytes) -> object:
    return Unseen(value) if isinstance(value, str) else told(value)


def _telling(name: object) -> Callable[[object], object]:
    """How values under a name are told."""
    return told if is_content(name) else lambda v: told(v) if isinstance(v, Unseen) else v


def _column(column: pd.Series[Any]) -> pd.Series[Any]:
    may_hold = column.dtype == object or is_content(column.name)
    return column.map(_telling(column.name)) if may_hold else column


def _index(index: pd.Index[Any]) -> pd.Index[Any]:
    if isinstance(index, pd.MultiIndex):
        levels = [_index(index.get_level_values(at)) for at in range(index.nlevels)]
        return pd.MultiIndex.from_arrays(levels, names=index.names)
    may_hold = index.dtype == object or is_content(index.name)
    return index.map(_telling(index.name)) if may_hold else index


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    """A plain frame in which each text of content is only said to be there."""
    plain = pd.DataFrame(frame).apply(_column)
    return plain.set_axis(_index(plain.index)).set_axis(_index(plain.columns), axis=1)


def _masked(name: str) -> Any:
    """A method that shows or writes, of what may be shown."""

    def method(self: MaskedFrame | MaskedSeries, *args: Any, **options: Any) -> Any:
        return getattr(self.shown(), name)(*args, **options)

    return method


class MaskedFrame(pd.DataFrame):
    """A frame whose content is masked wherever it is shown or written for people."""

    @property
    def _constructor(self) -> type[MaskedFrame]:
        return MaskedFrame

    @property
    def _constructor_sliced(self) -> type[MaskedSeries]:
        return MaskedSeries

    def shown(self) -> pd.DataFrame:
        return _shown(self)

    def __repr__(self) -> str:
        return repr(_shown(self))

    @property
    def style(self) -> Any:
        return _shown(self).style

    def value_counts(self, *args: Any, **options: Any) -> Any:
        return MaskedSeries(super().value_counts(*args, **options))

    _repr_html_ = _masked("_repr_html_")
    to_string = _masked("to_string")
    to_html = _masked("to_html")
    to_csv = _masked("to_csv")
    to_markdown = _masked("to_markdown")
    to_json = _masked("to_json")
    to_latex = _masked("to_latex")
    to_xml = _masked("to_xml")


class MaskedSeries(pd.Series):
    """A column or a row of such a frame."""

    @property
    def _constructor(self) -> type[MaskedSeries]:
        return MaskedSeries

    @property
    def _constructor_expanddim(self) -> type[MaskedFrame]:
        return MaskedFrame

    def shown(self) -> pd.Series[Any]:
        plain = pd.Series(self)
        row = any(map(is_content, self.index)) if self.index.dtype != int else False
        plain = plain.map(told) if row else _column(plain)
        return plain.set_axis(_index(plain.index))

    def __repr__(self) -> str:
        return repr(self.shown())

    to_string = _masked("to_string")
    to_csv = _masked("to_csv")
    to_markdown = _masked("to_markdown")
    to_json = _masked("to_json")
    to_latex = _masked("to_latex")
