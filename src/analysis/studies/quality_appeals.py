"""What appeals say of all decisions: those who appeal choose to, so only bounds are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.methods.bounds import Bounded, Span, overturn_bounds
from analysis.safeguards.disclosure.rates import unsafe
from analysis.studies.findings import Finding
from analysis.studies.quality_labels import Labels, codes
from analysis.studies.words import percent

QUERY = """
    SELECT d.creator_id, count(a.appeal_id) > 0 AS appealed,
        max(CASE WHEN a.outcome = 'overturned' THEN 1 ELSE 0 END) AS overturned,
        max(CASE WHEN a.outcome = 'upheld' THEN 1 ELSE 0 END) AS upheld
    FROM decisions AS d LEFT JOIN appeals AS a ON a.decision_id = d.decision_id
    WHERE d.market = ? AND d.action <> 'no_action' AND d.decided_at >= ? AND d.decided_at < ?
    GROUP BY d.decision_id, d.creator_id
    ORDER BY d.decision_id
"""
SELECTED = (
    "Those who appeal choose to: the share among them is not the share among all decisions, and no "
    "interval around it could make it so."
)
OUTCOME = "An outcome of an appeal is another decision, which can be wrong too."


@dataclass(frozen=True)
class Appealed:
    """The decisions of the window and what became of them.

    Attributes:
        decisions, appealed, overturned, upheld: counts; the other appeals wait.
        bounds: of the share of all decisions that would be overturned.
    """

    decisions: int
    appealed: int
    overturned: int
    upheld: int
    bounds: Bounded

    @property
    def waiting(self) -> int:
        return self.appealed - self.overturned - self.upheld

    @property
    def among_decided(self) -> float:
        """The overturned share of the appeals that are decided; nan without any."""
        decided = self.overturned + self.upheld
        return self.overturned / decided if decided else np.nan


def load_appealed(labels: Labels) -> Appealed | None:
    """The window's decisions with their appeals; None where there are too few."""
    study = labels.study
    start, end = study.window.instants(study.market)
    rows = study.sql(QUERY, (study.market.code, start, end), limit=None)
    if len(rows) < labels.cell or rows["appealed"].sum() < labels.cell:
        return None
    appealed, overturned = (rows[name].to_numpy(dtype=bool) for name in ("appealed", "overturned"))
    upheld = rows["upheld"].to_numpy(dtype=bool) & ~overturned
    bounds = overturn_bounds(
        appealed,
        overturned,
        upheld,
        codes(rows["creator_id"]),
        confidence=study.parameters.confidence,
    )
    return Appealed(
        len(rows), int(appealed.sum()), int(overturned.sum()), int(upheld.sum()), bounds
    )


def appeals_finding(labels: Labels, found: Appealed | None) -> Finding:
    """Between which ends the share of decisions lies that would be overturned."""
    title = "Decisions that would be overturned"
    if found is None:
        text = f"Fewer than {labels.cell} decisions of {labels.study.market.name} were appealed."
        return Finding(
            name="overturn_bounds", title=title, text=text, value=None, unit="share",
            confidence=None, verdict="unclear",
        )  # fmt: skip
    worst = found.bounds.worst
    return Finding(
        name="overturn_bounds",
        title=title,
        text=_said(labels, found),
        value=worst.low,
        low=worst.interval_low,
        high=worst.interval_high,
        unit="share",
        confidence=labels.study.parameters.confidence,
        sample=f"{found.decisions:,} decisions, {found.appealed:,} appealed",
        notes=(SELECTED, OUTCOME),
    )


def _said(labels: Labels, found: Appealed) -> str:
    """The bounds in words, those of them that rest on enough."""
    rules, bounds = labels.study.rules, found.bounds
    decided = found.overturned + found.upheld

    def may(share: float, base: int) -> bool:
        return base >= rules.base and not unsafe(share, [base], rules)

    text = (
        f"{percent(bounds.worst.low)} to {percent(bounds.worst.high)} of all decisions would be "
        "overturned, were all appealed: no more is known without an assumption."
    )
    if not may(bounds.worst.high, found.decisions):
        text = f"At least {percent(bounds.worst.low)} of all decisions would be overturned."
    if may(bounds.monotone.high, found.appealed):
        text += (
            f" At most {percent(bounds.monotone.high)}, if those who do not appeal are wronged no "
            "more often than those who do."
        )
    if may(found.among_decided, decided):
        text += (
            f" Of decided appeals {percent(found.among_decided)} were overturned, which is not "
            "that share."
        )
    return text


def appeals_tables(labels: Labels, found: Appealed) -> list[Table]:
    """What became of the decisions, and the bounds with the assumptions that they rest on."""
    return [_counts(found), _bounds(labels, found)]


def _counts(found: Appealed) -> Table:
    rows = [
        ("Decisions", found.decisions),
        ("Not appealed", found.decisions - found.appealed),
        ("Appealed", found.appealed),
        ("Overturned", found.overturned),
        ("Upheld", found.upheld),
        ("Waiting", found.waiting),
    ]
    frame = pd.DataFrame(rows, columns=["what", "decisions"])
    columns = (Column("what", "What became of them"), Column("decisions", "Decisions", "count"))
    note = "Those that wait count as either in the bounds."
    return Table("appealed", "Decisions and their appeals", frame, columns, note)


def _bounds(labels: Labels, found: Appealed) -> Table:
    given = (
        (
            "Worst case",
            "nothing is assumed of those who do not appeal",
            found.decisions,
            found.bounds.worst,
        ),
        (
            "Monotone selection",
            "those who do not appeal are wronged no more often than those who do",
            found.appealed,
            found.bounds.monotone,
        ),
    )
    rows = [_row(name, assumed, base, span) for name, assumed, base, span in given]
    columns = (
        Column("bound", "Bounds"),
        Column("assumes", "What is assumed"),
        Column("rests_on", "Rests on decisions", "count"),
        Column("low", "From", "share"),
        Column("high", "to", "share"),
        Column("interval_low", "With chance, from", "share"),
        Column("interval_high", "to", "share"),
    )
    note = (
        "Bounds: Manski (1989), Manski and Pepper (2000). "
        f"{labels.study.parameters.confidence:.0%} intervals for the share itself (Imbens and "
        "Manski 2004), decisions of one creator kept together."
    )
    caption = "The share of all decisions that would be overturned"
    return Table("overturn_bounds_table", caption, pd.DataFrame(rows), columns, note)


def _row(name: str, assumed: str, base: int, span: Span) -> dict[str, object]:
    return {"bound": name, "assumes": assumed, "rests_on": base, **vars(span)}
