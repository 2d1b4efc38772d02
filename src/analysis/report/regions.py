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

import nbformat

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.report.exporter import exporter
from analysis.report.i18n import speaking
from analysis.report.page import render
from analysis.report.record import NOTEBOOK, PAGE, RECORD, RunRecord, Verification
from analysis.report.words import words
from analysis.writing import aside

#: What each page was filled with, by identity; without it every page is looked at anew.
STATE = ".pages.json"


@dataclass(frozen=True)
class Neighbour:
    """A run that a page links to."""

    market: str
    name: str
    window: str
    href: str

    @classmethod
    def of(cls, record: RunRecord) -> Neighbour:
        href = quote(f"{record.identity}/{PAGE}")
        return cls(record.market, record.market_name, record.window, href)


@dataclass(frozen=True)
class Here:
    """What stands around a run: its market's windows before and after, its window's markets."""

    before: Neighbour | None
    after: Neighbour | None
    others: tuple[Neighbour, ...]


class Surroundings:
    """Finds the neighbours of each of many runs; variants have none and are none."""

    def __init__(self, found: Iterable[RunRecord]) -> None:
        plain = [record for record in found if not record.variant]
        self._at = {(r.study, r.market, r.window): Neighbour.of(r) for r in plain}
        self._after = {(r.study, r.market, _previous(r.window)): Neighbour.of(r) for r in plain}
        self._beside: dict[tuple[str, str], list[Neighbour]] = {}
        for record in plain:
            beside = self._beside.setdefault((record.study, record.window), [])
            beside.append(Neighbour.of(record))
        self._digests = {where: _digest(found) for where, found in self._beside.items()}

    def of(self, record: RunRecord) -> Here:
        if record.variant:
            return Here(None, None, ())
        beside = self._beside.get((record.study, record.window), [])
        others = sorted((each for each in beside if each.market != record.market), key=_by_name)
        return Here(*self._before_and_after(record), tuple(others))

    def _before_and_after(self, record: RunRecord) -> tuple[Neighbour | None, Neighbour | None]:
        study, market, window = record.study, record.market, record.window
        before = self._at.get((study, market, _previous(window)))
        return before, self._after.get((study, market, window))

    def digest(self, record: RunRecord, verified: Verification | None) -> str:
        """Changes when what a page's regions say would change, or when the page is a new one."""
        before, after = self._before_and_after(record)
        beside = self._digests.get((record.study, record.window))
        page = (record.started_at, record.locale, record.variant)
        return _digest([page, before, after, beside, verified])


def refresh(reports: Path, found: Sequence[tuple[Path, RunRecord]]) -> int:
    """Fills the regions of the pages whose surroundings changed.

    Args:
        reports: the site's folder.
        found: every run of the site with its folder, from `records`.

    Returns:
        How many pages were written.
    """
    around = Surroundings(record for _, record in found)
    known, state, written = _known(reports), {}, 0
    for folder, record in found:
        verified = Verification.read(folder)
        if verified and verified.key != record.key:
            verified = None
        state[record.identity] = digest = around.digest(record, verified)
        if known.get(record.identity) != digest and (folder / PAGE).is_file():
            page = folder / PAGE
            text = page.read_text(encoding="utf-8")
            filled = _filled(text, record, around.of(record), verified)
            if filled != text:
                replace_text(page, filled)
                written += 1
    if state != known:
        replace_text(reports / STATE, json.dumps(state, indent=0))
    return written


def speak(
    found: Sequence[tuple[Path, RunRecord]], site_title: str, locales: dict[str, str]
) -> list[tuple[Path, RunRecord]]:
    """Renders anew the pages that are to be in another language, and notes it in their records.

    Args:
        found: runs with their folders.
        site_title: names the site.
        locales: which language each run's page is to be in, by identity; others stay as they are.

    Returns:
        The runs as they are now.
    """
    kept = []
    for folder, record in found:
        locale = locales.get(record.identity, record.locale)
        if locale != record.locale:
            record = record.model_copy(update={"locale": locale})  # as it is now
            notebook = _notebook(folder) if record.status == "done" else None
            text = render(notebook, record, site_title=site_title, locale=locale)
            replace_text(folder / PAGE, text)
            replace_text(folder / RECORD, record.model_dump_json(indent=1))
        kept.append((folder, record))
    return kept


def replace_text(path: Path, text: str) -> None:
    """Written aside and renamed, so that a reader meets the old file or the new one.

    Raises:
        UserError: it can't be written; it is then as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path) as new:
            new.write_text(text, encoding="utf-8")
    except OSError as error:
        problem = f"{path.name} can't be written: {error.strerror}; it is as it was"
        raise UserError("reports", problem) from None


def _filled(page: str, record: RunRecord, here: Here, verified: Verification | None) -> str:
    template: Any = exporter().environment.get_template("regions.html.j2")
    said, root = words(record.locale), "../" * (record.identity.count("/") + 1)
    with speaking(record.locale):
        page = _fill(page, "neighbours", str(template.module.neighbours(root, here, said)))
        if verified:
            page = _fill(page, "verified", str(template.module.verified(verified, said)))
    return page


def _fill(page: str, region: str, inner: str) -> str:
    """The page with a region's inside replaced. Data can't write its marks: they are escaped."""
    start, end = f"<!--{region}-->", f"<!--/{region}-->"
    before, found, rest = page.partition(start)
    _, closed, after = rest.partition(end)
    return before + start + inner.strip() + end + after if found and closed else page


def _notebook(folder: Path) -> Any:
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
