"""What moderation_quality promises, measured: coverage of its intervals, false and found calls.

    python tests/benchmarks/quality.py [--times 1000] [--seed 20260302]

Labels are alike by item (some items are hard for all) and by rater (skills differ), with design
weights, as on the demo platform; three labels an item. `by item` leaves the raters out, `as if
alone` both. Cells with fewer than 8 raters or 5 expected errors are those that a page calls not to
be trusted.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
from scipy import special, stats

from analysis.methods.agreement import agreement
from analysis.methods.clustered import Shares, clustered_shares
from analysis.methods.deviations import deviations

RATERS, ITEMS, SHARES = (4, 8, 16, 40), (40, 120, 400), (0.03, 0.1, 0.3)
SEED, SKILL = 20260302, 20.0


def labels(rng: np.random.Generator, raters: int, items: int, share: float) -> list[np.ndarray]:
    """Items, raters, weights and errors of three labels an item; errors have the mean `share`."""
    item = np.repeat(np.arange(items), 3)
    seats = np.argsort(rng.random((items, raters)), axis=1)[:, :3]
    errs = rng.beta(SKILL * share, SKILL * (1 - share), raters)[seats.ravel()]
    # A hard item takes more errors and the others fewer, so that the mean is what is asked for.
    hard = rng.random(items)[item] < 0.15
    chance = np.clip(np.where(hard, 1.85 * errs, 0.85 * errs), 0, 1)
    weight = np.where(rng.random(items) < 0.3, 1.8, 11.8)[item]
    return [item, seats.ravel(), weight, rng.random(3 * items) < chance]


def coverage(rng: np.random.Generator, raters: int, items: int, share: float, times: int) -> list:
    kept = np.zeros(3)
    for _ in range(times):
        item, rater, weight, error = labels(rng, raters, items, share)
        zero = np.zeros_like(item)
        for at, ways in enumerate(([item, rater], [item])):
            found = clustered_shares(error, zero, 1, ways, weights=weight)
            kept[at] += found.low[0] <= share <= found.high[0]
        ends = stats.binomtest(int(error.sum()), len(error)).proportion_ci(method="exact")
        kept[2] += ends.low <= share <= ends.high
    return (kept / times).round(3).tolist()


def intervals(times: int, seed: int) -> None:
    print("| raters | items | errors | by item and rater | by item | as if alone | trusted |")
    print("|---:|---:|---:|---:|---:|---:|---|")
    for number, (raters, items, share) in enumerate(itertools.product(RATERS, ITEMS, SHARES)):
        rng = np.random.default_rng([seed, number])
        both, one, none = coverage(rng, raters, items, share, times)
        trusted = "yes" if raters >= 8 and 3 * items * share >= 5 else "no"
        print(f"| {raters} | {items} | {share:.0%} | {both} | {one} | {none} | {trusted} |")


def agreeing(times: int, seed: int) -> None:
    print("\n| items | Krippendorff's alpha | Gwet's AC1 |\n|---:|---:|---:|")
    rng = np.random.default_rng(seed)
    true = agreement(_counts(rng, 400_000), rng, draws=2)
    for items in (30, 60, 150, 500):
        kept = np.zeros(2)
        for _ in range(times):
            found = agreement(_counts(rng, items), rng, draws=300)
            for at, name in enumerate(("alpha", "ac1")):
                own = getattr(found, name)
                kept[at] += own.low <= getattr(true, name).value <= own.high
        alpha, ac1 = (kept / times).round(3)
        print(f"| {items} | {alpha} | {ac1} |")


def _counts(rng: np.random.Generator, items: int) -> np.ndarray:
    yes = rng.binomial(3, np.where(rng.random(items) < 0.2, 0.85, 0.06))
    return np.stack([3 - yes, yes], axis=1)


def calls(times: int, seed: int) -> None:
    """Twelve groups of 80 items: nobody deviates; all spread; two err 18 points more."""
    print("\n| world | margin | any false call | false among the calls | found |")
    print("|---|---:|---:|---:|---:|")
    every, rng = np.ones(12, dtype=bool), np.random.default_rng(seed)
    for world, margin in itertools.product(("alike", "two deviate"), (0.0, 0.03)):
        any_false, share, found = [], [], []
        for _ in range(times):
            odd = np.arange(12) < (2 if world == "two deviate" else 0)
            differs = deviations(
                _shares(rng, np.where(odd, 0.3, 0.12), 80), every, margin=margin
            ).differs
            false = (differs != 0) & ~odd
            any_false.append(false.any())
            share.append(false.sum() / max(1, (differs != 0).sum()))
            found.append((differs[odd] > 0).mean() if odd.any() else np.nan)
        seen = f"{np.mean(found):.3f}" if world == "two deviate" else ""
        print(f"| {world} | {margin} | {np.mean(any_false):.3f} | {np.mean(share):.3f} | {seen} |")
    out, odd_out = [], []
    for _ in range(times):
        chances = special.expit(special.logit(0.12) + rng.normal(0, 0.5, 12))
        out.append(deviations(_shares(rng, chances, 150), every, margin=0.01).stands_out.any())
        chances[0] = 0.6
        odd_out.append(
            deviations(_shares(rng, chances, 150), every, margin=0.01).stands_out[0] == 1
        )
    print(f"| spread, standing out | 0.01 | {np.mean(out):.3f} | | {np.mean(odd_out):.3f} |")


def _shares(rng: np.random.Generator, chances: np.ndarray, items: int) -> Shares:
    group = np.repeat(np.arange(len(chances)), 3 * items)
    item = np.repeat(np.arange(len(chances) * items), 3)
    own = rng.beta(*(6 * np.array([chances, 1 - chances])).repeat(items, axis=1))
    return clustered_shares(rng.random(len(item)) < own[item], group, len(chances), [item])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    intervals(given.times, given.seed)
    agreeing(given.times, given.seed)
    calls(given.times, given.seed)


if __name__ == "__main__":
    main()
