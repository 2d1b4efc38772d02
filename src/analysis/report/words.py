"""How numbers, dates and verdicts are said on pages: the one place that depends on the locale."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal, format_percent

from analysis.figures.displays import show
from analysis.report.record import RunRecord
from analysis.studies.findings import Comparison, Finding, Meaning, Unit, Verdict

#: How a mark is coloured; its shape and word say the same without colour.
Tone = Literal["better", "worse", "moved", "calm", "unclear", "failed"]

MOVED: tuple[Verdict, ...] = ("up", "down")
_OPPOSITE: dict[Meaning, Meaning] = {"better": "worse", "worse": "better", "neutral": "neutral"}
_SHAPES: dict[Verdict, str] = {
    "up": "▲",
    "down": "▼",
    "no_change": "=",
    "level": "•",
    "unclear": "?",
}
_WORDS: dict[Verdict, str] = {
    "up": "Higher",
    "down": "Lower",
    "no_change": "No clear difference",
    "level": "Measured",
    "unclear": "Too little data",
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
    word = _WORDS[verdict]
    if verdict not in MOVED:
        return Mark(_SHAPES[verdict], word, "unclear" if verdict == "unclear" else "calm")
    if meaning == "neutral":
        return Mark(_SHAPES[verdict], word, "moved")
    return Mark(_SHAPES[verdict], f"{word}, {meaning}", meaning)


def comparison_mark(finding: Finding, comparison: Comparison) -> Mark:
    """The mark of one comparison; where only its finding says what a verdict means, the same
    verdict means the same, and the other way the opposite."""
    meaning = comparison.meaning
    if meaning == "neutral" and finding.verdict in MOVED:
        opposite = comparison.verdict != finding.verdict
        meaning = _OPPOSITE[finding.meaning] if opposite else finding.meaning
    return mark(comparison.verdict, meaning)


def telling(finding: Finding) -> Comparison | None:
    """The comparison that a reader must know of: the first that moved, else the first."""
    moved = (each for each in finding.comparisons if each.verdict in MOVED)
    return next(moved, next(iter(finding.comparisons), None))


def finding_mark(finding: Finding) -> Mark:
    """The mark of a finding, which is that of its telling comparison."""
    comparison = telling(finding)
    if comparison is None:
        return mark(finding.verdict, finding.meaning)
    return comparison_mark(finding, comparison)


def has_moved(finding: Finding) -> bool:
    """Whether a finding differs, beyond its uncertainty, from anything that it is compared with."""
    comparison = telling(finding)
    return (comparison.verdict if comparison else finding.verdict) in MOVED


def run_mark(record: RunRecord) -> Mark:
    """The mark of a whole run, from its headline findings."""
    if record.status == "failed":
        return Mark("✕", "Failed", "failed")
    if record.status == "no_data":
        return Mark("–", "No data", "unclear")
    found = headlines(record.findings)
    tones = Counter(finding_mark(finding).tone for finding in found if has_moved(finding))
    worse, better, moved = tones["worse"], tones["better"], tones["moved"]
    if worse:
        return Mark("◆", f"{worse} worse" + (f", {better} better" if better else ""), "worse")
    if better:
        return Mark("●", f"{better} better", "better")
    if moved:
        return Mark("◇", f"{moved} stand{'s' if moved == 1 else ''} out", "moved")
    return _still(found)


def _still(found: Sequence[Finding]) -> Mark:
    verdicts = {finding.verdict for finding in found}
    if "no_change" in verdicts:
        return mark("no_change")
    return mark("unclear") if verdicts == {"unclear"} else mark("level")


def headlines(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that the main points of a page are made from."""
    return tuple(finding for finding in findings if finding.headline)


def strength(finding: Finding) -> float:
    """How far a change lies beyond its uncertainty, in half-widths of its interval."""
    each = telling(finding)
    if each is None or each.difference is None or each.low is None or each.high is None:
        return 0.0
    half = (each.high - each.low) / 2
    return abs(each.difference) / half if half > 0 else 0.0


def command(record: RunRecord) -> str:
    """What repeats a run, as typed into a shell."""
    words = ["study", "run", record.study, "--market", record.market, "--window", record.window]
    if record.variant:
        for name, value in record.parameters.items():
            if name not in ("market", "window") and value is not None:
                words += ["-p", f"{name}={value}"]
    return shlex.join(words)


@dataclass(frozen=True)
class Words:
    """The words of one locale. Templates get one of these as `words`."""

    locale: Locale

    @property
    def lang(self) -> str:
        return str(self.locale).replace("_", "-")

    @property
    def direction(self) -> str:
        return str(self.locale.text_direction)

    def day(self, day: date) -> str:
        """A local day in full."""
        return str(format_date(day, "full", locale=self.locale))

    def period(self, start: date, end: date) -> str:
        """Local days, the last one included: readers count days, not half-open spans."""
        last = end - timedelta(days=1)
        if last == start:
            return self.day(start)
        return str(format_interval(start, last, "yMMMEd", locale=self.locale))

    def days(self, start: date, end: date) -> str:
        count = (end - start).days
        return f"{self.number(count)} {'day' if count == 1 else 'days'}"

    def instant(self, instant: datetime) -> str:
        """An instant in UTC, to the minute; the words around it say that it is UTC."""
        utc = instant.astimezone(UTC)
        day, time = (format_skeleton(each, utc, locale=self.locale) for each in ("yMMMd", "Hm"))
        return str(self.locale.datetime_formats["medium"]).format(time, day)

    def before(self, day: date) -> str:
        """The day before, in full: the last whole one of data that end before a day."""
        return str(format_date(day - timedelta(days=1), "long", locale=self.locale))

    def number(self, value: float) -> str:
        return str(format_decimal(value, locale=self.locale))

    def confidence(self, share: float) -> str:
        return str(format_percent(share, "0.#%", locale=self.locale))

    def value(self, value: float | None, unit: Unit) -> str:
        """A number with its unit.

        >>> words().value(0.00172, "share"), words().value(3, "rank")
        ('0.172%', 'rank 3')
        >>> words().value(2.5, "hours"), words().value(0.05, "hours")
        ('2.5 hours', '3 minutes')
        """
        if value is None:
            return "–"
        if unit == "rank":
            return f"rank {show(value, 'count')}"
        if unit == "ratio":
            return show(value, "number")
        if unit == "hours" and abs(value) < 1:
            return f"{show(60 * value, 'number')} minutes"
        text = show(value, unit)
        return text + {"per_million": " per million", "hours": " hours"}.get(unit, "")

    def interval(self, finding: Finding) -> str:
        """A number's interval in words; empty where it has none."""
        if finding.low is None or finding.high is None:
            return ""
        low, high = (self.value(end, finding.unit) for end in (finding.low, finding.high))
        for suffix in (" per million", " hours", " minutes"):
            if high.endswith(suffix):
                low = low.removesuffix(suffix)
        level = f"{self.confidence(finding.confidence)} interval " if finding.confidence else ""
        return f"{level}{low} to {high}"

    def seconds(self, seconds: float) -> str:
        return f"{self.number(round(seconds, 1 if seconds < 100 else 0))} seconds"


@cache
def words(locale: str = "en") -> Words:
    """The words of a locale such as `en` or `pt_BR`."""
    return Words(Locale.parse(locale))
