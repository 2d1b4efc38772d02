"""What the prevalence studies read: labelled draws, and the frame that they were drawn from.

A sampling round is a local week of the market: draws of a round are made with replacement from all
of the week's posts, with the probability that each row records.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from analysis.calendar import Window
from analysis.errors import NoData, UserError
from analysis.methods.buckets import Floats
from analysis.methods.prevalence import Counts, Draws
from analysis.methods.sampling_design import Calibration, calibrate
from analysis.studies.base import Study

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Drawn:
    """The draws of one window.

    Attributes:
        window: the local days.
        rows: content_id, surface, language, topic, drawn_at, posted_at, week, day, impressions,
            draw_probability, risk_score, policy, label; labelled ones only.
        draws: the same as arrays, in the same order.
        unlabelled: how many more were drawn and have no label.
    """

    window: Window
    rows: pd.DataFrame
    draws: Draws
    unlabelled: int

    @property
    def labelled(self) -> int:
        return len(self.rows)

    def items(self) -> pd.DataFrame:
        """The rows of `draws.items`, in its order: each post of a round once."""
        return self.rows.iloc[self.draws.items.place]


def load_draws(study: Study, windows: list[Window]) -> dict[Window, Drawn]:
    """The labelled draws of windows, by window; those without any are left out.

    Raises:
        UserError: a draw with a probability or a number of views that no draw can have, or draws
            of two designs in one week.
    """
    start, end = min(w.start for w in windows), max(w.end for w in windows)
    views = daily_views(study, start, end)
    rows = _read_draws(study, start, end)
    bad = int(((rows["draw_probability"] <= 0) | (rows["impressions"] <= 0)).sum())
    if bad:
        problem = f"{bad:,} draws have a draw_probability or impressions of 0; both are above 0"
        raise UserError("prevalence_draws", problem)
    _check_one_design(rows)
    found = {}
    for window in windows:
        within = rows[(rows["day"] >= window.start) & (rows["day"] < window.end)]
        labelled = within[within["label"].notna()].reset_index(drop=True)
        if len(labelled):
            draws = _arrays(labelled, views, window)
            found[window] = Drawn(window, labelled, draws, len(within) - len(labelled))
    return _with_risks(found)


def _check_one_design(rows: pd.DataFrame) -> None:
    """That a post has one probability in a week: draws of two designs have no weight together."""
    chances = rows.groupby(["week", "content_id"])["draw_probability"].agg(["min", "max"])
    mixed = chances[chances["max"] > chances["min"] * (1 + 1e-9)]
    if len(mixed):
        week = mixed.index.get_level_values("week").min()
        problem = (
            f"the week of {week} has posts with two probabilities ({len(mixed):,} in all weeks), "
            "so draws of two designs; keep those of one"
        )
        raise UserError("prevalence_draws", problem)


def _with_risks(found: dict[Window, Drawn]) -> dict[Window, Drawn]:
    """The same with each post's chance to violate, calibrated on all of the draws."""
    if not found:
        return found
    model = calibrated(found.values())
    risks = {
        window: model.risk(scores(drawn.rows), drawn.rows["impressions"].to_numpy(np.float64))
        for window, drawn in found.items()
    }
    return {
        window: replace(drawn, draws=replace(drawn.draws, risk=risks[window]))
        for window, drawn in found.items()
    }


def daily_views(study: Study, start: date, end: date) -> pd.Series[float]:
    """Recorded views by local day, of the whole weeks that hold some days."""
    zone, market = study.market.zone, study.market
    first, last = monday(start), monday(end - DAY) + 7 * DAY
    query = """
        SELECT CAST(timezone(?, hour) AS DATE) AS day, sum(views) AS views
        FROM exposure WHERE market = ? AND hour >= ? AND hour < ? GROUP BY 1 ORDER BY 1
    """
    span = (market.start_of(first), market.start_of(last))
    found = study.sql(query, (zone, market.code, *span), limit=None)
    days = pd.to_datetime(found["day"]).dt.date
    return pd.Series(found["views"].to_numpy(float), index=days)


def monday(day: date) -> date:
    """The first day of a day's week.

    >>> monday(date(2026, 3, 8)).isoformat()
    '2026-03-02'
    """
    return day - timedelta(days=day.weekday())


