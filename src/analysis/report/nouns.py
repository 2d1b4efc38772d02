"""What counts and means are of, in the language of a page: as a metric or a study declares it.

A noun follows its number as the language has it: a Japanese one has one form, an Arabic one six.
"""

from __future__ import annotations

from functools import cache
from itertools import chain

from babel import Locale

from analysis.report.i18n import STUDY_LANGUAGE, language_of, ngettext, speaking, spoken

#: Whole numbers among which every form of every language has one.
_WHOLE = range(2, 102)


def phrase(noun: str, number: float, locale: Locale) -> str:
    """How a number is said with what it is of; the number alone where there is no noun, or none
    that this language has.

    >>> phrase("views", 23, Locale("en")), phrase("views", 1, Locale("de"))
    ('%(number)s views', '%(number)s Aufruf')
    >>> phrase("views", 0.3, Locale("de")), phrase("kites", 2, Locale("de"))
    ('%(number)s Aufrufe', '%(number)s')
    """
    found = phrases(noun, str(locale))
    return found.get(locale.plural_form(number), found["other"])


@cache
def phrases(noun: str, locale: str) -> dict[str, str]:
    """The same for each kind of number that a language tells apart, by CLDR's name of it."""
    known = Locale.parse(locale)
    names = [*known.plural_form.tags, "other"]
    # Of each kind a whole number, which gettext needs; Arabic has kinds for 0 and 1 alone.
    of_kind = {known.plural_form(n): n for n in chain(reversed(_WHOLE), (0, 1))}
    with speaking(locale):
        return {name: _said(noun, of_kind[name]) for name in names if name in of_kind}


def _said(noun: str, count: int) -> str:
    said = {
        "creators at their third removal": ngettext(
            "%(number)s creator at their third removal",
            "%(number)s creators at their third removal",
            count,
        ),
        "figures": ngettext("%(number)s figure", "%(number)s figures", count),
        "items": ngettext("%(number)s item", "%(number)s items", count),
        "kinds": ngettext("%(number)s kind", "%(number)s kinds", count),
        "languages": ngettext("%(number)s language", "%(number)s languages", count),
        "metrics": ngettext("%(number)s metric", "%(number)s metrics", count),
        "parts": ngettext("%(number)s part", "%(number)s parts", count),
        "posts": ngettext("%(number)s post", "%(number)s posts", count),
        "removals": ngettext("%(number)s removal", "%(number)s removals", count),
        "reports": ngettext("%(number)s report", "%(number)s reports", count),
        "sensitive items": ngettext(
            "%(number)s sensitive item", "%(number)s sensitive items", count
        ),
        "views": ngettext("%(number)s view", "%(number)s views", count),
    }
    return said.get(noun) or _declared(noun)


def _declared(noun: str) -> str:
    """A noun that is not among the furniture's: said where pages are in the study's language."""
    own = language_of(spoken()) == STUDY_LANGUAGE and noun
    return f"%(number)s {noun.replace('%', '%%')}" if own else "%(number)s"
