"""Which categories of violation a gap between markets comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.bars import PartedBar, parted_bars
from analysis.figures.displays import Column, Figure, Table
from analysis.methods.decomposition import GapParts, kitagawa
from analysis.studies.base import Study
from analysis.studies.benchmark_standing import GRAIN, SOURCE, Standing
from analysis.studies.findings import Finding
from analysis.studies.published import Quarter
from analysis.studies.words import join, percent, points, signed

#: Where the categories leave more than this of the gap open, none is named.
OPEN = 0.5
OVERLAP = (
    "A video can violate several policies, so categories don't add up to the total exactly; what "
    "is left over is shown."
)
METHOD = "Kitagawa (1955): each part at the average of the other's weights"


@dataclass(frozen=True)
class Drivers:
    """The gap on one measure to the average of the other markets, by category.

    Attributes:
        standing: on the measure.
        average: of the other markets' published shares, each market counting the same.
        others: how many markets the average is of.
        parts: of the gap, in the order of `categories`.
        categories: category, share, other_share, rate, other_rate; all in 0 to 1.
    """

    standing: Standing
    average: float
    others: int
    parts: GapParts
    categories: pd.DataFrame

    @property
    def gap(self) -> float:
        return self.standing.value - self.average

    @property
    def named(self) -> list[tuple[str, float]]:
        """The categories that make most of the gap; none where the figures don't bear it."""
        if abs(self.parts.residual) > OPEN * abs(self.gap):
            return []
        effects = zip(self.categories["category"], self.parts.effect, strict=True)
        with_it = [(name, e) for name, e in effects if e * self.gap > 0 and abs(e) >= GRAIN]
        return sorted(with_it, key=lambda pair: -abs(pair[1]))[:3]


def furthest(found: Sequence[Standing], asked: str) -> Standing | None:
    """The measure to explain: the one asked for, or the rate that lies furthest out."""
    rates = [each for each in found if each.measure.good]
    if asked != "furthest":
        rates = [each for each in rates if each.measure.name == asked]
    return max(rates, key=lambda each: each.distance, default=None)


def split_gap(study: Study, quarter: Quarter, standing: Standing) -> Drivers | None:
    """The gap of a market to the average of the others, by category.

    The reference has the mean of the other markets' category shares and, in each category, their
    rates weighted by these shares: each market counts the same, whatever its size.

    Returns:
        None where the report gives no category shares for the market's quarter.
    """
    weights, rates = (
        _categories(quarter, "category_share"),
        _categories(quarter, standing.measure.name),
    )
    code = study.market.code
    if code not in weights.index or code not in rates.index:
        return None
    own = pd.DataFrame({"share": weights.loc[code], "rate": rates.loc[code]}).dropna()
    others = [m for m in weights.index.intersection(rates.index) if m != code]
    weights, rates = (frame.loc[others, own.index].dropna() for frame in (weights, rates))
    others = list(weights.index.intersection(rates.index).intersection(standing.others.index))
    if own.empty or not others:
        return None
    weights, rates = weights.loc[others], rates.loc[others]
    weights = weights.div(weights.sum(axis=1), axis=0)
    own["other_share"] = weights.mean()
    own["other_rate"] = (weights * rates).sum() / weights.sum()
    average = float(standing.others[others].mean())
    gap = standing.value - average
    parts = kitagawa(own["share"], own["rate"], own["other_share"], own["other_rate"], gap=gap)
    table = own.rename_axis("category").reset_index()
    return Drivers(standing, average, len(others), parts, table)


def _categories(quarter: Quarter, metric: str) -> pd.DataFrame:
    frame = quarter.by_policy(metric)
    return frame[[name for name in frame.columns if " - " not in name]]


def driver_finding(study: Study, drivers: Drivers | None) -> Finding:
    """What the gap is made of, in words."""
    if drivers is None:
        text = (
            f"No shares of categories are published for {study.market.name} in {study.window}, so "
            "a gap can't be split by category."
        )
        return Finding(
            name="gap_drivers",
            title="What makes the gap",
            text=text,
            value=None,
            unit="share",
            confidence=None,
            verdict="unclear",
        )
    standing = drivers.standing
    return Finding(
        name="gap_drivers",
        title=f"What makes the gap: {standing.measure.title.lower()}",
        text=" ".join(_sentences(drivers)),
        value=None,  # a gap in points, which its text tells, and no share
        unit="share",
        confidence=None,
        sample=f"against the average of {drivers.others} other markets, each counting the same",
        headline=standing.verdict in ("up", "down"),
        notes=(
            "A sum of parts, not a cause: a low rate in a category says where to look.",
            OVERLAP,
        ),
    )


