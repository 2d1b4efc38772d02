"""How a cube's rows lie in its files: apart by kind and month, in one order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: The two kinds of a month's file.
KINDS = SUMS, TIMES = ("sums", "times")


def parted(found: pa.Table, markets: Sequence[str]) -> dict[str, pa.Table]:
    """A scan's rows by kind, in order, with the markets' codes and with dates."""
    is_sum = pc.equal(found["measure"], 0)
    own = [name for name in found.column_names if name.startswith("sum_")]
    rows = {
        SUMS: found.drop_columns(["measure", "bin"]).filter(is_sum),
        TIMES: found.drop_columns(own).filter(pc.invert(is_sum)),
    }
    del found, is_sum  # the largest thing in memory; what follows makes copies of its parts
    return {kind: _named(sorted_rows(each), markets) for kind, each in rows.items()}


def _named(rows: pa.Table, markets: Sequence[str]) -> pa.Table:
    codes = pa.array(markets, pa.string())
    places = rows["market"].combine_chunks().cast(pa.int32())
    named = pa.DictionaryArray.from_arrays(places, codes).cast(pa.string())
    dates = rows["day"].cast(pa.int32()).cast(pa.date32())
    return rows.set_column(0, "market", named).set_column(1, "day", dates)


def sorted_rows(rows: pa.Table) -> pa.Table:
    """Rows by month, market, histogram, day and the rest of what tells them apart.

    So that what a slice reads of a file lies together: a market's days, of one histogram.
    """
    keys = [name for name in rows.column_names if name != "n" and not name.startswith("sum_")]
    first = [name for name in ("market", "measure", "day") if name in keys]
    by = [*first, *(name for name in keys if name not in first)]
    return rows.take(pa.array(_order(rows, by)))


def by_month(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Rows in the order of their months, a month at a time."""
    if not rows.num_rows:
        return
    months = _months(rows["day"])
    starts = np.flatnonzero(np.diff(months, prepend=months[0] - 1))
    for start, end in zip(starts, [*starts[1:], rows.num_rows], strict=True):
        month = np.datetime64(int(months[start]), "M")
        yield str(month), rows.slice(int(start), int(end - start))


def _months(days: pa.ChunkedArray) -> NDArray[np.int64]:
    numbers = _numbers(days).astype("datetime64[D]")
    return np.asarray(numbers.astype("datetime64[M]").astype(np.int64))


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Whole numbers in the same order as a column's values."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), np.int64)
    held = column.combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(np.array(held.dictionary.to_pylist(), object)))
    return np.asarray(rank[held.indices.to_numpy()], np.int64)


def _order(rows: pa.Table, by: Sequence[str]) -> NDArray[Any]:
    """The order of rows by month, then by columns; packed into one number where they fit."""
    if not rows.num_rows:
        return np.empty(0, np.int64)
    packed, room = np.zeros(rows.num_rows, np.int64), 1
    each = (_months(rows["day"]) if name is None else _numbers(rows[name]) for name in (None, *by))
    for column in each:
        low = int(column.min())
        width = int(column.max()) - low + 1
        room *= width
        if room >= 2**63:
            columns = [_numbers(rows[name]) for name in reversed(by)]
            return np.lexsort([*columns, _months(rows["day"])])
        packed *= width
        packed += column - low
    return np.argsort(packed)
