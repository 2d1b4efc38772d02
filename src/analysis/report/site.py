"""The site's index, built from the records of runs alone.

Every run stands in a grid of its study: markets down, windows across, newest first. Nothing is
executed and no page is read, so publishing costs what reading the records costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

from analysis.project import Project
from analysis.report.exporter import exporter
from analysis.report.holding import hold_back
from analysis.report.i18n import speaking
from analysis.report.record import PAGE, RunRecord, records
from analysis.report.regions import refresh, replace_text, speak
from analysis.report.words import Mark, has_moved, headlines, run_mark, strength, words
from analysis.studies.findings import Finding

INDEX = "index.html"
#: Sentences of a study on the index; its pages have the rest.
_SENTENCES = 8


@dataclass(frozen=True)
class SiteSummary:
    """What a site holds: pages in all, by outcome, where its index lies, what was held back."""

    pages: int
    done: int
    no_data: int
    failed: int
    index: Path
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A run on the index: its record, and its page from the site's root."""

    record: RunRecord
    href: str

    @property
    def mark(self) -> Mark:
        return run_mark(self.record)


@dataclass(frozen=True)
class Sentence:
    """A finding on the index, with the run that it comes from."""

    finding: Finding
    entry: Entry


@dataclass(frozen=True)
class Row:
    """A market of a grid: what each column holds for it, variants included."""

    code: str
    name: str
    cells: tuple[tuple[Entry, ...], ...]

    @property
    def first(self) -> Sentence | None:
        """The first main point of the newest finished run."""
        for entry in (entry for cell in self.cells for entry in cell):
            for finding in headlines(entry.record.findings)[:1]:
                return Sentence(finding, entry)
        return None


@dataclass(frozen=True)
class StudySection:
    """A study on the index."""

    name: str
    entries: tuple[Entry, ...]

    @cached_property
    def newest(self) -> RunRecord:
        """The run whose words are the study's: the last that was executed."""
        return max((e.record for e in self.entries), key=lambda record: record.started_at)

    @cached_property
    def windows(self) -> tuple[str, ...]:
        """Labels, the newest window first; of two that end together, the longer."""
        spans = {e.record.window: (e.record.end, -e.record.start.toordinal()) for e in self.entries}
        return tuple(sorted(spans, key=lambda label: (*spans[label], label), reverse=True))

    @cached_property
    def data_until(self) -> date | None:
        """The first local day that the data did not hold whole, by the latest of its runs."""
        return max((d for e in self.entries if (d := e.record.data_until)), default=None)

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        by_market: dict[str, list[Entry]] = {}
        for entry in self.entries:
            by_market.setdefault(entry.record.market, []).append(entry)
        rows = (self._row(code, found) for code, found in by_market.items())
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.code)))

    def _row(self, code: str, found: Sequence[Entry]) -> Row:
        cells = tuple(
            tuple(
                sorted(
                    (entry for entry in found if entry.record.window == window),
                    key=lambda entry: entry.record.variant or "",
                )
            )
            for window in self.windows
        )
        return Row(code, found[0].record.market_name, cells)

    @cached_property
    def moved(self) -> tuple[Sentence, ...]:
        """What moved most beyond its uncertainty in the newest window, strongest first."""
        found = [
            Sentence(finding, entry)
            for entry in self.entries
            if entry.record.window == self.windows[0] and not entry.record.variant
            for finding in headlines(entry.record.findings)
            if has_moved(finding)
        ]
        found.sort(key=lambda sentence: strength(sentence.finding), reverse=True)
        return tuple(found[:_SENTENCES])

    @cached_property
    def still(self) -> bool:
        """Whether the newest window was compared with something and nothing moved."""
        found = [e.record.findings for e in self.entries if e.record.window == self.windows[0]]
        compared = any(f.comparisons for each in found for f in headlines(each))
        return compared and not self.moved

    @cached_property
    def unfinished(self) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
        """Runs without findings, by what stood in their way."""
        reasons: dict[str, list[Entry]] = {}
        for entry in self.entries:
            if entry.record.status != "done":
                reasons.setdefault(entry.record.reason or entry.mark.word, []).append(entry)
        return tuple((reason, tuple(found)) for reason, found in sorted(reasons.items()))


@dataclass(frozen=True)
class Site:
    """All that the index shows."""

    studies: tuple[StudySection, ...]
    counts: Counter[str]

    @cached_property
    def markets(self) -> tuple[Row, ...]:
        """Each market with the newest run of every study."""
        names: dict[str, str] = {}
        newest: dict[tuple[str, str], Entry] = {}
        for section in self.studies:
            for row in section.rows:
                names.setdefault(row.code, row.name)
                newest[row.code, section.name] = next(cell[0] for cell in row.cells if cell)
        rows = (
            Row(code, name, tuple(self._cell(newest.get((code, s.name))) for s in self.studies))
            for code, name in names.items()
        )
        return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.code)))

    @staticmethod
    def _cell(entry: Entry | None) -> tuple[Entry, ...]:
        return (entry,) if entry else ()


def publish(project: Project, locales: dict[str, str] | None = None) -> SiteSummary:
    """Builds the site's index and fills pages' regions, from the records of the runs there are.

    Args:
        project: whose site it is.
        locales: languages that pages are to be in, by their runs' identities; none changes none.

    Raises:
        UserError: the site's folder can't be written; the index is then as it was.
    """
    title, locale = project.settings.title, project.settings.locale
    looked, held = hold_back(project, list(records(project.reports)))
    found = speak(looked, title, locales or {})
    refresh(project.reports, found)
    site = collect(project.reports, found)
    index = project.reports / INDEX
    page = {"site_title": title, "words": words(locale), "root": ""}
    template = exporter().environment.get_template("site.html.j2")
    with speaking(locale):
        replace_text(index, template.render(page=page, site=site).lstrip())
    counts = site.counts
    done, no_data, failed = (counts[status] for status in ("done", "no_data", "failed"))
    return SiteSummary(counts.total(), done, no_data, failed, index, tuple(held))


def collect(reports: Path, kept: Iterable[tuple[Path, RunRecord]] | None = None) -> Site:
    """The studies of a site's folder with their runs, in the order of their titles.

    Args:
        reports: the folder.
        kept: its runs, where they are read already.
    """
    found = [
        Entry(record, quote(f"{folder.relative_to(reports).as_posix()}/{PAGE}"))
        for folder, record in (records(reports) if kept is None else kept)
        if (folder / PAGE).is_file()
    ]
    sections = (
        StudySection(name, tuple(entry for entry in found if entry.record.study == name))
        for name in _unique(entry.record.study for entry in found)
    )
    ordered = sorted(sections, key=lambda section: (section.newest.title, section.name))
    return Site(tuple(ordered), Counter(entry.record.status for entry in found))


def _unique(names: Iterable[str]) -> Iterable[str]:
    return dict.fromkeys(names)
