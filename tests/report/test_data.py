"""The CSV behind figures and tables: true to the numbers, safe in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.cells import Data, Names, blocks
from analysis.report.data import data_files, defuse, to_csv
from samples import HOSTILE, code, notebook, show, table

FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_every_figure_and_table_has_its_file() -> None:
    files = data_files(notebook())
    assert set(files) == {"violative_view_rate.csv", "by_policy.csv"}
    assert rows(files["by_policy.csv"]) == [
        ["policy", "decisions", "proactive"],
        ["Spam and fake engagement", "120345", "0.973"],
        ["Hate speech", "8021", "0.81"],
        ["'-harassment", "11", ""],
    ]
    assert rows(files["violative_view_rate.csv"])[1] == ["2026-03-02", "0.0016", "'=cmd()"]


def test_files_of_one_name_are_kept_apart_and_the_page_links_to_the_same() -> None:
    names = ("Rate", "rate", "rate_2", "../../etc/passwd", "日本", "")
    shown = notebook(code("", *show(*(table(name) for name in names[:3]))))
    shown.cells.append(code("", *show(*(table(name) for name in names[3:]))))
    files = list(data_files(shown))
    assert files == [
        "rate.csv",
        "rate_2.csv",
        "rate_2_2.csv",
        "etc_passwd.csv",
        "data.csv",
        "data_2.csv",
    ]
    linked = [getattr(block, "file", None) for cell in blocks(shown) for block in cell]
    assert linked == files


@given(st.lists(st.text(alphabet="ab_ 1", max_size=70), max_size=8))
def test_names_are_always_slugs_and_never_twice(given_names: list[str]) -> None:
    names = Names()
    files = [names.file(name * 20) for name in given_names for _ in range(3)]
    assert len(set(files)) == len(files)
    assert all(re.fullmatch(r"[a-z0-9_]{1,70}\.csv", file) for file in files)


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.none(),
                st.booleans(),
                st.integers(),
                st.floats(allow_nan=False, allow_infinity=False),
                st.text(max_size=20),
            ),
            min_size=2,
            max_size=2,
        ),
        max_size=5,
    )
)
def test_numbers_survive_and_no_text_is_a_formula(values: list[list[object]]) -> None:
    data = Data.model_validate({"columns": ["a", "b"], "rows": values})
    read = rows(to_csv(data))[1:]
    assert len(read) == len(values)
    for given_row, kept in zip(values, read, strict=True):
        for value, text in zip(given_row, kept, strict=True):
            if isinstance(value, float):
                assert float(text) == value
            elif isinstance(value, str):
                assert text in (value, f"'{value}")
                assert not text.startswith(FORMULAS)
            else:
                assert text == ("" if value is None else str(value))


@pytest.mark.parametrize("hostile", [*HOSTILE, "＝1+1", "\u202e=1", " +1", "\ufeff@x", "-2+3"])
def test_hostile_text_is_no_formula(hostile: str) -> None:
    assert not defuse(hostile).lstrip(" \ufeff\u202e").startswith((*FORMULAS, "＝"))
