"""What pages say that other runs decide: their neighbours, their verification, their language.

A page is written when its run ends; runs come and go after that. Publishing fills marked regions of
each page from the records, and rewrites only pages whose surroundings changed since it last did.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.report.i18n import speaking
from analysis.report.record import NOTEBOOK, PAGE, RECORD, RunRecord
from analysis.report.summary import Summary
from analysis.report.templating import environment
from analysis.report.words import words
from analysis.report.writing import replace_text

#: What each page was filled with, by identity; without it every page is looked at anew.
STATE = ".pages.json"


@dataclass(frozen=True)
class Neighbour:
    """A run that a page links to."""

    market: str
    name: str
    window: str
    identity: str

    @property
    def href(self) -> str:
        return quote(f"{self.identity}/{PAGE}")

    @classmethod
    def of(cls, record: Summary) -> Neighbour:
        return cls(record.market, record.market_name, record.window, record.identity)


@dataclass(frozen=True)
class Here:
    """What stands around a run: its market's windows before and after, its window's markets."""

    before: Neighbour | None
    after: Neighbour | None
    others: tuple[Neighbour, ...]


class Surroundings:
    """Finds the neighbours of each of many runs; variants have none and are none."""

    def __init__(self, found: Iterable[Summary]) -> None:
        plain = [record for record in found if not record.variant]
        self._at = {(r.study, r.market, r.window): Neighbour.of(r) for r in plain}
        self._after = {(s, m, _previous(window)): each for (s, m, window), each in self._at.items()}
        self._beside: dict[tuple[str, str], list[Neighbour]] = {}
        for record in plain:
            beside = self._beside.setdefault((record.study, record.window), [])
            beside.append(self._at[record.study, record.market, record.window])
        self._digests = {where: _digest(found) for where, found in self._beside.items()}

    def of(self, record: Summary) -> Here:
        if record.variant:
            return Here(None, None, ())
        beside = self._beside.get((record.study, record.window), [])
        others = sorted((each for each in beside if each.market != record.market), key=_by_name)
        return Here(*self._before_and_after(record), tuple(others))

    def _before_and_after(self, record: Summary) -> tuple[Neighbour | None, Neighbour | None]:
        study, market, window = record.study, record.market, record.window
        before = self._at.get((study, market, _previous(window)))
        return before, self._after.get((study, market, window))

    def digest(self, record: Summary) -> str:
        """Changes when what a page's regions say would change, or when the page is a new one."""
        before, after = self._before_and_after(record)
        beside = self._digests.get((record.study, record.window))
        page = (record.started_at, record.locale, record.variant)
        return _digest([page, before, after, beside, record.verified])


def refresh(reports: Path, found: Sequence[Summary]) -> list[str]:
    """Fills the regions of the pages whose surroundings changed.

    Args:
        reports: the site's folder.
        found: every run of the site.

    Returns:
        The identities of the runs whose pages were written.
    """
    around = Surroundings(found)
    known, state, written = _known(reports), dict[str, str](), list[str]()
    for record in found:
        state[record.identity] = digest = around.digest(record)
        if known.get(record.identity) == digest:
            continue
        page = reports / record.page
        text = page.read_text(encoding="utf-8")
        filled = _filled(text, record, around.of(record))
        if filled != text:
            replace_text(page, filled)
            written.append(record.identity)
    if state != known:
        replace_text(reports / STATE, json.dumps(state, indent=0))
    return written


def speak(reports: Path, site_title: str, locales: dict[str, str]) -> None:
    """Renders anew the pages that are to be in another language, and notes it in their records.

    Args:
        reports: the site's folder.
        site_title: names the site.
        locales: which language each run's page is to be in, by identity; others stay as they are.
    """
    if not locales:
        return
    from analysis.report.page import render  # nbconvert, which other publications do without

    for identity, locale in locales.items():
        folder = reports / identity
        record = RunRecord.read(folder)
        if record is None or record.locale == locale:
            continue
        spoken = record.model_copy(update={"locale": locale})
        notebook = read_notebook(folder) if spoken.status == "done" else None
        text = render(notebook, spoken, site_title=site_title, locale=locale)
        replace_text(folder / PAGE, text)
        replace_text(folder / RECORD, spoken.model_dump_json(indent=1))


def _filled(page: str, record: Summary, here: Here) -> str:
    template: Any = environment().get_template("regions.html.j2")
    said, root = words(record.locale), "../" * (record.identity.count("/") + 1)
    with speaking(record.locale):
        page = _fill(page, "neighbours", str(template.module.neighbours(root, here, said)))
        if record.verified:
            page = _fill(page, "verified", str(template.module.verified(record.verified, said)))
    return page


def _fill(page: str, region: str, inner: str) -> str:
    """The page with a region's inside replaced. Data can't write its marks: they are escaped."""
    start, end = f"<!--{region}-->", f"<!--/{region}-->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    return before + start + inner.strip() + end + after if found and closed else page


def read_notebook(folder: Path) -> Any:
    """The executed notebook of a run's folder."""
    import nbformat

    text = (folder / NOTEBOOK).read_text(encoding="utf-8")
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]


def _known(reports: Path) -> dict[str, str]:
    try:
        return dict(json.loads((reports / STATE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}


@cache
def _previous(window: str) -> str:
    """The label of the window before; empty where a label is none that we know."""
    try:
        return Window.parse(window).previous().label
    except UserError:
        return ""


def _by_name(each: Neighbour) -> tuple[str, str]:
    return each.name.casefold(), each.market


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]
