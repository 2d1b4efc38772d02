"""Simulated creators of heavy-tailed sizes: what the intervals' coverage is tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.buckets import Floats

GROUPS = 128


@dataclass(frozen=True)
class World:
    """A population to draw from.

    Attributes:
        creators: how many.
        rows: of a creator, on average; their sizes are lognormal with sigma 1.5.
        share: of rows that are events.
        alike: intraclass correlation of a creator's rows (beta-binomial).
    """

    creators: int
    rows: float
    share: float
    alike: float

    def __str__(self) -> str:
        return f"{self.creators} creators x {self.rows:g}, share {self.share:g}, icc {self.alike:g}"

    def sizes(self, rng: np.random.Generator, times: int) -> Floats:
        drawn = rng.lognormal(np.log(self.rows) - 1.125, 1.5, (times, self.creators))
        return np.maximum(1, np.round(drawn))

    def rates(self, rng: np.random.Generator, times: int, share: float | None = None) -> Floats:
        mean = self.share if share is None else share
        if self.alike == 0:
            return np.full((times, self.creators), mean)
        spread = 1 / self.alike - 1
        return rng.beta(mean * spread, (1 - mean) * spread, (times, self.creators))


def deal(rng: np.random.Generator, times: int, creators: int) -> np.ndarray:
    """A group for each creator of each repetition, counted through all repetitions."""
    return rng.integers(0, GROUPS, (times, creators)) + np.arange(times)[:, None] * GROUPS


def grouped(groups: np.ndarray, values: np.ndarray) -> Floats:
    """Sums per repetition and group."""
    times = len(groups)
    return np.bincount(groups.ravel(), values.ravel(), times * GROUPS).reshape(times, GROUPS)


def draw(world: World, rng: np.random.Generator, times: int) -> tuple[Floats, Floats]:
    """Events and rows per repetition and group."""
    sizes = world.sizes(rng, times)
    events = rng.binomial(sizes.astype(np.int64), world.rates(rng, times))
    groups = deal(rng, times, world.creators)
    return grouped(groups, events), grouped(groups, sizes)
