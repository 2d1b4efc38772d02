"""What a page's script reads: runs as compact JSON in the page, each word of theirs once.

A browser opens the site from a folder, where a script may fetch nothing: what it is to search or
to compare must be in the page, and thousands of runs fit only as numbers that point at words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from analysis.report.i18n import gettext
from analysis.report.listing import Site, StudyRuns
from analysis.report.summary import Summary
from analysis.report.templating import seen
from analysis.report.verdicts import mark, meaning_of, outcome_mark
from analysis.report.words import Words

#: Runs that a study's page can compare, the newest first; some 1 KB each.
COMPARED = 600


class Places:
    """Gives every value its place in a list, the same for equal ones."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def of(self, value: Any) -> int:
        return self.found.setdefault(value, len(self.found))

    def __iter__(self) -> Any:
        return iter(self.found)


@dataclass(frozen=True)
class SearchRows:
    """What a search looks through, the same in every language; lists are in order of their places.

    A run is `[study, market, window, variant, mark, words, stale, findings...]`; each number is a
    place in the list of that name.
    """

    studies: Places = field(default_factory=Places)
    markets: Places = field(default_factory=Places)
    windows: Places = field(default_factory=Places)
    variants: Places = field(default_factory=Places)
    marks: Places = field(default_factory=Places)
    words: Places = field(default_factory=Places)
    findings: Places = field(default_factory=Places)
    runs: list[list[int]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site) -> SearchRows:
        made = cls()
        for study in site.studies:
            for run in sorted(study.runs, key=lambda run: run.end, reverse=True):
                made.runs.append(made._row(run))
        return made

    def _row(self, run: Summary) -> list[int]:
        titles = (*(title for _, title, _ in run.metrics), *run.words, run.reason)
        return [
            self.studies.of((run.study, run.title, run.owner)),
            self.markets.of((run.market, run.market_name)),
            self.windows.of(run.window),
            self.variants.of(run.variant or ""),
            self.marks.of((run.status, run.tally)),
            self.words.of(titles),
            int(run.stale),
            *(self.findings.of(each) for each in run.said),
        ]


def search_block(rows: SearchRows, said: Words, root: str) -> Markup:
    """Every run with what it can be found by, in a language.

    A mark is `[tone, shape, word]`, a finding has its mark's before its title and words.
    """
    marks = [outcome_mark(*each) for each in rows.marks]
    return _json(
        {
            "root": root,
            "studies": list(rows.studies),
            "markets": [[code, said.market(code, name), name] for code, name in rows.markets],
            "windows": list(rows.windows),
            "variants": list(rows.variants),
            "marks": [[each.tone, each.shape, each.word] for each in marks],
            "words": ["\n".join(each) for each in rows.words],
            "stale": gettext("Stale or incomplete data"),
            "findings": [_said(each) for each in rows.findings],
            "runs": rows.runs,
        }
    )


def _said(text: str) -> list[str]:
    verdict, meaning, title, words = text.split("\t", 3)
    shown = mark(verdict, meaning)  # type: ignore[arg-type]  # as the summary was made of them
    return [shown.tone, shown.shape, shown.word, title, words]


@dataclass(frozen=True)
class CompareRows:
    """A study's newest runs with their numbers, the same in every language.

    A run is `[market, window, variant, metrics, compared with, numbers, known]`: numbers are value,
    low and high of each metric; known are `[metric, label, difference, low, high, mark]` of each
    comparison of its main points and of what else moved.
    """

    markets: Places = field(default_factory=Places)
    windows: Places = field(default_factory=Places)
    marks: Places = field(default_factory=Places)
    metrics: Places = field(default_factory=Places)
    labels: Places = field(default_factory=Places)
    runs: list[list[Any]] = field(default_factory=list)

    @classmethod
    def of(cls, study: StudyRuns) -> CompareRows:
        made = cls()
        newest = sorted(study.runs, key=lambda run: run.end, reverse=True)
        made.runs.extend(made._row(run) for run in newest[:COMPARED])
        return made

    def _row(self, run: Summary) -> list[Any]:
        known = list(self._known(run))
        return [
            self.markets.of((run.market, run.market_name)),
            self.windows.of(run.window),
            run.variant or "",
            self.metrics.of(tuple(map(tuple, run.metrics))),
            sorted({each[1] for each in known}),
            run.numbers,
            known,
        ]

    def _known(self, run: Summary) -> Iterable[list[Any]]:
        places = {name: at for at, (name, *_) in enumerate(run.metrics)}
        for each in run.findings:
            for other in each.comparisons:
                ends = [other.difference, other.low, other.high]
                shown = self.marks.of((other.verdict, meaning_of(each, other)))
                yield [places[each.name], self.labels.of(other.label), *ends, shown]


def compare_block(study: str, rows: CompareRows, said: Words, root: str) -> Markup:
    """A study's newest runs for the script that sets two of them side by side, in a language."""
    marks = [mark(*each) for each in rows.marks]
    return _json(
        {
            "root": root,
            "study": study,
            "markets": [[code, said.market(code, name)] for code, name in rows.markets],
            "windows": list(rows.windows),
            "marks": [[each.tone, each.shape, each.word] for each in marks],
            "metrics": list(rows.metrics),
            "labels": list(rows.labels),
            "runs": rows.runs,
        }
    )


def _json(value: Any) -> Markup:
    """JSON that nothing in it can end: what HTML or a script could take for its own is written by
    its number."""
    text = seen(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # no markup is left in it
