"""Teams and reviewers, shrunk so that nobody is ranked on noise, and shown only in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.figures.displays import Column, Figure, Table
from analysis.figures.funnels import FunnelDrawing, funnel_plot
from analysis.methods.clustered import Shares
from analysis.methods.funnel import Funnel, Shrunk, funnel, shrink
from analysis.studies.findings import Finding
from analysis.studies.quality_labels import SIDES, Kinds, Labels, Side
from analysis.studies.quality_points import whose
from analysis.studies.quality_shown import SOURCE, hidden
from analysis.studies.words import join, language_name, percent

NO_MARKET = "no market"
MOST_NAMED = 4
#: With fewer reviewers to show, who is who could be guessed.
PEOPLE = (
    "Reviewers are never named. One is shown only on {base} labels or more of items with a known "
    "answer and on {cell} errors or more, and nobody where fewer than {cell} reviewers are left."
)


@dataclass(frozen=True)
class Units:
    """Teams, or reviewers, on one side.

    Attributes:
        names: for readers; empty texts for people.
        labels: of items with a known answer.
        shown: which of them may be shown.
        hits, trials: errors and labels, at the size that they are effectively worth.
        shrunk, limits: what becomes of them.
    """

    side: Side | None
    names: tuple[str, ...]
    labels: np.ndarray
    shown: np.ndarray
    hits: np.ndarray
    trials: np.ndarray
    shrunk: Shrunk
    limits: Funnel

    @property
    def outside(self) -> np.ndarray:
        """Units beyond the outer limits of the funnel."""
        found: np.ndarray = (np.abs(self.limits.place) == 2) & self.shown
        return found

    @property
    def frame(self) -> pd.DataFrame:
        """The numbers, those that err most after shrinkage first; nothing that names a person."""
        columns = {
            "unit": self.names,
            "labels": self.labels,
            "effective_labels": self.trials.round(1),
            "share": self.hits / self.trials,
            "shrunk": self.shrunk.value,
            "low": self.shrunk.low,
            "high": self.shrunk.high,
            "kept": self.shrunk.kept,
            "place": [_PLACES[int(each)] for each in self.limits.place],
        }
        frame = pd.DataFrame(columns)[self.shown]
        return frame.sort_values("shrunk", ascending=False, ignore_index=True)


_PLACES = {
    2: "above the funnel", 1: "high in the funnel", 0: "within", -1: "low in the funnel",
    -2: "below the funnel",
}  # fmt: skip


def teams(labels: Labels) -> list[Units]:
    """Languages within markets, on both sides; none with fewer than three to show."""
    market = labels.rows["market"].fillna(NO_MARKET)
    names = labels.rows["language"].map({c: language_name(c) for c in labels.rows["language"].
                                         unique()})  # fmt: skip
    named = names if market.eq(NO_MARKET).all() else names + ", " + market
    kinds, every = Kinds.of(named), np.ones(len(labels.rows), dtype=bool)
    found = []
    for side in SIDES:
        shares, enough = labels.errors(side, every, kinds.codes, len(kinds.names))
        usable = enough & np.isfinite(shares.variance)
        if usable.sum() >= 3:
            shown = labels.may_show(shares.rows, shares.events)[usable]
            found.append(_units(side, kinds.names, shares, usable, shown))
    return found


def _units(
    side: Side, names: tuple[str, ...], shares: Shares, usable: np.ndarray, shown: np.ndarray
) -> Units:
    value, rows = shares.value[usable], shares.rows[usable]
    with np.errstate(divide="ignore", invalid="ignore"):
        size = value * (1 - value) / shares.variance[usable]
    trials = np.where(shares.variance[usable] > 0, np.minimum(size, rows), shares.clusters[usable])
    hits = value * trials
    kept = tuple(np.array(names)[usable].tolist())
    return Units(side, kept, rows, shown, hits, trials, shrink(hits, trials), funnel(hits, trials))


def people(labels: Labels) -> Units | None:
    """The run's own reviewers, by errors of both kinds; None where they are too few."""
    if not labels.has_raters:
        return None
    rows = np.flatnonzero(labels.own & labels.known)
    rater, wrong = labels.rater[rows], labels.label[rows] != labels.violates[rows]
    of, place = np.unique(rater, return_inverse=True)
    count = np.bincount(place, minlength=len(of)).astype(float)
    errors = np.bincount(place, wrong, len(of)).astype(float)
    enough = count >= labels.cell
    if enough.sum() < labels.cell:
        return None
    # By size, then errors: the order of rows, too, must not tell who is who.
    order = np.lexsort((errors[enough], count[enough]))
    hits, trials = errors[enough][order], count[enough][order]
    names = ("",) * len(trials)
    shown = labels.may_show(trials, np.minimum(hits, trials - hits))
    if shown.sum() < labels.cell:
        shown = np.zeros(len(trials), dtype=bool)
    return Units(
        None, names, trials, shown, hits, trials, shrink(hits, trials), funnel(hits, trials)
    )


