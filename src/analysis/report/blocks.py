"""What a page's script reads: runs as compact JSON in the page, each word of theirs once.

A browser opens the site from a folder, where a script may fetch nothing: what it is to search or
to compare must be in the page, and thousands of runs fit only as numbers that point at words.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from markupsafe import Markup

from analysis.report.i18n import gettext
from analysis.report.listing import Site, StudyRuns, mark_of
from analysis.report.summary import Summary
from analysis.report.templating import seen
from analysis.report.words import Words, comparison_mark, mark

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


def search_block(site: Site, said: Words, root: str) -> Markup:
    """Every run with what it can be found by.

    A run is `[study, market, window, variant, mark, words, stale, findings...]`; each number is a
    place in the list of that name. A finding is `[mark, title, words of its text]`.
    """
    studies, markets, windows, variants = Places(), Places(), Places(), Places()
    marks, words, findings = Places(), Places(), Places()
    runs = []
    for study in site.studies:
        for run in sorted(study.runs, key=lambda run: run.end, reverse=True):
            titles = (*(title for _, title, _ in run.metrics), *run.words, run.reason)
            runs.append(
                [
                    studies.of((run.study, run.title, run.owner)),
                    markets.of((run.market, run.market_name)),
                    windows.of(run.window),
                    variants.of(run.variant or ""),
                    marks.of(mark_of(run)),
                    words.of(titles),
                    int(run.stale),
                    *(findings.of(each) for each in run.said),
                ]
            )
    return _json(
        {
            "root": root,
            "studies": list(studies),
            "markets": [[code, said.market(code, name), name] for code, name in markets],
            "windows": list(windows),
            "variants": list(variants),
            "marks": [[each.tone, each.shape, each.word] for each in marks],
            "words": ["\n".join(each) for each in words],
            "stale": gettext("Stale or incomplete data"),
            "findings": [_said(each) for each in findings],
            "runs": runs,
        }
    )


def _said(text: str) -> list[str]:
    verdict, meaning, title, words = text.split("\t", 3)
    shown = mark(verdict, meaning)  # type: ignore[arg-type]  # as the summary was made of them
    return [shown.tone, shown.shape, shown.word, title, words]


def compare_block(study: StudyRuns, said: Words, root: str) -> Markup:
    """A study's newest runs with their numbers.

    A run is `[market, window, variant, mark, metrics, compared with, numbers, moved]`: numbers are
    value, low and high of each metric, moved are `[metric, label, difference, low, high, mark]` of
    each comparison of its main points and of what else moved.
    """
    markets, windows, marks, metrics, labels = Places(), Places(), Places(), Places(), Places()
    newest = sorted(study.runs, key=lambda run: run.end, reverse=True)[:COMPARED]
    runs = [
        [
            markets.of((run.market, run.market_name)),
            windows.of(run.window),
            run.variant or "",
            marks.of(mark_of(run)),
            metrics.of(tuple(map(tuple, run.metrics))),
            sorted({labels.of(c.label) for each in run.findings for c in each.comparisons}),
            run.numbers,
            list(_known(run, labels, marks)),
        ]
        for run in newest
    ]
    return _json(
        {
            "root": root,
            "study": study.name,
            "markets": [[code, said.market(code, name)] for code, name in markets],
            "windows": list(windows),
            "marks": [[each.tone, each.shape, each.word] for each in marks],
            "metrics": list(metrics),
            "labels": list(labels),
            "runs": runs,
        }
    )


def _known(run: Summary, labels: Places, marks: Places) -> Iterable[list[Any]]:
    places = {name: at for at, (name, *_) in enumerate(run.metrics)}
    for each in run.findings:
        for other in each.comparisons:
            ends = [other.difference, other.low, other.high]
            shown = marks.of(comparison_mark(each, other))
            yield [places[each.name], labels.of(other.label), *ends, shown]


def _json(value: Any) -> Markup:
    """JSON that nothing in it can end: what HTML or a script could take for its own is written by
    its number."""
    text = seen(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704  # no markup is left in it
