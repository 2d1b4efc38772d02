"""The violative view rate against the demo platform's recorded truth, week by week.

The one place where an estimate from labelled draws meets what really happened: the truth of each
market and week lies in a table of its own, which no study reads.
"""

from __future__ import annotations

import numpy as np

from analysis.calendar import Window
from analysis.metrics.cube import open_cubes
from analysis.metrics.estimate import estimate
from analysis.project import Project
from analysis.warehouse import open_warehouse

WEEKS = 65
TRUTH = """
    SELECT market, starts_at, effect FROM demo_truth WHERE kind = 'violative_view_rate'
"""


def test_intervals_hold_the_recorded_truth(demo: Project) -> None:
    """1,040 market-weeks of about 220 draws each, many of them with a handful of positives."""
    with open_warehouse(demo) as warehouse:
        rows = warehouse.rows(TRUTH)
    truth = {(code, demo.market(code).local_day(start)): rate for code, start, rate in rows}
    windows = [Window.parse("2026-W10")]
    while len(windows) < WEEKS:
        windows.append(windows[-1].previous())
    held, errors = [], []
    cubes = open_cubes(demo)
    for code, market in demo.markets.items():
        found = estimate(cubes.slice(market, windows), "violative_view_rate")
        true = np.array([truth[code, window.start] for window in windows])
        held.append((found.interval.low <= true) & (true <= found.interval.high))
        errors.append(found.found.value - true)
    coverage = float(np.mean(held))
    print(f"the interval held the truth in {coverage:.1%} of {np.size(held):,} market-weeks")
    # Three standard errors of a share of 1,040 are 0.02; few positives may only make it wider.
    assert 0.93 <= coverage <= 0.99
    assert abs(float(np.mean(errors))) < 3 * float(np.std(errors)) / np.sqrt(np.size(errors))
