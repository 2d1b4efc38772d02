"""How numbers, dates and commands are said on pages: the one place that depends on the locale."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_decimal, format_percent

from analysis.figures.shapes import Shape, show
from analysis.report.i18n import gettext, ngettext
from analysis.report.nouns import phrase
from analysis.report.record import RunRecord
from analysis.studies.findings import Finding, Unit


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

    def value(self, value: float | None, unit: Unit, noun: str = "") -> str:
        """A number with its unit, or with what it is of.

        >>> words().value(0.00172, "share"), words().value(3, "rank")
        ('0.172%', 'rank 3')
        >>> words().value(2.5, "hours"), words().value(0.05, "hours")
        ('2.5 hours', '3 minutes')
        >>> words().value(12345, "count", "removals"), words("ja").value(1.09, "mean", "views")
        ('12,345 removals', '1.09回の視聴')
        """
        if value is None:
            return "–"
        number, said = self._parts(value, unit, noun)
        return said % {"number": number}

    def _parts(self, value: float, unit: Unit, noun: str) -> tuple[str, str]:
        """A number, and how it is said with its unit; a sign is part of the number."""
        if unit == "hours" and abs(value) < 1:
            return self.shown(60 * value, "number"), gettext("%(number)s minutes")
        said = {
            "rank": gettext("rank %(number)s"),
            "per_hundred": gettext("%(number)s per hundred"),
            "per_thousand": gettext("%(number)s per thousand"),
            "per_million": gettext("%(number)s per million"),
            "hours": gettext("%(number)s hours"),
        }
        shapes: dict[Unit, Shape] = {"ratio": "number", "mean": "number", "rank": "count"}
        shape = shapes.get(unit) or cast(Shape, unit)
        # After a word from right to left, a sign would stand on the other side of its number.
        mark = "\u200e" if unit == "share" and self.direction == "rtl" else ""
        of = said.get(unit) or phrase(noun, _plain(value, shape), self.locale)
        return mark + self.shown(value, shape), of

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
        ends = self.ends(finding.low, finding.high, finding.unit, finding.noun)
        if not finding.confidence:
            return ends
        given = {"confidence": self.confidence(finding.confidence), "ends": ends}
        return gettext("%(confidence)s interval %(ends)s") % given

    def ends(self, low: float, high: float, unit: Unit, noun: str = "") -> str:
        """Two ends; a unit that is a word stands once, and so does a noun, as after the last.

        >>> words().ends(2, 3, "hours"), words().ends(1, 20, "count", "views")
        ('2 to 3 hours', '1 to 20 views')
        """
        (first, one), (last, other) = (self._parts(end, unit, noun) for end in (low, high))
        if one != other and not noun:
            first, last, other = one % {"number": first}, other % {"number": last}, "%(number)s"
        return other % {"number": gettext("%(low)s to %(high)s") % {"low": first, "high": last}}

    def seconds(self, seconds: float) -> str:
        number = self.number(round(seconds, 1 if seconds < 100 else 0))
        return gettext("%(number)s seconds") % {"number": number}


def _plain(value: float, shape: Shape) -> float:
    """A number as it is shown: what is said as 137 is followed by the word that 137 has."""
    text = show(abs(value), shape).strip("%").replace(",", "")
    return float(text) if any(map(str.isdigit, text)) else abs(value)


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
