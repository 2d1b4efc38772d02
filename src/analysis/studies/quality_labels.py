"""The labels that a run of `moderation_quality` rests on: whose they are, and of what items.

Rows of a market are its own. Rows of *no* market (a test suite, a training set) belong to a
language, and a market's run takes those in its languages: a market of params/markets.yaml has them
there, any other territory has the official ones of CLDR.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.errors import NoData, shorten
from analysis.methods.buckets import Floats
from analysis.methods.clustered import Codes, Shares, clustered_shares
from analysis.methods.deviations import Deviations, deviations
from analysis.studies.base import Study
from analysis.studies.words import join, language_name

#: However small params/project.yaml allows cells to be, a person is not shown on fewer labels.
SMALLEST_CELL = 11
POLICY = "policy"
MOST_KINDS, LONGEST_NAME = 200, 40
COLUMNS = (
    "item_id, rater_id, policy, language, market, label, gold_label, weight, started_at, "
    "finished_at, CAST(attributes AS VARCHAR) AS attributes"
)


@dataclass(frozen=True)
class Side:
    """One of the two ways to be wrong, which accuracy mixes.

    Attributes:
        name: a slug.
        title: for readers.
        violating: the known answer of the items that it is about.
        of: what the share is of, after the number.
        share: the share by name.
        direction: what a group is that does it more than the others.
        right: what the share's complement is called.
    """

    name: str
    title: str
    violating: bool
    of: str
    share: str
    direction: str
    right: str


STRICT = Side(
    "over_enforcement",
    "Over-enforcement",
    False,
    "of labels of harmless items said that they violate",
    "harmless items labelled as violating",
    "too strict",
    "specificity",
)
LENIENT = Side(
    "leakage",
    "Leakage",
    True,
    "of labels of violating items said that they are harmless",
    "violating items labelled as harmless",
    "too lenient",
    "sensitivity",
)
SIDES = (STRICT, LENIENT)


@dataclass(frozen=True)
class Kinds:
    """What tells rows apart: a code of each row (-1 for none), and what the codes are called."""

    codes: Codes
    names: tuple[str, ...]

    @classmethod
    def of(cls, values: pd.Series[str]) -> Kinds:
        found, names = pd.factorize(values, sort=True)
        return cls(np.asarray(found, dtype=np.int64), tuple(map(str, names)))


@dataclass(frozen=True)
class Labels:
    """Every label of the window, in all markets and languages.

    Attributes:
        study: whose window it is.
        rows: one a label; `violates` is the known answer, missing where there is none.
        own: which of them are the run's own.
        languages: of the run's own rows, most labels first.
    """

    study: Study
    rows: pd.DataFrame
    own: NDArray[np.bool_]
    languages: tuple[str, ...]

    @property
    def cell(self) -> int:
        """The least count of items, people or errors that is shown."""
        return max(self.study.project.settings.minimum_cell, SMALLEST_CELL)

    @property
    def base(self) -> int:
        """The fewest labels that a share is shown of."""
        return max(self.study.project.settings.minimum_base, self.cell)

    def may_show(self, rows: Floats, events: Floats) -> NDArray[np.bool_]:
        """Which shares may be shown: none of few labels, none that gives a small count away.

        Args:
            rows: labels that a share rests on.
            events: those of the rarer outcome.
        """
        found: NDArray[np.bool_] = (rows >= self.base) & ((events == 0) | (events >= self.cell))
        return found

    def deviations(self, shares: Shares, usable: NDArray[np.bool_]) -> Deviations:
        """Each group's share against the others', by the study's own thresholds."""
        limits = self.study.spec.thresholds
        return deviations(
            shares,
            usable,
            margin=limits["margin"],
            false_calls=limits["false_calls"],
            confidence=self.study.parameters.confidence,
        )

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Which rows have a known answer."""
        found: NDArray[np.bool_] = self.rows["gold_label"].notna().to_numpy()
        return found

    @cached_property
    def item(self) -> Codes:
        return codes(self.rows["item_id"])

    @cached_property
    def rater(self) -> Codes:
        """Raters as codes; a label of nobody's stands for itself."""
        found = codes(self.rows["rater_id"])
        alone = found < 0
        found[alone] = found.max(initial=-1) + 1 + np.arange(int(alone.sum()))
        return found

    @cached_property
    def has_raters(self) -> bool:
        """Whether all of the run's own rows say whose they are."""
        return not bool(self.rows["rater_id"].isna().to_numpy()[self.own].any())

    @cached_property
    def label(self) -> NDArray[np.bool_]:
        return self.rows["label"].to_numpy(dtype=bool)

    @cached_property
    def violates(self) -> NDArray[np.bool_]:
        """The known answer; False where there is none, so ask `known` first."""
        found = self.rows["gold_label"].eq(True).fillna(value=False)
        return found.to_numpy(dtype=bool)

    @cached_property
    def weight(self) -> Floats:
        return np.asarray(self.rows["weight"].astype(float).fillna(1.0), float)

    @property
    def of_market(self) -> bool:
        """Whether the run's own rows are of its market; else they are of its languages alone."""
        return bool(self.rows["market"].eq(self.study.market.code).any())

    @property
    def is_weighted(self) -> bool:
        return bool(self.rows["weight"].notna().to_numpy()[self.own & self.known].any())

    @cached_property
    def kinds(self) -> dict[str, Kinds]:
        """Kinds of items, by what tells them apart: the policy, and whatever attributes name.

        What does not vary among the run's own rows, or has too many values to be a kind, is none.
        """
        titles = {name: self._policy_title(name) for name in self.rows["policy"].dropna().unique()}
        found = {POLICY: Kinds.of(self.rows["policy"].map(titles))}
        given = self.rows["attributes"]
        parsed = {text: _flat(text) for text in given.dropna().unique()}
        for name in sorted({name for each in parsed.values() for name in each}):
            values = {text: each.get(name) for text, each in parsed.items()}
            found[name] = Kinds.of(given.map(values))
        return {name: kinds for name, kinds in found.items() if self._tells_apart(kinds)}

    def _tells_apart(self, kinds: Kinds) -> bool:
        own = np.unique(kinds.codes[self.own & (kinds.codes >= 0)])
        return len(own) >= 2 and len(kinds.names) <= MOST_KINDS

    @cached_property
    def language_kinds(self) -> Kinds:
        """Languages, by their English names."""
        names = {code: language_name(code) for code in self.rows["language"].unique()}
        return Kinds.of(self.rows["language"].map(names))

    def _policy_title(self, name: str) -> str:
        policy = self.study.project.policies.get(name)
        return policy.title if policy else name

    def errors(
        self, side: Side, where: NDArray[np.bool_], group: Codes, groups: int
    ) -> tuple[Shares, NDArray[np.bool_]]:
        """The share of errors of a side in each group of rows, and which groups can be judged.

        A group of fewer items than the least count is neither judged nor compared with. Which of
        the others may be *shown* depends on their errors and is asked of `may_show`: leaving out
        of the comparison whoever errs little would bend it.

        Args:
            where: the rows that count; those of the other answer, or of none, do not.
            group: of every row, -1 for none.
        """
        rows = np.flatnonzero(where & self.known & (self.violates == side.violating) & (group >= 0))
        ways = [recoded(self.item[rows]), recoded(self.rater[rows])]
        found = clustered_shares(
            self.label[rows] != side.violating,
            group[rows],
            groups,
            ways,
            weights=self.weight[rows],
            confidence=self.study.parameters.confidence,
        )
        span = len(rows) + 1
        pairs = np.unique(group[rows] * span + ways[0])
        return found, np.bincount(pairs // span, minlength=groups) >= self.cell


def codes(values: pd.Series[int]) -> Codes:
    """Values as whole numbers from 0 on; -1 for none."""
    return np.asarray(pd.factorize(values)[0], dtype=np.int64)


def recoded(values: Codes) -> Codes:
    """Codes of some rows, from 0 on without gaps."""
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _flat(text: str) -> dict[str, str]:
    """The names and short texts of a JSON object; whatever else it holds is let go."""
    try:
        given = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(given, dict):
        return {}
    known = {str(k): v for k, v in given.items() if isinstance(v, str) and v.strip()}
    return {shorten(k, LONGEST_NAME): shorten(v.strip(), LONGEST_NAME) for k, v in known.items()}


def load_labels(study: Study) -> Labels:
    """Every label of the window, and which are the run's own.

    Raises:
        NoData: the window holds no label of the market, nor one of no market in its languages.
    """
    start, end = study.window.instants(study.market)
    query = (
        f"SELECT {COLUMNS} FROM ratings WHERE label IS NOT NULL AND finished_at >= ? "
        "AND finished_at < ? ORDER BY rating_id"
    )
    rows = study.sql(query, (start, end), limit=None)
    spoken = spoken_languages(study)
    market = rows["market"]
    own = market.eq(study.market.code) | (market.isna() & rows["language"].isin(spoken))
    if not own.any():
        raise NoData(_nothing(study, rows, spoken))
    languages = rows["language"][own].value_counts().index
    return Labels(study, rows, own.to_numpy(dtype=bool), tuple(map(str, languages)))


def spoken_languages(study: Study) -> tuple[str, ...]:
    """The run's languages: the market's own, or a territory's official ones."""
    if study.market.languages:
        return study.market.languages
    from babel.languages import get_official_languages  # only for territories not operated

    found = get_official_languages(study.market.code, de_facto=True)
    return tuple(dict.fromkeys(name.split("_")[0] for name in found))


def _nothing(study: Study, rows: pd.DataFrame, spoken: tuple[str, ...]) -> str:
    where = f"no labels of {study.market.name} in {study.window}"
    if spoken:
        where += f", and none of no market in {join([language_name(code) for code in spoken])}"
    others = sorted({language_name(code) for code in rows["language"]})
    return where + (f"; there are some in {join(others)}" if others else "")
