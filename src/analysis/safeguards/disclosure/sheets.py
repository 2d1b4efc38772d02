"""What disclosure control looks at: tables of cells, and which of these are counts and rates.

Nothing is declared by a study. A whole number counts people or what they did, unless its column
says that it counts something else, such as days; in doubt it does.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

Value = str | int | float | bool | None
#: A row and a column.
Place = tuple[int, int]

#: Small numbers of these single nobody out. A column or a sample is let through only where every
#: word of its name is here.
_NOT_PEOPLE = (
    "rank place year years day days week weeks month months quarter quarters hour hours "
    "minute minutes second seconds window windows metric metrics measure measures market "
    "markets country countries language languages policy policies category categories kind "
    "kinds group groups bucket buckets stratum strata surface surfaces figure figures "
    "severity level order comparison comparisons study studies run runs rule rules test tests "
    "seed score iteration iterations simulation simulations estimator estimators release "
    "releases version territory territories part parts alert alerts domain domains break breaks "
    "chart charts "
)
NOT_PEOPLE = frozenset(_NOT_PEOPLE.split())
_AROUND_WORDS = "n of number count total the compared called moved at in per other all"
_AROUND = frozenset(_AROUND_WORDS.split())
_COUNTED = re.compile(
    r"(?i)(^|_)(n|counts?|people|persons?|users?|accounts?|creators?|viewers?|reporters?|raters?"
    r"|reviewers?|posts?|items?|decisions?|reports?|appeals?|labels?|draws?|removals?|views?|cases?"
    r"|events?|rows?|units?|answers?|pairs?|children|victims?)(_|$)"
)
_WHOLE = re.compile(r"-?\d{1,3}(?:,\d{3})+|-?\d+")
_PERCENT = re.compile(r"(-?\d+(?:\.(\d+))?)\s?%")
#: Longer texts are prose, which a table's cell may hold as well.
LONGEST = 60
#: A text that is a share, such as `12%`, `4 to 9%`, `at most 3%`, `none seen, at most 3%`.
_SHARE = re.compile(
    r"(?:none seen, )?(?:at most |at least |fewer than )?[+\-\u2212]?\d[\d.,]*(?: to [\d.,]+)?\s?%"
)
RATES = frozenset(("share", "per_hundred", "per_thousand", "per_million"))
#: What a column of shares is called where it has no shape.
RATE_WORDS = frozenset(("share", "shares", "rate", "rates"))


@lru_cache(maxsize=4096)
def counts_something_else(name: str) -> bool:
    """Whether every word of a name says that people are not what is counted.

    >>> counts_something_else("days"), counts_something_else("43 metrics")
    (True, True)
    >>> counts_something_else("removals_24_hours"), counts_something_else("moderator days")
    (False, False)
    """
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    told = [word for word in words if word not in _AROUND]
    return bool(told) and all(word in NOT_PEOPLE for word in told)


def whole(value: Value) -> int | None:
    """A whole number, also one that is written as text; None for anything else.

    >>> whole(3), whole("1,204"), whole(3.0), whole("3 of 5"), whole(True)
    (3, 1204, 3, None, None)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text[-1:].isdigit():
            return None
        text = text.replace("\N{MINUS SIGN}", "-")
        return int(text.replace(",", "")) if _WHOLE.fullmatch(text) else None
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else None


