"""Series of weeks in which nothing happens: trend, season, holidays, and chance of two kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.buckets import Floats
from analysis.methods.expectation import Expectation, Terms, expect, terms

WEEKS, WATCHED = 65, 13
YEARS = np.arange(WEEKS) / 52.18


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
