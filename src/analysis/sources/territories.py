"""Names of countries, as people write them, to ISO 3166 alpha-2 codes.

The names are CLDR's, by Babel: nothing here lists a country. CLDR has one English name for each, so
a name that it has dropped (`Turkey`) or decorates (`Myanmar (Burma)`) is found by two general
rules: what stands in brackets may be left out, and a name that any other language of CLDR uses for
one country alone is that country's.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, localedata

from analysis.project import territories

_BRACKETS = re.compile(r"\s*\([^)]*\)")


def fold(name: str) -> str:
    """A name without what spellings differ in: case, accents, punctuation, `and` for `&`.

    >>> fold("Côte d’Ivoire") == fold("COTE D'IVOIRE"), fold("Trinidad & Tobago")
    (True, 'trinidad and tobago')
    """
    plain = unicodedata.normalize("NFKD", name.replace("&", " and ")).casefold()
    kept = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(kept.split())


def territory_code(name: str) -> str | None:
    """The alpha-2 code of a country by a name of it; None where none or several are called so.

    >>> [territory_code(n) for n in ("Japan", "Myanmar", "Turkey", "Atlantis")]
    ['JP', 'MM', 'TR', None]
    """
    key = fold(_BRACKETS.sub("", name))
    return _english().get(key) or _any_language().get(key)


@lru_cache(maxsize=1)
def _english() -> dict[str, str]:
    return _unambiguous(territories().items())


@lru_cache(maxsize=1)
def _any_language() -> dict[str, str]:
    """Names in every language of CLDR; read only when an English name is not found."""
    countries = territories().keys()
    languages = (each for each in localedata.locale_identifiers() if "_" not in each)
    return _unambiguous(
        (code, name)
        for language in languages
        for code, name in Locale.parse(language).territories.items()
        if code in countries
    )


def _unambiguous(named: Iterable[tuple[str, str]]) -> dict[str, str]:
    codes: defaultdict[str, set[str]] = defaultdict(set)
    for code, name in named:
        for spelling in (name, _BRACKETS.sub("", name)):
            codes[fold(spelling)].add(code)
    return {key: next(iter(found)) for key, found in codes.items() if len(found) == 1}
