"""Rates that rest on too few, and rates from which a hidden count comes back."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.safeguards.disclosure.sheets import (
    Sheet,
    Value,
    is_rate,
    says_share,
    shares,
)

# Records of runs, and so every command, know these rules; only studies have numbers in arrays.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: How near a share times its base must come to a whole number to be known for its count.
_NEAR = 1e-6
#: Units of numbers that are a part of what they rest on. A mean, a median or a time is none: as
#: any other number about people it rests on no fewer than the least count.
RATE_UNITS = frozenset(("share", "per_hundred", "per_thousand", "per_million", "ratio"))
#: Columns of times, such as where a curve has its points.
TIMES = frozenset(("seconds", "minutes", "hours", "days", "weeks"))
UNITS = RATE_UNITS | {"mean", "hours", "count", "rank"}
SCALES = {"per_hundred": 1e2, "per_thousand": 1e3, "per_million": 1e6}


@dataclass(frozen=True)
class Rules:
    """What is small.

    Attributes:
        minimum: the least count that is shown, zero aside.
        base: the least number that a rate may rest on.
    """

    minimum: int = 11
    base: int = 100

    def enough(self, units: Floats, unit: str) -> Floats:
        """How many numbers of a unit rest on, and nan where that is too few for them to be shown.

        >>> import numpy as np
        >>> Rules().enough(np.array([0.0, 57.0, 200.0]), "share")
        array([ nan,  nan, 200.])
        """
        import numpy as np

        return np.where(np.asarray(units) >= self.least(unit), units, np.nan)

    def least(self, unit: str) -> int:
        """How many a number of a unit must rest on."""
        return self.base if unit in RATE_UNITS else self.minimum

    def small(self, count: float | None) -> bool:
        """Whether a count is too small to be shown; 0 is not."""
        return count is not None and 0 < count < self.minimum


def count_of(share: float, base: int) -> int | None:
    """The count that a share is of its base, where it is one.

    >>> count_of(3 / 57, 57), count_of(0.123, 57)
    (3, None)
    """
    product = share * base
    near = round(product)
    return near if abs(product - near) <= _NEAR * max(1, abs(base)) else None


def unsafe(value: Value, bases: Iterable[int], rules: Rules, unit: str = "share") -> bool:
    """Whether a number rests on too few, or gives a small count away, by the counts beside it.

    Args:
        value: of its cell.
        bases: the counts in its row; one of them may be what it rests on.
        rules: what is small.
        unit: of the number, as findings have it.

    >>> rules = Rules()
    >>> [unsafe(0.25, [base], rules, unit) for base in (48, 8) for unit in ("share", "hours")]
    [True, False, True, True]
    >>> unsafe(3 / 9_535 * 1e6, [9_535], rules, "per_million"), unsafe(3 / 48, [48], rules, "mean")
    (True, True)
    """
    known = [base for base in bases if base > 0]
    if not known or value in (None, 0):
        return False
    if isinstance(value, float) and not math.isfinite(value):  # no value, so nothing to hide
        return False
    if isinstance(value, float) and unit in RATE_UNITS | {"mean"}:
        value /= SCALES.get(unit, 1)
        own = [(base, count_of(value, base)) for base in known]
        told = [(base, count) for base, count in own if count is not None]
        if any(rules.small(count) for _, count in told):
            return True
        if told and unit in RATE_UNITS:
            inside = 0 < value < 1
            return any(
                base < rules.base or (inside and rules.small(base - count)) for base, count in told
            )
    return max(known) < rules.least(unit)


def unsafe_each(values: Floats, bases: Floats, rules: Rules) -> NDArray[np.bool_]:
    """Whether each of several rates is unsafe by the one count beside it; see `unsafe`.

    Args:
        values: the rates, nan where there is none.
        bases: whole numbers that they may rest on, of a shape that goes with theirs.
        rules: what is small.

    >>> import numpy as np
    >>> unsafe_each(np.array([0.2, 3 / 200, 0.123]), np.array([50.0, 200.0, 200.0]), Rules())
    array([ True,  True, False])
    """
    import numpy as np

    known = np.isfinite(values) & (values != 0) & (bases > 0)
    product = np.where(known, values, 0.0) * bases
    count = np.round(product)
    near = np.abs(product - count) <= _NEAR * np.maximum(1, np.abs(bases))
    rest = bases - count
    few = (count > 0) & (count < rules.minimum)
    few |= (values > 0) & (values < 1) & (rest > 0) & (rest < rules.minimum)
    found: NDArray[np.bool_] = known & ((bases < rules.base) | (near & few))
    return found


def gives_away(value: Value, hidden: Iterable[int], shown: Sequence[int]) -> bool:
    """Whether a rate times a number that is shown is a count that is hidden."""
    wanted = set(hidden)
    if not wanted:
        return False
    for share, off in shares(value):
        for base in shown:
            if base <= 0 or share == 0:
                continue
            low, high = (share - off) * base, (share + off) * base
            slack = _NEAR * max(1, base)
            if any(low - slack <= count <= high + slack for count in wanted if count > 0):
                return True
    return False


def hide_rates(sheet: Sheet, rules: Rules, shown: Sequence[int]) -> None:
    """Hides the rates of a sheet that are unsafe, that do not say what they rest on, or that give a
    hidden count of their row away; and with a rate those beside it, since an interval's ends are
    as good as its middle. A text has few digits and may give a count away by chance: it goes alone.
    """
    for row in range(len(sheet.rows) if sheet.rates else 0):
        rates = {at: value for at in sheet.rates if (value := _rate(sheet, row, at)) is not None}
        if not rates:
            continue
        counts, named = sheet.beside.get(row, {}), sheet.labels(row) & UNITS
        hidden = [n for at, n in counts.items() if (row, at) in sheet.hidden]
        away = {at for at, value in rates.items() if hidden and gives_away(value, hidden, shown)}
        exact = any(isinstance(rates[at], float) for at in away)
        beside = counts.values()
        if exact or any(_must_go(sheet, at, rates[at], beside, named, rules) for at in rates):
            away = set(rates)
        sheet.hidden |= {(row, at) for at in away}


def _rate(sheet: Sheet, row: int, at: int) -> Value:
    """What a cell holds if it is a rate, or a number of its kind, that is not 0; else None."""
    values = sheet.rows[row]
    value = values[at] if at < len(values) and sheet.keys[at] not in TIMES else None
    return value if value and is_rate(value) else None


def _must_go(
    sheet: Sheet,
    at: int,
    value: Value,
    beside: Collection[int],
    named: Collection[str],
    rules: Rules,
) -> bool:
    """Whether a rate in a column may not be shown by itself, given the counts beside it in its row,
    and the units that its row is called by."""
    own = (sheet.shapes[at],) if sheet.shapes[at] in UNITS else named
    unit = next(iter(own)) if len(own) == 1 else "share"
    if sheet.rests_on is not None and sheet.rests_on < rules.least(unit):
        return True
    if beside:
        return unsafe(value, beside, rules, unit)
    return sheet.rests_on is None and says_share(value, sheet.keys[at], own)
