"""How long things take, with what still waits counted as waiting, and how old the queues are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from analysis.figures.curves import Curve, curves
from analysis.figures.displays import Column, Figure, Table
from analysis.methods.buckets import Floats
from analysis.methods.clustered import Codes
from analysis.methods.quantiles import BIN_RATIO, Histogram, quantiles
from analysis.methods.waiting import Ended, ended_within
from analysis.safeguards.disclosure.rates import unsafe
from analysis.studies.base import Study
from analysis.studies.findings import Finding
from analysis.studies.quality_labels import Labels, codes, recoded
from analysis.studies.words import percent

GROUPS = 128
#: A post that was decided on before the report is not in it: nothing waited.
REPORTS = """
    SELECT r.reported_at AS started, min(d.decided_at) AS ended, c.creator_id AS cluster
    FROM user_reports AS r
    JOIN content AS c ON c.content_id = r.content_id
    LEFT JOIN decisions AS d ON d.content_id = r.content_id
    WHERE r.market = ? AND r.reported_at >= ? AND r.reported_at < ?
    GROUP BY r.report_id, r.reported_at, c.creator_id
    HAVING min(d.decided_at) IS NULL OR min(d.decided_at) >= r.reported_at
    ORDER BY r.report_id
"""
APPEALS = """
    SELECT a.submitted_at AS started, a.resolved_at AS ended, d.creator_id AS cluster
    FROM appeals AS a JOIN decisions AS d ON d.decision_id = a.decision_id
    WHERE d.market = ? AND a.submitted_at >= ? AND a.submitted_at < ?
    ORDER BY a.appeal_id
"""
REMOVALS = """
    SELECT c.posted_at AS started, d.decided_at AS ended, d.creator_id AS cluster
    FROM decisions AS d JOIN content AS c ON c.content_id = d.content_id
    WHERE d.market = ? AND d.action = 'remove' AND d.decided_at >= ? AND d.decided_at < ?
    ORDER BY d.decision_id
"""
LAST = "SELECT max(decided_at) AS last FROM decisions"
UNREACHED = "not reached: too many wait"
SPAN = np.geomspace(0.1, 672.0, 70)
CENSORED = (
    "What still waits counts with the time that it has waited (Kaplan and Meier 1958); leaving it "
    "out would make every queue look quick."
)
FOUND_ONLY = (
    "Time to action knows only what was removed: violations that nobody found are not in it, so it "
    "is no time to detection."
)


@dataclass(frozen=True)
class Waits:
    """One kind of waiting.

    Attributes:
        name, title: a slug, and for readers.
        hours: from the start to the end, or until the data end.
        ended: whether it did.
        cluster: rows that are alike.
        queue: hours waited by those that wait when the window ends.
        can_wait: whether what waits is known at all.
    """

    name: str
    title: str
    hours: Floats
    ended: np.ndarray
    cluster: Codes
    queue: Floats
    can_wait: bool = True


def load_waits(labels: Labels) -> list[Waits]:
    """Reports, appeals, removals and the handling of labels; those without rows are left out."""
    study = labels.study
    last = study.sql(LAST)["last"].iloc[0]
    found = []
    if not pd.isna(last):
        known = pd.Timestamp(last)
        found = [
            _waits(study, "reports", "Report to decision", REPORTS, known),
            _waits(study, "appeals", "Appeal to outcome", APPEALS, known),
            _waits(study, "removals", "Posting to removal", REMOVALS, known, can_wait=False),
        ]
    found.append(_handling(labels))
    return [each for each in found if len(each.hours) >= labels.cell]


def _waits(
    study: Study, name: str, title: str, query: str, last: datetime, *, can_wait: bool = True
) -> Waits:
    start, end = study.window.instants(study.market)
    rows = study.sql(query, (study.market.code, start, end), limit=None)
    rows = rows[rows["started"] <= last]
    closed = rows["ended"].notna() & (rows["ended"] <= last)
    until = rows["ended"].where(closed, last)
    hours = (until - rows["started"]).dt.total_seconds().to_numpy(dtype=float) / 3600
    at_end = min(pd.Timestamp(end), pd.Timestamp(last))
    waits = (rows["ended"].isna() | (rows["ended"] > at_end)) & (rows["started"] <= at_end)
    queue = (at_end - rows["started"][waits]).dt.total_seconds().to_numpy(dtype=float) / 3600
    cluster = recoded(codes(rows["cluster"])) if len(rows) else np.zeros(0, dtype=np.int64)
    ended = closed.to_numpy(dtype=bool)
    return Waits(name, title, np.fmax(hours, 0), ended, cluster, queue, can_wait)


def _handling(labels: Labels) -> Waits:
    """From opening an item to its label, by the run's own reviewers."""
    rows = labels.rows[labels.own]
    known = rows["started_at"].notna() & rows["finished_at"].notna()
    taken = rows["finished_at"][known] - rows["started_at"][known]
    hours = taken.dt.total_seconds().to_numpy(dtype=float) / 3600
    cluster = recoded(labels.rater[labels.own][known.to_numpy()])
    ended = np.ones(len(hours), dtype=bool)
    return Waits("handling", "Opening to label", hours, ended, cluster, np.zeros(0), False)


