"""The deviations in sentences: who errs more than the others, and on which side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.methods.clustered import Shares
from analysis.studies.findings import Comparison, Finding, Meaning, Verdict
from analysis.studies.quality_deviations import Everywhere, Family, InLanguages
from analysis.studies.quality_labels import Labels, Side
from analysis.studies.words import join, language_name, percent, points, signed

#: The most names in one sentence.
NAMED = 4
#: With fewer other languages nothing is compared.
FEWEST_OTHERS = 2
_MEANING: dict[Verdict, Meaning] = {"up": "worse", "down": "better"}
GOLD = (
    "It rests on items with a known answer, which may be easier or harder than the rest; a known "
    "answer that is wrong counts as the reviewers' error."
)
NO_RATERS = (
    "These labels do not say whose they are. What labels of one person have in common is not in "
    "the interval, which is therefore too narrow where few people labelled."
)
ALIKE = (
    "Items are taken to be independent of each other. Items made from one template are not, and "
    "make intervals too narrow."
)
FEW = "Too few items, people or errors for this interval to be trusted."


@dataclass(frozen=True)
class Own:
    """The run's own share of errors on one side, against the middle of the other languages.

    Attributes:
        shares: one group, the run's own rows.
        shown: whether there are items enough to show it.
        others, difference, low, high: against other languages; nan without any.
        verdict: `up`: more errors.
    """

    side: Side
    shares: Shares
    shown: bool
    others: float
    difference: float
    low: float
    high: float
    languages: int
    verdict: Verdict
    stands_out: bool

    @property
    def says(self) -> str:
        """What the comparison comes to, a clause."""
        usual = f"the middle of other languages, {percent(self.others)}"
        if self.verdict == "up":
            out = ", and it stands out from how languages differ" if self.stands_out else ""
            return f"{self.side.direction} against {usual}{out}"
        if self.verdict == "down":
            return f"fewer such errors than {usual}"
        return f"not clearly apart from {usual}"

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        if self.languages < FEWEST_OTHERS or not np.isfinite(self.difference):
            return ()
        return (
            Comparison(
                label=f"{self.languages} other languages",
                value=self.others,
                difference=self.difference,
                low=self.low,
                high=self.high,
                verdict=self.verdict,
                meaning=_MEANING.get(self.verdict, "neutral"),
                text=f"{signed(self.difference)} points ({signed(self.low)} to "
                f"{signed(self.high)}) against {percent(self.others)}, the middle of "
                f"{self.languages} other languages",
            ),
        )

    @property
    def value(self) -> float:
        return float(self.shares.value[0])

    @property
    def trusted(self) -> bool:
        return bool(self.shares.trusted[0])


def own_errors(labels: Labels, side: Side) -> Own:
    """The run's own rows against every language that is not among theirs."""
    every, language = labels.rows["language"], labels.language_kinds
    apart = ~every.isin(labels.languages).to_numpy()
    group = np.where(apart, language.codes + 1, -1)
    group[labels.own] = 0
    size = len(language.names) + 1
    shares, enough = labels.errors(side, group >= 0, group, size)
    found = labels.deviations(shares, enough)
    sides: dict[int, Verdict] = {1: "up", -1: "down", 0: "no_change"}
    known = np.isfinite(found.p_value[0])
    verdict = sides[int(found.differs[0])] if known else "unclear"
    return Own(
        side,
        Shares(*(np.asarray(part)[:1] for part in vars(shares).values())),
        bool(enough[0] & labels.may_show(shares.rows, shares.events)[0]),
        float(found.others[0]),
        float(found.difference[0]),
        float(found.low[0]),
        float(found.high[0]),
        int(enough[1:].sum()),
        verdict,
        bool(found.stands_out[0] != 0),
    )


def whose(labels: Labels) -> str:
    """Whose labels they are, for a sentence: the market's, or those of a language."""
    languages = join([language_name(code) for code in labels.languages[:NAMED]])
    if labels.of_market:
        return f"reviewers of {labels.study.market.name}, in {languages}"
    return f"reviewers in {languages}"


def own_finding(labels: Labels, own: Own) -> Finding:
    """The run's own share of errors on one side, as a main point."""
    side, confidence = own.side, labels.study.parameters.confidence
    rows = int(own.shares.rows[0])
    answer = "violate" if side.violating else "are harmless"
    sample = f"{rows:,} labels of items known to {answer.replace('are', 'be')}"
    if not own.shown:
        text = f"Too few labels of items known to {answer.replace('are', 'be')}, or too few errors."
        return Finding(
            name=side.name, title=side.title, text=text, value=None, unit="share",
            confidence=None, verdict="unclear", headline=True,
        )  # fmt: skip
    low, high = float(own.shares.low[0]), float(own.shares.high[0])
    text = f"{percent(own.value)} {side.of} ({percent(low)} to {percent(high)}), "
    text += f"by {whose(labels)}"
    text += f": {own.says}." if own.languages >= FEWEST_OTHERS else "."
    return Finding(
        name=side.name,
        title=side.title,
        text=text,
        value=own.value,
        low=low,
        high=high,
        unit="share",
        confidence=confidence,
        sample=sample,
        comparisons=own.comparisons,
        verdict=own.verdict if own.comparisons else "level",
        meaning=_MEANING.get(own.verdict, "neutral"),
        headline=True,
        notes=cautions(labels, trusted=own.trusted),
    )


