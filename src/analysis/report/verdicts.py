"""Verdicts as readers see them: marks, tallies, and the comparison that tells most."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analysis.report.i18n import gettext, marked, ngettext
from analysis.report.record import RunRecord, Status
from analysis.studies.findings import Comparison, Finding, Meaning, Verdict

#: How a mark is coloured; its shape and word say the same without colour.
Tone = Literal["better", "worse", "moved", "calm", "unclear", "failed"]

_Counted = Literal["worse", "better", "moved"]
MOVED: tuple[Verdict, ...] = ("up", "down")
_OPPOSITE: dict[Meaning, Meaning] = {"better": "worse", "worse": "better", "neutral": "neutral"}
_SHAPES: dict[Verdict, str] = {
    "up": "▲",
    "down": "▼",
    "no_change": "=",
    "level": "•",
    "unclear": "?",
}
_WORDS: dict[tuple[Verdict, Meaning], str] = {
    ("up", "neutral"): marked("Higher"),
    ("up", "better"): marked("Higher, better"),
    ("up", "worse"): marked("Higher, worse"),
    ("down", "neutral"): marked("Lower"),
    ("down", "better"): marked("Lower, better"),
    ("down", "worse"): marked("Lower, worse"),
    ("no_change", "neutral"): marked("No clear difference"),
    ("level", "neutral"): marked("Measured"),
    ("unclear", "neutral"): marked("Too little data"),
}


@dataclass(frozen=True)
class Mark:
    """A verdict as a reader sees it: a shape and a word, and a tone that repeats them in colour."""

    shape: str
    word: str
    tone: Tone


def mark(verdict: Verdict, meaning: Meaning = "neutral") -> Mark:
    """The mark of one number's verdict.

    >>> mark("up", "worse").word, mark("no_change", "worse").word
    ('Higher, worse', 'No clear difference')
    """
    if verdict not in MOVED:
        word = gettext(_WORDS[verdict, "neutral"])
        return Mark(_SHAPES[verdict], word, "unclear" if verdict == "unclear" else "calm")
    tone: Tone = "moved" if meaning == "neutral" else meaning
    return Mark(_SHAPES[verdict], gettext(_WORDS[verdict, meaning]), tone)


def comparison_mark(finding: Finding, comparison: Comparison) -> Mark:
    """The mark of one comparison."""
    return mark(comparison.verdict, meaning_of(finding, comparison))


def meaning_of(finding: Finding, comparison: Comparison) -> Meaning:
    """What a comparison's verdict means; where only its finding says what a verdict means, the same
    verdict means the same, and the other way the opposite."""
    if comparison.meaning != "neutral" or finding.verdict not in MOVED:
        return comparison.meaning
    opposite = comparison.verdict != finding.verdict
    return _OPPOSITE[finding.meaning] if opposite else finding.meaning


def telling(finding: Finding) -> Comparison | None:
    """The comparison that a reader must know of: the first that moved, else the first."""
    moved = (each for each in finding.comparisons if each.verdict in MOVED)
    return next(moved, next(iter(finding.comparisons), None))


def statement(finding: Finding) -> str:
    """A finding's sentence without its comparisons: its number on the base that these have too.
    Empty where the sentence does not hold them.

    >>> told = Comparison(label="", value=None, difference=None, low=None, high=None,
    ...     verdict="up", text="up from 9 in 2026-W09")
    >>> text = "48 of 1,000 views; up from 9 in 2026-W09."
    >>> statement(Finding(name="a", title="", text=text, value=0.048, unit="share",
    ...     comparisons=(told,)))
    '48 of 1,000 views.'
    """
    text = finding.text
    for each in finding.comparisons:
        if not each.text or each.text not in text:
            return ""
        text = text.replace(each.text, "", 1)
    return re.sub(r"[\s;,]*[.]?\s*$", ".", text, count=1) if finding.comparisons else ""


def finding_mark(finding: Finding) -> Mark:
    """The mark of a finding, which is that of its telling comparison. One that counts what stands
    out is compared with nothing, and its mark says how many.

    >>> finding_mark(Finding(name="alerts", title="", text="", value=2, unit="count", verdict="up"))
    Mark(shape='◇', word='2 stand out', tone='moved')
    """
    comparison = telling(finding)
    if comparison is not None:
        return comparison_mark(finding, comparison)
    if finding.unit == "count" and finding.value and finding.verdict in MOVED:
        return _counted(round(finding.value), finding.meaning)
    return mark(finding.verdict, finding.meaning)


def _counted(count: int, meaning: Meaning) -> Mark:
    tone: _Counted = "moved" if meaning == "neutral" else meaning
    return Mark({"worse": "◆", "better": "●", "moved": "◇"}[tone], _count(count, tone), tone)


def has_moved(finding: Finding) -> bool:
    """Whether a finding differs, beyond its uncertainty, from anything that it is compared with."""
    comparison = telling(finding)
    return (comparison.verdict if comparison else finding.verdict) in MOVED


class Tally(NamedTuple):
    """How a run's headline findings stand: what its mark is made from.

    Attributes:
        worse, better, moved: how many differ beyond their uncertainty, by what that means.
        still: what is said where none does.
    """

    worse: int
    better: int
    moved: int
    still: Verdict


def tally(findings: Sequence[Finding]) -> Tally:
    """Counts a run's headline findings."""
    found = headlines(findings)
    tones = Counter(finding_mark(finding).tone for finding in found if has_moved(finding))
    return Tally(tones["worse"], tones["better"], tones["moved"], _still(found))


