"""Disclosure control over all that an executed notebook shows.

What must be hidden is marked in the typed displays that pages, CSV and records are made from. A
figure that drew a hidden number gives up its picture and its words, and leaves its other data as a
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from nbformat import NotebookNode

from analysis.figures.shapes import FIGURE, TABLE, TITLE
from analysis.report.bundles import (
    figure_table,
    finding_bundle,
    table_bundle,
    title_bundle,
)
from analysis.report.cells import Data, FigureWords, TableWords, read, whole
from analysis.safeguards.disclosure import SUPPRESSED, Control, Rules, Sheet, Statement, control
from analysis.safeguards.withheld import Withheld
from analysis.studies.findings import FINDING, Finding

Small = Callable[[list[Sheet]], dict[tuple[int, int, int], int]]


def disclose(
    notebook: NotebookNode, rules: Rules, small: Small | None = None, window: str = ""
) -> Withheld:
    """Hides, in a notebook that passed the gate, what would single people out.

    Args:
        notebook: it is changed.
        rules: what is small.
        small: further cells to hide, given all sheets.
        window: the run's, by its label.

    Returns:
        How much was hidden.
    """
    bundles = [output.data for output in outputs_of(notebook) if "data" in output]
    shown = [(data, typed_of(data)) for data in bundles]
    sheets = {id(data): sheet_of(typed) for data, typed in shown if _is_sheet(typed)}
    ordered = list(sheets.values())
    statements = [typed.statement() for _, typed in shown if isinstance(typed, Finding)]
    told = sheet_of_counts(statements)
    more = small([*ordered, told]) if small else {}
    away = {str(told.rows[row][0]) for sheet, row, _ in more if sheet == len(ordered)}
    more = {cell: count for cell, count in more.items() if cell[0] < len(ordered)}
    found = control(ordered, statements, rules, more, window, away)
    pictures = {t.name for d, t in shown if isinstance(t, FigureWords) and sheets[id(d)].hidden}
    writer = _Writer(found, pictures)
    for data, typed in shown:
        new = writer.bundle(data, typed, sheets.get(id(data)))
        data.clear()
        data.update(new)
    for output in outputs_of(notebook):
        if output.output_type == "stream":
            output.text = writer.text(output.text)
    return Withheld(
        cells=writer.cells, pictures=len(pictures), minimum=rules.minimum, base=rules.base
    )


def outputs_of(notebook: NotebookNode) -> Iterator[Any]:
    """Every output, in order."""
    for cell in notebook.cells:
        yield from cell.get("outputs", ())


Typed = FigureWords | TableWords | Finding | None


def typed_of(data: Any) -> Typed:
    """The typed display that a bundle holds, if any."""
    return (
        read(FigureWords, data.get(FIGURE))
        or read(TableWords, data.get(TABLE))
        or read(Finding, data.get(FINDING))
    )


def _is_sheet(typed: Typed) -> bool:
    return isinstance(typed, FigureWords | TableWords)


def sheet_of(typed: Any) -> Sheet:
    """The cells of a table, or of a figure's data."""
    keys = typed.data.columns
    columns = getattr(typed, "columns", None)
    titles = [column.title for column in columns] if columns else keys
    shapes = [column.shape for column in columns] if columns else [""] * len(keys)
    given = [*shapes, *[""] * len(keys)]
    said = [*titles, *keys[len(titles) :]]
    return Sheet(typed.name, keys, said, given, typed.data.rows, typed.rests_on)


def sheet_of_counts(statements: Iterable[Statement]) -> Sheet:
    """The counts that findings tell, and how many they rest on, a row each."""
    keys, shapes = ["finding", "count", "base"], ["text", "count", "count"]
    return Sheet("findings", keys, keys, shapes, [[s.name, s.count, s.base] for s in statements])


class _Writer:
    """Makes each display anew, and counts what it hides."""

    def __init__(self, found: Control, pictures: set[str]) -> None:
        self.found, self.pictures, self.cells = found, pictures, 0
        self._seen: dict[str, tuple[str, int]] = {}

    def text(self, text: str) -> str:
        if text not in self._seen:
            self._seen[text] = self.found.text(text)
        plain, times = self._seen[text]
        self.cells += times
        return plain

    def bundle(self, data: Any, typed: Typed, sheet: Sheet | None) -> dict[str, Any]:
        if isinstance(typed, Finding):
            return finding_bundle(self._finding(typed))
        if isinstance(typed, TableWords) and sheet:
            words = {"caption": self.text(typed.caption), "note": self.text(typed.note)}
            return table_bundle(typed.model_copy(update={**words, "data": self._data(sheet)}))
        if isinstance(typed, FigureWords) and sheet:
            if sheet.hidden:
                return figure_table(typed, self._data(sheet))
            words = {key: self.text(getattr(typed, key)) for key in ("title", "alt", "caption")}
            return {**data, FIGURE: typed.model_copy(update=words).model_dump()}
        if TITLE in data and data[TITLE].get("name") in self.pictures:
            return title_bundle(str(data[TITLE]["name"]), None)
        return {
            kind: self.text(whole(v)) if kind == "text/plain" else v for kind, v in data.items()
        }

    def _data(self, sheet: Sheet) -> Data:
        self.cells += len(sheet.hidden)
        rows = [
            [
                SUPPRESSED
                if (row, at) in sheet.hidden
                else (self.text(value) if isinstance(value, str) else value)
                for at, value in enumerate(values)
            ]
            for row, values in enumerate(sheet.rows)
        ]
        return Data(columns=list(sheet.keys), rows=rows)

    def _finding(self, finding: Finding) -> Finding:
        sample = self.found.sample(finding.name, finding.sample)
        if finding.name in self.found.statements:
            self.cells += 1
            withheld = finding.withheld()
            return withheld.model_copy(update={"sample": sample if withheld.sample else ""})
        notes = tuple(self.text(note) for note in finding.notes)
        said = {"text": self.text(finding.text), "notes": notes, "sample": sample}
        return finding.model_copy(update=said)
