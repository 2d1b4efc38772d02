"""Realised coverage of every interval, on creators of heavy-tailed sizes who are alike in rows.

Nominal is 95 % throughout. With 1,000 repetitions the standard error of a coverage is 0.7 points,
which the tolerances allow for. `effective` is the median number of effective events.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import special
from statsmodels.stats.proportion import proportion_confint

from analysis.methods.buckets import Floats, ratio
from analysis.methods.intervals import ALIKE, Interval, assumed_effect, interval
from clusters import GROUPS, World, draw, grouped

TIMES = 1000

#: The least and the most that is allowed, and the world.
ENOUGH = (0.93, 0.98)
FEW = (0.90, 0.99)  # 1 to 8 effective events: wide where events stand alone, else a little short
RARE = (0.935, 1.0)  # fewer than 5 events, half of the time none: wide, never narrow
WORLDS = [
    (ENOUGH, World(5000, 5, 0.0016, 0.0)),
    (ENOUGH, World(5000, 5, 0.01, 0.05)),
    (ENOUGH, World(5000, 50, 0.001, 0.05)),
    (ENOUGH, World(5000, 50, 0.01, 0.3)),
    (ENOUGH, World(1000, 5, 0.01, 0.3)),
    (ENOUGH, World(1000, 50, 0.01, 0.05)),
    (ENOUGH, World(1000, 50, 0.1, 0.3)),
    (ENOUGH, World(1000, 50, 0.3, 0.3)),
    (FEW, World(200, 50, 0.01, 0.05)),
    (ENOUGH, World(200, 5, 0.1, 0.3)),
    (ENOUGH, World(200, 50, 0.3, 0.3)),
    (FEW, World(5000, 5, 0.0002, 0.0)),
    (FEW, World(200, 5, 0.01, 0.05)),
    (FEW, World(1000, 50, 0.001, 0.05)),
    (FEW, World(5000, 50, 0.001, 0.3)),
    (FEW, World(5000, 5, 0.001, 0.3)),
    (RARE, World(200, 20, 0.001, 0.3)),
    (RARE, World(2000, 20, 0.0001, 0.3)),
    (RARE, World(2000, 20, 0.0001, 0.05)),
    (RARE, World(2000, 20, 0.0001, 0.0)),
]


def coverage(limits: Interval, truth: float) -> float:
    return float(np.mean((limits.low <= truth) & (truth <= limits.high)))


@pytest.mark.parametrize(("bounds", "world"), WORLDS, ids=lambda value: str(value))
def test_shares_and_rates_are_covered(bounds: tuple[float, float], world: World) -> None:
    events, rows = draw(world, np.random.default_rng(20260302), TIMES)
    trials = rows
    share = coverage(interval(ratio(events, rows), "share", trials=trials), world.share)
    rate = coverage(interval(ratio(events, rows), "rate", trials=trials), world.share)
    others = interval(ratio(rows - events, rows), "share", trials=trials)
    assert bounds[0] <= share <= bounds[1]
    assert bounds[0] <= rate <= bounds[1] + 0.005
    assert coverage(others, 1 - world.share) == pytest.approx(share, abs=1e-9)


def test_the_naive_binomial_interval_is_not() -> None:
    """Why all this: rows taken as independent cover a half of the time or less."""
    world = World(1000, 50, 0.01, 0.05)
    events, rows = draw(world, np.random.default_rng(1), TIMES)
    naive = proportion_confint(events.sum(-1), rows.sum(-1), method="beta")
    assert np.mean((naive[0] <= world.share) & (world.share <= naive[1])) < 0.6


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.99])
def test_other_confidences_are_kept(confidence: float) -> None:
    world = World(1000, 20, 0.05, 0.05)
    events, rows = draw(world, np.random.default_rng(2), TIMES)
    limits = interval(ratio(events, rows), "share", confidence=confidence, trials=rows)
    assert (
        confidence - 0.015 <= coverage(limits, world.share) <= confidence + 0.07
    )  # wide, the lower the wider


@pytest.mark.parametrize(
    "world",
    [World(2000, 20, 0.5, 0.0), World(200, 20, 0.5, 0.05), World(2000, 20, 0.5, 0.3)],
    ids=str,
)
def test_near_one_half_there_is_no_tail_to_allow_for(world: World) -> None:
    """Nominal 95 %; 2,000 repetitions have a standard error of 0.5 points, three are allowed."""
    events, rows = draw(world, np.random.default_rng(8), 2000)
    limits = interval(ratio(events, rows), "share", trials=rows)
    assert 0.935 <= coverage(limits, world.share) <= 0.975


def test_single_events_get_the_binomial_limits() -> None:
    """Where each row is its own cluster, statsmodels' exact interval is the yardstick."""
    rng = np.random.default_rng(3)
    rows = np.full((50, GROUPS), 10.0)
    events = rng.binomial(10, 0.02, (50, GROUPS)).astype(float)
    limits = interval(ratio(events, rows), "share", trials=rows)
    low, high = proportion_confint(events.sum(-1), rows.sum(-1), method="beta")
    assert np.median(limits.base_low / low) == pytest.approx(1, abs=0.05)
    assert np.median(limits.base_high / high) == pytest.approx(1, abs=0.05)
    assert np.median((limits.high - limits.low) / (high - low)) == pytest.approx(1.1, abs=0.15)