def _read_draws(study: Study, start: date, end: date) -> pd.DataFrame:
    query = """
        SELECT d.content_id, d.surface, c.language, c.topic, d.drawn_at, c.posted_at,
            CAST(timezone(?, d.drawn_at) AS DATE) AS day,
            d.impressions, d.draw_probability, d.risk_score, d.policy, d.label
        FROM prevalence_draws AS d LEFT JOIN content AS c ON c.content_id = d.content_id
        WHERE d.market = ? AND d.drawn_at >= ? AND d.drawn_at < ?
        ORDER BY d.draw_id
    """
    market = study.market
    span = (market.start_of(start), market.start_of(end))
    rows = study.sql(query, (market.zone, market.code, *span), limit=None)
    rows["day"] = pd.to_datetime(rows["day"]).dt.date
    rows["week"] = [monday(day) for day in rows["day"]]
    return rows


def _arrays(rows: pd.DataFrame, views: pd.Series[float], window: Window) -> Draws:
    """Draws as the estimators take them: shares of the window's views, rounds by number.

    Of a week that the window cuts, the draws of its days inside stand for the views of these days.
    """
    weeks = pd.Series([monday(day) for day in views.index], index=views.index)
    within = (views.index >= window.start) & (views.index < window.end)
    part = views[within].groupby(weeks[within]).sum() / views[within].sum()
    whole = views.groupby(weeks).sum()
    share = rows["impressions"] * rows["week"].map(part) / rows["week"].map(whole)
    if share.isna().any():
        problem = f"{window} has draws of {int(share.isna().sum()):,} views in weeks without any"
        raise UserError("exposure", problem)
    return Draws(
        _codes(rows, ["week", "content_id"]),
        _codes(rows, ["week"]),
        rows["label"].to_numpy(float),
        share.to_numpy(float),
        rows["draw_probability"].to_numpy(float),
    )


def _codes(rows: pd.DataFrame, keys: list[str]) -> Counts:
    codes: Counts = np.asarray(rows.groupby(keys).ngroup(), np.intp)
    return codes


def load_frame(study: Study, window: Window) -> pd.DataFrame:
    """Every post with views in a window's weeks: week, views, risk_score, language, surface,
    topic; without ids, since nothing asks for them.

    The engine adds views up; what is left is held in memory whole, some 100 bytes a post and week.

    Raises:
        NoData: there is none.
    """
    query = """
        SELECT CAST(date_trunc('week', timezone(?, e.hour)) AS DATE) AS week,
            sum(e.views) AS views, max(c.risk_score) AS risk_score, max(c.language) AS language,
            max(c.surface) AS surface, max(c.topic) AS topic
        FROM exposure AS e JOIN content AS c ON c.content_id = e.content_id
        WHERE e.market = ? AND e.hour >= ? AND e.hour < ?
        GROUP BY 1, e.content_id HAVING sum(e.views) > 0 ORDER BY 1, e.content_id
    """
    frame = _viewed(study, window, query, (study.market.zone,))
    frame["week"] = pd.to_datetime(frame["week"]).dt.date
    return frame


def load_posts(study: Study, window: Window) -> pd.DataFrame:
    """Every post with views in a window, once: content_id, views, risk_score, surface.

    Raises:
        NoData: there is none.
    """
    query = """
        SELECT e.content_id, sum(e.views) AS views, max(c.risk_score) AS risk_score,
            max(c.surface) AS surface
        FROM exposure AS e JOIN content AS c ON c.content_id = e.content_id
        WHERE e.market = ? AND e.hour >= ? AND e.hour < ?
        GROUP BY 1 HAVING sum(e.views) > 0 ORDER BY 1
    """
    return _viewed(study, window, query, ())


def _viewed(study: Study, window: Window, query: str, bound: tuple[object, ...]) -> pd.DataFrame:
    values = (*bound, study.market.code, *window.instants(study.market))
    frame = study.sql(query, values, limit=None)
    if frame.empty:
        raise NoData(f"no views of {study.market.name} in {window}")
    return frame.assign(views=frame["views"].astype(float))


def calibrated(every: Iterable[Drawn]) -> Calibration:
    """Chance to violate by score and views, from the distinct posts of draws."""
    rows = [(each.items(), each.draws.items.label) for each in every]
    return calibrate(
        np.concatenate([scores(items) for items, _ in rows]),
        np.concatenate([items["impressions"].to_numpy(np.float64) for items, _ in rows]),
        np.concatenate([label for _, label in rows]),
    )


def scores(rows: pd.DataFrame) -> Floats:
    """Risk scores, a missing one as the median of the others."""
    given = rows["risk_score"].astype(float)
    filled = given.fillna(given.median() if given.notna().any() else 0.5)
    return np.asarray(filled, np.float64)
