from __future__ import annotations

import inspect

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.studies import Study, open_study
from analysis.warehouse import RowsCut


@pytest.fixture
def study(demo_env: Project) -> Study:
    return open_study("core_metrics", market="JP", window="2026-W10")


def test_sql_binds_its_values(study: Study) -> None:
    query = "SELECT count(*) AS n, min(market) AS market FROM decisions WHERE market = ?"
    found = study.sql(query, [study.market.code])
    assert found["n"][0] > 0
    assert found["market"][0] == "JP"
    assert study.sql(query, ["O'X'; DROP TABLE decisions"])["n"][0] == 0


def test_sql_says_when_it_cut(study: Study) -> None:
    with pytest.warns(RowsCut, match="cut at 10 rows") as caught:
        assert len(study.sql("FROM exposure", limit=10)) == 10
    assert caught[0].filename == __file__, "it points at the line that asked"
    assert inspect.signature(Study.sql).parameters["limit"].default == 100_000


def test_sql_says_a_mistake_in_one_line(study: Study) -> None:
    with pytest.raises(UserError, match="no column 'vews' in exposure; did you mean 'views'"):
        study.sql("SELECT vews FROM exposure")
    with pytest.raises(UserError, match="DELETE is no query"):
        study.sql("DELETE FROM exposure")
