"""What a page's script reads: runs as compact JSON in the page, each word of theirs once.

A browser opens the site from a folder, where a script may fetch nothing: what it is to search must
be in the page, and thousands of runs fit only as numbers that point at words. What it is to compare
lies in a page of its own for each market, which it opens in a frame and which tells its numbers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product, starmap
from typing import Any, get_args

from markupsafe import Markup

from analysis.report.i18n import gettext
from analysis.report.listing import Row, Site, StudyRuns
from analysis.report.nouns import phrases
from analysis.report.summary import Summary
from analysis.report.templating import seen
from analysis.report.verdicts import mark, meaning_of, outcome_mark
from analysis.report.words import Words
from analysis.studies.findings import Meaning, Verdict


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

    A run is `[study, market, window, variant, mark, words, stale, told, findings...]`; each number
    is a place in the list of that name. Told are places of texts: what every finding of the run
    says, without its numbers and comparisons, which most runs of a study say alike; findings are
    its main points and what else moved.
    """

    studies: Places = field(default_factory=Places)
    markets: Places = field(default_factory=Places)
    windows: Places = field(default_factory=Places)
    variants: Places = field(default_factory=Places)
    marks: Places = field(default_factory=Places)
    words: Places = field(default_factory=Places)
    texts: Places = field(default_factory=Places)
    told: Places = field(default_factory=Places)
    findings: Places = field(default_factory=Places)
    runs: list[list[int]] = field(default_factory=list)
    _known: dict[tuple[str, ...], int] = field(default_factory=dict)

    @classmethod
    def of(cls, site: Site) -> SearchRows:
        made = cls()
        for study in site.studies:
            for run in sorted(study.runs, key=lambda run: run.end, reverse=True):
                made.runs.append(made._row(run))
        return made

    def _row(self, run: Summary) -> list[int]:
        if run.told not in self._known:
            texts = tuple(sorted({self.texts.of(each) for each in run.told}))
            self._known[run.told] = self.told.of(texts)
        return [
            self.studies.of((run.study, run.title, run.owner)),
            self.markets.of((run.market, run.market_name)),
            self.windows.of(run.window),
            self.variants.of(run.variant or ""),
            self.marks.of((run.status, run.tally)),
            self.words.of((*run.words, run.reason)),
            int(run.stale),
            self._known[run.told],
            *(self.findings.of(each) for each in run.said),
        ]

    @cached_property
    def shared(self) -> Markup:
        """What is the same in every language, put in JSON once."""
        texts = [each.split("\t", 1) for each in self.texts]
        return _json({"texts": texts, "told": list(self.told), "runs": self.runs})


def search_block(rows: SearchRows, said: Words, root: str) -> Markup:
    """Every run with what it can be found by, in a language.

    A mark is `[tone, shape, word]`, a finding has its mark's before its title and words.
    """
    marks = [outcome_mark(*each) for each in rows.marks]
    own = _json(
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
        }
    )
    return own[:-1] + Markup(",") + rows.shared[1:]


def _said(text: str) -> list[str]:
    verdict, meaning, title, words = text.split("\t", 3)
    shown = mark(verdict, meaning)  # type: ignore[arg-type]  # as the summary was made of them
    return [shown.tone, shown.shape, shown.word, title, words]


def runs_block(study: StudyRuns, said: Words, root: str) -> Markup:
    """A study's runs for the script that sets two of them side by side, in a language: their
    numbers lie beside, see `numbers_block`.

    A run is `[market, window, variant]`, the newest first.
    """
    markets, windows = Places(), Places()
    runs = [
        (markets.of((run.market, run.market_name)), windows.of(run.window), run.variant or "")
        for run in sorted(study.runs, key=lambda run: run.end, reverse=True)
    ]
    return _json(
        {
            "root": root,
            "study": study.name,
            "markets": [[code, said.market(code, name)] for code, name in markets],
            "windows": list(windows),
            "marks": [[each.tone, each.shape, each.word] for each in starmap(mark, _MARKS)],
            "nouns": {
                noun: {
                    kind: _filled(each) for kind, each in phrases(noun, str(said.locale)).items()
                }
                for noun in sorted({noun for run in study.runs for *_, noun in run.metrics})
            },
            "runs": runs,
        }
    )


def numbers_block(row: Row) -> Markup:
    """The numbers of a study's runs in one market, the same in every language.

    A run is `[metrics, compared with, numbers, known]` by its window and variant: numbers are
    value, low and high of each metric; known are `[metric, label, difference, low, high, mark]` of
    each comparison of its main points and of what else moved.
    """
    metrics, labels = Places(), Places()
    runs = {}
    for run in row.runs:
        known = list(_known(run, labels))
        name = f"{run.window}@{run.variant}" if run.variant else run.window
        against = sorted({each[1] for each in known})
        runs[name] = (metrics.of(tuple(map(tuple, run.metrics))), against, run.numbers, known)
    return _json({"metrics": list(metrics), "labels": list(labels), "runs": runs})


def _known(run: Summary, labels: Places) -> Iterator[list[Any]]:
    places = {name: at for at, (name, *_) in enumerate(run.metrics)}
    for each in run.findings:
        for other in each.comparisons:
            ends = [other.difference, other.low, other.high]
            shown = _MARKS.index((other.verdict, meaning_of(each, other)))
            yield [places[each.name], labels.of(other.label), *ends, shown]


def _filled(phrase: str) -> str:
    """A phrase as scripts fill it."""
    return phrase % {"number": "{number}"}


_MARKS = tuple(product(get_args(Verdict), get_args(Meaning)))


def _json(value: Any) -> Markup:
    """JSON that nothing in it can end: what HTML or a script could take for its own is written by
    its number."""
    text = seen(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # no markup is left in it
