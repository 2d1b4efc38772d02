"""The demo warehouse holds the canonical tables' contract."""

from __future__ import annotations

import pytest

from analysis.project import Project
from analysis.warehouse import TABLES, open_warehouse
from analysis.warehouse.demo.build import MADE


@pytest.mark.parametrize("table", MADE)
def test_table_has_rows_and_unique_keys(demo: Project, table: str) -> None:
    keys = ", ".join(TABLES[table].key)
    with open_warehouse(demo) as warehouse:
        rows, distinct = warehouse.rows(
            f"SELECT (SELECT count(*) FROM {table}), "
            f"(SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {table}))"
        )[0]
    assert rows == distinct > 0


def test_demo_env(demo_env: Project) -> None:
    assert Project.find() == demo_env