def is_rough(waits: Waits) -> bool:
    """Whether times are known to whole minutes only, which says nothing of seconds."""
    seconds = np.round(waits.hours * 3600)
    return bool(np.mean(seconds % 60 == 0) > 0.9)


def waits_table(labels: Labels, found: list[Waits]) -> Table:
    """Medians, the slowest tenth, the service level and the queue of each kind of waiting."""
    rows = [_row(labels, waits) for waits in found]
    limit = labels.study.spec.thresholds["service_hours"]
    columns = (
        Column("title", "From, to"),
        Column("count", "Cases", "count"),
        Column("median", "Half within"),
        Column("median_range", "interval"),
        Column("p90", "Nine of ten within"),
        Column("p90_range", "interval"),
        Column("level", f"Within {limit:g} hours", "share"),
        Column("level_range", "interval"),
        Column("waiting", "Waiting at the end", "count"),
        Column("oldest", "Half of these wait longer than"),
    )
    note = f"{CENSORED} Rows of one creator, or one reviewer, are kept together. {FOUND_ONLY}"
    if any(is_rough(waits) for waits in found if waits.name == "handling"):
        note += " Handling times are known to the minute only, so they say little."
    caption = f"How long it takes, {labels.study.market.name}, {labels.study.window}"
    return Table("waits", caption, pd.DataFrame(rows), columns, note)


def _row(labels: Labels, waits: Waits) -> dict[str, object]:
    confidence = labels.study.parameters.confidence
    value, low, high = _quantiles(waits, confidence)
    level = service_level(labels, waits)
    ends = np.isfinite(level.low[0])
    return {
        "title": waits.title,
        "count": len(waits.hours),
        "median": said_time(value[0]) or UNREACHED,
        "median_range": _range(low[0], high[0]) if np.isfinite(value[0]) else None,
        "p90": said_time(value[1]) or UNREACHED,
        "p90_range": _range(low[1], high[1]) if np.isfinite(value[1]) else None,
        "level": level.share[0] if waits.name != "handling" else None,
        "level_range": f"{percent(level.low[0])} to {percent(level.high[0])}"
        if ends and waits.name != "handling"
        else None,
        "waiting": len(waits.queue) if waits.can_wait else None,
        "oldest": said_time(float(np.median(waits.queue))) if _queue_told(labels, waits) else None,
    }


def _queue_told(labels: Labels, waits: Waits) -> bool:
    """Whether so many wait that their median singles nobody out."""
    return len(waits.queue) >= labels.cell


def _level_told(labels: Labels, waits: Waits) -> float | None:
    """The service level where it may stand in words; None where it rests on too few."""
    share, rules = float(service_level(labels, waits).share[0]), labels.study.rules
    known = np.isfinite(share) and len(waits.hours) >= rules.base
    return share if known and not unsafe(share, [len(waits.hours)], rules) else None


def _quantiles(waits: Waits, confidence: float) -> tuple[Floats, Floats, Floats]:
    """The median and the ninth decile in hours, with their intervals."""
    ended, waiting = (_histogram(waits, which) for which in (waits.ended, ~waits.ended))
    found, limits = quantiles(
        [ended, ended], [0.5, 0.9], waiting=[waiting, waiting], confidence=confidence
    )
    return found.value, limits.low, limits.high


def _histogram(waits: Waits, which: np.ndarray) -> Histogram:
    """Times of some rows in logarithmic bins; a time of nothing counts as a second."""
    bins = np.floor(np.log(np.fmax(waits.hours[which], 1 / 3600)) / np.log(BIN_RATIO))
    groups = max(2, min(GROUPS, int(waits.cluster.max(initial=0)) + 1))
    pairs = np.stack([waits.cluster[which] % groups, bins.astype(np.int64)])
    distinct, count = np.unique(pairs, axis=1, return_counts=True)
    return Histogram(distinct[0], distinct[1], count.astype(float), groups)


def service_level(labels: Labels, waits: Waits) -> Ended:
    """The share that ends within the hours that are promised."""
    hours = np.array([labels.study.spec.thresholds["service_hours"]])
    confidence = labels.study.parameters.confidence
    found = ended_within(waits.hours, waits.ended, waits.cluster, hours, confidence=confidence)
    if len(waits.hours) and waits.ended.all():
        # Nobody waits, so the share is known beyond the longest wait as well.
        share = np.array([float(np.mean(waits.hours <= hours[0]))])
        return found if np.isfinite(found.share[0]) else Ended(
            hours, share, found.low, found.high, found.at_risk
        )  # fmt: skip
    return found


