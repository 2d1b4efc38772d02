"""What a run revised: its numbers beside those of the run that it replaced, and why it ran."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from analysis.studies.findings import Finding, Unit

#: Relative; what floating point leaves between two machines is no revision.
TOLERANCE = 1e-9


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Number(_Part):
    """A finding's number with its interval, in its unit."""

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, finding: Finding) -> Number:
        return cls(value=finding.value, low=finding.low, high=finding.high)

    def near(self, other: Number) -> bool:
        pairs = zip(self.model_dump().values(), other.model_dump().values(), strict=True)
        return all(_same(one, two) for one, two in pairs)


class Revised(_Part):
    """A finding whose number changed; None where it was or is not there."""

    name: str
    title: str
    unit: Unit
    noun: str = ""
    before: Number | None
    after: Number | None


class Replaced(_Part):
    """The run whose place another took.

    Attributes:
        started_at: when it ran (UTC).
        status: its outcome.
        revision: of its code.
        changed: the parts of the key that changed since; `forced` where somebody asked.
        compared: findings that both have.
        revised: those that differ, in the order of the later run.
    """

    started_at: datetime
    status: Literal["done", "no_data", "failed"]
    revision: str
    changed: tuple[str, ...]
    compared: int
    revised: tuple[Revised, ...]


def revisions(
    before: Sequence[Finding], after: Sequence[Finding], minimum: int = 0
) -> Iterator[Revised]:
    """Findings whose numbers differ between two runs, new and vanished ones included; one that
    is told in another unit is new.

    Args:
        before, after: of the two runs. Where a number may not be shown any more, the one before is
            left out as well.
        minimum: the least count that is shown; of a count that moved by less, zero aside, the
            number before is left out, since their difference would be a smaller one.
    """
    old, new = ({finding.name: finding for finding in each} for each in (before, after))
    for name in dict.fromkeys([*new, *old]):
        then, now = old.get(name), new.get(name)
        known = now or then
        if then and now and then.unit != now.unit:  # another number, though of the same name
            then = None
        one, two = (Number.of(each) if each else None for each in (then, now))
        if known and not (one and two and one.near(two)):
            moved_little = known.unit == "count" and one and two and _apart(one, two) < minimum
            if moved_little or (now and now.is_withheld):
                one = Number(value=None, low=None, high=None)
            same = {"title": known.title, "unit": known.unit, "noun": known.noun}
            yield Revised(name=name, **same, before=one, after=two)


def _apart(one: Number, two: Number) -> float:
    """How far two counts are apart; endlessly where one is not there."""
    if one.value is None or two.value is None or one.value == two.value:
        return math.inf
    return abs(one.value - two.value)


def _same(one: float | None, two: float | None) -> bool:
    if one is None or two is None:
        return one is two
    return abs(one - two) <= TOLERANCE * max(abs(one), abs(two))
