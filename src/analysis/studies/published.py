"""Published figures as studies read them: one publisher's quarter, in one of its vintages."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from analysis.calendar import Kind, Window
from analysis.errors import NoData, UserError, unknown
from analysis.methods.vintages import Revisions, revisions
from analysis.studies.base import Study
from analysis.warehouse import NoWarehouse

KEY = ("metric", "period_start", "market", "policy", "automation")
#: Publishers as people write them.
NAMES = {"tiktok": "TikTok"}
HOW_TO_GET = (
    "load TikTok's files with `study acquire published --from FOLDER`; the README says where "
    "they are to be had"
)


@dataclass(frozen=True)
class Quarter:
    """A quarter's figures of all markets.

    Attributes:
        vintage: the report that they stand in.
        figures: metric, market (none: the world), policy (none: all), automation (none: both),
            value.
    """

    vintage: str
    figures: pd.DataFrame

    def totals(self, metric: str, automation: str | None = None) -> pd.Series[float]:
        """A metric over all policies, by market."""
        rows = self.figures
        which = (rows["metric"] == metric) & rows["policy"].isna() & rows["market"].notna()
        which &= rows["automation"].isna() if not automation else rows["automation"] == automation
        return rows[which].set_index("market")["value"].sort_index()

    def by_policy(self, metric: str) -> pd.DataFrame:
        """A metric with a row for each market and a column for each policy; gaps are empty."""
        rows = self.figures
        found = rows[(rows["metric"] == metric) & rows["policy"].notna() & rows["market"].notna()]
        # Shares within a category are said to be human moderation's in one vintage and not in
        # another; no key has both.
        return found.pivot_table(index="market", columns="policy", values="value", aggfunc="first")


def load_quarter(study: Study, publisher: str, vintage: str) -> Quarter:
    """The figures of the study's window.

    Args:
        study: its window is the quarter.
        publisher: as in `published_metrics`.
        vintage: such as `2023-Q3`, or `latest`: the latest that has the quarter.

    Raises:
        NoData: nothing was loaded, or nothing about this quarter or market.
        UserError: the window is no quarter, or there is no such vintage.
    """
    window, name = study.window, NAMES.get(publisher, publisher)
    if window.kind is not Kind.QUARTER:
        problem = f"{window.label!r} is no quarter; published figures come by quarter"
        raise UserError("window", f"{problem}, such as 2023-Q3")
    if vintage == "latest":
        held = vintages(study, publisher, window)
        if not held:
            raise NoData(f"no published figures of {name} for {window}; {HOW_TO_GET}")
        vintage = held[-1]
    elif vintage not in (held := vintages(study, publisher)):
        if not held:
            raise NoData(f"no published figures of {name}; {HOW_TO_GET}")
        raise unknown("vintage", vintage, ["latest", *held])
    query = """
        SELECT metric, market, policy, automation, value FROM published_metrics
        WHERE publisher = ? AND vintage = ? AND period_start = ? AND period_end = ?
        ORDER BY ALL
    """
    figures = study.sql(query, (publisher, vintage, window.start, window.end), limit=None)
    quarter = Quarter(vintage, figures)
    if study.market.code not in set(figures["market"].dropna()):
        what = f"{name} published no figures of {study.market.name} for {window}"
        raise NoData(f"{what} in its {vintage} report")
    return quarter


def vintages(study: Study, publisher: str, window: Window | None = None) -> list[str]:
    """The vintages loaded, oldest first; those that hold a quarter, where one is given.

    Without any warehouse there are none.
    """
    query = "SELECT DISTINCT vintage FROM published_metrics WHERE publisher = ?"
    values: list[object] = [publisher]
    if window:
        query += " AND period_start = ? AND period_end = ?"
        values += [window.start, window.end]
    try:
        return [str(name) for name in study.sql(f"{query} ORDER BY 1", values)["vintage"]]
    except NoWarehouse:
        return []


def revisions_since(study: Study, publisher: str, vintage: str) -> tuple[str, Revisions] | None:
    """What a vintage changed of the vintage before it, over the quarters that both cover.

    Returns:
        The vintage before and the differences; None where there is none.
    """
    before = [name for name in vintages(study, publisher) if name < vintage]
    if not before:
        return None
    columns = ", ".join((*KEY, "period_end", "value"))
    query = f"SELECT {columns} FROM published_metrics WHERE publisher = ? AND vintage = ?"
    earlier, later = (
        study.sql(query, (publisher, name), limit=None) for name in (before[-1], vintage)
    )
    common = set(earlier["period_start"]) & set(later["period_start"])
    earlier, later = (frame[frame["period_start"].isin(common)] for frame in (earlier, later))
    return before[-1], revisions(earlier, later, KEY)
