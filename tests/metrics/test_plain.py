from __future__ import annotations

import pytest

from analysis.calendar import Market, Window
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.cube import open_cubes
from analysis.metrics.estimate import estimate
from analysis.metrics.plain import plain_sql
from analysis.metrics.words import BASES
from analysis.project import Project
from analysis.warehouse import ask_rows, open_warehouse
from support import CHECKOUT

CATALOGUE = load_catalogue(Project(CHECKOUT))
METRICS = CATALOGUE.metrics


@pytest.mark.parametrize("window", ["2026-W09", "2025-10-26..2025-11-04"])
def test_the_plain_query_gives_the_cubes_number(small: Project, window: str) -> None:
    """Two ways to every metric; the second window has the day on which clocks change."""
    market, span = small.market("US"), Window.parse(window)
    cubes = open_cubes(small)
    rows = cubes.slice(market, [span])
    with open_warehouse(small) as warehouse:
        for name, metric in METRICS.items():
            query = plain_sql(cubes.catalogue, name, market, span)
            columns, found, _ = ask_rows(warehouse, query, limit=2)
            value = estimate(rows, name).value(0)
            if value is None:  # what must ripen, and what too many still wait for
                assert metric.matures_hours > 7 * 24 or "from_report" in name
                assert found == [(None,)], name
                continue
            told = value * BASES.get(metric.kind, 1)
            close = 0.0101 if metric.kind == "quantile" else 1e-9
            assert found == [(pytest.approx(told, rel=close),)], name
            assert columns == [name]


def test_nothing_to_measure_is_null(small: Project) -> None:
    with open_warehouse(small) as warehouse:
        for name in METRICS:
            query = plain_sql(CATALOGUE, name, small.market("JP"), Window.parse("2020-W10"))
            assert warehouse.rows(query) == [(None,)]


def test_a_market_with_a_quote_in_it_stays_a_text(small: Project) -> None:
    odd = Market("O'X", "Odd", "UTC")
    query = plain_sql(load_catalogue(small), "automation_share", odd, Window.parse("2026-W09"))
    assert "d.market = 'O''X'" in query
    with open_warehouse(small) as warehouse:
        assert warehouse.rows(query) == [(None,)]
