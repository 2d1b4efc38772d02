"""What the prevalence study's interval does where the truth is known.

    python tests/benchmarks/prevalence_coverage.py [--times 2000] [--only reference --only grid]
    python tests/benchmarks/prevalence_coverage.py --only demo --times 200

The reference world has 500,000 posts of which 1 in 900 violates; 4,000 draws a sample. The grid
crosses prevalence, draws and how well the score ranks; a cell is judged where it expects at least
8 positive draws. See tests/prevalence_worlds.py for both. The demo needs `study demo` first: its
own posts of a week, a month and a quarter in every market, drawn anew by its design and held
against the truth that it recorded.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.project import Project
from analysis.studies import open_study
from prevalence_worlds import Kept, binormal, kept, platform, recorded, reference

PREVALENCES, DRAWS, AUCS = (1e-4, 1e-3, 1e-2), (1000, 4000, 16_000), (0.5, 0.8, 0.9, 0.97)
#: Windows of whole weeks of the demo, and the draws that it makes in each.
DEMO = {"2026-W10": 700, "2026-02-02..2026-03-02": 2800, "2025-12-08..2026-03-09": 9100}
LEAST, FEWEST, WIDEST = 0.93, 8, 1.25
HEAD = "positives  covers  above  below   Wald  efficiency  exact  width  plug-in size over real"


def row(found: Kept) -> str:
    return (
        f"{found.expected:9.1f}  {found.coverage:6.3f} {found.above:6.3f} {found.below:6.3f} "
        f"{found.wald:6.3f}  {found.efficiency:10.2f} {found.exact:6.2f} "
        f"{found.width:6.2f}  {found.plug_in:8.2f}"
    )


def show_reference(times: int) -> None:
    world = reference()
    print(f"\nreference world, truth {world.truth:.6f}, {times:,} samples of 4,000 draws")
    print(f"{'design':36}{HEAD}")
    designs = [
        ("views x score", 1.0, 0.0),
        *((f"views x root of score, {a:.0%} by views", 0.5, a) for a in (0.0, 0.02, 0.05, 0.1)),
    ]
    for name, power, defensive in designs:
        found = kept(world, 4000, times, 0, power=power, defensive=defensive)
        print(f"{name:36}{row(found)}", flush=True)


def show_grid(times: int) -> None:
    print(f"\ngrid, {times:,} samples a cell, 5% of draws by views")
    print(f"{'prevalence':>10} {'draws':>6} {'AUC':>5}  {HEAD}")
    judged = []
    for number, (prevalence, auc) in enumerate(itertools.product(PREVALENCES, AUCS)):
        world = binormal(prevalence, auc, number)
        for draws in DRAWS:
            found = kept(world, draws, times, number)
            if found.expected >= FEWEST:
                judged.append(found.coverage)
            print(f"{prevalence:10.4f} {draws:6d} {auc:5.2f}  {row(found)}", flush=True)
    held = sum(each >= LEAST for each in judged)
    print(f"{held} of {len(judged)} cells with {FEWEST} expected positives cover {LEAST} or more")


def show_demo(times: int) -> None:
    for window, draws in DEMO.items():
        print(f"\ndemo platform, {window}, {times:,} samples of {draws:,} draws, 10% by views")
        print(f"{'market':>6} {'truth':>7}  {HEAD}")
        judged = []
        for number, market in enumerate(Project.find().markets):
            study = open_study("prevalence", market=market, window=window)
            world = platform(study)
            if not math.isclose(world.truth, recorded(study), rel_tol=1e-9):
                raise SystemExit(f"{market} {window}: the posts' truth is not the one recorded")
            found = kept(world, draws, times, number, defensive=0.1)
            if found.distinct >= FEWEST:
                judged.append(found.coverage)
            posts = f"{found.distinct:6.1f} posts"
            print(f"{market:>6} {world.truth:7.4f}  {row(found)}  {posts}", flush=True)
        mean, least = sum(judged) / len(judged), min(judged)
        print(
            f"{mean:.3f} on average, {least:.3f} at least, in {len(judged)} markets with {FEWEST} ",
            end="",
        )
        print("violating posts expected or more")


SHOWN: dict[str, Callable[[int], None]] = {
    "reference": show_reference,
    "grid": show_grid,
    "demo": show_demo,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="samples of each cell")
    parser.add_argument("--only", action="append", choices=SHOWN, help="default: reference, grid")
    given = parser.parse_args()
    for name in given.only or ("reference", "grid"):
        SHOWN[name](given.times)


if __name__ == "__main__":
    main()
