"""The whole cube in pandas: every fact that has rows, as a person who knows pandas writes it.

Rows are in memory before the clock starts, markets and other names as categories; ids are looked
up by index rather than merged, days are shifted a market at once, and sums are one `groupby` a
fact. Its numbers are held against those of our cube.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from analysis.calendar import Market
from analysis.metrics.building import Manifest
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.cube import cubes_folder
from analysis.metrics.layout import KINDS, SUMS, TIMES, read_rows
from analysis.metrics.scan import BIN_WIDTH, HOURS, dimension_name, measures, sum_name
from analysis.project import Project

KEYS = ["market", "day", "bucket"]
DAY = pd.Timedelta(days=1)
#: A fact's sums by its keys, the count of rows first; and its histograms, in the metrics' order.
Found = tuple[pd.DataFrame, list[pd.Series]]


@dataclass(frozen=True)
class Frames:
    """The rows, in memory."""

    content: pd.DataFrame
    exposure: pd.DataFrame
    decisions: pd.DataFrame
    markets: Mapping[str, Market]
    grave: frozenset[str]

    @classmethod
    def read(cls, project: Project) -> Frames:
        with duckdb.connect(project.data / "warehouse.duckdb", read_only=True) as client:
            client.execute("SET TimeZone = 'UTC'")
            content = client.sql(
                "SELECT content_id, creator_id, market, posted_at FROM content"
            ).df()
            exposure = client.sql(
                "SELECT content_id, market, hour, views, viewers FROM exposure"
            ).df()
            decisions = client.sql("SELECT * FROM decisions").df()
        for frame in (content, exposure, decisions):
            for name in ("market", "policy", "action", "detection"):
                if name in frame:
                    frame[name] = frame[name].astype("category")
        grave = {name for name, policy in project.policies.items() if policy.severity >= 5}
        return cls(content, exposure, decisions, project.markets, frozenset(grave))


def cube(frames: Frames) -> dict[str, Found]:
    """Every fact that has rows: its sums and its histograms."""
    content = frames.content.set_index("content_id")
    buckets = _buckets(content["creator_id"])
    content["bucket"] = content["creator_id"].map(buckets)
    decisions = frames.decisions.assign(
        day=_local_days(frames.decisions, "decided_at", frames.markets),
        bucket=frames.decisions["creator_id"].map(buckets),
    )
    removals = decisions[decisions["action"] == "remove"]
    return {
        "views": _views(frames, content),
        "posts": _posts(frames, content),
        "decisions": _decisions(decisions, content, frames.grave),
        "removed": (_sums(removals, {"removals": 1}, by=["policy"]), []),
        "seen_removals": _seen_removals(removals, frames.exposure),
        "offences": _offences(removals, decisions["decided_at"].max()),
    }


def _buckets(creators: pd.Series) -> pd.Series:
    ids = creators.unique()
    dealt = [hashlib.md5(b"%d" % i, usedforsecurity=False).digest()[0] % 128 for i in ids]
    return pd.Series(np.array(dealt, np.int16), index=ids)


def _local_days(rows: pd.DataFrame, time: str, markets: Mapping[str, Market]) -> pd.Series:
    """Each row's local day, a market at once."""
    days = [
        part.dt.tz_convert(markets[str(code)].zone).dt.tz_localize(None).dt.normalize()
        for code, part in rows.groupby("market", observed=True)[time]
    ]
    return pd.concat(days).reindex(rows.index)


def _sums(
    rows: pd.DataFrame, sums: Mapping[str, pd.Series | int], by: list[str] | None = None
) -> pd.DataFrame:
    wanted = rows[KEYS + (by or [])].assign(n=1, **sums)
    return wanted.groupby(KEYS + (by or []), observed=True).sum()


def _histogram(rows: pd.DataFrame, values: pd.Series) -> pd.Series:
    bins = np.floor(np.log(values.clip(*HOURS)) / BIN_WIDTH).astype(np.int32)
    return rows[KEYS].assign(bin=bins).groupby([*KEYS, "bin"], observed=True).size()


def _hours(span: pd.Series) -> pd.Series:
    return span.dt.total_seconds() / 3600


def _views(frames: Frames, content: pd.DataFrame) -> Found:
    rows = frames.exposure
    rows = rows.assign(
        day=_local_days(rows, "hour", frames.markets),
        bucket=rows["content_id"].map(content["bucket"]),
    )
    return _sums(rows, {"views": rows["views"], "viewers": rows["viewers"]}), []


def _posts(frames: Frames, content: pd.DataFrame) -> Found:
    rows = content.assign(day=_local_days(content, "posted_at", frames.markets))
    return _sums(rows, {"posts": 1}), []


def _decisions(rows: pd.DataFrame, content: pd.DataFrame, grave: frozenset[str]) -> Found:
    posted_at = rows["content_id"].map(content["posted_at"])
    removed, known = rows["action"] == "remove", rows["views_before"].notna()
    sums = {
        "proactive": removed & (rows["detection"] == "proactive"),
        "removed": removed,
        "unseen": removed & (rows["views_before"] == 0),
        "known": removed & known,
        "within_a_day": removed & (rows["decided_at"] < posted_at + DAY),
        "automated": removed & rows["automated"],
        "views_before": rows["views_before"].where(removed, 0),
        "grave": removed & rows["policy"].isin(grave),
    }
    took = _hours(rows["decided_at"] - posted_at)
    times = [
        _histogram(rows[removed], took[removed]),
        _histogram(rows[removed & known], rows.loc[removed & known, "views_before"].astype(float)),
    ]
    return _sums(rows, sums), times


