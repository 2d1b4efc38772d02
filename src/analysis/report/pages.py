"""The site's own pages, in every language: the index, one of each study, one of each market.

A page is rendered when a run on it changed, or what renders it; its digest says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale

from analysis.report.blocks import CompareRows, SearchRows, compare_block, search_block
from analysis.report.findings_table import COLUMNS
from analysis.report.grid import cells, links, number_cell
from analysis.report.i18n import CATALOGUES, LANGUAGES, language_of, speaking
from analysis.report.listing import Attention, Row, Site, StudyRuns, newest_first
from analysis.report.summary import Summary
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
    languages, makers = homes(asked or locale), list(_makers(site))
    for own, folder in languages:
        with speaking(own):
            for path, runs, make in makers:
                page = Page(path, own, folder, languages, site_title)
                name, digest = f"{folder}{path}", _digest(page, runs)
                if kept.pages.get(name) != _state(reports / name, digest):
                    replace_text(reports / name, make(page))
                    written += 1
                state[name] = _state(reports / name, digest)
    for gone in kept.pages.keys() - state.keys():
        (reports / gone).unlink(missing_ok=True)
    if (now := Kept(asked, state)) != kept:
        replace_text(reports / STATE, json.dumps(asdict(now), indent=0))
    return written


def _makers(site: Site) -> Iterator[tuple[str, Sequence[Summary], Any]]:
    """Every page's path, the runs on it, and what renders it."""
    rows = cache(lambda: SearchRows.of(site))
    yield INDEX, site.runs, lambda page: _index(page, site, rows)
    if site.runs:
        yield DICTIONARY, (), lambda page: _render("findings.html.j2", page, columns=COLUMNS)
    for study in site.studies:
        made = cache(lambda it=study: CompareRows.of(it))
        path = f"by-study/{study.name}.html"
        yield path, study.runs, lambda page, it=study, rows=made: _study(page, it, rows)
    for row in site.markets:
        # A market's page says how it stands beside others: whether it is behind.
        yield f"by-market/{row.code}.html", row.runs, lambda page, it=row: _market(page, site, it)


def _render(template: str, page: Page, **given: Any) -> str:
    shared = {
        "cells": cells,
        "links": links,
        "number_cell": number_cell,
        "newest": newest_of,
        "recent": RECENT,
        "shown_in_all": LISTED,
    }
    made = environment().get_template(template).render(page=page, **shared, **given)
    return made.lstrip()


def _index(page: Page, site: Site, rows: Callable[[], SearchRows]) -> str:
    block = search_block(rows(), page.words, page.root) if site.runs else ""
    attention = Attention.of(site.studies)
    return _render("site.html.j2", page, site=site, attention=attention, block=block)


def _study(page: Page, study: StudyRuns, rows: Callable[[], CompareRows]) -> str:
    block = compare_block(study.name, rows(), page.words, page.root)
    attention = Attention.of([study])
    return _render("by_study.html.j2", page, study=study, attention=attention, block=block)


def _market(page: Page, site: Site, row: Row) -> str:
    studies = [
        (study, found) for study in site.studies for found in study.rows if found.code == row.code
    ]
    attention = Attention.of(site.studies, row.code)
    return _render("by_market.html.j2", page, row=row, studies=studies, attention=attention)


def newest_of(row: Row, study: str) -> tuple[Summary, ...]:
    """The newest run of a study among a market's runs."""
    plain = newest_first(run for run in row.runs if run.study == study)
    return plain[:1]


def _state(path: Path, digest: str) -> str:
    """What a page was made from, and the file as it was left: another in its place is replaced."""
    if not path.is_file():
        return ""
    now = path.stat()
    return f"{digest} {now.st_mtime_ns} {now.st_size}"


def _digest(page: Page, runs: Sequence[Summary]) -> str:
    given = [page, _code(), [(run.identity, run.stamp) for run in runs]]
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
