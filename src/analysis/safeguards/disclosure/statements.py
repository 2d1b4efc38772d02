"""Findings, and numbers in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from analysis.safeguards.disclosure.rates import SCALES, Rules, count_of, unsafe
from analysis.safeguards.disclosure.sheets import RATES, counts_something_else, whole

#: What stands in the place of a number.
SUPPRESSED = "[suppressed]"
_SAMPLE = re.compile(r"\s*(?P<fewer>fewer than )?(?P<number>\d[\d,]*)\s+(?P<noun>[^;(]*)")
_COUNT = re.compile(r"(?<![\w.,-])(?P<count>\d+) (?P<noun>[a-z]+)")
#: A quantile or a mean of some count, by its name.
_MIDDLE = re.compile(r"(?:median|mean|average|p\d{1,2})_")
#: A share in words before what it is of.
_SHARE_OF = re.compile(
    r"(?<![\d.,])(?P<share>\d[\d.,]*\s?%)(?P<of> of (?:the |its |these |those )?)"
    r"(?P<all>\d[\d,]*)(?![.,]?\d)(?P<noun>\s+[a-z]+)?"
)
_OF = re.compile(
    r"(?<![\d.,])(?P<few>\d[\d,]*)(?P<of> of (?:the |its |these |those )?)(?P<all>\d[\d,]*)"
    r"(?![.,]?\d)(?P<noun>\s+[a-z]+)?"
)


@dataclass(frozen=True)
class Statement:
    """What of a finding tells whether it may be shown.

    Attributes:
        name, title: of the finding.
        value: its number, in `unit`.
        sample: what it rests on, in words that begin with a number.
        others: the numbers that it is compared with, in the same unit.
        text: the whole statement.
    """

    name: str
    title: str
    value: float | None
    unit: str
    sample: str
    others: tuple[float, ...] = ()
    text: str = ""

    def unsafe(self, rules: Rules) -> bool:
        """Whether its number is a small count, rests on too few, or gives a small count away."""
        told = _SAMPLE.match(self.sample)
        number = whole(told["number"]) if told else None
        if told and counts_something_else(told["noun"]):
            return False
        if self.unfounded:
            return True
        counted = self.unit == "count" and not self._counts_no_people()
        if counted and any(rules.small(abs(each)) for each in (self.value or 0, *self.others)):
            return True
        if self.value is None or number == 0:
            return False
        if number is None:
            return False
        if told and told["fewer"]:
            return True
        if number < rules.least(self.unit):
            return True
        return unsafe(float(self.value), [number], rules, self.unit)

    @property
    def count(self) -> int | None:
        """The count that it tells, as itself or as a share of its sample; None where it tells none,
        or none of people and what they did.

        >>> Statement("x", "X", 5.0, "per_hundred", "240 posts").count
        12
        """
        if self.unit == "count" and self.value is not None:
            return None if self._counts_no_people() else round(self.value)
        if self.value is None or self.unit not in RATES or not self.base:
            return None
        return count_of(self.value / SCALES.get(self.unit, 1), self.base)

    @property
    def base(self) -> int | None:
        """How many it rests on; None where that is not said, or is none of people."""
        told = _SAMPLE.match(self.sample)
        exact = told and not told["fewer"] and not counts_something_else(told["noun"])
        return whole(told["number"]) if told and exact else None

    @property
    def unfounded(self) -> bool:
        """Whether it is a share and does not say of how many."""
        return self.unit in RATES and bool(self.value) and not _SAMPLE.match(self.sample)

    def _counts_no_people(self) -> bool:
        """Whether its number is no count of people: by its name, or by what its text says of it,
        such as `2 of 21 parts`; a median of views is none either."""
        if any(map(counts_something_else, (self.name, self.title))) or _MIDDLE.match(self.name):
            return True
        told = _OF.search(self.text)
        of = told is not None and whole(told["few"]) == self.value
        return bool(of and told and counts_something_else(told["noun"] or ""))


def without_parts(text: str, rules: Rules) -> tuple[str, int]:
    """A text in which no small part of a whole is told, nor a share of one that is too small, and
    how many were taken out.

    >>> without_parts("3 of 1,204 draws, 5 of 43 metrics, 17 of 60 posts", Rules())
    ('[suppressed] of 1,204 draws, 5 of 43 metrics, 17 of 60 posts', 1)
    >>> without_parts("93.6% of 94 answers, 12% of 1,204 draws, 40% of 20 markets", Rules())
    ('[suppressed] of 94 answers, 12% of 1,204 draws, 40% of 20 markets', 1)
    """
    if " of " not in text:
        return text, 0
    found = 0

    def hide(match: re.Match[str]) -> str:
        nonlocal found
        noun = match["noun"] or ""
        if not rules.small(whole(match["few"])) or counts_something_else(noun):
            return match[0]
        found += 1
        return f"{SUPPRESSED}{match['of']}{match['all']}{noun}"

    def hide_share(match: re.Match[str]) -> str:
        nonlocal found
        noun = match["noun"] or ""
        if (whole(match["all"]) or 0) >= rules.base or counts_something_else(noun):
            return match[0]
        found += 1
        return f"{SUPPRESSED}{match['of']}{match['all']}{noun}"

    return _SHARE_OF.sub(hide_share, _OF.sub(hide, text)), found


def without_few(sample: str, rules: Rules) -> str:
    """What a number rests on, without the small counts of people in it.

    >>> without_few("14 labels of 8 reviewers in 5 days", Rules())
    '14 labels of fewer than 11 reviewers in 5 days'
    """

    def hide(match: re.Match[str]) -> str:
        few = rules.small(int(match["count"])) and not counts_something_else(match["noun"])
        return f"fewer than {rules.minimum} {match['noun']}" if few else match[0]

    return _COUNT.sub(hide, sample)


def without_hidden(text: str, hidden: Mapping[str, Iterable[int]]) -> tuple[str, int]:
    """A text in which no hidden count stands beside what its row is called.

    Args:
        text: any.
        hidden: counts by a label of their row, in lower case.
    """
    found, lower = 0, text.lower()
    for label, counts in hidden.items():
        if label not in lower:
            continue
        for count in counts:
            number = rf"(?<![\d.,:-])(?:{count}|{count:,})(?![\d%:-]|[.,]\d)"
            text, times = re.subn(number, SUPPRESSED, text)
            found += times
    return text, found
