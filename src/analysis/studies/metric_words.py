"""A metric's estimate as sentences, findings and cells of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import numpy as np

from analysis.calendar import Window
from analysis.metrics.catalogue import Metric
from analysis.metrics.estimate import Move, Series
from analysis.metrics.monitoring import Outlook
from analysis.metrics.provisional import Provisional
from analysis.metrics.words import BASES, Scale, scale
from analysis.studies.findings import Comparison, Finding, Unit, Verdict
from analysis.studies.metric_alerts import expected_clause
from analysis.studies.metric_moves import meaning, unit_of

#: A share's interval that is wider says nothing.
NEARLY_ALL = 0.9


@dataclass(frozen=True)
class MetricWords:
    """One metric in one window, in words.

    Attributes:
        series: the estimates; the window in question has place 0.
        moves: by comparison.
        windows: what each comparison is with; the first is the one that the verdict speaks of.
        window: the window in question.
        minimum_cell: counts below it are not said.
        warnings: what is particular to this window.
        outlook: what the number was expected to be, where it is watched.
        provisional: that its window is still filling, where it is.
    """

    series: Series
    moves: Mapping[str, Move]
    windows: Mapping[str, Window]
    window: Window
    minimum_cell: int
    warnings: tuple[str, ...] = ()
    outlook: Outlook | None = None
    provisional: Provisional | None = None

    @property
    def metric(self) -> Metric:
        return self.series.metric

    @property
    def unit(self) -> Unit:
        return unit_of(self.metric)

    @property
    def factor(self) -> float:
        """From an estimate to the finding's unit."""
        return BASES.get(self.metric.kind, 1.0)

    @cached_property
    def scale(self) -> Scale:
        low, high = self.series.limits(0)
        return scale(self.metric, self.series.value(0) or 0.0, low, high)

    @cached_property
    def trend_scale(self) -> Scale:
        """The scale of all windows: where this one has no number, that of a usual one."""
        known = self.series.found.value
        if self.series.value(0) is not None or not np.isfinite(known).any():
            return self.scale
        return scale(self.metric, float(np.nanmedian(known)), None, None)

    @property
    def sample(self) -> str:
        """What the number rests on; a small count of people or items is not told apart."""
        count = self.series.units[0]
        if 0 < count < self.minimum_cell:
            return f"fewer than {self.minimum_cell} {self.metric.sample}"
        return f"{count:,.0f} {self.metric.sample}"

    def finding(self) -> Finding:
        """The whole statement."""
        low, high = self.limits()
        comparisons = (*map(self._comparison, self.moves), *self.surprise())
        return Finding(
            name=self.series.name,
            title=self.metric.title,
            text=self.text(),
            value=self._in_unit(self.series.value(0)),
            low=low,
            high=high,
            unit=self.unit,
            noun=self.metric.noun,
            confidence=self.series.confidence,
            sample=self.sample,
            comparisons=comparisons,
            verdict=comparisons[0].verdict,
            meaning=meaning(self.metric, comparisons[0].verdict),
            in_table=True,
            notes=self.warnings + self.metric.traps,
        )

    def text(self) -> str:
        """The number, its interval and what it is compared with."""
        if self.series.value(0) is None and self.series.units[0] > 0:
            return f"Too many of {self.sample} in {self.window} still wait to give this number."
        if self.series.value(0) is None:
            nothing = f"Nothing to measure: no {self.metric.sample} in {self.window}"
            return "; ".join([nothing, *filter(None, [self._unsettled()])]) + "."
        clauses = [self.statement(), *(self._clause(name) for name in self.moves)]
        clauses += [each for each in (self._expectation(), self._unsettled()) if each]
        return "; ".join(clauses) + "."

    def limits(self) -> tuple[float | None, float | None]:
        """The ends of the interval, in the finding's unit."""
        low, high = self.series.limits(0)
        return self._in_unit(low), self._in_unit(high)

    def expected(self) -> str:
        """What was expected, as a table has it; empty where nothing was."""
        ends = self._expected_ends()
        return "" if ends is None else self._between(*ends)

    def _expected_ends(self) -> tuple[float, float] | None:
        if self.outlook is None or not np.isfinite(self.outlook.low[-1]):
            return None
        return float(self.outlook.low[-1]), float(self.outlook.high[-1])

    def _between(self, low: float, high: float) -> str:
        return scale(self.metric, self.series.value(0) or low, low, high).range(low, high)

    def _to_compare(self, low: float, high: float) -> str:
        """Two ends in a sentence: a share's of as many as the number before them."""
        if self.metric.kind != "share" or self.series.value(0) is None:
            return self._between(low, high)
        return f"{self.scale.number(low)} to {self.scale.number(high)}"

    def _expectation(self) -> str:
        """How the number lies to what was expected, a clause; empty where nothing was."""
        ends = self._expected_ends()
        said = "" if ends is None else self._to_compare(*ends)
        return expected_clause(self.outlook, self.series.value(0), said)

    def surprise(self) -> tuple[Comparison, ...]:
        """An alert as a comparison with what was expected, so that whatever ranks and marks
        findings knows of it; none where the number itself lies within its band."""
        outlook, value = self.outlook, self.series.value(0)
        if outlook is None or not outlook.now or value is None or not outlook.outside(value):
            return ()
        middle, low, high = (
            float(ends[-1]) for ends in (outlook.middle, outlook.low, outlook.high)
        )
        verdict: Verdict = "up" if value > middle else "down"
        return (
            Comparison(
                label="what was expected",
                value=self._in_unit(middle),
                difference=self._in_unit(value - middle),
                low=self._in_unit(value - high),
                high=self._in_unit(value - low),
                verdict=verdict,
                meaning=meaning(self.metric, verdict),
                text=self._expectation(),
            ),
        )

    def ending(self) -> str:
        """Where a provisional number will end; empty where that is not known."""
        made = self.provisional
        if made is None or made.low is None or made.high is None:
            return ""
        return self._between(made.low, made.high)

    def _unsettled(self) -> str:
        """That the number is provisional, a clause; empty where it is final."""
        made = self.provisional
        if made is None:
            return ""
        rests = f"provisional until {made.final_on}, resting on {made.days} of {made.of} days"
        if made.low is None or made.high is None:
            return rests
        return f"{rests}, and will end in {self._to_compare(made.low, made.high)}"

    def statement(self) -> str:
        """The number and its interval in plain words, without a full stop."""
        value, (low, high) = self.series.value(0), self.series.limits(0)
        sure = f"{self.series.confidence:.0%}"
        if value is None:
            return ""
        ends = "" if low is None else self._ends(low, high)
        if ends and self._says_nothing(low, high):
            return f"{self._says(self.scale.said(value))} ({ends}, so these data can't tell)"
        if value == 0 and high is not None:
            none = f"{sure} confidence; none was seen among {self.sample}"
            return f"{self._says(f'at most {self.scale.said(high)}')} ({none})"
        if value == 1 and self.metric.kind == "share" and low is not None:
            every = f"{sure} confidence; no exception among {self.sample}"
            return f"{self._says(f'at least {self.scale.said(low)}')} ({every})"
        return f"{self._says(self.scale.said(value))} ({ends or 'too few to give an interval'})"

    def _ends(self, low: float, high: float | None) -> str:
        sure = f"{self.series.confidence:.0%}"
        if high is None:  # so many wait that their times can't be bounded
            return f"{sure} interval from {self.scale.number(low)} without an upper end"
        return f"{sure} interval {self.scale.number(low)} to {self.scale.number(high)}"

    def _says_nothing(self, low: float | None, high: float | None) -> bool:
        """Whether the interval of a share holds nearly all that a share can be."""
        wide = low is not None and high is not None and high - low > NEARLY_ALL
        return self.metric.kind == "share" and wide

    def _range(self, low: float | None, high: float | None) -> str:
        if low is not None and high is None:
            return f"{self.scale.short(low)} or more"
        return "–" if low is None or high is None else self.scale.range(low, high)

    def _says(self, value: str) -> str:
        said = self.metric.says.format(value=value)
        return said[0].upper() + said[1:]

    def _clause(self, name: str) -> str:
        """A comparison in words, without a full stop."""
        move, label = self.moves[name], self._label(name)
        if move.before is None:
            return f"nothing that can be shown to compare with in {label}"
        before = self.scale.number(move.before)
        if move.verdict == "unclear":
            return f"too few to compare with {label}"
        if move.verdict == "no_change":
            return f"no clear change from {label} ({before})"
        return f"{move.verdict} from {before} in {label}"

    def _label(self, name: str) -> str:
        later = name != next(iter(self.windows))
        return self.windows[name].label + (", a year before" if later else "")

    def _comparison(self, name: str) -> Comparison:
        move = self.moves[name]
        made = move.difference
        value, low, high = (
            None if made is None else self._in_unit(float(x))
            for x in ((made.value, made.low, made.high) if made else (0, 0, 0))
        )
        return Comparison(
            label=self.windows[name].label,
            value=self._in_unit(move.before),
            difference=value,
            low=low,
            high=high,
            verdict=cast(Verdict, move.verdict),
            meaning=meaning(self.metric, cast(Verdict, move.verdict)),
            text=self._clause(name),
        )

    def _in_unit(self, value: float | None) -> float | None:
        return None if value is None else value * self.factor

    def row(self) -> dict[str, str]:
        """The cells of the overview table."""
        value, (low, high) = self.series.value(0), self.series.limits(0)
        cells = {
            "title": self.metric.title,
            "value": "–" if value is None else self.scale.short(value) + self._mark(),
            "interval": self._range(low, high),
            "expected": self._against_expected(),
        }
        for name, move in self.moves.items():
            cells[name] = "–" if move.before is None else self.scale.short(move.before)
            cells[f"{name}_change"] = self._change(move)
            cells[f"{name}_verdict"] = self._verdict(move)
        return cells

    def _mark(self) -> str:
        return "" if self.provisional is None else " (provisional)"

    def _against_expected(self) -> str:
        alarm = 0 if self.outlook is None else self.outlook.now
        return {1: "▲ alert: ", -1: "▼ alert: ", 0: ""}[alarm] + (self.expected() or "–")

    def _change(self, move: Move) -> str:
        if move.difference is None:
            return "–"
        made = move.difference
        return self.scale.change(float(made.value), float(made.low), float(made.high))

    def _verdict(self, move: Move) -> str:
        word = {"up": "up", "down": "down", "no_change": "no clear change"}.get(move.verdict)
        sense = meaning(self.metric, cast(Verdict, move.verdict))
        if word is None:
            return "too few to say"
        return word if sense == "neutral" else f"{word}, {sense}"
