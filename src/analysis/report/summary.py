"""What the site knows of each run: a summary, made once of its record and kept beside the runs.

A record is some 50 KB, and a site has thousands: publishing reads only those whose files changed
since it last did. Of the summaries it reads what finds and names a run; numbers and findings stay
the text that they are until a page asks for them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

from analysis.report import changes, record, verdicts
from analysis.report.record import (
    PAGE,
    RECORD,
    VERIFIED,
    RunRecord,
    Status,
    Verification,
    identify,
    identities,
)
from analysis.report.verdicts import Tally, has_moved, meaning_of, statement, tally, telling
from analysis.report.writing import replace_bytes
from analysis.studies import findings
from analysis.studies.findings import Comparison, Finding, Unit

#: Where summaries are kept. Without it, or after a change of the code that makes them, every
#: record is read anew.
KEPT = ".runs.jsonl"
_LISTS = ("doubts", "words", "told", "said", "metrics")
_FINDING = (
    *("name", "title", "text", "value", "low", "high", "unit", "noun", "confidence", "sample"),
    *("verdict", "meaning", "headline"),
)
_COMPARISON = ("label", "value", "difference", "low", "high", "verdict", "meaning")
#: A word with a digit in it, and the marks around it.
_NUMBER = re.compile(r"[(]?[^\s(]*\d\S*")
Stamp = list[int]
Metrics = tuple[tuple[str, str, Unit, str], ...]
Texts = tuple[str, ...]


class Kept(NamedTuple):
    """A run as it is kept: see `Summary.stamp`, `load` and `Summary.rest`."""

    stamp: Stamp
    run: dict[str, Any]
    rest: bytes


class Number(NamedTuple):
    """A finding's number with its interval, in its unit or of its noun."""

    value: float | None
    low: float | None
    high: float | None
    unit: Unit
    noun: str


@dataclass(frozen=True)
class Summary:
    """One run, as the site shows it; fields are the record's unless said otherwise.

    Attributes:
        words: its parameters that are words, such as a policy's name.
        metrics: the name, title, unit and noun of every finding, in the order of the notebook.
        tally: what its mark is made from.
        told: of every finding its title, its name, and the words of its sentence without numbers
            and comparisons, in one string.
        said: for each of `kept`, its verdict and meaning, its title, and the words of its text
            without the numbers, in one string: thousands of runs say the same few.
        rest: JSON of `numbers` and `kept`, see there.
        stamp: changes when its files do.
        verified: how its notebook fared when it was executed again; None where it was not.
    """

    study: str
    market: str
    window: str
    variant: str | None
    status: Status
    reason: str
    title: str
    question: str
    decision: str
    owner: str
    market_name: str
    zone: str
    start: date
    end: date
    data_until: date | None
    doubts: tuple[str, ...]
    started_at: str
    locale: str
    key: str
    words: tuple[str, ...]
    metrics: Metrics
    tally: Tally
    told: tuple[str, ...]
    said: tuple[str, ...]
    rest: bytes
    stamp: Stamp
    verified: Verification | None = None

    @cached_property
    def identity(self) -> str:
        return identify(self.study, self.market, self.window, self.variant)

    @property
    def page(self) -> str:
        """Its page, from the site's root."""
        return f"{self.identity}/{PAGE}"

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def stale(self) -> bool:
        """Whether its data were incomplete or older than their sources promise."""
        return bool(self.doubts) or (self.data_until is not None and self.data_until < self.end)

    @cached_property
    def started(self) -> datetime:
        return datetime.fromisoformat(self.started_at)

    @cached_property
    def _rest(self) -> list[Any]:
        return list(json.loads(self.rest))

    @property
    def numbers(self) -> list[list[float | None]]:
        """Value, low and high of each of `metrics`, to six figures."""
        return list(self._rest[0])

    @property
    def kept(self) -> list[list[Any]]:
        """Its headlines, and other findings that moved, as plain values."""
        return list(self._rest[1])

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Its headlines and what else moved, in the order of the notebook; without notes."""
        return tuple(_finding(each) for each in self.kept)

    @cached_property
    def by_name(self) -> dict[str, Number]:
        """Every finding's number, by its name."""
        pairs = zip(self.metrics, self.numbers, strict=True)
        return {
            name: Number(value, low, high, unit, noun)
            for (name, _, unit, noun), (value, low, high) in pairs
        }


#: What a record and its summary both have, under the same names.
_COPIED = {each.name for each in fields(Summary)} & RunRecord.model_fields.keys()


def summarise(run: RunRecord, verified: Verification | None = None) -> tuple[dict[str, Any], bytes]:
    """A record as plain values for `Summary`, and as the JSON of its `rest`."""
    plain = run.model_dump(mode="json", include=_COPIED)
    given = [str(v) for k, v in run.parameters.items() if isinstance(v, str) and k not in _COPIED]
    shown = [each for each in run.findings if each.headline or has_moved(each)]
    plain["words"] = given
    plain["metrics"] = tuple((e.name, e.title, e.unit, e.noun) for e in run.findings)
    numbers = [
        [_rounded(each.value), _rounded(each.low), _rounded(each.high)] for each in run.findings
    ]
    plain["tally"] = tally(run.findings)
    plain["told"] = tuple(_told(each) for each in run.findings)
    plain["said"] = [_words_of(each) for each in shown]
    current = verified if verified and verified.key == run.key else None
    plain["verified"] = current and current.model_dump(mode="json")
    return plain, _json([numbers, [_plain(each) for each in shown]])


