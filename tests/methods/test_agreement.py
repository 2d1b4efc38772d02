"""Agreement against published tables, the `krippendorff` package, and what the intervals keep."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from analysis.methods.agreement import agreement, cohen_kappa

#: Fleiss (1971): six raters, fifteen patients, five diagnoses; Gwet's distrib.6raters.
FLEISS = (
    (0, 0, 0, 6, 0), (0, 3, 0, 0, 3), (0, 1, 4, 0, 1), (0, 0, 0, 0, 6), (0, 3, 0, 3, 0),
    (2, 0, 4, 0, 0), (0, 0, 4, 0, 2), (2, 0, 3, 1, 0), (2, 0, 0, 4, 0), (0, 0, 0, 0, 6),
    (1, 0, 0, 5, 0), (1, 1, 0, 4, 0), (0, 3, 3, 0, 0), (1, 0, 0, 5, 0), (0, 2, 0, 3, 1),
)  # fmt: skip
#: Gwet's cont3x3abstractors: two abstractors, a hundred cases.
ABSTRACTORS = ((13, 0, 0), (0, 20, 7), (0, 4, 56))


def rng() -> np.random.Generator:
    return np.random.default_rng(20260302)


def counted(rows: tuple[str, ...], kinds: str) -> np.ndarray:
    """Observers' rows of labels as counts of items by kinds."""
    return np.array([[column.count(kind) for kind in kinds] for column in zip(*rows, strict=True)])


def pairs(table: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """A table of two raters as counts of items by kinds."""
    one = np.eye(len(table), dtype=np.int64)
    return np.array(
        [
            one[i] + one[j]
            for i, row in enumerate(table)
            for j, n in enumerate(row)
            for _ in range(n)
        ]
    )


def labels(table: tuple[tuple[int, int], tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    (a, b), (c, d) = table
    return np.repeat([0, 0, 1, 1], [a, b, c, d]), np.repeat([0, 1, 0, 1], [a, b, c, d])


def test_krippendorffs_reliability_data() -> None:
    """Krippendorff (2011), section C, alpha 0.743; Gwet's irrCAC gives AC1 0.77544 on the same."""
    observers = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
    found = agreement(counted(observers, "12345"), rng())
    assert found.alpha.value == pytest.approx(0.743, abs=0.0005)
    assert found.ac1.value == pytest.approx(0.77544, abs=5e-6)
    assert found.percent.value == pytest.approx(0.8181818, abs=5e-8)
    assert (found.items, found.labels) == (11, 40)


def test_krippendorffs_two_observers() -> None:
    """Krippendorff (2011), section A: binary data, alpha 0.095."""
    found = agreement(counted(("0100000010", "1110010000"), "01"), rng())
    assert found.alpha.value == pytest.approx(0.095, abs=0.0005)


def test_gwets_tables() -> None:
    """As irrCAC's documentation prints them."""
    fleiss = agreement(np.array(FLEISS), rng())
    assert fleiss.ac1.value == pytest.approx(0.4448007, abs=5e-8)
    assert fleiss.alpha.value == pytest.approx(0.4204384, abs=5e-8)
    assert fleiss.percent.value == pytest.approx(0.5511111, abs=5e-8)
    two = agreement(pairs(ABSTRACTORS), rng())
    assert two.ac1.value == pytest.approx(0.8493305, abs=5e-8)
    assert two.alpha.value == pytest.approx(0.7972585, abs=5e-8)
    # irrCAC's interval, 0.764 to 0.935, is even about the estimate; ours reaches further down.
    assert two.ac1.high - two.ac1.low == pytest.approx(0.935 - 0.764, abs=0.03)
    assert two.ac1.low < 0.764


@pytest.mark.parametrize(
    ("table", "kappa"),
    [
        (((40, 9), (6, 45)), 0.70),  # Feinstein and Cicchetti (1990), tables 1 and 2:
        (((80, 10), (5, 5)), 0.32),  # the same agreement, and half the kappa
        (((118, 5), (2, 0)), -0.0234),  # Gwet (2002), where AC1 is 0.9408
    ],
)
def test_cohens_kappa_and_its_paradox(
    table: tuple[tuple[int, int], tuple[int, int]], kappa: float
) -> None:
    first, second = labels(table)
    found = cohen_kappa(first, second, np.arange(len(first)), rng())
    assert found.value == pytest.approx(kappa, abs=0.005)
    assert found.low < found.value < found.high
    if table[0][0] == 118:
        assert agreement(pairs(table), rng()).ac1.value == pytest.approx(0.9408, abs=5e-5)


def test_the_interval_is_scipys_bca_but_for_its_wider_levels() -> None:
    """SciPy's bootstrap draws each item anew; where t and normal agree, the same ends."""
    drawn = np.random.default_rng(2).multinomial(3, [0.5, 0.3, 0.2], 400)
    found = agreement(drawn, rng(), draws=6000).percent

    def agreeing(item: np.ndarray) -> float:
        own = drawn[item]
        return float((own * (own - 1)).sum() / 6 / len(own))

    theirs = stats.bootstrap(
        (np.arange(400),), agreeing, n_resamples=3000, vectorized=False, rng=rng(), method="BCa"
    ).confidence_interval
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.004)
    assert found.low < found.value < found.high


def test_without_any_variation_there_is_no_alpha() -> None:
    found = agreement(np.array([[2, 0]] * 40), rng())
    assert np.isnan(found.alpha.value)
    assert found.percent.value == found.ac1.value == 1


@pytest.mark.parametrize("items", [30, 60, 300])
def test_intervals_cover_the_truth(items: int) -> None:
    """Items of three labels; nominal 0.95, 400 repetitions, so known to 0.011."""
    draws, kept = np.random.default_rng(20260302), {"alpha": [], "ac1": [], "percent": []}
    truth = agreement(_world(draws, 400_000), rng(), draws=2)
    for _ in range(400):
        found = agreement(_world(draws, items), draws, draws=400)
        for name in kept:
            own = getattr(found, name)
            kept[name].append(own.low <= getattr(truth, name).value <= own.high)
    for name, covered in kept.items():
        assert 0.925 <= np.mean(covered) <= 0.985, name


def _world(draws: np.random.Generator, items: int) -> np.ndarray:
    chance = np.where(draws.random(items) < 0.2, 0.85, 0.06)
    yes = draws.binomial(3, chance)
    return np.stack([3 - yes, yes], axis=1)


def test_what_can_not_be_worked_out_is_said() -> None:
    with pytest.raises(ValueError, match="two categories"):
        agreement(np.array([[2], [1]]), rng())
    with pytest.raises(ValueError, match="two labels"):
        agreement(np.array([[1, 0], [0, 1]]), rng())