def team_figures(labels: Labels, found: list[Units]) -> list[Figure]:
    """A funnel of the teams for each side."""
    return [_figure(labels, units) for units in found if units.shown.any()]


def _figure(labels: Labels, units: Units) -> Figure:
    side, out = units.side, units.outside
    what = side.title if side else "Errors"
    names = [name for name, outside in zip(units.names, out, strict=True) if outside]
    unit = "team" if side else "reviewer"
    who = f"no {unit}"
    if out.any():
        who = join(names) if side and len(names) <= MOST_NAMED else f"{len(names)} {unit}s"
    title = f"{what} by {unit}: {who} outside the funnel"
    slug = f"funnel_{side.name}" if side else "funnel_reviewers"
    kept = units.shown
    drawn = FunnelDrawing(
        units.trials[kept],
        (units.hits / units.trials)[kept],
        units.shrunk.value[kept],
        out[kept].tolist(),
        [name if each else "" for name, each in zip(np.array(units.names)[kept], out[kept],
                                                    strict=True)],
        units.limits.average,
        units.limits.sizes,
        tuple(units.limits.inner),
        tuple(units.limits.outer),
        "labels with a known answer, at their effective number" if side else
        "labels with a known answer",
        side.share if side else "labels that were wrong",
    )  # fmt: skip
    return Figure(
        name=slug,
        title=title,
        alt=_alt(units, unit),
        caption=_caption(labels, units),
        data=units.frame if side else units.frame.drop(columns="unit"),
        svg=funnel_plot(slug, drawn, unit=f"a {unit}"),
    )


def _alt(units: Units, unit: str) -> str:
    shares, frame = (units.hits / units.trials)[units.shown], units.frame
    said = (
        f"Funnel of {len(shares)} {unit}s: shares of errors from {percent(float(shares.min()))} "
        f"to {percent(float(shares.max()))}, average {percent(units.limits.average)}; after "
        f"shrinkage {percent(float(frame['shrunk'].min()))} to "
        f"{percent(float(frame['shrunk'].max()))}. "
        f"Outside the outer limits: {int(units.outside.sum())}."
    )
    out = [name for name, outside in zip(units.names, units.outside, strict=True) if outside]
    return f"{said} These are {join(out)}." if any(out) else said


def _caption(labels: Labels, units: Units) -> str:
    text = (
        f"{SOURCE} {labels.study.window}. Each dot's share moves along its line to the dash, as "
        "far as it can't be told from noise; small ones move most. Dashed and full lines "
        "hold 95% and 99.8% of units that are like the average"
    )
    if units.limits.dispersion > 1.05:
        text += f", widened for a spread {units.limits.dispersion:.1f} times that of chance"
    if units.side is None:
        return f"{text}. {PEOPLE.format(cell=labels.cell, base=labels.base)}"
    return f"{text}. A team is a language of a market. {hidden(labels)}"


def team_table(labels: Labels, found: list[Units]) -> Table:
    """Every team after shrinkage, those that err most first."""
    frames = [units.frame.assign(side=units.side.title) for units in found if units.side]
    columns = (
        Column("unit", "Team"),
        Column("side", "Side"),
        Column("labels", "Labels", "count"),
        Column("share", "Errors", "share"),
        Column("shrunk", "After shrinkage", "share"),
        Column("low", "from", "share"),
        Column("high", "to", "share"),
        Column("kept", "Own part", "share"),
        Column("place", "Place in the funnel"),
    )
    note = (
        f"{labels.study.parameters.confidence:.0%} posterior intervals. The own part is how much "
        "of a team's distance from the average is kept; where it is small, its place is noise."
    )
    rows = pd.concat(frames, ignore_index=True)
    return Table("teams", "Teams after shrinkage", rows, columns, note)


def people_shown(labels: Labels) -> list[Finding | Figure | Table]:
    """The reviewers' spread, or why it is not shown."""
    found, title = people(labels), "Spread between reviewers"
    if found is None:
        why = (
            f"fewer than {labels.cell} reviewers have {labels.cell} labels of items with a known "
            "answer" if labels.has_raters else "the labels do not say whose they are"
        )  # fmt: skip
        text = f"Single reviewers are not shown: {why}."
        return [
            Finding(
                name="reviewers", title=title, text=text, value=None, unit="share",
                confidence=None, verdict="unclear",
            )
        ]  # fmt: skip
    low, high = (float(each) for each in np.quantile(found.shrunk.value, [0.1, 0.9]))
    count = len(found.trials)
    text = (
        f"{percent(low)} to {percent(high)} of labels are wrong for the middle four fifths of "
        f"{count} reviewers after shrinkage, {whose(labels)}."
    )
    finding = Finding(
        name="reviewers",
        title=title,
        text=text,
        value=high - low,
        unit="share",
        confidence=None,
        sample=f"{int(found.trials.sum()):,} labels with a known answer",
        notes=(
            PEOPLE.format(cell=labels.cell, base=labels.base),
            "Errors depend on the mix of items that a reviewer was given.",
        ),
    )
    return [finding, _figure(labels, found)] if found.shown.any() else [finding]
