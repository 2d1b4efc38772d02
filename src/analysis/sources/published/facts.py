"""What the publishers' formats share: a figure in canonical form, and why a row gives none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from analysis.calendar import Window
from analysis.errors import UserError


class Fact(NamedTuple):
    """A published figure, as `published_metrics` holds it, but for its vintage.

    `value` is a share in 0 to 1 or a count, as `unit` says; `period_end` is exclusive; no market is
    the whole world, no policy all policies, no automation both ways of deciding.
    """

    publisher: str
    metric: str
    period_start: date
    period_end: date
    market: str | None
    policy: str | None
    automation: str | None
    value: float
    unit: str

    @property
    def key(self) -> tuple[object, ...]:
        """What tells figures apart; two values for one key contradict each other."""
        return (*self[:3], *self[4:7])


class Dropped(Exception):
    """A row that gives no figure; the message is the reason, the same for rows alike."""


@dataclass(frozen=True)
class Format:
    """A publisher's file format.

    Attributes:
        name: the publisher's, for people.
        columns: that a file must have; they are what it is recognised by.
        publishers: every `publisher` that its figures may have.
        read: a row to its figures. Raises `Dropped`.
    """

    name: str
    columns: tuple[str, ...]
    publishers: tuple[str, ...]
    read: Callable[[Mapping[str, str]], list[Fact]]


def quarter(label: str) -> tuple[date, date]:
    """First day of a quarter and of the next; labels such as `2023-Q3`.

    Raises:
        Dropped: there is no such quarter.
    """
    try:
        window = Window.parse(label)
    except UserError:
        raise Dropped("the period is no quarter") from None
    return window.start, window.end


def share(value: float) -> float:
    """A share in 0 to 1 without float noise: `0.9109999999999999` was published as 0.911.

    Raises:
        Dropped: it lies outside.
    """
    if not 0 <= value <= 1:
        raise Dropped("a share outside 0 to 1")
    return round(value, 12)


def count(value: float) -> float:
    """A count.

    Raises:
        Dropped: it is negative or no whole number.
    """
    if value < 0 or value != int(value):
        raise Dropped("a count that is no whole number")
    return value


def number(text: str) -> float:
    """A finite number.

    Raises:
        Dropped: the text is none.
    """
    try:
        value = float(text)
    except ValueError:
        raise Dropped("the value is no number") from None
    if not abs(value) < float("inf"):
        raise Dropped("the value is no number")
    return value
