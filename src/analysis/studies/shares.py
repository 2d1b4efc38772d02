"""How studies say a rare share with its interval, in a sentence, a table and on an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

from analysis.methods.prevalence import Estimate, limits
from analysis.metrics.words import Scale, base_of


@dataclass(frozen=True)
class Share:
    """A share with its interval, 0 to 1.

    Attributes:
        value: None where no event was seen; `high` is then a one-sided limit.
        low, high: the interval.
    """

    value: float | None
    low: float
    high: float

    @property
    def ends(self) -> tuple[float, float, float]:
        """Value, low and high, a share without events as 0."""
        return self.value or 0.0, self.low, self.high

    def said(self, what: str) -> str:
        """As a sentence about views, such as `views in Japan went to violating content`.

        >>> Share(0.0093, 0.0061, 0.014).said("views in Japan went to violating content")
        '93 of 10,000 views in Japan went to violating content; between 61 and 140.'
        """
        scale = share_scale(self.value, self.low, self.high)
        if self.value is None:
            return f"Fewer than {scale.said(self.high)} {what}; none was seen."
        ends = f"{scale.number(self.low)} and {scale.number(self.high)}"
        return f"{scale.said(self.value)} {what}; between {ends}."


def to_share(found: Estimate, trials: float, confidence: float) -> Share:
    """An estimate with its interval."""
    low, high = limits(found, confidence=confidence, trials=trials)
    value = float(found.value)
    return Share(value if value > 0 else None, float(low), float(high))


def share_scale(value: float | None, low: float, high: float) -> Scale:
    """The scale for a share: two figures of it, and more where its interval supports them.

    >>> share_scale(0.0093, 0.0061, 0.014).said(0.0093)
    '93 of 10,000'
    """
    size = abs(value or high)
    step = 10.0 ** (math.floor(math.log10(size)) - 1) if size > 0 else 0.01
    if high > low:
        step = min(step, 10.0 ** math.floor(math.log10((high - low) / 2)))
    base = base_of(size)
    return Scale(float(base), f" of {base:,}", 100.0, "%", step)