def test_the_limits_are_statsmodels_beta_at_the_effective_size() -> None:
    events, rows = draw(World(2000, 20, 0.1, 0.1), np.random.default_rng(4), 1)
    found = ratio(events, rows)
    limits = interval(found, "share", trials=rows)
    share = found.value[0]
    size = share * (1 - share) / found.variance[0]
    size *= (special.ndtri(0.025) / special.stdtrit(GROUPS - 1, 0.025)) ** 2
    low, high = proportion_confint(share * size, size, method="beta")
    assert limits.base_low[0] == pytest.approx(low, rel=1e-9)
    assert limits.base_high[0] == pytest.approx(high, rel=1e-9)


def one_window(events: Floats, rows: Floats, **options: float) -> Interval:
    return interval(ratio(events, rows), "share", trials=rows, **options)


def test_no_event_gives_an_upper_bound_only() -> None:
    limits = one_window(np.zeros(GROUPS), np.full(GROUPS, 10.0), design_effect=1.0)
    assert limits.low == 0
    assert limits.high == pytest.approx(3 / 1280, rel=0.01)  # the rule of three
    wider = one_window(np.zeros(GROUPS), np.full(GROUPS, 10.0), design_effect=4.0)
    assert wider.high == pytest.approx(4 * 3 / 1280, rel=0.01)


def test_what_is_not_known_of_clusters_is_assumed_from_their_sizes() -> None:
    """Creators of 20 rows each, dealt to the buckets: their rows see a cluster of 20."""
    rng = np.random.default_rng(9)
    rows = 20.0 * rng.multinomial(2000, np.full(GROUPS, 1 / GROUPS), 200)
    found = assumed_effect(rows)
    assert np.median(found) == pytest.approx(1 + ALIKE * 19, rel=0.05)
    limits = interval(ratio(np.zeros_like(rows), rows), "share", trials=rows)
    assert limits.high == pytest.approx(3 * found / 40_000, rel=0.01)


def test_nothing_but_events_gives_a_lower_bound_only() -> None:
    limits = one_window(np.full(GROUPS, 10.0), np.full(GROUPS, 10.0))
    assert limits.high == 1
    assert limits.low == pytest.approx(1 - 3 / 1280, rel=1e-4)


def test_nothing_counted_gives_no_interval() -> None:
    limits = one_window(np.zeros(GROUPS), np.zeros(GROUPS))
    assert np.isnan([limits.low, limits.high]).all()


@given(
    arrays(float, GROUPS, elements=st.integers(0, 6).map(float)),
    arrays(float, GROUPS, elements=st.integers(0, 50).map(float)),
)
def test_an_interval_holds_its_value_and_stays_a_share(events: Floats, more: Floats) -> None:
    rows = events + more
    if rows.sum() == 0:
        return
    found = ratio(events, rows)
    limits = interval(found, "share", trials=rows)
    assert 0 <= limits.low <= found.value + 1e-12
    assert found.value - 1e-12 <= limits.high <= 1
    assert limits.high > limits.low


@pytest.mark.parametrize("confidence", [0.0, 0.4, 1.0, 95.0])
def test_a_confidence_that_is_none_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="not between"):
        one_window(np.ones(GROUPS), np.full(GROUPS, 10.0), confidence=confidence)


class TestWeightedDraws:
    """Draws with replacement from a stream of views, with known probabilities: the violative view
    rate. The world is the reference simulation of the prevalence study."""

    @pytest.fixture(scope="class")
    @classmethod
    def world(cls) -> dict[str, Floats]:
        rng = np.random.default_rng(20260218)
        views = np.ceil(rng.lognormal(2.0, 1.5, 500_000))
        risk = rng.normal(size=len(views))
        label = rng.random(len(views)) < special.expit(-8.6 + 1.9 * risk)
        noise = rng.normal(0, 0.6, len(views))
        score = special.expit(0.9 * (-8.6 + 1.9 * risk) + noise)
        bucket = rng.integers(0, GROUPS, len(views))
        return {"views": views, "label": label, "score": score, "bucket": bucket}

    @pytest.mark.parametrize(
        ("power", "draws", "bounds"),
        [
            (0.0, 4000, (0.94, 0.99)),  # 4 events: wide
            (0.5, 4000, (0.93, 0.985)),
            (0.5, 1000, (0.92, 0.985)),  # 5 events
            (1.0, 4000, (0.92, 0.985)),
        ],
    )
    def test_the_true_rate_is_covered(
        self,
        world: dict[str, Floats],
        power: float,
        draws: int,
        bounds: tuple[float, float],
    ) -> None:
        rng, times = np.random.default_rng(5), 600
        probability = world["views"] * world["score"] ** power
        probability /= probability.sum()
        drawn = np.searchsorted(np.cumsum(probability), rng.random((times, draws)))
        drawn = np.minimum(drawn, len(probability) - 1)
        weight = (world["views"] / probability)[drawn]
        label = world["label"][drawn]
        groups = world["bucket"][drawn] + np.arange(times)[:, None] * GROUPS
        found = ratio(grouped(groups, weight * label), grouped(groups, weight))
        trials, events = grouped(groups, np.ones_like(weight)), label.sum(-1).astype(float)
        limits = interval(found, "share", trials=trials, events=events)
        truth = (world["views"] * world["label"]).sum() / world["views"].sum()
        assert bounds[0] <= coverage(limits, truth) <= bounds[1]
        if power > 0:  # the usual interval falls short here
            off = np.abs(found.value - truth)
            assert np.mean(off < 1.96 * np.sqrt(found.variance)) < bounds[0]
