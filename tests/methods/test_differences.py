"""Realised coverage of differences between windows that share creators."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.buckets import Replicated, ratio
from analysis.methods.differences import difference
from analysis.methods.intervals import Interval, interval
from clusters import World, deal, grouped


class TestDifference:
    """Two windows: most creators are in both, with the same propensity."""

    @staticmethod
    def two_windows(
        world: World, factor: float, present: float
    ) -> list[tuple[Replicated, Interval]]:
        rng = np.random.default_rng(6)
        sizes, rates = world.sizes(rng, 600), world.rates(rng, 600)
        groups = deal(rng, 600, world.creators)
        made = []
        for times in (factor, 1.0):
            rows = np.where(rng.random(sizes.shape) < present, rng.poisson(sizes), 0)
            events = rng.binomial(rows, np.minimum(times * rates, 1))
            found = ratio(grouped(groups, events), grouped(groups, rows))
            trials = grouped(groups, rows)
            made.append((found, interval(found, "share", trials=trials)))
        return made

    @pytest.mark.parametrize(
        "world",
        [
            World(1000, 50, 0.01, 0.05),
            World(5000, 5, 0.01, 0.05),
            World(1000, 5, 0.1, 0.3),
            World(1000, 50, 0.1, 0.3),
            World(500, 50, 0.002, 0.0),
            World(500, 50, 0.0003, 0.0),
            World(200, 5, 0.01, 0.05),
        ],
        ids=str,
    )
    @pytest.mark.parametrize(("factor", "present"), [(1.0, 0.3), (1.0, 0.8), (1.3, 0.8)])
    def test_the_true_difference_is_covered(
        self, world: World, factor: float, present: float
    ) -> None:
        (one, one_limits), (two, two_limits) = self.two_windows(world, factor, present)
        made = difference(one, one_limits, two, two_limits)
        truth = (factor - 1) * world.share
        assert 0.93 <= np.mean((made.low <= truth) & (truth <= made.high)) <= 0.998
        if factor == 1:
            assert np.mean(made.p_value < 0.05) <= 0.065

    def test_units_in_both_windows_make_the_difference_sharper(self) -> None:
        (one, one_limits), (two, two_limits) = self.two_windows(World(1000, 50, 0.1, 0.3), 1.3, 0.9)
        apart = Replicated(two.value, np.roll(two.influence, 1, axis=-1), two.residual)
        same = difference(one, one_limits, two, two_limits)
        other = difference(one, one_limits, apart, two_limits)
        assert np.median((same.high - same.low) / (other.high - other.low)) < 0.7

    def test_score_p_value_and_interval_say_the_same(self) -> None:
        (one, one_limits), (two, two_limits) = self.two_windows(World(1000, 5, 0.1, 0.1), 1.5, 0.8)
        made = difference(one, one_limits, two, two_limits)
        excludes = (made.low > 0) | (made.high < 0)
        assert 0.1 < excludes.mean() < 0.99
        assert (excludes == (np.abs(made.score) > 1)).all()
        assert (excludes == (made.p_value < 0.05)).all()
