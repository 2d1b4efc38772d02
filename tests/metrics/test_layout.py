"""Rows in files: what replaces some days lies where a full sort would put it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeAlias

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.metrics.layout import sorted_rows, spliced

START, DAYS = date(2026, 3, 1), 5
MARKETS = ("BR", "JP", "US")
KEYS = st.tuples(
    st.integers(0, len(MARKETS) - 1), st.integers(1, 3), st.integers(0, DAYS), st.integers(0, 3)
)
ROWS = st.dictionaries(KEYS, st.integers(-(2**40), 2**40))


Key: TypeAlias = tuple[int, int, int, int]


def table(rows: dict[Key, int]) -> pa.Table:
    keys = sorted(rows)
    columns = {
        "market": pa.DictionaryArray.from_arrays(
            pa.array([key[0] for key in keys], pa.int32()), list(MARKETS)
        ),
        "day": pa.array([START + timedelta(key[2]) for key in keys], pa.date32()),
        "bucket": pa.array([key[3] for key in keys], pa.int16()),
        "measure": pa.array([key[1] for key in keys], pa.int16()),
        "n": pa.array([rows[key] for key in keys], pa.int64()),
    }
    return sorted_rows(pa.table(columns))


@pytest.mark.parametrize("places", [[0], [1, 2], [0, 1, 2]])
@given(old=ROWS, new=ROWS, first=st.integers(0, DAYS), length=st.integers(1, DAYS))
def test_spliced_rows_are_those_of_a_full_sort(
    places: list[int],
    old: dict[Key, int],
    new: dict[Key, int],
    first: int,
    length: int,
) -> None:
    def inside(key: Key) -> bool:
        return key[0] in places and first <= key[2] < first + length

    fresh = {key: n for key, n in new.items() if inside(key)}
    days = (START + timedelta(first), START + timedelta(first + length))
    found = spliced(table(old), table(fresh), [MARKETS[place] for place in places], days)
    kept = {key: n for key, n in old.items() if not inside(key)}
    assert found.to_pylist() == table(kept | fresh).to_pylist()
