"""Holds back a page that looks as if it held a secret, before a site is published.

Each finished folder is looked through once, by the worker that made it, and again when one of its
files changes. What is held back lies in `data/held`, which no site is made from; a calm page stands
in its place, which says where the hit is and of what kind, and never what it is.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from analysis.project import Project
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord, identities
from analysis.report.writing import replace_text
from analysis.safeguards.scanning import Hit, digest_of, scan_notebook, scan_page, scan_text

#: Which state of each folder was looked through, by identity.
STATE = ".scanned.json"
#: In a run's folder until the site is published: the state in which it was looked through.
NOTE = ".scanned"
HELD = "held"
#: How many lines without a secret are remembered: some tens of megabytes.
REMEMBERED = 200_000
#: Those that this process has seen: runs of a study have most lines in common.
_seen: set[str] = set()


def hold_back(project: Project) -> list[str]:
    """Looks through what changed since it last did.

    Args:
        project: whose site it is; its `not_secrets` are let through.

    Returns:
        A line for each run that was held back.
    """
    reports, allowed = project.reports, frozenset(project.settings.not_secrets)
    known, state, lines = _known(reports), dict[str, str](), list[str]()
    for identity in identities(reports):
        mark = _mark(f"{reports}/{identity}", allowed)
        if known.get(identity) != mark and _take_note(reports / identity) != mark:
            folder = reports / identity
            record = RunRecord.read(folder)
            if record is None:
                continue
            if hits := list(_hits(folder, record, allowed)):
                record = _hold(project, folder, record, hits)
                lines.append(f"{identity} is {record.reason}")
                mark = _mark(f"{folder}", allowed)
        state[identity] = mark
    _note(reports, known, state)
    return lines


def looked_through(project: Project, identities: Sequence[str]) -> None:
    """Notes pages as they are now: publishing filled them with names from other runs, which were
    looked through themselves."""
    allowed = frozenset(project.settings.not_secrets)
    known = _known(project.reports)
    marks = {each: _mark(f"{project.reports}/{each}", allowed) for each in identities}
    _note(project.reports, known, known | marks)


def _note(reports: Path, known: dict[str, str], state: dict[str, str]) -> None:
    if state != known:
        replace_text(reports / STATE, json.dumps(state, indent=0))


def look_through(project: Project, folder: Path, record: RunRecord) -> None:
    """Looks through what a run has just made; where nothing is found, publishing need not look.

    Args:
        project: whose run it is.
        folder: of its files, in the site.
        record: of the run.
    """
    allowed = frozenset(project.settings.not_secrets)
    with suppress(OSError):  # on a full disk publishing looks, or says so
        mark = _mark(f"{folder}", allowed)
        if not any(_hits(folder, record, allowed)):
            (folder / NOTE).write_text(mark, encoding="utf-8")


def _take_note(folder: Path) -> str:
    """The state of a folder that its worker looked through; the note of it goes."""
    try:
        mark = (folder / NOTE).read_text(encoding="utf-8")
        (folder / NOTE).unlink()
    except OSError:
        return ""
    return mark


def _hits(folder: Path, record: RunRecord, allowed: frozenset[str]) -> Iterator[Hit]:
    """What any file of a run's folder holds, but for the digests that its own record names."""
    if len(_seen) > REMEMBERED:
        _seen.clear()
    own = {record.key, record.revision, record.revision.rstrip("+"), *record.key_parts.values()}
    known = allowed | own
    for path in map(Path, _files(f"{folder}")):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        scan = {PAGE: scan_page, NOTEBOOK: scan_notebook}.get(name, scan_text)
        yield from scan(text, name, known, _seen)


def _files(folder: str) -> list[os.DirEntry[str]]:
    """What a reader may download, in order; thousands of folders are listed, not asked for files
    that they may have."""
    own = [each for each in _listed(folder) if each.name in (NOTEBOOK, PAGE, RECORD)]
    return [*own, *(each for each in _listed(f"{folder}/{DATA}") if each.name.endswith(".csv"))]


def _listed(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted((each for each in found if each.is_file()), key=lambda each: each.name)
    except FileNotFoundError:
        return []


def _mark(folder: str, allowed: frozenset[str]) -> str:
    """Changes when a file of a folder does, or what is let through."""
    stats = ((path.name, path.stat()) for path in _files(folder))
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return digest_of(repr((files, sorted(allowed))))


def _hold(project: Project, folder: Path, record: RunRecord, hits: list[Hit]) -> RunRecord:
    """Moves a folder's files out of the site; the page in their place says why."""
    from analysis.report.page import render  # nbconvert, which other publications do without

    place = project.data / HELD / record.identity
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, mode=0o700)
    for path in list(folder.iterdir()):
        shutil.move(path, place / path.name)
    reason = f"held back: it looks as if it held a secret. {'; '.join(map(str, hits[:3]))}"
    changes = {"status": "failed", "reason": reason, "findings": (), "parameters": {}}
    held = record.model_copy(update=changes)
    page = render(None, held, site_title=project.settings.title, locale=held.locale)
    replace_text(folder / PAGE, page)
    replace_text(folder / RECORD, held.model_dump_json(indent=1))
    return held


def _known(reports: Path) -> dict[str, str]:
    try:
        return dict(json.loads((reports / STATE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
