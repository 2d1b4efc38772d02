"""Numbers in words: "17 of 10,000 views", with as many figures as the interval supports."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.metrics.catalogue import Metric

#: Of how many a rate is said, by kind: from an estimate to the unit that it is told in.
BASES = {"per_hundred": 100.0, "per_thousand": 1000.0, "per_million": 1e6}


@dataclass(frozen=True)
class Scale:
    """How a metric's numbers are said, so that one sentence or one row holds them all.

    Attributes:
        factor: from the estimate's unit to the number in a sentence.
        after: what follows it there: ` of 10,000`, ` hours`.
        shown: from the estimate's unit to the number in tables and on axes.
        symbol: what follows it there: `%`, ` hours`.
        step: the smallest step worth showing, in the estimate's unit.
    """

    factor: float
    after: str
    shown: float
    symbol: str
    step: float

    def number(self, value: float) -> str:
        """The bare number, as in a sentence after the base was said."""
        return _number(value * self.factor, decimals(self.step * self.factor))

    def said(self, value: float) -> str:
        """The number with its base, as in a sentence."""
        return self.number(value) + self.after

    def short(self, value: float) -> str:
        """The number with its unit, as in a table or on an axis."""
        return _number(value * self.shown, decimals(self.step * self.shown)) + self.symbol

    def range(self, low: float, high: float) -> str:
        """Two ends; a unit that is a word stands once."""
        if self.symbol == "%":
            return f"{self.short(low)} to {self.short(high)}"
        return f"{self.short(low).removesuffix(self.symbol)} to {self.short(high)}"

    def change(self, value: float, low: float, high: float) -> str:
        """A difference with its ends; a share's in percentage points."""
        unit = " points" if self.symbol == "%" else self.symbol
        first, *ends = (self._signed(each) for each in (value, low, high))
        return f"{first}{unit} ({' to '.join(ends)})"

    def _signed(self, value: float) -> str:
        text = _number(abs(value) * self.shown, decimals(self.step * self.shown))
        sign = "" if not text.strip("0.") else "+" if value > 0 else "−"
        return sign + text


def scale(metric: Metric, value: float, low: float | None, high: float | None) -> Scale:
    """The scale for a metric's number and all that it is compared with.

    Two figures of the number are shown, and more where the interval supports them.
    """
    size = abs(value or high or 0.0)
    step = 10.0 ** (math.floor(math.log10(size)) - 1) if size > 0 else 0.01
    if low is not None and high is not None and high > low:
        step = min(step, 10.0 ** math.floor(math.log10((high - low) / 2)))
    if metric.kind == "share":
        base = base_of(size)
        return Scale(float(base), f" of {base:,}", 100.0, "%", step)
    if metric.kind == "count":
        return Scale(1.0, "", 1.0, "", max(step, 1.0))
    if metric.kind in ("quantile", "mean"):
        factor, unit = _time(value) if metric.unit == "hours" else (1.0, metric.unit)
        return Scale(factor, f" {unit}", factor, f" {unit}", step)
    return Scale(BASES[metric.kind], "", BASES[metric.kind], "", step)


def base_of(share: float) -> int:
    """Of how many a share is said, so that the number before it is at least 11: disclosure control
    would take "10 of 100 posts" for a count that is too small to be shown.

    >>> [base_of(share) for share in (0.93, 0.1026, 0.05, 0.0017, 0.00004)]
    [100, 1000, 1000, 10000, 1000000]
    """
    base = 100
    while share * base < 10.5 and base < 10_000_000:
        base *= 10
    return base


def decimals(step: float) -> int:
    """Decimals that show steps of a size, 4 at most.

    >>> [decimals(step) for step in (10, 1, 0.1, 0.01)]
    [0, 0, 1, 2]
    """
    return min(4, max(0, math.ceil(-math.log10(step) - 1e-9)))


def _number(value: float, places: int) -> str:
    """A number without a sign on zero.

    >>> _number(-0.01, 1), _number(12345.6, 0)
    ('0.0', '12,346')
    """
    text = f"{value:,.{places}f}"
    return text if text.strip("-0.,") else text.removeprefix("-")


def _time(hours: float) -> tuple[float, str]:
    if hours < 2:
        return 60.0, "minutes"
    return (1.0, "hours") if hours < 72 else (1 / 24, "days")
