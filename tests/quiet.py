"""Weeks in which nothing happens: series with season and chance, counts that divide as ever."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from analysis.calendar import Window
from analysis.methods.alarms import begun
from analysis.methods.buckets import Floats
from analysis.methods.expectation import Expectation, Terms, expect, terms
from analysis.metrics.levels import watch_levels
from analysis.metrics.monitoring import Promise

WEEKS, WATCHED = 65, 13
YEARS = np.arange(WEEKS) / 52.18
MONDAY = date(2024, 12, 9)
WINDOWS = [
    Window(MONDAY + timedelta(weeks=at), MONDAY + timedelta(weeks=at + 1)) for at in range(WEEKS)
]


@dataclass(frozen=True)
class Quiet:
    """A world on the scale of logarithms.

    Attributes:
        sampling: standard deviation of an ordinary week's sampling error.
        process: of what moves from week to week beyond it.
        correlation: of that from one week to the next.
    """

    sampling: float
    process: float
    correlation: float

    def draw(self, rng: np.random.Generator, series: int) -> tuple[Floats, Floats, Terms]:
        """Values, the variances of their sampling errors, and what moves the level."""
        holidays = (rng.random(WEEKS) < 0.15) * rng.choice([1, 2], WEEKS) / 7
        variance = self.sampling**2 * rng.uniform(0.7, 1.5, (series, WEEKS))
        each = rng.normal(size=(series, 1)), rng.random((series, 1)), rng.normal(size=(series, 1))
        level = 0.15 * each[0] * YEARS + 0.1 * np.cos(2 * np.pi * (YEARS - each[1]))
        level += 0.1 * each[2] * holidays
        values = level + self._process(rng, series)
        values += rng.normal(size=values.shape) * np.sqrt(variance)
        return values, variance, terms(YEARS, holidays)

    def _process(self, rng: np.random.Generator, series: int) -> Floats:
        found = np.empty((series, WEEKS))
        found[:, 0] = rng.normal(size=series)
        for week in range(1, WEEKS):
            fresh = np.sqrt(1 - self.correlation**2) * rng.normal(size=series)
            found[:, week] = self.correlation * found[:, week - 1] + fresh
        return self.process * found

    def expected(self, rng: np.random.Generator, series: int) -> tuple[Floats, Expectation]:
        """Values, and what was expected of them."""
        values, variance, made = self.draw(rng, series)
        return values, expect(values, variance, made, watched=WATCHED)


#: From chance in the sample alone to weeks that hang together for months.
WORLDS = {
    "chance alone": Quiet(0.1, 0.0, 0.0),
    "as much beyond it": Quiet(0.1, 0.1, 0.5),
    "mostly beyond it": Quiet(0.05, 0.3, 0.3),
    "for months": Quiet(0.05, 0.1, 0.9),
}


#: Shares of policies among removals, from the rarest to the most frequent.
POLICIES = np.array([1, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5, 6, 8, 10, 18]) / 70


@dataclass(frozen=True)
class QuietShares:
    """Removals that divide among policies as they always do.

    Attributes:
        count: removals in an ordinary week.
        clump: how many of them come at once, on average, all of one policy.
        wander: standard deviation of what shares move, on the scale of logarithms.
        correlation: of that from one week to the next.
    """

    count: float
    clump: float = 1.0
    wander: float = 0.0
    correlation: float = 0.0

    def draw(self, rng: np.random.Generator) -> Floats:
        """Removals by policy and week."""
        season = 1 + 0.2 * np.cos(2 * np.pi * (YEARS - rng.random()))
        moved = Quiet(0, 1, self.correlation)._process(rng, len(POLICIES))
        share = POLICIES[:, None] * np.exp(self.wander * moved)
        clumps = rng.poisson(self.count * season * share / share.sum(0) / self.clump)
        if self.clump == 1:
            return clumps.astype(float)
        return (clumps + rng.negative_binomial(np.maximum(clumps, 1e-9), 1 / self.clump)).astype(
            float
        )

    def raised(self, rng: np.random.Generator, promise: Promise) -> Floats:
        """Where alerts begin in the half year that is watched, by policy and week."""
        counts = {str(at): each for at, each in enumerate(self.draw(rng))}
        made = watch_levels(counts, WINDOWS, promise)
        alarm = np.array([each.alarm for each in made.watched.values()])
        return np.abs(begun(alarm))[:, -made.windows :]


SHARES = {
    "48 a week": QuietShares(48),
    "12 a week": QuietShares(12),
    "in clumps of 3": QuietShares(150, clump=3),
    "shares wander by 20 %, correlation 0.8": QuietShares(480, wander=0.2, correlation=0.8),
    "shares wander by 30 %, correlation 0.3": QuietShares(2000, wander=0.3, correlation=0.3),
}