def waits_figure(labels: Labels, found: list[Waits]) -> Figure | None:
    """The share that has ended by a time, for what can wait."""
    least = labels.study.rules.base
    shown = [waits for waits in found if waits.can_wait and len(waits.hours) >= least]
    if not shown:
        return None
    limit, confidence = (
        labels.study.spec.thresholds["service_hours"],
        labels.study.parameters.confidence,
    )
    drawn, data = [], []
    for waits in shown:
        at = _may_show(labels, waits, confidence)
        drawn.append(Curve(waits.title, SPAN, at.share, at.low, at.high))
        columns = {"hours": SPAN, "share": at.share, "low": at.low, "high": at.high}
        data.append(pd.DataFrame(columns).assign(what=waits.name))
    levels = [(waits.title, _level_told(labels, waits)) for waits in shown]
    said = [f"{title.lower()} {percent(level)}" for title, level in levels if level is not None]
    every = pd.concat(data, ignore_index=True).dropna(subset="share")
    return Figure(
        name="waits_curve",
        title=f"Decided within {limit:g} hours: {'; '.join(said) or 'not known'}",
        alt=f"Curves of the share decided by a time, from minutes to four weeks. Within {limit:g} "
        f"hours: {'; '.join(said) or 'not known'}.",
        caption=f"{labels.study.window}. Bands: {confidence:.0%} intervals. {CENSORED} A curve "
        f"runs from the time when {labels.cell} have ended to that when {labels.cell} still wait. "
        f"Those of fewer than {least} are not drawn. "
        "Source: users' reports, enforcement decisions and appeals.",
        data=every,
        rests_on=min(len(waits.hours) for waits in shown),
        svg=curves("waits_curve", drawn, limit=limit, says=f"{limit:g} hours"),
    )


def _may_show(labels: Labels, waits: Waits, confidence: float) -> Ended:
    """The curve where neither who has ended nor who still waits is a small count."""
    at = ended_within(waits.hours, waits.ended, waits.cluster, SPAN, confidence=confidence)
    ended = (waits.hours[waits.ended][None] <= SPAN[:, None]).sum(1)
    small = (ended < labels.cell) | (at.at_risk < labels.cell)
    share, low, high = (np.where(small, np.nan, each) for each in (at.share, at.low, at.high))
    return Ended(SPAN, share, low, high, at.at_risk)


def service_finding(labels: Labels, found: list[Waits]) -> Finding | None:
    """The service level of reports."""
    waits = next((each for each in found if each.name == "reports"), None)
    if waits is None:
        return None
    level, limit = service_level(labels, waits), labels.study.spec.thresholds["service_hours"]
    if not np.isfinite(level.share[0]):
        return None
    low, high = float(level.low[0]), float(level.high[0])
    value = float(level.share[0])
    text = f"{percent(value)} of users' reports were decided within {limit:g} hours"
    if _queue_told(labels, waits):
        text += (
            f"; {len(waits.queue):,} waited when the window, or the data, ended, half of them for "
            f"more than {said_time(float(np.median(waits.queue)))}"
        )
    return Finding(
        name="service_level",
        title="Reports decided in time",
        text=f"{text}.",
        value=value,
        low=low if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
        unit="share",
        confidence=labels.study.parameters.confidence,
        sample=f"{len(waits.hours):,} reports",
        notes=(CENSORED, "A limit invites deciding easy reports first."),
    )


def said_time(hours: float) -> str | None:
    """Hours in the unit that suits them.

    >>> said_time(0.005), said_time(0.4), said_time(30), said_time(200)
    ('18 seconds', '24 minutes', '30 hours', '8.3 days')
    """
    if not np.isfinite(hours):
        return None
    for unit, size, most in (("seconds", 3600, 1 / 30), ("minutes", 60, 2), ("hours", 1, 72)):
        if hours < most:
            return f"{hours * size:.3g} {unit}"
    return f"{hours / 24:.2g} days"


def _range(low: float, high: float) -> str | None:
    """Two times; a unit that both have stands once.

    >>> _range(3, 5), _range(0.4, 5), _range(3, np.inf)
    ('3 to 5 hours', '24 minutes to 5 hours', '3 hours or more')
    """
    first, last = said_time(low), said_time(high)
    if first is None or last is None:
        return first and f"{first} or more"
    (number, unit), same = first.split(), last.split()[1]
    return f"{number if unit == same else first} to {last}"
