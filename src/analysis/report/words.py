"""How numbers, dates and verdicts are said on pages: the one place that depends on the locale."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal, format_percent

from analysis.figures.displays import Shape, show
from analysis.report.i18n import gettext, marked, ngettext
from analysis.report.record import RunRecord, Status
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
    """The mark of a finding, which is that of its telling comparison."""
    comparison = telling(finding)
    if comparison is None:
        return mark(finding.verdict, finding.meaning)
    return comparison_mark(finding, comparison)


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
        return Mark("◇", _count(moved, "moved"), "moved")
    return mark(still)


def _count(count: int, tone: Literal["worse", "better", "moved"]) -> str:
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


def command(record: RunRecord, verb: str = "run") -> str:
    """What repeats a run, or does something else with it, as typed into a shell."""
    words = ["study", verb, record.study, "--market", record.market, "--window", record.window]
    if record.variant and verb == "run":
        for name, value in record.parameters.items():
            if name not in ("market", "window") and value is not None:
                words += ["-p", f"{name}={value}"]
    return shlex.join(words)


def key_part(name: str) -> str:
    """A part of a run's key as readers call it; its own name where it is none of these."""
    said = {
        "notebook": gettext("the notebook"),
        "parameters": gettext("the parameters"),
        "params": gettext("the files in params/"),
        "code": gettext("the code"),
        "page": gettext("the making of the page"),
        "data": gettext("the data"),
        "lock": gettext("the versions of packages"),
        "epoch": gettext("the epoch"),
        "forced": gettext("nothing; it was repeated on request"),
    }
    return said.get(name, name)


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
        return ngettext("%(num)s day", "%(num)s days", count) % {"num": self.number(count)}

    def instant(self, instant: datetime, zone: str = "UTC") -> str:
        """An instant in a time zone, to the minute; the words around it say which."""
        there = instant.astimezone(UTC if zone == "UTC" else ZoneInfo(zone))
        day, time = (format_skeleton(each, there, locale=self.locale) for each in ("yMMMd", "Hm"))
        return str(self.locale.datetime_formats["medium"]).format(time, day)

    def market(self, code: str, name: str) -> str:
        """A market's name in this language, where it is the one that its country has in English.

        >>> words("de").market("JP", "Japan"), words("de").market("JP", "Japan (pilot)")
        ('Japan', 'Japan (pilot)')
        >>> words("ja").market("DE", "Germany")
        'ドイツ'
        """
        return str(self.locale.territories.get(code, name)) if _english(code) == name else name

    def before(self, day: date) -> str:
        """The day before, in full: the last whole one of data that end before a day."""
        return str(format_date(day - timedelta(days=1), "long", locale=self.locale))

    def number(self, value: float) -> str:
        return str(format_decimal(value, locale=self.locale))

    def times(self, value: float) -> str:
        """How many times something is something else.

        >>> words().times(2.345), words("de").times(12.3)
        ('2.3', '12')
        """
        return str(format_decimal(value, "0.0" if value < 10 else "0", locale=self.locale))

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
        number, said = self._parts(value, unit)
        return said % {"number": number}

    def _parts(self, value: float, unit: Unit) -> tuple[str, str]:
        """A number, and how it is said with its unit; a sign is part of the number."""
        if unit == "hours" and abs(value) < 1:
            return self.shown(60 * value, "number"), gettext("%(number)s minutes")
        said = {
            "rank": gettext("rank %(number)s"),
            "per_million": gettext("%(number)s per million"),
            "hours": gettext("%(number)s hours"),
        }
        shapes: dict[Unit, Shape] = {"ratio": "number", "mean": "number", "rank": "count"}
        shape = shapes.get(unit) or cast(Shape, unit)
        return self.shown(value, shape), said.get(unit, "%(number)s")

    def shown(self, value: float, shape: Shape) -> str:
        """A number with the figures that tables show, as it is written in this language.

        >>> words("de").shown(0.00172, "share"), words("es").shown(12345, "count")
        ('0,172\xa0%', '12.345')
        """
        plain = show(value, shape)
        if "e" in plain or not any(map(str.isdigit, plain)):
            return plain
        marks = _marks(self.locale, shape == "share", value < 0)
        digits = plain.strip("-%").replace(",", "\0").replace(".", marks.point)
        return f"{marks.before}{digits.replace(chr(0), marks.group)}{marks.after}"

    def interval(self, finding: Finding) -> str:
        """A number's interval in words; empty where it has none."""
        if finding.low is None or finding.high is None:
            return ""
        ends = self.ends(finding.low, finding.high, finding.unit)
        if not finding.confidence:
            return ends
        given = {"confidence": self.confidence(finding.confidence), "ends": ends}
        return gettext("%(confidence)s interval %(ends)s") % given

    def ends(self, low: float, high: float, unit: Unit) -> str:
        """Two ends; a unit that is a word stands once.

        >>> words().ends(2, 3, "hours")
        '2 to 3 hours'
        """
        (first, one), (last, other) = self._parts(low, unit), self._parts(high, unit)
        if one != other:
            first, last, one = one % {"number": first}, other % {"number": last}, "%(number)s"
        return one % {"number": gettext("%(low)s to %(high)s") % {"low": first, "high": last}}

    def seconds(self, seconds: float) -> str:
        number = self.number(round(seconds, 1 if seconds < 100 else 0))
        return gettext("%(number)s seconds") % {"number": number}


class _Marks(NamedTuple):
    """What stands around and between a number's digits."""

    before: str
    group: str
    point: str
    after: str


@cache
def _marks(locale: Locale, share: bool, negative: bool) -> _Marks:
    """As Babel writes a number of that kind: once a locale, since a site writes thousands."""
    sample = -1234.5 if negative else 1234.5
    known = (locale.percent_formats if share else locale.decimal_formats)[None].pattern
    if share:
        text = format_percent(sample / 100, known.replace("0", "0.0"), locale=locale)
    else:
        text = format_decimal(sample, known.partition(".")[0] + ".0", locale=locale)
    found = re.fullmatch(r"(\D*)1(\D*)234(\D*)5(\D*)", str(text))
    return _Marks(*found.groups()) if found else _Marks("-" * negative, ",", ".", "%" * share)


@cache
def _english(code: str) -> str:
    return str(Locale.parse("en").territories.get(code, ""))


@cache
def words(locale: str = "en") -> Words:
    """The words of a locale such as `en` or `pt_BR`."""
    return Words(Locale.parse(locale))
