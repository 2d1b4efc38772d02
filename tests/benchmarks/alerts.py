"""False alerts while nothing happens, and how soon a move of a fifth is noticed.

    python tests/benchmarks/alerts.py [--quarters 500] [--market JP --market US]

False alerts: quarters of a market's group of seven metrics, and of its removals by policy, in the
worlds of tests/quiet.py, at the limits of params/studies/core_metrics.yaml. Delay: the metrics of
the project's own warehouse, at the traffic that they have (`study demo` makes one).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.methods.alarms import alarms, begun, limits
from analysis.metrics.monitoring import Promise
from analysis.studies import core_metrics, open_study
from quiet import SHARES, WATCHED, WORLDS

METRICS, PROMISE = 7, Promise(false_alarms=1, markets=16, fewest_events=10)
BY_LEVEL = Promise(false_alarms=4, markets=16, fewest_events=10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quarters", type=int, default=500)
    parser.add_argument("--market", action="append")
    asked = parser.parse_args()
    print(f"allowed a quarter and group: {PROMISE.rate(WATCHED, METRICS) * WATCHED * METRICS:.2f}")
    limit = limits(PROMISE.rate(WATCHED, METRICS))
    for name, world in WORLDS.items():
        values, made = world.expected(np.random.default_rng(500), asked.quarters * METRICS)
        found = begun(alarms(made.score[:, -WATCHED:], limit))
        raised = np.abs(found).reshape(asked.quarters, -1).sum(1)
        held = ((made.low <= values) & (values <= made.high))[:, -WATCHED:].mean()
        more = (raised > 1).mean()
        print(
            f"  {name:20} {raised.mean():.2f}, more than one in {more:.1%}; band holds {held:.1%}"
        )
    print(f"of removals by policy: {BY_LEVEL.rate(WATCHED, 1) * WATCHED:.2f}")
    for name, shares in SHARES.items():
        rng = np.random.default_rng(500)
        half_years = [shares.raised(rng, BY_LEVEL) for _ in range(asked.quarters)]
        raised = np.array([each[:, -WATCHED:].sum() for each in half_years])
        print(f"  {name:40} {raised.mean():.2f}, more than one in {(raised > 1).mean():.1%}")
    for market in asked.market or ["JP", "US"]:
        study = open_study("core_metrics", market=market, window="latest-week")
        measured = core_metrics.estimate(study, core_metrics.load(study))
        *_, table = core_metrics.detection(measured)
        print(f"\n{table.caption}\n{table.frame.to_string(index=False)}")


if __name__ == "__main__":
    main()
