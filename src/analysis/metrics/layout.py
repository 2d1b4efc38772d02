"""How a cube's rows lie in files: apart by kind, in one order, a batch for each market.

Files are Arrow's own (IPC, as Feather has it), not compressed, and mapped into memory: a slice
touches the pages of the days that it reads and copies nothing before it adds them up, so that it
takes the same time whatever lies beside them. Numbers are kept in the smallest whole type that
holds them all exactly, by which the files are about as small as if they were compressed lightly.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from analysis.calendar import day_number

#: The two kinds of files.
KINDS = SUMS, TIMES = ("sums", "times")
WHOLE = (pa.int8(), pa.int16(), pa.int32(), pa.int64())
#: A market's rows of a file, column by column, in order.
Rows: TypeAlias = Mapping[str, NDArray[Any]]


def parted(found: pa.Table, markets: Sequence[str]) -> dict[str, pa.Table]:
    """A scan's rows by kind, in order, with the markets' codes and with dates."""
    own = [name for name in found.column_names if name.startswith("sum_")]
    batches = found.to_batches() or [pa.RecordBatch.from_pylist([], found.schema)]
    del found  # the largest thing in memory: each batch of it goes when its parts are copied
    parts: dict[str, list[pa.RecordBatch]] = {kind: [] for kind in KINDS}
    while batches:
        batch = batches.pop()
        is_sum = pc.equal(batch["measure"], 0)
        parts[SUMS].append(batch.drop_columns(["measure", "bin"]).filter(is_sum))
        parts[TIMES].append(batch.drop_columns(own).filter(pc.invert(is_sum)))
    del batch
    tables = {kind: pa.Table.from_batches(parts.pop(kind)) for kind in KINDS}
    return {kind: _named(sorted_rows(tables.pop(kind)), markets) for kind in KINDS}


def _named(rows: pa.Table, markets: Sequence[str]) -> pa.Table:
    codes = pa.array(markets, pa.string())
    places = rows["market"].combine_chunks().cast(pa.int32())
    named = pa.DictionaryArray.from_arrays(places, codes)
    dates = rows["day"].cast(pa.int32()).cast(pa.date32())
    return rows.set_column(0, "market", named).set_column(1, "day", dates)


def sorted_rows(rows: pa.Table) -> pa.Table:
    """Rows of one kind by market, histogram, day and the rest of what tells them apart.

    So that what a slice reads of a file lies together: a market's days, of one histogram.
    """
    keys = [name for name in rows.column_names if name != "n" and not name.startswith("sum_")]
    first = [name for name in ("market", "measure", "day") if name in keys]
    by = [*first, *(name for name in keys if name not in first)]
    return rows.take(pa.array(_order(rows, by)))


def _order(rows: pa.Table, by: Sequence[str]) -> NDArray[Any]:
    """The order of rows by columns; these are packed into one number where they fit."""
    if not rows.num_rows:
        return np.empty(0, np.int64)
    packed, room = np.zeros(rows.num_rows, np.int64), 1
    for name in by:
        column = _numbers(rows[name])
        low = int(column.min())
        width = int(column.max()) - low + 1
        room *= width
        if room >= 2**63:
            return np.lexsort([_numbers(rows[name]) for name in reversed(by)])
        packed *= width
        packed += column - low
    return np.argsort(packed)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Whole numbers in the same order as a column's values."""
    if pa.types.is_date(column.type):
        column = column.cast(pa.int32())
    if pa.types.is_integer(column.type):
        return np.asarray(column.to_numpy(), np.int64)
    held = column.combine_chunks().dictionary_encode()
    rank = np.argsort(np.argsort(np.array(held.dictionary.to_pylist(), object)))
    return np.asarray(rank[held.indices.to_numpy()], np.int64)


def spliced(
    held: pa.Table, fresh: pa.Table, markets: Iterable[str], days: tuple[date, date]
) -> pa.Table:
    """Rows in order, some days of some markets replaced by fresh ones, which are in order too.

    Long runs are cut and put together and nothing is sorted again, so that a day costs little
    whatever lies beside it.

    Args:
        held: rows of one kind.
        fresh: rows of those days and markets, of the same kind.
        markets: codes.
        days: the first, and the one after the last.
    """
    fresh = pa.table({name: _smallest(fresh[name]) for name in fresh.column_names})
    old, new, touched = _runs(held), _runs(fresh), frozenset(markets)
    span = [day_number(day) for day in days]
    day, pieces = _numbers(held["day"]), []
    for key in sorted(old.keys() | new.keys()):
        begin, stop = old.get(key, (0, 0))
        if key[0] in touched:
            cut, on = begin + np.searchsorted(day[begin:stop], span)
        else:
            cut, on = stop, stop
        pieces.append(held.slice(begin, cut - begin))
        if key in new:
            pieces.append(fresh.slice(new[key][0], new[key][1] - new[key][0]))
        pieces.append(held.slice(on, stop - on))
    return pa.concat_tables(pieces, promote_options="permissive") if pieces else held


def _runs(rows: pa.Table) -> dict[tuple[str, int], tuple[int, int]]:
    """Where the rows of each market and histogram begin and end, of rows in order."""
    if not rows.num_rows:
        return {}
    market = rows["market"].unify_dictionaries().combine_chunks()
    place, codes = market.indices.to_numpy(), market.dictionary.to_pylist()
    of = _numbers(rows["measure"]) if "measure" in rows.column_names else np.zeros_like(place)
    starts = np.flatnonzero((np.diff(place, prepend=-1) != 0) | (np.diff(of, prepend=-1) != 0))
    return {
        (codes[place[start]], int(of[start])): (int(start), int(end))
        for start, end in zip(starts, [*starts[1:], rows.num_rows], strict=True)
    }


def write_rows(rows: pa.Table, path: Path) -> None:
    """Writes rows that are in order."""
    kept = pa.table({name: _smallest(rows[name]) for name in rows.column_names}).combine_chunks()
    places = kept["market"].chunk(0).indices.to_numpy()
    starts = np.flatnonzero(np.diff(places, prepend=-1)).tolist()
    codes = [str(kept["market"][start]) for start in starts]
    schema = kept.schema.with_metadata({"markets": json.dumps(codes)})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as file:
        for start, end in zip(starts, [*starts[1:], kept.num_rows], strict=True):
            file.write_table(
                kept.slice(start, end - start).replace_schema_metadata(schema.metadata)
            )


def _smallest(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers in the smallest whole type that holds them all; others as they are."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        for kind in WHOLE:
            try:
                return column.cast(kind)
            except pa.ArrowInvalid:
                continue
    return column


def read_rows(path: Path) -> pa.Table:
    """All rows of a file."""
    with pa.memory_map(str(path)) as mapped:
        return pa.ipc.open_file(mapped).read_all()


def market_rows(path: Path, market: str, columns: Iterable[str]) -> Rows | None:
    """Some columns of a market's rows, in order; None where the file has none of it.

    A day is its number from 1 January 1970.
    """
    with pa.memory_map(str(path)) as mapped:
        file = pa.ipc.open_file(mapped)
        markets = json.loads(file.schema.metadata[b"markets"])
        if market not in markets:
            return None
        batch = file.get_batch(markets.index(market))
    return {name: _array(batch.column(name)) for name in columns}


def _array(column: pa.Array) -> NDArray[Any]:
    """A column without copying its numbers; Arrow's own way would import pandas for it."""
    if pa.types.is_string(column.type):
        return np.array(column.to_pylist(), object)
    days = pa.types.is_date(column.type)
    return np.from_dlpack(column.view(pa.int32()) if days else column)
