"""The site's own pages, in every language: the index, one of each study, one of each market.

A page is rendered when a run on it changed, or what renders it; its digest says so. Of the index,
which every run is on, a study's part is taken over from the page as it lies where no run of that
study changed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from markupsafe import Markup

from analysis.report.blocks import SearchRows, numbers_block, runs_block, search_block
from analysis.report.findings_table import COLUMNS
from analysis.report.grid import cells, links, number_cell
from analysis.report.i18n import CATALOGUES, LANGUAGES, language_of, speaking
from analysis.report.listing import Attention, Row, Site, StudyRuns
from analysis.report.templating import TEMPLATES, environment
from analysis.report.words import Words, words
from analysis.report.writing import replace_text

INDEX, DICTIONARY = "index.html", "findings.html"
#: What each page was made from; without it every page is made anew.
STATE = ".site.json"
#: Windows of a study on the index; its own page has all.
RECENT = 8
#: Runs with changes that a page lists; its grids have every run.
LISTED = 60


@dataclass(frozen=True)
class Kept:
    """What the last publication left: the locale that somebody asked for, and pages' digests."""

    asked: str | None
    pages: dict[str, str]


@dataclass(frozen=True)
class Language:
    """A link to the same page in another language."""

    lang: str
    name: str
    href: str
    here: bool


#: A part of a page, with the digest of what it was made from; data can't write its marks, since
#: they are escaped.
_PART = re.compile(r"<!--part (\w+)-->(.*?)<!--/part-->", re.DOTALL)
Parts = Callable[[], dict[str, str]]


@dataclass(frozen=True)
class Page:
    """Where a page lies and what it speaks.

    Attributes:
        path: from its language's home.
        locale: of its words.
        folder: of its language, from the site's root; empty for the site's own language.
        others: every language's locale and folder.
        site_title: names the site.
    """

    path: str
    locale: str
    folder: str
    others: Sequence[tuple[str, str]]
    site_title: str

    @property
    def words(self) -> Words:
        return words(self.locale)

    @property
    def home(self) -> str:
        """The language's home, from this page."""
        return "../" * self.path.count("/")

    @property
    def root(self) -> str:
        """The site's root, from this page."""
        return self.home + "../" * self.folder.count("/")

    @property
    def languages(self) -> list[Language]:
        return [
            Language(
                locale.replace("_", "-"),
                _name(locale),
                f"{self.root}{folder}{self.path}",
                folder == self.folder,
            )
            for locale, folder in self.others
        ]


@cache
def _name(locale: str) -> str:
    """A language's own name for itself."""
    return str(Locale.parse(locale).get_display_name())


def homes(locale: str) -> tuple[tuple[str, str], ...]:
    """Locales of the site with their folders; the site's own lies at its root.

    >>> homes("de_AT")[0], homes("de_AT")[1]
    (('de_AT', ''), ('en', 'in-en/'))
    """
    others = (each for each in LANGUAGES if each != language_of(locale))
    return (locale, ""), *((each, f"in-{each.replace('_', '-').lower()}/") for each in others)


def write_pages(
    reports: Path, site: Site, site_title: str, *, locale: str, asked: str | None = None
) -> int:
    """Writes the pages that changed, and removes those of studies and markets that are gone.

    Args:
        reports: the site's folder.
        site: its runs.
        site_title: what it is called.
        locale: of the pages at its root, where none was ever asked for; each other language has a
            folder of its own.
        asked: of the pages at its root from now on.

    Returns:
        How many pages were written.
    """
    kept = _kept(reports)
    asked = asked or kept.asked
    state, written = dict[str, str](), 0
    languages, makers = homes(asked or locale), [*_makers(site), *(numbers := [*_numbers(site)])]
    alone = {path for path, *_ in numbers}
    for own, folder in languages:
        with speaking(own):
            for path, runs, make in makers:
                if path in alone and folder:
                    continue
                page = Page(path, own, folder, languages, site_title)
                name, digest = f"{folder}{path}", _digest(page, runs.state)
                if kept.pages.get(name) != _state(reports / name, digest):
                    replace_text(reports / name, make(page, _parts(reports / name)))
                    written += 1
                state[name] = _state(reports / name, digest)
    for gone in kept.pages.keys() - state.keys():
        (reports / gone).unlink(missing_ok=True)
    if (now := Kept(asked, state)) != kept:
        replace_text(reports / STATE, json.dumps(asdict(now), indent=0))
    return written


