from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import pytest

from analysis.errors import UserError
from analysis.warehouse import RowsCut, Warehouse, ask_frame, ask_rows, scratch

QUOTED = "O'X'; DROP TABLE content; --"


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with scratch() as made:
        made.execute("INSERT INTO user_reports VALUES (1, 2, 3, ?, NULL, now())", (QUOTED,))
        yield made


def test_a_value_with_a_quote_in_it_is_a_value(warehouse: Warehouse) -> None:
    found = ask_frame(
        warehouse, "SELECT market FROM user_reports WHERE market = ?", [QUOTED], limit=5
    )
    assert found["market"].tolist() == [QUOTED]
    assert "content" in warehouse.columns()


def test_a_frame_is_cut_with_a_warning_each_time(warehouse: Warehouse) -> None:
    for _ in range(2):
        with pytest.warns(RowsCut, match="cut at 1,000 rows, there are more"):
            found = ask_frame(warehouse, "FROM range(1001)", limit=1000)
        assert found["range"].tolist() == list(range(1000))


@pytest.mark.parametrize("limit", [1000, 1001, None])
def test_a_frame_that_is_whole_says_nothing(warehouse: Warehouse, limit: int | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(ask_frame(warehouse, "FROM range(1000)", limit=limit)) == 1000


def test_rows_know_whether_they_were_cut(warehouse: Warehouse) -> None:
    assert ask_rows(warehouse, "FROM range(3)", limit=2) == (["range"], [(0,), (1,)], True)
    assert ask_rows(warehouse, "FROM range(2)", limit=2) == (["range"], [(0,), (1,)], False)


def test_no_more_than_the_limit_is_made(warehouse: Warehouse) -> None:
    started = time.monotonic()
    assert len(ask_rows(warehouse, "FROM range(1_000_000_000_000)", limit=10).rows) == 10
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("select 1 as x -- with a note", [(1,)]),
        ("select 1 as x;\n", [(1,)]),
        ("select x from (values (1), (3), (2)) as v(x) order by x desc", [(3,), (2,), (1,)]),
        ("with a as (select 1 as x) from a", [(1,)]),
        ("select 1 as x, 2 as x", [(1, 2)]),
    ],
)
def test_every_form_of_a_query(
    warehouse: Warehouse, query: str, values: list[tuple[int, ...]]
) -> None:
    assert ask_rows(warehouse, query, limit=9).rows == values


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select reporter from user_reports", "no column 'reporter' in user_reports; did you mean"),
        ("select r.polcy from user_reports as r", "did you mean 'policy'? Allowed: report_id"),
        ("with a as (select 1 as total) select totl from a", "did you mean 'total'?"),
        ("select 1 from user_report", 'Did you mean "user_reports"?'),
        ("selec 1", 'syntax error at or near "selec"'),
        ("select 1) from content --", "syntax error"),
        ("select cast('x' as int)", "Could not convert string 'x'"),
        ("select ?", "Values were not provided"),
        ("select 1; drop table content", "one query is run at a time; 2 given"),
        ("-- nothing", "one query is run at a time; 0 given"),
        ("drop table content", "DROP is no query; the warehouse is only read here"),
        ("insert into appeals values (1) returning *", "INSERT is no query"),
        ("copy content to 'here.csv'", "COPY is no query"),
        ("attach 'here.db'", "ATTACH is no query"),
    ],
)
def test_a_mistake_is_one_line(warehouse: Warehouse, query: str, said: str) -> None:
    for limit in (10, None):
        with pytest.raises(UserError) as caught:
            ask_frame(warehouse, query, limit=limit)
        assert str(caught.value).startswith("sql: ")
        assert said in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        "cast(market as int)",
        "cast(market as date)",
        "market::bool",
        "strptime(market, '%Y')",
        "market::enum('a')",
        "market::json",
    ],
)
def test_a_mistake_quotes_no_value_of_a_row(warehouse: Warehouse, made: str) -> None:
    with pytest.raises(UserError, match=r"\[value\]") as caught:
        ask_frame(warehouse, f"select {made} from user_reports", limit=10)
    assert "DROP" not in str(caught.value)


@pytest.mark.parametrize("name", ["self", "sql", "parameters", "duckdb"])
def test_a_table_is_not_looked_for_among_variables(warehouse: Warehouse, name: str) -> None:
    with pytest.raises(UserError, match=f"Table with name {name} does not exist"):
        ask_rows(warehouse, f"from {name}", limit=1)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select '\udce9'", "holds bytes that are no text"),
        ("select 'infinity'::date", "no counterpart in Python"),
    ],
)
def test_what_python_cannot_hold_is_one_line_too(
    warehouse: Warehouse, query: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        ask_rows(warehouse, query, limit=1)


def test_a_limit_is_a_number_of_rows(warehouse: Warehouse) -> None:
    with pytest.raises(UserError, match="limit: 0 is no number of rows"):
        ask_rows(warehouse, "select 1", limit=0)