def _seen_removals(removals: pd.DataFrame, exposure: pd.DataFrame) -> Found:
    posts = exposure[exposure["content_id"].isin(removals["content_id"])]
    first = removals["content_id"].map(posts.groupby("content_id")["hour"].min())
    rows = removals[first <= removals["decided_at"]]
    took = _hours(rows["decided_at"] - first.loc[rows.index])
    return _sums(rows, {}), [_histogram(rows, took)]


def _offences(removals: pd.DataFrame, newest: pd.Timestamp) -> Found:
    rows = removals.sort_values(["market", "creator_id", "decided_at", "decision_id"])
    others = rows.groupby(["market", "creator_id"], observed=True)["decided_at"]
    earlier, third, fourth, later = (others.shift(by) for by in (1, 2, 3, -1))
    at = rows["decided_at"]
    clean = earlier.isna() | (earlier < at - 90 * DAY)
    sums = {
        "again_30": (later <= at + 30 * DAY) & clean & (at + 30 * DAY <= newest),
        "first_30": clean & (at + 30 * DAY <= newest),
        "again_90": (later <= at + 90 * DAY) & clean & (at + 90 * DAY <= newest),
        "first_90": clean & (at + 90 * DAY <= newest),
        "repeat": earlier >= at - 90 * DAY,
        "removals": 1,
        "third": (third >= at - 90 * DAY) & (fourth.isna() | (fourth < at - 90 * DAY)),
    }
    return _sums(rows, sums), []


def hold_against_ours(project: Project, found: Mapping[str, Found]) -> None:
    """Looks whether our cube holds the same numbers, and no fact that pandas lacks.

    Raises:
        AssertionError: it does not.
    """
    catalogue, folder = load_catalogue(project), cubes_folder(project)
    for fact in catalogue.used_facts():
        manifest = Manifest.read(folder, fact)
        assert manifest is not None
        ours = {kind: path for kind in KINDS if (path := manifest.path(folder, kind))}
        assert bool(ours) == (fact in found), f"{fact} has rows, or has none, on one side only"
        if ours:
            sums, times = found[fact]
            _hold_sums(catalogue, fact, read_rows(ours[SUMS]).to_pandas(), sums)
            if times:
                _hold_times(catalogue, fact, read_rows(ours[TIMES]).to_pandas(), times)


def _hold_sums(catalogue: Catalogue, fact: str, ours: pd.DataFrame, sums: pd.DataFrame) -> None:
    by = [dimension_name(name) for name in catalogue.facts[fact].dimensions]
    numbers = ["n", *map(sum_name, catalogue.sums(fact))]
    mine = sums.reset_index()
    assert len(mine.columns) == len([*KEYS, *by, *numbers]), f"{fact}: sums were added or removed"
    mine.columns = pd.Index([*KEYS, *by, *numbers])
    _same(fact, _plain(ours[mine.columns.tolist()]), _plain(mine), [*KEYS, *by])


def _hold_times(
    catalogue: Catalogue, fact: str, ours: pd.DataFrame, times: list[pd.Series]
) -> None:
    own = catalogue.times(fact)
    for key, mine in zip(own, times, strict=True):
        rows = ours[ours["measure"] == measures(own)[key]]
        wanted = _plain(rows[[*KEYS, "bin", "n"]])
        _same(f"{fact}, {key}", wanted, _plain(mine.rename("n").reset_index()), [*KEYS, "bin"])


def _plain(rows: pd.DataFrame) -> pd.DataFrame:
    """The same rows whatever the types: names as text, days as dates, numbers as doubles."""
    found = rows.copy()
    for name in found.columns:
        if name == "day":
            found[name] = pd.to_datetime(found[name]).astype("datetime64[s]")
        elif name == "market" or name.startswith("by_"):
            found[name] = found[name].astype(object)
        else:
            found[name] = found[name].astype(float)
    return found


def _same(what: str, ours: pd.DataFrame, mine: pd.DataFrame, keys: list[str]) -> None:
    one, other = (rows.sort_values(keys, ignore_index=True) for rows in (ours, mine))
    try:
        pd.testing.assert_frame_equal(one, other, check_exact=True, obj=what)
    except AssertionError:
        # A number at a bin's edge may lie on its other side by the last digit of a logarithm.
        if "bin" not in keys or len(one) == 0:
            raise
        both = one.merge(other, on=keys, how="outer", suffixes=("_one", "_other")).fillna(0)
        moved = (both["n_one"] - both["n_other"]).abs().sum() / 2
        assert one["n"].sum() == other["n"].sum(), what
        assert moved <= 1e-6 * one["n"].sum(), f"{what}: {moved:,.0f} of {one['n'].sum():,.0f}"
