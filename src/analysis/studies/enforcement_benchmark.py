"""enforcement_benchmark: what the notebook of this name calls.

It rests on figures that a platform published about whole quarters. They are counts and shares of
all removals and no samples, so what a gap is held against is the spread between markets
(methods/peers.py), and what it is made of is split by category (methods/decomposition.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd
from pydantic import Field

from analysis.figures.displays import Column, Figure, Table
from analysis.methods.vintages import Revisions
from analysis.studies import benchmark_drivers, benchmark_standing
from analysis.studies.base import Study, StudyParameters
from analysis.studies.benchmark_drivers import Drivers
from analysis.studies.benchmark_standing import MEASURES, Standing
from analysis.studies.findings import Finding
from analysis.studies.published import Quarter, load_quarter, revisions_since

COMPARED = (
    "Compared after names of metrics and categories were made the same. A figure whose key stood "
    "twice in a report with different values was not loaded from it, and shows as missing there."
)


class Parameters(StudyParameters):
    """What a run of this study takes; each field is a name in the notebook's tagged cell."""

    window: str = Field("2023-Q3", description="the quarter, such as 2023-Q3")
    publisher: Literal["tiktok"] = Field("tiktok", description="who published the figures")
    vintage: str = Field("latest", description="the report: latest, or such as 2023-Q3")
    explain: Literal[
        "furthest",
        "proactive_removal_rate",
        "removal_rate_before_views",
        "removal_rate_within_24h",
    ] = Field("furthest", description="the rate whose gap is split; furthest: the most unusual")
    top: int = Field(8, ge=1, le=30, description="how many policies the table shows")


@dataclass(frozen=True)
class Benchmark:
    """All that a run found.

    Attributes:
        quarter: the published figures of all markets.
        standings: where the market stands, by measure.
        drivers: the gap on one measure by category; None where no category shares are published.
        earlier, revisions: the vintage before and what changed since; None where there is none.
    """

    quarter: Quarter
    standings: tuple[Standing, ...]
    drivers: Drivers | None
    earlier: str | None
    revisions: Revisions | None


def load(study: Study) -> Quarter:
    """The quarter's figures of all markets.

    Raises:
        NoData: nothing was loaded, or nothing about this market and quarter.
        UserError: the window is no quarter, or there is no such vintage.
    """
    return load_quarter(study, study.parameters.publisher, study.parameters.vintage)


def estimate(study: Study, quarter: Quarter) -> Benchmark:
    """Standing, drivers and restatements of the study's market."""
    standings = benchmark_standing.standings(study, quarter)
    furthest = benchmark_drivers.furthest(standings, study.parameters.explain)
    drivers = benchmark_drivers.split_gap(study, quarter, furthest) if furthest else None
    since = revisions_since(study, study.parameters.publisher, quarter.vintage)
    earlier, changes = since or (None, None)
    return Benchmark(quarter, tuple(standings), drivers, earlier, changes)


def standing(study: Study, found: Benchmark) -> list[Finding | Figure | Table]:
    """Where the market stands: a finding for each measure, the chart, the table."""
    findings = benchmark_standing.positions(study, found.quarter, found.standings)
    figure = benchmark_standing.standing_figure(study, found.quarter, found.standings)
    table = benchmark_standing.standing_table(study, found.quarter, found.standings)
    return [*findings, figure, table]


def drivers(study: Study, found: Benchmark) -> list[Finding | Figure | Table]:
    """What the largest gap is made of: in words, as a chart, and by policy."""
    split = found.drivers
    finding = benchmark_drivers.driver_finding(study, split)
    if split is None:
        return [finding]
    figure = benchmark_drivers.driver_figure(study, found.quarter, split)
    return [finding, figure, benchmark_drivers.policy_table(study, found.quarter, split)]


def restatements(study: Study, found: Benchmark) -> list[Finding | Figure | Table]:
    """What the report changed of the figures that the one before it gave."""
    later, changes = found.quarter.vintage, found.revisions
    if changes is None:
        text = f"No report before that of {later} is loaded, so nothing is known of restatements."
        return [_restated(text, None, "unclear")]
    changed = len(changes.changed)
    own = int((changes.changed["market"] == study.market.code).sum())
    about = f" ({own:,} about {study.market.name})" if changed else ""
    many = f"{changed:,}" if changed else "None"
    text = (
        f"{many} of the {changes.both:,} figures that both the {found.earlier} and the {later} "
        f"report give for the same quarters changed{about}; "
        f"{len(changes.withdrawn) or 'none'} stand in the earlier alone, "
        f"{len(changes.added) or 'none'} in the later alone."
    )
    shown: list[Finding | Figure | Table] = [_restated(text, changed, "level")]
    rows = _grouped(changes)
    if len(rows):
        shown.append(_restated_table(rows, f"{found.earlier} and {later} reports"))
    return shown


def _restated(text: str, value: int | None, verdict: Literal["level", "unclear"]) -> Finding:
    return Finding(
        name="restated_figures",
        title="Figures restated between reports",
        text=text,
        value=value,
        unit="count",
        noun="figures",
        confidence=None,
        verdict=verdict,
        notes=(COMPARED,),
    )


def _grouped(changes: Revisions) -> pd.DataFrame:
    """Differences by kind, metric and quarter."""
    kinds = {
        "changed": changes.changed,
        "only in the earlier": changes.withdrawn,
        "only in the later": changes.added,
    }
    frames = [frame.assign(kind=kind) for kind, frame in kinds.items() if len(frame)]
    if not frames:
        return pd.DataFrame()
    every = pd.concat(frames)
    titles = {measure.name: measure.title for measure in MEASURES}
    spoken = every["metric"].str.replace("_", " ").str.capitalize()
    every["metric"] = every["metric"].map(titles).fillna(spoken)
    starts = pd.to_datetime(every["period_start"])
    every["quarter"] = starts.dt.year.astype(str) + "-Q" + starts.dt.quarter.astype(str)
    by = ["kind", "quarter", "metric"]
    return every.groupby(by, as_index=False).agg(
        figures=("metric", "size"), policies=("policy", "nunique"), markets=("market", "nunique")
    )


def _restated_table(rows: pd.DataFrame, between: str) -> Table:
    columns = (
        Column("kind", "Difference"),
        Column("quarter", "Quarter"),
        Column("metric", "Metric"),
        Column("figures", "Figures", "count"),
        Column("policies", "Policies", "count"),
        Column("markets", "Markets", "count"),
    )
    note = "No markets: figures of the whole world. No policies: figures over all policies."
    return Table("restated", f"Differences between the {between}", rows, columns, note)