def run_mark(record: RunRecord) -> Mark:
    """The mark of a whole run, from its headline findings."""
    return outcome_mark(record.status, tally(record.findings))


def outcome_mark(status: Status, counted: Tally) -> Mark:
    """The mark of a run from its outcome and the tally of its headline findings."""
    if status == "failed":
        return Mark("✕", gettext("Failed"), "failed")
    if status == "no_data":
        return Mark("–", gettext("No data"), "unclear")
    worse, better, moved, still = counted
    if worse or better:
        said = [_count(worse, "worse")] * bool(worse) + [_count(better, "better")] * bool(better)
        return Mark("◆" if worse else "●", listed(said), "worse" if worse else "better")
    if moved:
        return _counted(moved, "neutral")
    return mark(still)


def _count(count: int, tone: _Counted) -> str:
    forms = {
        "worse": ngettext("%(num)s worse", "%(num)s worse", count),
        "better": ngettext("%(num)s better", "%(num)s better", count),
        "moved": ngettext("%(num)s stands out", "%(num)s stand out", count),
    }
    return forms[tone] % {"num": count}


def _still(found: Sequence[Finding]) -> Verdict:
    verdicts = {finding.verdict for finding in found}
    if "no_change" in verdicts:
        return "no_change"
    return "unclear" if verdicts == {"unclear"} else "level"


def headlines(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that the main points of a page are made from."""
    return tuple(finding for finding in findings if finding.headline)


def listed(words: Sequence[str]) -> str:
    """Words in a row, with the comma of the language.

    >>> listed(["1 worse", "2 better"])
    '1 worse, 2 better'
    """
    return gettext(", ").join(words)


def beyond(comparison: Comparison | None) -> float | None:
    """How far a change lies beyond its uncertainty: the difference over how far it is from there to
    the end of its interval that is nearer to no difference. At 1 the interval just touches zero;
    at 2 the change is twice its uncertainty. None where there is no interval.

    >>> change = dict(label="", value=1, verdict="up", text="")
    >>> beyond(Comparison(difference=3, low=2, high=9, **change))
    3.0
    >>> beyond(Comparison(difference=-3, low=-9, high=3, **change))
    0.5
    """
    if comparison is None or comparison.difference is None:
        return None
    difference, nearer = comparison.difference, comparison.low
    if difference < 0:
        nearer = comparison.high
    if nearer is None or nearer == difference:
        return None
    return abs(difference) / abs(difference - nearer)
