"""Which languages and which kinds of items deviate, and whether too strict or too lenient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.buckets import Floats
from analysis.methods.clustered import Shares
from analysis.methods.deviations import FEWEST_STRATA, Across, Deviations, across
from analysis.studies.quality_labels import SIDES, Kinds, Labels, Side

LANGUAGE = "language"


@dataclass(frozen=True)
class Deviant:
    """One group that was called.

    Attributes:
        name: of the group, for readers.
        value, low, high: its share of errors.
        others: the middle of the other groups.
        stands_out: also against the spread between groups.
        more: more errors than the others; else fewer.
    """

    name: str
    side: Side
    value: float
    low: float
    high: float
    others: float
    stands_out: bool
    more: bool

    @property
    def difference(self) -> float:
        return self.value - self.others


@dataclass(frozen=True)
class Family:
    """Groups that were looked at together, on one side.

    Attributes:
        attribute: what tells them apart.
        side: the way to be wrong.
        names: of the groups, for readers.
        shares: of errors.
        enough: groups of enough items to be judged.
        shown: those of them that may be shown.
        found: against the others.
    """

    attribute: str
    side: Side
    names: tuple[str, ...]
    shares: Shares
    enough: NDArray[np.bool_]
    shown: NDArray[np.bool_]
    found: Deviations

    @property
    def judged(self) -> int:
        """How many groups had enough items to be judged."""
        return int(np.isfinite(self.found.p_value).sum())

    @property
    def called(self) -> list[Deviant]:
        """The groups that were called, those that err more first, furthest first."""
        places = np.flatnonzero((self.found.differs != 0) & self.shown)
        every = [self._deviant(int(at)) for at in places]
        return sorted(every, key=lambda each: -each.difference)

    @property
    def worse(self) -> list[Deviant]:
        """Those that err more than the others, furthest first."""
        return [each for each in self.called if each.more]

    def _deviant(self, at: int) -> Deviant:
        return Deviant(
            self.names[at],
            self.side,
            float(self.shares.value[at]),
            float(self.shares.low[at]),
            float(self.shares.high[at]),
            float(self.found.others[at]),
            bool(self.found.stands_out[at] != 0),
            bool(self.found.differs[at] > 0),
        )

    def frame(self) -> pd.DataFrame:
        """Every group that may be shown, furthest above the others first."""
        found, shares = self.found, self.shares
        columns = {
            "kind": self.names,
            "labels": shares.rows,
            "share": shares.value,
            "low": shares.low,
            "high": shares.high,
            "others": found.others,
            "difference": found.difference,
            "difference_low": found.low,
            "difference_high": found.high,
            "p_adjusted": found.p_value,
            "call": [self._call(at) for at in range(len(self.names))],
            "trusted": shares.trusted,
        }
        frame = pd.DataFrame(columns)[self.shown]
        return frame.sort_values("difference", ascending=False, ignore_index=True)

    def _call(self, at: int) -> str:
        sign = int(self.found.differs[at])
        if not np.isfinite(self.found.p_value[at]):
            return "too little to say"
        if sign == 0:
            return "not called"
        word = self.side.direction if sign > 0 else f"less {self.side.direction[4:]}"
        return f"{word}, stands out" if self.found.stands_out[at] else word


def compare(
    labels: Labels, side: Side, attribute: str, kinds: Kinds, where: NDArray[np.bool_]
) -> Family:
    """Each kind of the rows against the other kinds, on one side."""
    shares, enough = labels.errors(side, where, kinds.codes, len(kinds.names))
    found = labels.deviations(shares, enough)
    shown = enough & labels.may_show(shares.rows, shares.events)
    return Family(attribute, side, kinds.names, shares, enough, shown, found)


def by_language(labels: Labels) -> list[Family]:
    """Every language of the window against the others, on both sides."""
    every = np.ones(len(labels.rows), dtype=bool)
    return [compare(labels, side, LANGUAGE, labels.language_kinds, every) for side in SIDES]


@dataclass(frozen=True)
class InLanguages:
    """One attribute's kinds in every language, on one side.

    Attributes:
        own: the kinds of the run's own items against each other.
        values, gaps: kinds by languages, the share of errors and its distance from the other
            kinds of the language; nan where there are too few items.
        found: the distances over languages.
        false_calls: the share of the calls that may be chance.
    """

    own: Family
    values: Floats
    gaps: Floats
    found: Across
    false_calls: float

    @property
    def judged(self) -> int:
        """How many kinds are in enough languages to be judged over them."""
        return int(np.isfinite(self.found.p_value).sum())

    @property
    def called(self) -> list[Everywhere]:
        """The kinds that err more than others in one language after the other."""
        calls = (self.found.p_value <= self.false_calls) & (self.found.mean > 0)
        return [self._everywhere(int(at)) for at in np.flatnonzero(calls)]

    def _everywhere(self, at: int) -> Everywhere:
        found = self.found
        numbers = (found.mean[at], found.low[at], found.high[at])
        return Everywhere(
            self.own.attribute,
            self.own.side,
            self.own.names[at],
            int(found.count[at]),
            float(np.nanmean(self.values[at])),
            *map(float, numbers),
        )

    def elsewhere(self, other: NDArray[np.bool_]) -> dict[str, float]:
        """By kind, the middle of its share of errors in other languages, where there are three."""
        rows = ((name, row[other & np.isfinite(row)]) for name, row in self._rows)
        return {name: float(np.median(row)) for name, row in rows if len(row) >= FEWEST_STRATA}

    @property
    def _rows(self) -> Iterator[tuple[str, Floats]]:
        return zip(self.own.names, self.values, strict=True)


@dataclass(frozen=True)
class Everywhere:
    """A kind of item over all languages.

    Attributes:
        name: of the kind.
        languages: in which it was judged.
        value: the mean over languages of its share of errors.
        difference, low, high: the mean over languages of its distance from the other kinds.
    """

    attribute: str
    side: Side
    name: str
    languages: int
    value: float
    difference: float
    low: float
    high: float


def by_kind(labels: Labels) -> list[InLanguages]:
    """Kinds of items by each attribute and side, in the run's own rows and in every language.

    Kinds differ in which languages they come in, so over all languages each is held against the
    other kinds of the same language, and the distances are averaged.
    """
    every = [
        _in_languages(labels, name, kinds, side)
        for name, kinds in labels.kinds.items()
        for side in SIDES
    ]
    return [each for each in every if each.own.judged >= 2 or each.judged]


def _in_languages(labels: Labels, attribute: str, kinds: Kinds, side: Side) -> InLanguages:
    languages = labels.language_kinds
    gaps, values = np.full((2, len(kinds.names), len(languages.names)), np.nan)
    for column in range(len(languages.names)):
        family = compare(labels, side, attribute, kinds, languages.codes == column)
        gaps[:, column] = np.where(family.enough, family.found.difference, np.nan)
        values[:, column] = np.where(family.enough, family.shares.value, np.nan)
    limits, confidence = labels.study.spec.thresholds, labels.study.parameters.confidence
    own = compare(labels, side, attribute, kinds, labels.own)
    found = across(gaps, margin=limits["margin"], confidence=confidence)
    return InLanguages(own, values, gaps, found, limits["false_calls"])
