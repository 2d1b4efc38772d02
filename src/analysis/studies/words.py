"""How studies say numbers in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from analysis.errors import shorten

_LONGEST_CODE = 40


def percent(share: float) -> str:
    """A share as per cent, to a tenth.

    >>> percent(0.849), percent(1)
    ('84.9%', '100.0%')
    """
    return f"{share:.1%}"


def points(difference: float) -> str:
    """A difference of shares in percentage points, without its sign.

    >>> points(-0.122), points(0.001)
    ('12.2 points', '0.1 points')
    """
    return f"{abs(difference):.1%}".rstrip("%") + " points"


def signed(difference: float) -> str:
    """A difference of shares in percentage points, with its sign and a true minus.

    >>> signed(-0.122), signed(0.001), signed(-0.0001)
    ('−12.2', '+0.1', '0.0')
    """
    rounded = round(100 * difference, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "0.0"


def ordinal(place: int) -> str:
    """A place in a row.

    >>> [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)]
    ['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '111th']
    """
    teens = place % 100 in (11, 12, 13)
    return f"{place}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th')}"


def ranked(place: int, of: int) -> str:
    """A place among so many, counted from the nearer end.

    >>> ranked(1, 50), ranked(3, 50), ranked(49, 50), ranked(50, 50)
    ('highest of 50', '3rd highest of 50', '2nd lowest of 50', 'lowest of 50')
    """
    end, nearest = ("highest", place) if place <= (of + 1) // 2 else ("lowest", of + 1 - place)
    return f"{end} of {of}" if nearest == 1 else f"{ordinal(nearest)} {end} of {of}"


def join(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> join(["a"]), join(["a", "b"]), join(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


@cache
def language_name(code: str) -> str:
    """A language's English name, or its code where CLDR has none.

    >>> language_name("ja"), language_name("xx-none")
    ('Japanese', 'xx-none')
    """
    from babel import Locale  # only studies that have languages

    return str(Locale("en").languages.get(code, shorten(code, _LONGEST_CODE)))
