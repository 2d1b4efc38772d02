"""Counts that core_metrics watches by a dimension: which policies' share of removals changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures.displays import Column, Table
from analysis.metrics.levels import Level, Levels, watch_levels
from analysis.metrics.monitoring import Promise, quarter
from analysis.safeguards.disclosure.rates import unsafe
from analysis.studies.findings import Finding
from analysis.studies.metric_alerts import half
from analysis.studies.words import join, percent

if TYPE_CHECKING:
    from analysis.studies.base import Study
    from analysis.studies.core_metrics import Loaded, Measured

#: The relative move whose detection is told, either way.
MOVES = (1.0, -0.5)


def watch(study: Study, loaded: Loaded, promise: Promise) -> dict[str, Levels]:
    """By metric, the levels of those that the catalogue watches by a dimension."""
    windows = [loaded.rows.windows[place] for place in loaded.history]
    if windows[-1].end > loaded.after:
        return {}
    named = [name for name, each in loaded.cubes.catalogue.metrics.items() if each.by]
    counts = {name: loaded.cubes.by_level(study.market, windows, name) for name in named}
    return {name: watch_levels(found, windows, promise) for name, found in counts.items()}


@dataclass(frozen=True)
class LevelWords:
    """A metric's levels in words.

    Attributes:
        measured: what they were measured in.
        name: of the metric.
        levels: as they were watched.
    """

    measured: Measured
    name: str
    levels: Levels

    @property
    def title(self) -> str:
        return self.measured.catalogue.metrics[self.name].title

    @property
    def by(self) -> str:
        return self.measured.catalogue.metrics[self.name].by or ""

    @property
    def lately(self) -> int:
        """The windows at the end that the last shares are of."""
        history = self.measured.loaded.history
        windows = [self.measured.loaded.rows.windows[place] for place in history]
        return min(self.levels.windows, quarter(windows))

    def finding(self) -> Finding:
        """Which levels left what was usual."""
        watched, window = self.levels.watched, self.measured.study.window
        raised = [level for level, each in watched.items() if each.now]
        parts = f"parts of {self.title.lower()} watched by {self.by}"
        if not watched:
            text = f"No {parts} in {window}: too few events or windows before it."
        elif not raised:
            text = f"None of the {len(watched)} {parts} left what was usual in {window}."
        else:
            listed = join([self._said(level, watched[level]) for level in raised])
            text = f"{len(raised)} of {len(watched)} {parts} left what was usual: {listed}."
        return Finding(
            name=f"alerts_by_{self.by}",
            title=f"Alerts by {self.by}",
            text=text,
            value=float(len(raised)) if watched else None,
            unit="count",
            noun="parts",
            confidence=None,
            sample=f"{len(watched)} parts",
            verdict="up" if raised else "level",
            headline=bool(raised),
            notes=(self._promised(),),
        )

    def _said(self, level: str, each: Level) -> str:
        side = "more" if each.now > 0 else "fewer"
        words = f"{self._level(level)} {side} than usual"
        shares = self._shares(each)
        if shares is not None:
            words += f" ({percent(shares[1])} in the last {self.lately} windows, "
            words += f"{percent(shares[0])} before)"
        if each.began < len(each.alarm) - 1:
            place = self.measured.loaded.history[each.began]
            words += f", since {self.measured.loaded.rows.windows[place]}"
        return words

    def _shares(self, each: Level) -> tuple[float, float] | None:
        """The share in the windows learned from, and lately; None where these are too few to
        show."""
        learned, rules = slice(None, -self.levels.windows), self.measured.study.rules
        found = []
        for part in (learned, slice(-self.lately, None)):
            count, whole = float(each.count[part].sum()), float(each.whole[part].sum())
            if whole < rules.base or unsafe(count / whole, [int(whole)], rules):
                return None
            found.append(count / whole)
        return found[0], found[1]

    def _level(self, level: str) -> str:
        policies = self.measured.study.project.policies
        known = policies[level].title if self.by == "policy" and level in policies else level
        return (known[0].lower() + known[1:]) if known else "(none)"

    def table(self) -> Table:
        """Each level's share, its alert, and how soon a change would be noticed."""
        rng = self.measured.study.rng()
        up, down = (self.levels.noticed(move, rng) for move in MOVES)
        rows = []
        for level, each in self.levels.watched.items():
            shares = self._shares(each) or (None, None)
            alert = {1: "▲ alert", -1: "▼ alert", 0: "–"}[each.now]
            rows.append(
                {"level": self._level(level), "before": shares[0], "lately": shares[1]}
                | {"alert": alert, "windows": half(up[level]), "other_windows": half(down[level])}
            )
        columns = (
            Column("level", self.by.capitalize()),
            Column("before", "Share before", "share"),
            Column("lately", f"Last {self.lately} windows", "share"),
            Column("alert", "Alert"),
            Column("windows", "Windows until half of doublings are noticed"),
            Column("other_windows", "Windows until half of halvings are noticed"),
        )
        market = self.measured.study.market.name
        caption = f"{self.title} by {self.by} in {market}: how they are watched"
        note = (
            f"Each {self.by} with one event or more in a usual window, against all others; "
            f"{self.levels.others} with fewer are not watched. The first shares are of the windows "
            f"before the last {self.levels.windows}."
        )
        frame = pd.DataFrame(rows, columns=[column.key for column in columns])
        name, least = f"{self.name}_by_{self.by}", self.measured.study.rules.base
        return Table(name, caption, frame, columns, note, folded=True, rests_on=least)

    def _promised(self) -> str:
        promise = self.measured.by_level
        return (
            f"Each {self.by}'s events are held against all others' (Q charts, Quesenberry 1991; "
            "what comes in clumps or wanders from window to window counts for less), one far off "
            "or many that lean the same way. While nothing happens, alerts are limited to "
            f"{promise.false_alarms:g} false ones a quarter over all {promise.markets} markets "
            f"together; limits allow for the {len(self.levels.watched)} that are watched. Where "
            "shares wander from window to window by themselves more come: in simulated worlds of "
            "thousands of events up to twice as many, and more than one in one quarter of eleven. "
            "What a few events a window tell takes months: a table says how long."
        )


def words(measured: Measured) -> list[LevelWords]:
    """Of every metric that is watched by a dimension."""
    return [LevelWords(measured, name, levels) for name, levels in measured.levels.items()]
