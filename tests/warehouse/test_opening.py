"""From a URL to its engine; what can't be opened is said in one line, without a password."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.project import WAREHOUSE_VARIABLE, Project
from analysis.warehouse import (
    NoWarehouse,
    RowsCut,
    Warehouse,
    ask_frame,
    ask_rows,
    merge,
    open_warehouse,
)
from analysis.warehouse.demo import make_demo
from analysis.warehouse.trino import TrinoWarehouse
from engines import ENGINES, OTHERS, Place, opened
from support import copy_project

PLANTED = "hunter2-planted"


@pytest.fixture(scope="module", params=ENGINES)
def held(
    request: pytest.FixtureRequest, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """A warehouse with three decisions, opened to read."""
    project, url = copy_project(tmp_path_factory.mktemp("held")), place(request.param)
    with opened(project, url) as warehouse:
        rows = ", ".join(
            f"(CAST({i} AS BIGINT), 1, 1, 'JP', 'spam', 'remove', 'proactive', {i} > 1, "
            f"TIMESTAMPTZ '2026-03-02 12:00:00+00', {i})"
            for i in range(3)
        )
        columns = ", ".join(warehouse.columns()["decisions"])
        sql = f"SELECT * FROM (VALUES {rows}) AS made({columns})"
        with warehouse.transaction():
            merge(warehouse, "decisions", sql, load_id="a", markets=project.markets, watches=())
    with opened(project, url, write=False) as warehouse:
        yield warehouse


def test_a_persons_query_is_read_and_cut(held: Warehouse) -> None:
    found = ask_rows(held, "select decision_id, automated from decisions order by 1", limit=2)
    assert (found.rows, found.cut) == ([(0, False), (1, False)], True)
    with pytest.warns(RowsCut):
        assert len(ask_frame(held, "select * from decisions", limit=1)) == 1
    total = ask_rows(held, "select sum(views_before) as n from decisions", limit=1)
    assert total.rows == [(3,)]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("select markte from decisions", "did you mean 'market'"),
        ("delete from decisions", "DELETE is no query"),
        ("select 1; select 2", "one query is run at a time"),
    ],
)
def test_a_persons_mistake_is_one_line(held: Warehouse, query: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as refused:
        ask_rows(held, query, limit=10)
    assert "\n" not in str(refused.value)
    assert ask_rows(held, "select count(*) as n from decisions", limit=1).rows == [(3,)]


@pytest.mark.xdist_group("postgres")
def test_a_persons_query_cant_write_by_a_function(place: Place, project: Project) -> None:
    url = place("postgres")
    with opened(project, url) as warehouse:
        warehouse.perform(
            "CREATE FUNCTION sly() RETURNS int LANGUAGE sql AS 'DELETE FROM decisions; SELECT 1'"
        )
        for query in ("select sly()", "select set_config('transaction_read_only', 'off', true)"):
            with pytest.raises(UserError, match=r"read-only|read-write"):
                ask_rows(warehouse, query, limit=1)


@pytest.mark.parametrize("engine", OTHERS)
def test_what_was_never_loaded_is_no_warehouse(engine: str, place: Place, project: Project) -> None:
    with pytest.raises(NoWarehouse, match="yet"), opened(project, place(engine), write=False):
        pass


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgres://me@host/db", "'postgres' is not known; did you mean 'postgresql'"),
        ("mysql://host/db", "Allowed: duckdb, postgresql, spark, trino"),
        ("trino://host/lake", "Allowed: trino://USER@HOST:PORT/CATALOG/SCHEMA"),
        (f"postgresql://me:{PLANTED}@127.0.0.1:1/db", r"postgresql://127\.0\.0\.1/db can't be"),
        (f"trino://me:{PLANTED}@127.0.0.1:1/lake", "a part lacks"),
        (f"nothing://me:{PLANTED}@host", "'nothing' is not known"),
    ],
)
def test_a_url_that_cant_be_opened(
    url: str, says: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAREHOUSE_VARIABLE, url)
    with pytest.raises(UserError, match=says) as refused:
        open_warehouse(project)
    assert PLANTED not in "".join(traceback.format_exception(refused.value))
    assert "\n" not in str(refused.value)


def test_a_password_has_no_place_in_params(project: Project) -> None:
    path = project.params / "project.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("duckdb:///data/warehouse.duckdb", f"postgresql://me:{PLANTED}@host/db"),
        encoding="utf-8",
    )
    with pytest.raises(UserError, match=r"holds a password; .* STUDY_WAREHOUSE") as refused:
        open_warehouse(Project(project.root))
    assert PLANTED not in str(refused.value)


def test_the_demo_says_that_it_needs_duckdb(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAREHOUSE_VARIABLE, "postgresql://me@host/db")
    with pytest.raises(UserError, match=r"needs a file of DuckDB's.* postgresql:// URL is given"):
        make_demo(project)


def test_trino_is_only_read() -> None:
    with pytest.raises(UserError, match="only read here"):
        TrinoWarehouse("trino://me@host:8080/lake/safety", write=True)


@pytest.mark.xdist_group("spark")
def test_sparks_transaction_is_there_at_once_or_not_at_all(place: Place, project: Project) -> None:
    url = place("spark")
    folder = Path(url.partition("://")[2].replace("//", "/", 1))
    with opened(project, url) as warehouse:
        warehouse.stamp("content", "before")
        with warehouse.transaction():
            warehouse.stamp("content", "after")
            # Whoever reads now, and whoever comes after a kill now, finds what was there before.
            with opened(project, url, write=False) as reader:
                assert reader.versions() == {"content": "before"}
        with opened(project, url, write=False) as reader:
            assert reader.versions() == {"content": "after"}
        warehouse.stamp("content", "last")
        assert len(list((folder / "_versions").iterdir())) <= 2  # what is read, what was before
