"""What the prevalence study's interval does where the truth is known.

    python tests/benchmarks/prevalence_coverage.py [--times 2000] [--only reference --only grid]

The reference world has 500,000 posts of which 1 in 900 violates; 4,000 draws a sample. The grid
crosses prevalence, draws and how well the score ranks; a cell is judged where it expects at least
8 positive draws. See tests/prevalence_worlds.py for both.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from prevalence_worlds import Kept, binormal, kept, reference

PREVALENCES, DRAWS, AUCS = (1e-4, 1e-3, 1e-2), (1000, 4000, 16_000), (0.5, 0.8, 0.9, 0.97)
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="samples of each cell")
    parser.add_argument("--only", action="append", choices=("reference", "grid"))
    given = parser.parse_args()
    for name, show in (("reference", show_reference), ("grid", show_grid)):
        if name in (given.only or (name,)):
            show(given.times)


if __name__ == "__main__":
    main()
