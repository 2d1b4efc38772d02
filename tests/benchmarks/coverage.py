"""Realised coverage of nominal 95 % intervals, over a grid of worlds of creators.

    python tests/benchmarks/coverage.py [--times 2000] [--seed 20260302]

Sizes of creators are lognormal with a mean of 20 rows, their rows alike by a beta-binomial. A cell
with at least 5 expected events is to lie within the bounds, one with fewer may err wide;
`effective` is that number over the design effect.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from analysis.methods.buckets import ratio
from analysis.methods.intervals import interval
from clusters import deal, grouped

CREATORS, SIGMAS = (20, 200, 2000, 20_000), (0.0, 0.75, 1.5)
ALIKE, SHARES = (0.0, 0.05, 0.3), (1e-4, 1e-3, 1e-2, 0.1, 0.5)
ROWS, SEED, AT_ONCE = 20, 20260302, 200
BOUNDS, FEWEST = (0.935, 0.975), 5


@dataclass(frozen=True)
class Cell:
    creators: int
    sigma: float
    alike: float
    share: float

    @property
    def expected(self) -> float:
        return self.creators * ROWS * self.share

    @property
    def effective(self) -> float:
        """Expected events over the design effect of their creators."""
        other = ROWS * np.exp(self.sigma**2) - 1
        return float(self.expected / (1 + max(other, 0) * self.alike))

    def coverage(self, seed: int, number: int, times: int) -> float:
        rng, held = np.random.default_rng([seed, number]), 0
        for _ in range(times // AT_ONCE):
            drawn = rng.lognormal(-(self.sigma**2) / 2, self.sigma, (AT_ONCE, self.creators))
            sizes = np.maximum(1, np.round(ROWS * drawn))
            events = rng.binomial(sizes.astype(np.int64), self._rates(rng))
            groups = deal(rng, AT_ONCE, self.creators)
            tops, bottoms = grouped(groups, events), grouped(groups, sizes)
            limits = interval(ratio(tops, bottoms), "share", trials=bottoms)
            held += int(np.sum((limits.low <= self.share) & (self.share <= limits.high)))
        return held / (times // AT_ONCE * AT_ONCE)

    def _rates(self, rng: np.random.Generator) -> np.ndarray | float:
        if not self.alike:
            return self.share
        spread = 1 / self.alike - 1
        size = (AT_ONCE, self.creators)
        return rng.beta(self.share * spread, (1 - self.share) * spread, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=2000, help="repetitions of a cell")
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    grid = [Cell(*each) for each in itertools.product(CREATORS, SIGMAS, ALIKE, SHARES)]
    within, error = 0, (BOUNDS[0] * (1 - BOUNDS[0]) / asked.times) ** 0.5
    print(f"coverage outside {BOUNDS[0]:.1%} to {BOUNDS[1]:.1%} (its standard error: {error:.1%})")
    for number, cell in enumerate(grid):
        found = cell.coverage(asked.seed, number, asked.times)
        if BOUNDS[0] <= found <= (BOUNDS[1] if cell.expected >= FEWEST else 1.0):
            within += 1
            continue
        print(f"  {found:.1%}  {cell}, {cell.effective:.1f} effective events", flush=True)
    print(f"{within} of {len(grid)} cells lie within")


if __name__ == "__main__":
    main()
