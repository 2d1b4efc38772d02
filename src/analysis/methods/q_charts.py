"""Watches how a count divides among levels, however few events each of them has.

Quesenberry's Q chart (1991, Journal of Quality Technology 23, 296-303): while nothing changes, the
events of a level that fall into a window are, given all that it had so far, binomial with the
window's part of the whole count. No rate need be known, so one is watched from its first windows.
The probability of as many events or fewer, half of those of as many, is taken to a standard normal
deviate, which `alarms` watches. Where events come in clumps or shares wander, deviates spread more
than one; that is learned from a first part of the series, of single windows and of blocks of them,
and so many events then count as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.methods.alarms import Limits, alarms, limits
from analysis.methods.buckets import Floats

#: The first windows tell too little to say how far deviates spread.
FIRST = 5
#: Windows that are taken together, to see what hangs together.
BLOCK = 8
#: How many windows of its own the spread of all levels' deviates is worth to each of them.
PRIOR = 10.0
#: The move for which sums are quickest: a level's events become half as many again, or a third
#: fewer. Bounds keep sums from waiting for ever, and for moves that one deviate shows.
MOVE, LEAST, MOST = 1.5, 0.2, 0.5
_SURE = 1e-12


@dataclass(frozen=True)
class Charted:
    """Levels of a count, watched; arrays have levels and windows as their axes.

    Attributes:
        score: deviates.
        alarm: 1 above, -1 below, else 0; only in the windows that are watched.
        worth: how many of each level's events count as one, since they come in clumps or their
            share wanders; one at least.
        limits: of each level.
    """

    score: Floats
    alarm: Floats
    worth: Floats
    limits: list[Limits]


def charts(counts: Floats, *, watched: int, rate: float) -> Charted:
    """Watches each level of a count against the others.

    A level that raises an alarm is taken out of what the others are held against: where spam
    doubles, nothing else has become rarer.

    Args:
        counts: events by level and window, oldest first, of all levels that there are.
        watched: how many windows at the end are watched and not learned from.
        rate: false alarms a window and level.
    """
    whole, out = counts.sum(0), np.zeros(len(counts), dtype=bool)
    while True:
        rest = whole - counts[out].sum(0)
        size = np.where(out[:, None], rest + counts, rest)
        made = _charted(counts, size, watched, rate)
        raised = np.abs(made.alarm).any(1) & ~out
        if not raised.any():
            return made
        clearest = np.where(raised, np.abs(made.score[:, -watched:]).max(1), -1.0)
        out[int(np.argmax(clearest))] = True


def _charted(counts: Floats, size: Floats, watched: int, rate: float) -> Charted:
    learned = deviates(counts, size)[:, FIRST:-watched]
    worth = np.ones(len(counts))
    if learned.shape[1] >= 2 * BLOCK:
        worth = _worth(learned)
    score = deviates(counts / worth[:, None], size / worth[:, None])
    degrees = PRIOR + learned.shape[1]
    score = -np.sign(score) * special.ndtri(special.stdtr(degrees, -np.abs(score)))
    usual = counts[:, :-watched].mean(1) / worth
    moved = 2 * np.sqrt(usual) * (1 - 1 / np.sqrt(MOVE))
    found = [limits(rate, round(each, 2)) for each in np.clip(moved / 2, LEAST, MOST).tolist()]
    raised = np.zeros_like(score)
    raised[:, -watched:] = alarms(score[:, -watched:], found)
    return Charted(score, raised, worth, found)


def deviates(counts: Floats, size: Floats) -> Floats:
    """Each window's events as a standard normal deviate, from those before it and of it.

    Args:
        counts: events by level and window.
        size: what they are a part of, alike in shape.

    >>> deviates(np.array([[5.0, 5, 5, 15]]), np.array([[50.0, 50, 50, 50]])).round(1).tolist()
    [[0.0, 0.0, 0.0, 2.9]]
    """
    so_far, whole = np.cumsum(counts, axis=1), np.cumsum(size, axis=1)
    part = np.divide(size, whole, out=np.zeros_like(whole), where=whole > 0)
    below = np.where(counts > 0, _at_most(counts - 1, so_far, part), 0.0)
    middle = (below + _at_most(counts, so_far, part)) / 2
    found: Floats = special.ndtri(np.clip(middle, _SURE, 1 - _SURE))
    found[:, 0] = 0.0  # all there was
    return found


def _at_most(count: Floats, of: Floats, part: Floats) -> Floats:
    """The binomial probability of at most so many; parts of events are in between."""
    rest, more = np.maximum(of - count, 1e-9), np.maximum(count + 1, 1e-9)
    found: Floats = np.where(count >= of, 1.0, special.betainc(rest, more, 1 - part))
    return found


def _worth(learned: Floats) -> Floats:
    """How many events of each level are worth one: the square of its deviates, held towards that
    of all levels, times how much more blocks spread than single windows; one at least."""
    count = learned.shape[1]
    blocks = learned[:, : count // BLOCK * BLOCK].reshape(len(learned), -1, BLOCK).sum(2)
    usual = (learned**2).mean()
    together = max(1.0, float((blocks**2).mean() / BLOCK / usual))
    own = (PRIOR * usual + (learned**2).sum(1)) / (PRIOR + count)
    found: Floats = np.maximum(1.0, own * together)
    return found


def seen(learned: int, watched: int) -> Floats:
    """How much of a lasting move from the first watched window on each deviate still shows: what
    was usual follows it."""
    found: Floats = learned / (learned + np.arange(watched, dtype=float))
    return found
