"""Where numbers of which no day is known yet end, held against where they did end.

    python tests/benchmarks/provisional.py

The metrics of the project's own warehouse (`study demo` makes one) that are known long after their
rows: each of the last 13 weeks that are final by now, as it was foreseen when it was over.
"""

from __future__ import annotations

import numpy as np

from analysis.metrics.cube import open_cubes
from analysis.metrics.estimate import estimate_all
from analysis.metrics.provisional import known_days, provisional
from analysis.project import Project
from analysis.studies import core_metrics, open_study

LATE, WEEKS = ("successful_appeal_rate", "recidivism_30_days", "recidivism_90_days"), 13


def main() -> None:
    project = Project.find()
    cubes = open_cubes(project)
    print("| metric | foreseen | held | of those that ended |\n|---|---:|---:|---:|")
    for name in LATE:
        held = []
        for code in project.markets:
            study = open_study("core_metrics", market=code, window="latest-week")
            loaded = core_metrics.load(study)
            windows = [loaded.rows.windows[place] for place in loaded.history]
            series = estimate_all(loaded.rows, [name])
            hours = series[name].metric.matures_hours
            final = [
                at for at, each in enumerate(windows)
                if known_days(each, loaded.after, hours) == each.days
            ]  # fmt: skip
            for at in final[-WEEKS:]:
                own, places = windows[: at + 1], loaded.history[: at + 1]
                after = windows[at].end
                made = provisional(cubes, series, own, places, study.market, after=after)[name]
                ended = float(series[name].found.value[places[-1]])
                if made.low is not None and made.high is not None and np.isfinite(ended):
                    held.append(made.low <= ended <= made.high)
        print(f"| {name} | {len(held)} | {sum(held)} | {np.mean(held):.1%} |")


if __name__ == "__main__":
    main()
