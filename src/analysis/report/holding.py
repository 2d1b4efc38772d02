"""Holds back a page that looks as if it held a secret, before a site is published.

Each finished folder is looked through once, and again when one of its files changes. What is held
back lies in `data/held`, which no site is made from; a calm page stands in its place, which says
where the hit is and of what kind, and never what it is.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.project import Project
from analysis.report.page import render
from analysis.report.record import DATA, NOTEBOOK, PAGE, RECORD, RunRecord
from analysis.report.regions import replace_text
from analysis.safeguards.scanning import Hit, digest_of, scan_notebook, scan_page, scan_text

#: Which state of each folder was looked through, by identity.
STATE = ".scanned.json"
HELD = "held"
Found = tuple[Path, RunRecord]


def hold_back(project: Project, found: Sequence[Found]) -> tuple[list[Found], list[str]]:
    """Looks through what changed since it last did.

    Args:
        project: whose site it is; its `not_secrets` are let through.
        found: every run of the site with its folder.

    Returns:
        The runs as they are now, and a line for each that was held back.
    """
    known, state = _known(project.reports), {}
    allowed = frozenset(project.settings.not_secrets)
    kept: list[Found] = []
    lines: list[str] = []
    for folder, record in found:
        mark = _mark(folder, allowed)
        hits = [] if known.get(record.identity) == mark else list(_hits(folder, record, allowed))
        if hits:
            record = _hold(project, folder, record, hits)
            lines.append(f"{record.identity} is {record.reason}")
            mark = _mark(folder, allowed)
        state[record.identity] = mark
        kept.append((folder, record))
    if state != known:
        replace_text(project.reports / STATE, json.dumps(state, indent=0))
    return kept, lines


def _hits(folder: Path, record: RunRecord, allowed: frozenset[str]) -> Iterator[Hit]:
    """What any file of a run's folder holds, but for the digests that its own record names."""
    own = {record.key, record.revision, record.revision.rstrip("+"), *record.key_parts.values()}
    known = allowed | own
    for path in _files(folder):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        scan = {PAGE: scan_page, NOTEBOOK: scan_notebook}.get(name, scan_text)
        yield from scan(text, name, known)


def _files(folder: Path) -> list[Path]:
    named = [folder / name for name in (NOTEBOOK, PAGE, RECORD)]
    return [path for path in (*named, *sorted((folder / DATA).glob("*.csv"))) if path.is_file()]


def _mark(folder: Path, allowed: frozenset[str]) -> str:
    """Changes when a file of a folder does, or what is let through."""
    stats = ((path.name, path.stat()) for path in _files(folder))
    files = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return digest_of(repr((files, sorted(allowed))))


def _hold(project: Project, folder: Path, record: RunRecord, hits: list[Hit]) -> RunRecord:
    """Moves a folder's files out of the site; the page in their place says why."""
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
