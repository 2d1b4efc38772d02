"""A person's own query: read only, with a limit that says when it cut, and mistakes in one line."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from analysis.errors import UserError, nearest
from analysis.warehouse.interface import QueryError, Warehouse, framed, listed

if TYPE_CHECKING:
    import pandas as pd


class RowsCut(UserWarning):
    """A query gave more rows than its limit: those beyond it were left in the engine."""


class Answer(NamedTuple):
    """What a query gave.

    Attributes:
        columns: their names.
        rows: at most as many as the limit.
        cut: whether there are more.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    cut: bool


def ask_rows(warehouse: Warehouse, query: str, *, limit: int) -> Answer:
    """A person's query as plain values.

    Raises:
        UserError: it can't be run; names the column that is not there, and the nearest.
    """
    with _mistakes(warehouse, query):
        found = warehouse.ask(query, (), _one_more(limit))
        return Answer(found.column_names, listed(found.slice(0, limit)), len(found) > limit)


def ask_frame(
    warehouse: Warehouse, query: str, parameters: Sequence[object] = (), *, limit: int | None
) -> pd.DataFrame:
    """A person's query as a frame, values bound to `?`.

    Warns:
        RowsCut: there are more rows than the limit; the frame holds the first of them.

    Raises:
        UserError: it can't be run; names the column that is not there, and the nearest.
    """
    with _mistakes(warehouse, query):
        most = None if limit is None else _one_more(limit)
        frame = framed(warehouse.ask(query, parameters, most))
    if limit is None or len(frame) <= limit:
        return frame
    # A cell that is run again must say it again; Python says a warning once a place by default.
    warnings.filterwarnings("always", category=RowsCut, append=True)
    warnings.warn(said_cut(limit, "a higher limit"), RowsCut, stacklevel=3)
    return frame.head(limit)


def said_cut(limit: int, way_out: str) -> str:
    """That rows were cut, and what to do."""
    rows = f"{limit:,} row{'s' if limit > 1 else ''}"
    return f"sql: cut at {rows}, there are more; count or filter in the query, or give {way_out}"


def _one_more(limit: int) -> int:
    """One row beyond the limit is fetched: only it can tell that there are more."""
    if limit < 1:
        raise UserError("limit", f"{limit} is no number of rows; Allowed: 1 or more")
    return limit + 1


@contextmanager
def _mistakes(warehouse: Warehouse, query: str) -> Iterator[None]:
    """What the engine refuses, as one line for the person who wrote the query."""
    try:
        query.encode()  # engines' own errors differ
        yield
    except QueryError as error:
        raise UserError("sql", _explain(error, query, warehouse.columns())) from None
    except UnicodeEncodeError:
        raise UserError("sql", "the query holds bytes that are no text") from None
    except OverflowError as error:
        problem = f"a value has no counterpart in Python ({error}); cast it to text"
        raise UserError("sql", problem) from None


def _explain(error: QueryError, query: str, columns: dict[str, list[str]]) -> str:
    if error.column is None:
        return _unquoted(str(error), query) if error.quotes else str(error)
    words = set(re.findall(r"\w+", query.lower()))
    tables = {name: held for name, held in columns.items() if name.lower() in words}
    known = [*(column for held in tables.values() for column in held), *error.candidates]
    close = nearest(error.column, known)
    place = f" in {', '.join(tables)}" if tables else ""
    hint = f"did you mean {close!r}? " if close else ""
    allowed = ", ".join(dict.fromkeys(known)) or "(none)"
    return f"no column {error.column!r}{place}; {hint}Allowed: {allowed}"


def _unquoted(message: str, query: str) -> str:
    """A message that quotes only what the query says: all else is a row's value, which may be what
    somebody wrote.

    >>> _unquoted("no number: 'it's a text' in column x", "select x from t")
    'no number: [value] in column x'
    """
    quoted = re.findall(r"'[^']*'|\"[^\"]*\"", message)
    if all(each[1:-1] in query for each in quoted):
        return message
    return re.sub(r"(['\"]).*\1", "[value]", message)
