"""Findings: the typed statements of a run, and how they leave the kernel.

A finding, a table and a figure are displays of a type of their own, so that an executed notebook
holds all that was found and nothing else need be written or read.
"""

from __future__ import annotations

from html import escape
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from analysis.figures.shapes import show_bundle
from analysis.safeguards.disclosure import Statement

FINDING = "application/vnd.analysis.finding+json"

#: The text of a finding that may not be shown.
NOT_SHOWN = "Not shown: it rests on too few for those whom it is about to stay unknown."
#: The same where it may rest on enough, and does not say it.
NOT_SAID = "Not shown: it does not say how many it rests on."

Unit = Literal[
    "share", "per_hundred", "per_thousand", "per_million", "hours", "count", "ratio", "mean", "rank"
]
#: `up`, `down`: beyond its uncertainty. `no_change`: compared, and within it. `level`: a number
#: that is compared with nothing. `unclear`: too little data to say.
Verdict = Literal["up", "down", "no_change", "level", "unclear"]
#: What the verdict means for people's safety; `neutral` where neither way is good in itself.
Meaning = Literal["better", "worse", "neutral"]


class Comparison(BaseModel):
    """What a finding's number is compared with.

    Attributes:
        label: such as `2026-W09`, `the same window last year`, `48 other markets`.
        value: the other number, in the finding's unit.
        difference, low, high: this minus the other with its interval, in the finding's unit.
        verdict: whether the difference goes beyond its uncertainty.
        meaning: what that verdict means for safety.
        text: the comparison in words, a clause without a full stop.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    value: float | None
    difference: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    meaning: Meaning = "neutral"
    text: str


class Finding(BaseModel):
    """One typed statement: a number, its interval, what it is compared with, the verdict.

    Attributes:
        name: a stable slug within the study, such as `violative_view_rate`.
        title: the metric's name for readers.
        text: the whole statement in words, number first, one or two sentences.
        value, low, high: the estimate and its interval in `unit`; None where there is no data.
        unit: `share` lies in 0 to 1; `per_hundred`, `per_thousand` and `per_million` are rates;
            `hours`, `count`, `ratio`, `rank`; a `mean` is of something that each of the sample has
            any number of.
        noun: what a `count` or a `mean` is of, such as `removals`: pages say it after the number.
        confidence: of the interval; None for a published count or rank, which has none.
        sample: what the number rests on, such as `1,204 labelled draws`.
        comparisons: the first is the one that the verdict speaks of.
        verdict: of the first comparison.
        meaning: what that verdict means for safety.
        headline: belongs to the main points of the page.
        in_table: a table of the page has its number; the page does not say it once more.
        notes: traps that a reader of this number should know.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    text: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: Unit
    noun: str = ""
    confidence: float | None = 0.95
    sample: str = ""
    comparisons: tuple[Comparison, ...] = ()
    verdict: Verdict = "level"
    meaning: Meaning = "neutral"
    headline: bool = False
    in_table: bool = False
    notes: tuple[str, ...] = ()

    def statement(self) -> Statement:
        """What of it tells whether it may be shown."""
        others = tuple(each.value for each in self.comparisons if each.value is not None)
        said = self.sample, others, self.text
        return Statement(self.name, self.title, self.value, self.unit, *said)

    @property
    def is_withheld(self) -> bool:
        """Whether it had a number that may not be shown."""
        return self.text in (NOT_SHOWN, NOT_SAID)

    def withheld(self) -> Finding:
        """The same without its number and what is noted of it, and with the reason in the place
        of its text."""
        number = {"value": None, "low": None, "high": None, "comparisons": (), "notes": ()}
        why = NOT_SAID if self.statement().unfounded else NOT_SHOWN
        said = {"text": why, "verdict": "unclear", "meaning": "neutral"}
        sample = "" if self.unit == "count" else self.sample
        return self.model_copy(update={**number, **said, "sample": sample})

    def _ipython_display_(self) -> None:
        show_bundle(self._repr_mimebundle_())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown = f"<p><strong>{escape(self.title)}.</strong> {escape(self.text)}</p>"
        return {
            FINDING: self.model_dump(mode="json"),
            "text/html": "" if self.in_table and not self.headline else shown,
            "text/plain": self.text,
        }
