"""Which cells of a run add up to which: what lets a hidden cell be worked out from the others.

Sums that stand nowhere are taken for known: the total of each column, and of each group of rows
that share a label. Readers have them from elsewhere: another page, a margin, the parent's table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from analysis.safeguards.disclosure.sheets import Sheet

#: A sheet's number, a row and a column.
Cell = tuple[int, int, int]
_WIDEST = 8


@dataclass(frozen=True)
class Relation:
    """Cells whose sum is known: parts count once, a total that is shown counts minus once."""

    parts: tuple[Cell, ...]
    minus: tuple[Cell, ...] = ()

    @property
    def cells(self) -> tuple[Cell, ...]:
        return self.parts + self.minus


def relations(sheets: Sequence[Sheet]) -> list[Relation]:
    """Every relation among the counts of a run."""
    found: list[Relation] = []
    groups: list[tuple[frozenset[str], Relation]] = []
    for number, sheet in enumerate(sheets):
        for at in sheet.counts:
            for labels, relation in _columns(number, sheet, at):
                if len(relation.parts) > 1:
                    found.append(relation)
                groups.append((labels, relation))
            found += _blocks(number, sheet, at)
        found += _across(number, sheet)
    return list(dict.fromkeys([*found, *_elsewhere(sheets, groups)]))


def _columns(number: int, sheet: Sheet, at: int) -> Iterator[tuple[frozenset[str], Relation]]:
    """A column's own sum, the sums over rows that share a label, and each cell by itself."""
    rows = [row for row in range(len(sheet.rows)) if sheet.count((row, at)) is not None]
    yield frozenset(), Relation(tuple((number, row, at) for row in rows))
    by_label: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        own = sorted(sheet.labels(row))
        for size in range(1, min(len(own), 3) + 1):
            for chosen in combinations(own, size):
                by_label[chosen].append(row)
    for labels, shared in by_label.items():
        if len(shared) < len(rows):
            yield frozenset(labels), Relation(tuple((number, row, at) for row in shared))


def _blocks(number: int, sheet: Sheet, at: int) -> Iterator[Relation]:
    """Rows that are the sum of the rows right before or right after them: totals and subtotals."""
    values = [sheet.count((row, at)) for row in range(len(sheet.rows))]
    for row, total in enumerate(values):
        if not total:
            continue
        for step in (-1, 1):
            added, parts, place = 0, [], row + step
            while 0 <= place < len(values) and added < total and values[place] is not None:
                added += values[place] or 0
                parts.append((number, place, at))
                place += step
                if added == total and len(parts) > 1:
                    yield Relation(tuple(parts), ((number, row, at),))


def _across(number: int, sheet: Sheet) -> Iterator[Relation]:
    """Columns that are, in every row, the sum of others: totals, changes from before."""
    columns = sheet.counts[:_WIDEST]
    numbers = [[sheet.count((row, at)) for at in columns] for row in range(len(sheet.rows))]
    whole = [row for row, values in enumerate(numbers) if None not in values]
    for total in range(len(columns)):
        others = [place for place in range(len(columns)) if place != total]
        for size in range(2, len(others) + 1):
            for chosen in combinations(others, size):
                if whole and all(
                    numbers[row][total] == sum(numbers[row][place] or 0 for place in chosen)
                    for row in whole
                ):
                    for row in whole:
                        parts = tuple((number, row, columns[place]) for place in chosen)
                        yield Relation(parts, ((number, row, columns[total]),))


def _elsewhere(
    sheets: Sequence[Sheet], groups: Sequence[tuple[frozenset[str], Relation]]
) -> Iterator[Relation]:
    """Cells of one table that are, by their labels and their value, a sum of another's."""
    shown: defaultdict[int, list[tuple[frozenset[str], Cell]]] = defaultdict(list)
    values: dict[Cell, int] = {}
    for number, sheet in enumerate(sheets):
        for (row, at), value in sheet.counted():
            values[number, row, at] = value
            if value > 0:
                shown[value].append((sheet.labels(row), (number, row, at)))
    for labels, relation in groups:
        total = sum(values[cell] for cell in relation.parts)
        for own, cell in shown.get(total, ()):
            if cell in relation.parts or cell[0] == relation.parts[0][0]:
                continue
            if labels <= own or (labels and own <= labels):
                yield Relation(relation.parts, (cell,))