@dataclass
class Sheet:
    """One table, or the data of one figure.

    Attributes:
        name: its slug.
        keys: of the columns; titles: as readers see them; shapes: how shown, empty if unknown.
        rows: the values.
        rests_on: the least number that its rates rest on, where its rows do not say it.
        hidden: the places that must not be shown.
    """

    name: str
    keys: Sequence[str]
    titles: Sequence[str]
    shapes: Sequence[str]
    rows: Sequence[Sequence[Value]]
    rests_on: int | None = None
    hidden: set[Place] = field(default_factory=set)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """The columns of counts of people or of what they did."""
        return tuple(at for at in range(len(self.keys)) if self._is_count(at))

    @cached_property
    def rates(self) -> tuple[int, ...]:
        """The columns that may hold rates: numbers that are no counts, and text with a `%`."""
        other = (at for at in range(len(self.keys)) if at not in self.counts)
        return tuple(at for at in other if any(is_rate(value) for value in self.column(at)))

    def column(self, at: int) -> list[Value]:
        return [row[at] if at < len(row) else None for row in self.rows]

    def _is_count(self, at: int) -> bool:
        key, shape = self.keys[at], self.shapes[at]
        if shape in RATES or shape == "hours" or counts_something_else(key):
            return False
        values = [value for value in self.column(at) if value is not None and value != ""]
        if shape == "count":
            return any(whole(value) is not None for value in values)
        if not values or any(whole(value) is None for value in values):
            return False
        if not any(isinstance(value, float) for value in values):
            return True
        return _COUNTED.search(key) is not None or max(abs(whole(v) or 0) for v in values) > 1

    def labels(self, row: int) -> frozenset[str]:
        """What a row is called: its texts that are no numbers."""
        return self._labels[row]

    @cached_property
    def _labels(self) -> list[frozenset[str]]:
        counts = frozenset(self.counts)
        found = []
        for values in self.rows:
            texts = (v for at, v in enumerate(values) if isinstance(v, str) and at not in counts)
            plain = (text.strip().lower() for text in texts)
            found.append(frozenset(text for text in plain if text and not is_rate(text)))
        return found

    def count(self, place: Place) -> int | None:
        return whole(self.rows[place[0]][place[1]]) if place[1] < len(self.rows[place[0]]) else None

    def counted(self) -> Iterator[tuple[Place, int]]:
        """Every count with its place."""
        return iter(self._counted)

    @cached_property
    def beside(self) -> dict[int, dict[int, int]]:
        """The counts of each row that has one, by their columns."""
        found: dict[int, dict[int, int]] = {}
        for (row, at), number in self.counted():
            found.setdefault(row, {})[at] = number
        return found

    @cached_property
    def _counted(self) -> list[tuple[Place, int]]:
        places = ((row, at) for row in range(len(self.rows)) for at in self.counts)
        return [(place, n) for place in places if (n := self.count(place)) is not None]


def is_rate(value: Value) -> bool:
    """Whether a value may be a rate: a number with a fraction, or a percentage in few words."""
    if isinstance(value, str):
        return len(value) <= LONGEST and (
            ("%" in value and _PERCENT.search(value) is not None)
            or ("per million" in value and re.search(r"\d", value) is not None)
        )
    return not isinstance(value, bool) and (isinstance(value, float) or value == 0)


def says_share(value: Value, key: str, called: Collection[str]) -> bool:
    """Whether a value is a part of something for certain: by its sign, its column's shape or name,
    or what its row is called.

    Args:
        value: of a cell.
        key: of its column.
        called: units that the column or the row names.

    >>> says_share("5.3% (1.2 to 9)", "says", ()), says_share(0.2, "value_share", ())
    (True, True)
    >>> says_share(0.2, "hours", ()), says_share("By 5% at least, or so they say", "traps", ())
    (False, False)
    """
    if isinstance(value, str):
        return _SHARE.match(value.strip()) is not None
    return not RATES.isdisjoint(called) or not RATE_WORDS.isdisjoint(key.split("_"))


def shares(value: Value) -> Iterable[tuple[float, float]]:
    """The shares that a value may stand for, each with how far it may be rounded.

    >>> list(shares("5.3% (1.2 to 9)")), list(shares(0.25))
    ([(0.053, 0.0005)], [(0.25, 0.0), (0.0025, 0.0), (0.00025, 0.0), (2.5e-07, 0.0)])
    """
    if isinstance(value, str):
        for match in _PERCENT.finditer(value):
            decimals = len(match[2] or "")
            yield round(float(match[1]) / 100, decimals + 3), 0.5 * 10 ** -(decimals + 2)
    elif isinstance(value, float):
        yield from ((value / scale, 0.0) for scale in (1, 100, 1_000, 1_000_000))