def _sentences(drivers: Drivers) -> list[str]:
    parts, gap = drivers.parts, drivers.gap
    side = "below" if gap < 0 else "above"
    first = (
        f"{points(gap)} {side} the average of {drivers.others} other markets "
        f"({percent(drivers.average)}) on {drivers.standing.measure.title.lower()}: rates within "
        f"categories give {signed(parts.rate.sum())}, the mix of categories "
        f"{signed(parts.mix.sum())}, and {signed(parts.residual)} is left open."
    )
    if drivers.standing.verdict == "no_change":
        first += " A gap of this size lies within the usual spread of markets."
    if not drivers.named:
        return [first, "That leaves too much open to name a category."]
    largest = join([f"{name} ({signed(effect)})" for name, effect in drivers.named])
    most = "The largest part is" if len(drivers.named) == 1 else "The largest parts are"
    return [first, f"{most} {largest}."]


def driver_figure(study: Study, quarter: Quarter, drivers: Drivers) -> Figure:
    """The gap by category, mix and rate apart."""
    data = drivers.categories.assign(
        mix_points=100 * drivers.parts.mix,
        rate_points=100 * drivers.parts.rate,
        effect_points=100 * drivers.parts.effect,
    ).sort_values("effect_points", key=lambda effect: -effect.abs())
    columns = (data[name] for name in ("category", "rate_points", "mix_points"))
    bars = [PartedBar(str(n), float(r), float(m)) for n, r, m in zip(*columns, strict=True)]
    bars.append(PartedBar("Left open by the categories", 0, rest=100 * drivers.parts.residual))
    measure, name = drivers.standing.measure.title.lower(), study.market.name
    side = "below" if drivers.gap < 0 else "above"
    return Figure(
        name="gap_by_category",
        title=f"{name} is {points(drivers.gap)} {side} the average on {measure}",
        alt="; ".join(f"{b.label} {signed(b.total / 100)} points" for b in bars) + ".",
        caption=(
            f"Percentage points of the gap to the average of {drivers.others} other markets, "
            f"{study.window}. {METHOD}. {SOURCE}, {quarter.vintage} report."
        ),
        data=data.reset_index(drop=True),
        svg=parted_bars(
            "gap_by_category",
            bars,
            first="another rate within the category",
            second="more or less of the category",
            axis="percentage points of the gap",
        ),
    )


def policy_table(study: Study, quarter: Quarter, drivers: Drivers) -> Table:
    """The policies within the categories whose rates differ most, weighed by their removals."""
    code, measure = study.market.code, drivers.standing.measure
    within, weights, rates = (
        quarter.by_policy(metric)
        for metric in ("share_within_category", "category_share", measure.name)
    )
    names = [name for name in within.columns if name in rates.columns]
    own = pd.DataFrame(index=pd.Index(names, name="policy"))
    parents = [name.split(" - ")[0] for name in names]
    own["share"] = within.reindex([code])[names].iloc[0] * [
        weights.get(parent, pd.Series(dtype=float)).get(code, np.nan) for parent in parents
    ]
    own["rate"] = rates.reindex([code])[names].iloc[0]
    own["median"] = rates.drop(index=code, errors="ignore")[names].median()
    own["difference"] = 100 * (own["rate"] - own["median"])
    own["weighed"] = own["share"] * own["difference"]
    shown = own.dropna().sort_values("weighed", key=lambda weighed: -weighed.abs())
    columns = (
        Column("policy", "Category and policy"),
        Column("share", "Share of removals", "share"),
        Column("rate", f"{study.market.name}", "share"),
        Column("median", "Median of the others", "share"),
        Column("difference", "Difference, points", "number"),
        Column("weighed", "Weighed by its share, points", "number"),
    )
    note = (
        "A policy's share is that of its category times its share within it. Unlike categories, "
        "policies are not a full split: what they weigh does not add up to the gap."
    )
    caption = f"{measure.title} by policy: where {study.market.name} differs most"
    table = shown.head(study.parameters.top).round({"difference": 1, "weighed": 1}).reset_index()
    table["policy"] = table["policy"].str.replace(" - ", ": ", n=1)
    return Table("gap_by_policy", caption, table, columns, note)
