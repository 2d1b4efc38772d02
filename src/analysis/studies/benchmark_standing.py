"""Where a market stands among all others on each share that a platform publishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.dots import DotRow, dot_rows
from analysis.methods.peers import Peers, peers, rank
from analysis.studies.base import Study
from analysis.studies.findings import Comparison, Finding, Meaning, Verdict
from analysis.studies.published import Quarter
from analysis.studies.words import join, ordinal, percent, points, ranked

#: Shares are published to three digits: a part below a tenth of a point may be rounding.
GRAIN = 0.001
SOURCE = "Source: TikTok Community Guidelines Enforcement Report, raw data (CC BY 4.0)"
CONDITIONAL = (
    "A share of what was removed. It says nothing about violations that were never found, so it "
    "is no measure of recall."
)
VOLUME = (
    "Volume follows how much is posted, how much of it violates and how much is found; the three "
    "can't be told apart here."
)


@dataclass(frozen=True)
class Measure:
    """One of the shares that markets are compared on.

    Attributes:
        name: a slug; for published rates the metric's.
        title, label: for readers, and for a chart's axis.
        says: what the share is a share of, after the number.
        good: whether a higher share is better for people's safety; None: neither.
        notes: traps.
    """

    name: str
    title: str
    label: str
    says: str
    good: bool | None
    notes: tuple[str, ...]


MEASURES = (
    Measure(
        "proactive_removal_rate",
        "Proactive removal rate",
        "Removed before\nany report",
        "of the videos removed were taken down before anyone reported them",
        True,
        (CONDITIONAL, "It also rises where people report less."),
    ),
    Measure(
        "removal_rate_before_views",
        "Removal before any view",
        "Removed before\nany view",
        "of the videos removed had not been viewed when they were taken down",
        True,
        (CONDITIONAL,),
    ),
    Measure(
        "removal_rate_within_24h",
        "Removal within 24 hours",
        "Removed within\n24 hours",
        "of the videos removed were taken down within 24 hours of being posted",
        True,
        (CONDITIONAL, "Old videos found late lower it, in a sweep for example."),
    ),
    Measure(
        "automation_share",
        "Automation share",
        "Removed by\nautomation",
        "of the videos removed were removed by automation",
        None,
        ("More automation is neither good nor bad in itself: it is fast, and errs differently.",),
    ),
    Measure(
        "removal_rate_of_published",
        "Share of published videos removed",
        "Removed of all\npublished",
        "of the videos published were removed",
        None,
        (VOLUME,),
    ),
)


@dataclass(frozen=True)
class Standing:
    """Where the market stands on one measure.

    Attributes:
        value: the market's share.
        others: the other markets' shares, by code.
        place: counted from the highest.
        peers: the spread of the others; None where there are too few of them.
    """

    measure: Measure
    value: float
    others: pd.Series[float]
    place: int
    peers: Peers | None

    @property
    def verdict(self) -> Verdict:
        if self.peers is None:
            return "unclear"
        sides: dict[str, Verdict] = {"above": "up", "below": "down", "within": "no_change"}
        return sides[self.peers.beyond(self.value)]

    @property
    def distance(self) -> float:
        """From the median, in lengths of the range on that side; 1 is its end."""
        if self.peers is None:
            return 0.0
        end = self.peers.high if self.value > self.peers.median else self.peers.low
        reach = abs(end - self.peers.median)
        return abs(self.value - self.peers.median) / reach if reach else 0.0


def shares(quarter: Quarter) -> pd.DataFrame:
    """Every measure for every market: a row a market, a column a measure, 0 to 1."""
    removed, automated = (quarter.totals("videos_removed", who) for who in (None, "automation"))
    columns = {"automation_share": automated / removed}
    for measure in MEASURES:
        columns.setdefault(measure.name, quarter.totals(measure.name))
    return pd.DataFrame(columns)[[measure.name for measure in MEASURES]]


def standings(study: Study, quarter: Quarter) -> list[Standing]:
    """Where the market stands, for each measure that is published for it."""
    limits, table = study.spec.thresholds, shares(quarter)
    found = []
    for measure in MEASURES:
        values = table[measure.name].dropna()
        if study.market.code not in values.index:
            continue
        value, others = float(values[study.market.code]), values.drop(study.market.code)
        spread = None
        if len(others) >= limits["least_peers"]:
            spread = peers(others, level=limits["range"], grain=GRAIN)
        found.append(Standing(measure, value, others, rank(value, others), spread))
    return found


def position(study: Study, quarter: Quarter, standing: Standing) -> Finding:
    """Where the market stands on one measure, as a finding."""
    measure, value = standing.measure, standing.value
    removed = quarter.totals("videos_removed").get(study.market.code)
    counted = "" if removed is None else f"{removed:,.0f} videos removed; a full count, no sample"
    in_all, by_number = _volume(quarter, study.market.code, measure)
    ranks = f"{study.market.name} ranks {place(standing)}{by_number}"
    text = f"{percent(value)} {measure.says}{in_all}: {ranks}."
    if standing.peers:
        spread = standing.peers
        text += f" Usual is {percent(spread.low)} to {percent(spread.high)}"
        text += f" ({spread.level:.0%} of markets)."
    return Finding(
        name=measure.name,
        title=measure.title,
        text=text,
        value=value,
        unit="share",
        confidence=None,
        sample=counted,
        comparisons=_comparison(standing),
        verdict=standing.verdict,
        meaning=_meaning(standing),
        headline=True,
        notes=measure.notes,
    )


def positions(study: Study, quarter: Quarter, found: Sequence[Standing]) -> list[Finding]:
    """The findings of every measure."""
    return [position(study, quarter, standing) for standing in found]


def _volume(quarter: Quarter, code: str, measure: Measure) -> tuple[str, str]:
    """The number of videos removed and its rank, for the one sentence that is about volume."""
    removed = quarter.totals("videos_removed")
    if measure.name != "removal_rate_of_published" or code not in removed.index:
        return "", ""
    by_number = ordinal(rank(removed[code], removed.drop(code)))
    return f", {removed[code]:,.0f} in all", f" by this share and {by_number} by number"


def _comparison(standing: Standing) -> tuple[Comparison, ...]:
    """The market against the spread of the others; its interval is that of the gap to one more."""
    spread = standing.peers
    if spread is None:
        return ()
    gap = standing.value - spread.median
    where = {"above": "above", "below": "below", "within": "within"}[spread.beyond(standing.value)]
    span = f"the range that holds {spread.level:.0%} of markets like them"
    middle = f"the median of the {spread.count} other markets ({percent(spread.median)})"
    away = f"{points(gap)} {'above' if gap > 0 else 'below'} {middle}"
    text = (
        f"{away if abs(gap) >= GRAIN / 2 else f'The same as {middle}'}, {where} {span} "
        f"({percent(spread.low)} to {percent(spread.high)})"
    )
    return (
        Comparison(
            label=f"{spread.count} other markets",
            value=spread.median,
            difference=gap,
            low=standing.value - spread.high,
            high=standing.value - spread.low,
            verdict=standing.verdict,
            text=text,
        ),
    )


def _meaning(standing: Standing) -> Meaning:
    if standing.measure.good is None or standing.verdict not in ("up", "down"):
        return "neutral"
    return "better" if (standing.verdict == "up") == standing.measure.good else "worse"


def standing_figure(study: Study, quarter: Quarter, found: Sequence[Standing]) -> Figure:
    """Each measure as a row of dots, one a market."""
    rows = [
        DotRow(
            each.measure.label,
            each.value,
            each.others.tolist(),
            tuple(np.quantile(each.others, [0.25, 0.75])),
            (each.peers.low, each.peers.high) if each.peers else None,
        )
        for each in found
    ]
    level = f"{study.spec.thresholds['range']:.0%}"
    name, count = study.market.name, len(found[0].others)
    data = shares(quarter).rename_axis("market").reset_index()
    out = [each.measure.title.lower() for each in found if each.verdict in ("up", "down")]
    title = (
        f"{name} lies outside the usual spread on {join(out)}"
        if out
        else (f"{name} lies within the usual spread between markets on every measure")
    )
    return Figure(
        name="standing",
        title=title,
        alt=f"{name}: "
        + "; ".join(
            f"{each.measure.title.lower()} {percent(each.value)}, {place(each)}" for each in found
        )
        + ".",
        caption=(
            f"One dot a market, {count + 1} markets, {study.window}; each row has its own scale. "
            f"The thin line is the range that holds {level} of markets like the others: a few of "
            f"so many lie outside it by chance. {SOURCE}, {quarter.vintage} report."
        ),
        data=data,
        svg=dot_rows("standing", rows, own=name, expected=f"usual range ({level} of markets)"),
    )


def standing_table(study: Study, quarter: Quarter, found: Sequence[Standing]) -> Table:
    """Every measure with the market's place and the spread of the others."""
    rows = [
        {
            "measure": each.measure.title,
            "value_percent": round(100 * each.value, 1),
            "place": place(each),
            "median_percent": round(100 * float(each.others.median()), 1),
            "low_percent": round(100 * each.peers.low, 1) if each.peers else None,
            "high_percent": round(100 * each.peers.high, 1) if each.peers else None,
        }
        for each in found
    ]
    columns = (
        Column("measure", "Measure"),
        Column("value_percent", f"{study.market.name}, %", "number"),
        Column("place", "Place"),
        Column("median_percent", "Median of the others, %", "number"),
        Column("low_percent", "Usual range from, %", "number"),
        Column("high_percent", "to, %", "number"),
    )
    note = f"{study.window}, as published in the {quarter.vintage} report."
    caption = f"{study.market.name} among the markets"
    return Table("standing_table", caption, pd.DataFrame(rows), columns, note)


def place(standing: Standing) -> str:
    """Such as `2nd lowest of 50 markets`."""
    return f"{ranked(standing.place, len(standing.others) + 1)} markets"