def cautions(labels: Labels, *, trusted: bool) -> tuple[str, ...]:
    """What keeps an interval of these labels from being trusted."""
    found = [GOLD, ALIKE]
    if not labels.has_raters:
        found.append(NO_RATERS)
    if not trusted:
        found.append(FEW)
    return tuple(found)


def languages_finding(labels: Labels, families: Sequence[Family]) -> Finding:
    """Which languages deviate, and in which direction."""
    count = max((family.judged for family in families), default=0)
    if count < FEWEST_OTHERS:
        text = "There are too few languages with enough known answers to compare."
        return _summary("languages", "Languages that deviate", text, None, "unclear")
    called = {each.name for family in families for each in family.worse}
    said = [_side_said(family) for family in families if family.worse]
    if not said:
        text = (
            f"None of {count} languages errs clearly more than the others by over "
            f"{points(labels.study.spec.thresholds['margin'])}, on either side."
        )
        return _summary("languages", "Languages that deviate", text, 0, "no_change")
    err = "errs" if len(called) == 1 else "err"
    text = f"{len(called)} of {count} languages {err} more than the others. {' '.join(said)}"
    return _summary("languages", "Languages that deviate", text, len(called), "up")


def _side_said(family: Family) -> str:
    """Such as `Too strict (harmless items labelled as violating): French 58.1%, which stands…`."""
    named = [
        f"{each.name} {percent(each.value)}{', which stands out' if each.stands_out else ''}"
        for each in family.worse
    ]
    return f"{_opening(family)}: {_listed(named)}, where {_usual(family)} is usual."


def _opening(family: Family) -> str:
    return f"{family.side.direction.capitalize()} ({family.side.share})"


def _listed(named: Sequence[str]) -> str:
    more = len(named) - NAMED
    return f"{'; '.join(named[:NAMED])} and {more} more" if more > 0 else "; ".join(named)


def _usual(family: Family) -> str:
    """The middle of what the called ones are held against."""
    return percent(float(np.median([each.others for each in family.worse])))


def kinds_finding(labels: Labels, families: Sequence[InLanguages]) -> Finding:
    """Which kinds of the run's own items deviate from the others."""
    own = [each.own for each in families]
    judged = sum(family.judged for family in own)
    title = "Kinds of items that deviate"
    if not judged:
        text = f"No two kinds have {labels.cell} items with a known answer on one side."
        return _summary("kinds", title, text, None, "unclear")
    worse = [(family, each) for family in own for each in family.worse]
    if not worse:
        text = (
            f"None of {judged} comparisons of kinds of items shows clearly more errors than the "
            f"other kinds by over {points(labels.study.spec.thresholds['margin'])}."
        )
        return _summary("kinds", title, text, 0, "no_change")
    said = [_kinds_said(family) for family in own if family.worse]
    many = "1 kind has" if len(worse) == 1 else f"{len(worse)} kinds have"
    text = f"{many} more errors than other kinds, by {whose(labels)}. {' '.join(said)}"
    return _summary("kinds", title, text, len(worse), "up")


def _kinds_said(family: Family) -> str:
    named = [f"{each.name} {percent(each.value)}" for each in family.worse]
    by = f"{_opening(family)[:-1]}, by {family.attribute})"
    return f"{by}: {_listed(named)}, where {_usual(family)} is usual."


def everywhere_finding(families: Sequence[InLanguages]) -> Finding:
    """Which kinds err more in one language after the other."""
    judged, title = (
        sum(each.judged for each in families),
        "Kinds that deviate whatever the language",
    )
    if not judged:
        text = "No kind of item has enough known answers in three languages."
        return _summary("kinds_in_all_languages", title, text, None, "unclear", headline=False)
    called = sorted(
        (each for family in families for each in family.called), key=lambda each: -each.difference
    )
    if not called:
        text = f"None of {judged} comparisons over all languages shows a kind that errs more."
        return _summary(
            "kinds_in_all_languages", title, text, 0, "no_change", headline=False
        )  # fmt: skip
    said = join([_everywhere_said(each) for each in called[:NAMED]])
    more = f", and {len(called) - NAMED} more" if len(called) > NAMED else ""
    text = (
        f"{len(called)} of {judged} comparisons over all languages show a kind with more errors "
        f"than the others of its language: {said}{more}. Guidelines are the first thing to look at."
    )
    return _summary("kinds_in_all_languages", title, text, len(called), "up")


def _everywhere_said(each: Everywhere) -> str:
    return (
        f"{each.name} ({each.side.direction}, {percent(each.value)} in the mean of "
        f"{each.languages} languages)"
    )


def _summary(
    name: str,
    title: str,
    text: str,
    value: int | None,
    verdict: Verdict,
    *,
    headline: bool = True,
) -> Finding:
    return Finding(
        name=name,
        title=title,
        text=text,
        value=value,
        unit="count",
        noun="languages" if name == "languages" else "kinds",
        confidence=None,
        verdict=verdict,
        meaning="worse" if verdict == "up" else "neutral",
        headline=headline,
    )
