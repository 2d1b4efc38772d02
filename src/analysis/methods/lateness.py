"""How far a number whose window is still filling will move, from how far those before it did.

A chain ladder of one step: of each past window both are known, the number at the same age and the
final one. On a scale where effects add (logarithms, logits) their difference is normal (Hertig
1985, ASTIN Bulletin 15, 171-183), with a variance that falls with the size of what was known (the
assumption of Mack 1993, ASTIN Bulletin 23, 213-225); what comes to a new window is one more draw.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from analysis.methods.buckets import Floats

#: With fewer revisions nothing is said.
FEWEST = 8


class Final(NamedTuple):
    """Where a number is expected to end, on the scale that it was given on."""

    middle: float
    low: float
    high: float


def final(
    known: Floats, ended: Floats, size: Floats, now: float, now_size: float, *, confidence: float
) -> Final | None:
    """Where a number will end.

    Args:
        known, ended: of past windows, as known at this age and in the end, on a scale where effects
            add; nan where there was no number.
        size: how many units stood behind what was known.
        now, now_size: of the window that is still filling.
        confidence: of the interval, one window's prediction interval.

    Returns:
        None where fewer than eight revisions are known, or nothing of this window.

    >>> made = final(np.zeros(10), np.full(10, 0.1), np.ones(10), 1.0, 1.0, confidence=0.95)
    >>> [round(float(end), 3) for end in made]
    [1.1, 1.1, 1.1]
    """
    moved = ended - known
    told = np.isfinite(moved) & (size > 0)
    count = int(told.sum())
    if count < FEWEST or not np.isfinite(now) or not now_size > 0:
        return None
    moved, weight = moved[told], size[told]
    mean = float(np.average(moved, weights=weight))
    spread = float(np.sum(weight * (moved - mean) ** 2)) / (count - 1)
    error = np.sqrt(spread * (1 / now_size + 1 / weight.sum()))
    reach = float(stdtrit(count - 1, (1 + confidence) / 2) * error)
    middle = now + mean
    return Final(middle, middle - reach, middle + reach)