def load(plain: dict[str, Any], rest: bytes, stamp: Stamp) -> Summary:
    """A summary from its plain values."""
    days = {
        name: plain[name] and date.fromisoformat(plain[name])
        for name in ("start", "end", "data_until")
    }
    verified = plain["verified"] and Verification.model_validate(plain["verified"])
    lists = {name: tuple(plain[name]) for name in _LISTS}
    more = {"verified": verified, "tally": Tally(*plain["tally"]), "rest": rest, "stamp": stamp}
    return Summary(**plain | days | lists | more)


def _words_of(finding: Finding) -> str:
    other = telling(finding)
    verdict, meaning = finding.verdict, finding.meaning
    if other:
        verdict, meaning = other.verdict, meaning_of(finding, other)
    return "\t".join((verdict, meaning, _one_line(finding.title), _wordy(finding.text)))


def _told(finding: Finding) -> str:
    text = statement(finding) or finding.title
    return f"{_one_line(finding.title)}\t{finding.name.replace('_', ' ')} {_wordy(text)}"


def _wordy(text: str) -> str:
    """A text without its numbers."""
    return " ".join(_NUMBER.sub(" ", text).split())


def _one_line(text: str) -> str:
    return text.replace("\t", " ")


def _plain(finding: Finding) -> list[Any]:
    others = [
        [_rounded(getattr(each, name)) for name in _COMPARISON] for each in finding.comparisons
    ]
    return [*(_rounded(getattr(finding, name)) for name in _FINDING), others]


def _rounded(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _finding(plain: list[Any]) -> Finding:
    """Made without validation: it was valid when it was summarised."""
    *values, others = plain
    comparisons = tuple(
        Comparison.model_construct(text="", **dict(zip(_COMPARISON, each, strict=True)))
        for each in others
    )
    given = dict(zip(_FINDING, values, strict=True))
    return Finding.model_construct(**given, comparisons=comparisons)


def summaries(reports: Path) -> list[Summary]:
    """Every complete run below a site's folder, by identity; reads only what changed.

    Args:
        reports: the folder; what was read is kept in it.
    """
    known, found, same = _known(reports), dict[str, Kept](), True
    for name, stamp in _stamps(reports):
        kept = known.get(name)
        if kept is None or kept.stamp != stamp:
            run = RunRecord.read(reports / name)
            if run is None:
                continue
            kept, same = Kept(stamp, *summarise(run, Verification.read(reports / name))), False
        found[name] = kept
    if not same or found.keys() != known.keys():
        _keep(reports, found)
    return [load(each.run, each.rest, each.stamp) for each in found.values()]


def _stamps(reports: Path) -> Iterator[tuple[str, Stamp]]:
    """Folders of runs that have a record and a page, with what tells whether those changed."""
    for identity in identities(reports):
        try:
            with os.scandir(f"{reports}/{identity}") as found:
                files = {each.name: each for each in found}
            if RECORD in files and PAGE in files:
                now = [files[name].stat() for name in (RECORD, VERIFIED) if name in files]
                yield identity, [each for at in now for each in (at.st_mtime_ns, at.st_size)]
        except OSError:
            continue


def _known(reports: Path) -> dict[str, Kept]:
    try:
        first, *rest = (reports / KEPT).read_bytes().split(b"\n")
        plain = json.loads(first)
        if plain["code"] != _code():
            return {}
        metrics, said = [tuple(map(tuple, each)) for each in plain["metrics"]], plain["said"]
        told = [tuple(said[at] for at in each) for each in plain["told"]]
        for _, _, run in plain["runs"]:
            run["metrics"], run["told"] = metrics[run["metrics"]], told[run["told"]]
            run["said"] = [said[at] for at in run["said"]]
        runs = zip(plain["runs"], rest, strict=True)
        return {name: Kept(stamp, run, line) for (name, stamp, run), line in runs}
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return {}


def _keep(reports: Path, found: dict[str, Kept]) -> None:
    """A line of what finds and names each run, then a line of each one's rest. Most runs of a study
    say the same words: each is kept once, and a run has its place."""
    metrics, told, said = dict[Metrics, int](), dict[tuple[int, ...], int](), dict[str, int]()
    runs, known = [], dict[Texts, int]()

    def place(texts: Texts) -> int:
        if texts not in known:
            at = tuple(said.setdefault(text, len(said)) for text in texts)
            known[texts] = told.setdefault(at, len(told))
        return known[texts]

    for name, each in found.items():
        places = {
            "metrics": metrics.setdefault(each.run["metrics"], len(metrics)),
            "told": place(each.run["told"]),
            "said": [said.setdefault(text, len(said)) for text in each.run["said"]],
        }
        runs.append((name, each.stamp, each.run | places))
    lists = {"metrics": list(metrics), "told": list(told), "said": list(said)}
    plain = {"code": _code(), **lists, "runs": runs}
    lines = (_json(plain), *(each.rest for each in found.values()))
    replace_bytes(reports / KEPT, b"\n".join(lines))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


@cache
def _code() -> str:
    """Of the modules that decide what a summary is."""
    sources = (Path(str(module)) for module in (__file__, *_SOURCES))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]


_SOURCES = (record.__file__, changes.__file__, findings.__file__, verdicts.__file__)