Runs = Site | StudyRuns | Row


def _makers(site: Site) -> Iterator[tuple[str, Runs, Any]]:
    """Every page's path, the runs on it, and what renders it."""
    rows, attention = cache(lambda: SearchRows.of(site)), cache(lambda: Attention.of(site.studies))
    yield INDEX, site, lambda page, kept: _index(page, site, rows, attention(), kept())
    if site.runs:
        yield (
            DICTIONARY,
            Site(()),
            lambda page, _: _render("findings.html.j2", page, columns=COLUMNS),
        )
    for study in site.studies:
        path = f"by-study/{study.name}.html"
        yield path, study, lambda page, _, it=study: _study(page, it)
    for row in site.markets:
        # A market's page says how it stands beside others: whether it is behind.
        path = f"by-market/{row.code}.html"
        yield path, row, lambda page, _, it=row: _market(page, site, it)


def _numbers(site: Site) -> Iterator[tuple[str, Runs, Any]]:
    """The same of what studies' pages open to compare: once for all languages."""
    for study in site.studies:
        for row in study.rows:
            path = f"by-study/{study.name}/{row.code}.html"
            yield path, row, lambda page, _, it=study, of=row: _beside(page, it, of)


def _render(template: str, page: Page, **given: Any) -> str:
    shared = {
        "cells": cells,
        "links": links,
        "number_cell": number_cell,
        "recent": RECENT,
        "shown_in_all": LISTED,
    }
    made = environment().get_template(template).render(page=page, **shared, **given)
    return made.lstrip()


def _index(
    page: Page,
    site: Site,
    rows: Callable[[], SearchRows],
    attention: Attention,
    kept: dict[str, str],
) -> str:
    block = search_block(rows(), page.words, page.root) if site.runs else ""

    def part(study: StudyRuns) -> Markup:
        digest = _digest(page, study.state)
        made = kept.get(digest) or _render("study_part.html.j2", page, study=study)
        return Markup(f"<!--part {digest}-->{made}<!--/part-->")  # noqa: S704  # a page's own

    return _render("site.html.j2", page, site=site, attention=attention, block=block, part=part)


def _parts(path: Path) -> Parts:
    """The parts that a page has, by their digests; none where it is not there."""

    def read() -> dict[str, str]:
        return dict(_PART.findall(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    return read


def _dictionary(page: Page) -> str:
    return _render("findings.html.j2", page, columns=COLUMNS)


def _beside(page: Page, study: StudyRuns, row: Row) -> str:
    return _render("numbers.html.j2", page, study=study, row=row, block=numbers_block(row))


def _study(page: Page, study: StudyRuns) -> str:
    block = runs_block(study, page.words, page.root)
    attention = Attention.of([study])
    return _render("by_study.html.j2", page, study=study, attention=attention, block=block)


def _market(page: Page, site: Site, row: Row) -> str:
    studies = [
        (study, found) for study in site.studies for found in study.rows if found.code == row.code
    ]
    attention = Attention.of(site.studies, row.code)
    return _render("by_market.html.j2", page, row=row, studies=studies, attention=attention)


def _state(path: Path, digest: str) -> str:
    """What a page was made from, and the file as it was left: another in its place is replaced."""
    if not path.is_file():
        return ""
    now = path.stat()
    return f"{digest} {now.st_mtime_ns} {now.st_size}"


def _digest(page: Page, state: str) -> str:
    given = [page, _code(), state]
    return hashlib.sha256(repr(given).encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Of all that pages are made with."""
    paths = [*Path(__file__).parent.glob("*.py"), *TEMPLATES.iterdir(), *CATALOGUES.iterdir()]
    files = sorted(path for path in paths if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _kept(reports: Path) -> Kept:
    try:
        return Kept(**json.loads((reports / STATE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return Kept(None, {})
