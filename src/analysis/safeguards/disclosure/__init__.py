"""Statistical disclosure control: nobody can be singled out by what a run shows.

Applied last, to everything that a run shows at once: a count below the minimum, a rate over a small
base, and every cell from which one of these comes back, alone or with others. Rules and terms are
those of Hundepool et al. (2012), *Statistical Disclosure Control*, Wiley, chapter 4: threshold
rule, primary and complementary suppression, audit by linear programming. No library serves: `acro`
(1.0.2) needs pandas below 3, works on microdata before they are tabulated and has no complementary
suppression; tau-Argus and sdcTable are programs in Java and R.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from analysis.safeguards.disclosure.protect import protect
from analysis.safeguards.disclosure.rates import UNITS, Rules, hide_rates
from analysis.safeguards.disclosure.relations import Cell, relations
from analysis.safeguards.disclosure.sheets import (
    LONGEST,
    Sheet,
    Value,
    counts_something_else,
    is_rate,
    whole,
)
from analysis.safeguards.disclosure.statements import (
    SUPPRESSED,
    Statement,
    without_few,
    without_hidden,
    without_parts,
)

#: How a text begins that tells a number; a day, a window, `90th` and prose do not.
_NUMBER = re.compile(r"[+\-\u2212]?\d[\d.,]*(?:%|\s|$)")

#: A unit behind what a row is called, such as `Appeal rate (per 100)`.
_UNIT = re.compile(r"\s*\([^()]*\)$")

__all__ = ["SUPPRESSED", "Control", "Rules", "Sheet", "Statement", "control"]


@dataclass(frozen=True)
class Control:
    """What may not be shown of a run.

    Attributes:
        rules: what is small.
        statements: names of the findings.
        labelled: hidden counts by a label of their row, for texts that tell both.
        given_away: findings of which another run's would give a small count away.
    """

    rules: Rules
    statements: frozenset[str]
    labelled: Mapping[str, frozenset[int]]
    given_away: Collection[str] = ()

    def text(self, text: str) -> tuple[str, int]:
        """A text without what may not be shown, and how many numbers were taken out."""
        plain, parts = without_parts(text, self.rules)
        plain, hidden = without_hidden(plain, self.labelled)
        return plain, parts + hidden

    def sample(self, finding: str, text: str) -> str:
        """What a finding rests on, without the small counts of people in it or that come of it."""
        return "" if finding in self.given_away else without_few(text, self.rules)


def control(
    sheets: Sequence[Sheet],
    statements: Sequence[Statement],
    rules: Rules,
    small: Mapping[Cell, int] | None = None,
    window: str = "",
    given_away: Collection[str] = (),
) -> Control:
    """Marks in each sheet what must be hidden, and says what else must.

    Args:
        sheets: every table, and the data of every figure, of one run; `hidden` is filled in.
        statements: its findings.
        rules: what is small.
        small: further cells to hide, such as those that another run's cells would give away.
        window: of the run, by which rows of other windows are told.
        given_away: findings to hide, of which another run's would give a small count away.
    """
    unsafe = frozenset(
        each.name for each in statements if each.unsafe(rules) or each.name in given_away
    )
    kept = [each for each in statements if each.name in unsafe]
    titles = {called.strip().lower() for each in kept for called in (each.title, each.name)}
    values = {
        (number, *place): count
        for number, sheet in enumerate(sheets)
        for place, count in sheet.counted()
    }
    primary = {cell for cell, count in values.items() if rules.small(count)} | set(small or ())
    if primary:
        for number, row, at in protect(values, primary, relations(sheets), rules.minimum):
            sheets[number].hidden.add((row, at))
    shown = sorted({count for count in values.values() if count >= rules.minimum})
    for sheet in sheets:
        hide_rates(sheet, rules, shown)
        _hide_named(sheet, titles, unsafe, rules, window.lower())
        _hide_bare(sheet, rules)
    return Control(rules, unsafe, _labelled(sheets), given_away)


def _hide_named(
    sheet: Sheet, titles: set[str], names: frozenset[str], rules: Rules, window: str
) -> None:
    """Hides every number of a row that is called as a finding that may not be shown; a figure
    that is named after one shows nothing else. A row of another window stays where it says that
    its number rests on enough."""
    whole_sheet = any(sheet.name == name or sheet.name.endswith(f"_{name}") for name in names)
    for row, values in enumerate(sheet.rows):
        own = sheet.labels(row)
        own = own | {_UNIT.sub("", label) for label in own}
        if not whole_sheet and own.isdisjoint(titles):
            continue
        called = own & UNITS
        least = rules.least(next(iter(called))) if len(called) == 1 else rules.base
        if window in own or max(sheet.beside.get(row, {}).values(), default=0) < least:
            places = {(row, at) for at, value in enumerate(values) if _told(value, titles)}
            sheet.hidden |= places


def _hide_bare(sheet: Sheet, rules: Rules) -> None:
    """Hides small whole numbers that stand as text among other texts: of what, nothing says."""
    for at, key in enumerate(sheet.keys):
        if at in sheet.counts or counts_something_else(key):
            continue
        for row, value in enumerate(sheet.column(at)):
            if isinstance(value, str) and rules.small(whole(value)):
                sheet.hidden.add((row, at))


def _told(value: Value, titles: set[str]) -> bool:
    """Whether a value is a number or tells one, such as `33 to 60,086`."""
    if not isinstance(value, str):
        return value is not None and not isinstance(value, bool)
    if len(value) > LONGEST or value.strip().lower() in titles:
        return False
    return _NUMBER.match(value) is not None or is_rate(value)


def _labelled(sheets: Sequence[Sheet]) -> dict[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    for sheet in sheets:
        for row, at in sheet.hidden & {place for place, _ in sheet.counted()}:
            count = sheet.count((row, at)) or 0
            for label in sheet.labels(row) if count else ():
                if len(label) > 2:
                    found[label].add(count)
    return {label: frozenset(counts) for label, counts in found.items()}
