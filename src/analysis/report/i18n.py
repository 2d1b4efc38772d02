"""The languages of pages: gettext catalogues read from .po files, and which one is spoken now.

Only a page's furniture is translated. What a study says stays in the language of its notebook and
is marked as such, so that screen readers and browsers read it right.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

from babel import Locale, UnknownLocaleError
from markupsafe import Markup, escape

from analysis.errors import unknown

CATALOGUES = Path(__file__).parent / "locales"
#: Of notebooks: their prose, and the sentences of findings.
STUDY_LANGUAGE = "en"
#: The languages of furniture, by their catalogue's name; English is in the code itself.
LANGUAGES = ("en", "ar", "de", "es", "ja", "pt_BR")
#: What `--locale` takes beside a locale: the first language of each run's market.
OF_MARKET = "market"

_spoken: ContextVar[str] = ContextVar("spoken", default=STUDY_LANGUAGE)


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Says furniture in the language of a locale, inside the block."""
    token = _spoken.set(locale)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """The locale that is spoken now."""
    return _spoken.get()


def gettext(message: str) -> str:
    """A message of the furniture in the language that is spoken now."""
    return catalogue(language_of(spoken())).gettext(message)


def ngettext(one: str, many: str, count: int) -> str:
    """A message that depends on a number, in the form that the language has for it."""
    return catalogue(language_of(spoken())).ngettext(one, many, count)


def marked(message: str) -> str:
    """The message itself: marks a constant for translation where it is said later."""
    return message


@cache
def catalogue(language: str) -> NullTranslations:
    """A language's messages; English needs none."""
    path = CATALOGUES / f"{language}.po"
    if not path.exists():
        return NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)


@cache
def language_of(locale: str) -> str:
    """The catalogue that suits a locale; English where there is none.

    >>> language_of("es_MX"), language_of("pt"), language_of("ko")
    ('es', 'pt_BR', 'en')
    """
    language = locale.partition("_")[0]
    return next((name for name in LANGUAGES if name.partition("_")[0] == language), "en")


def locale_for(market: str, languages: Sequence[str], otherwise: str) -> str:
    """The locale of a market's pages: its first language, as it is written there.

    Args:
        market: its code.
        languages: of the market, the first first.
        otherwise: where there is no catalogue for that language.

    >>> locale_for("MX", ["es"], "en"), locale_for("KR", ["ko"], "en"), locale_for("JP", [], "de")
    ('es_MX', 'en', 'de')
    """
    language = next(iter(languages), "").partition("-")[0]
    if language_of(language) == STUDY_LANGUAGE != language:
        return otherwise
    for locale in (f"{language}_{market}", language):
        try:
            return str(Locale.parse(locale))
        except (UnknownLocaleError, ValueError):
            continue
    return otherwise


def check_locale(text: str) -> str:
    """A locale that a person gave, such as `de` or `es_MX`, or `market`.

    Raises:
        UserError: there is no catalogue for its language.
    """
    try:
        locale = str(Locale.parse(text.replace("-", "_"))) if text != OF_MARKET else text
    except (UnknownLocaleError, ValueError):
        locale = ""
    if text == OF_MARKET or (locale and language_of(locale)[:2] == locale[:2]):
        return locale
    raise unknown("locale", text, (*LANGUAGES, OF_MARKET))


def foreign() -> Markup:
    """The attributes of an element that holds a study's own words, on a page of another language.

    >>> with speaking("ja"):
    ...     str(foreign())
    ' lang="en" dir="ltr"'
    >>> str(foreign())
    ''
    """
    if language_of(spoken()) == STUDY_LANGUAGE:
        return Markup()
    return Markup(' lang="{}" dir="ltr"').format(STUDY_LANGUAGE)


def quoted(text: str) -> Markup:
    """A study's own words inside a sentence of the furniture."""
    attributes = foreign()
    return Markup("<span{}>{}</span>").format(attributes, text) if attributes else escape(text)


def furniture(text: str) -> Markup:
    """A word of the furniture among a study's own words.

    >>> with speaking("ar_EG"):
    ...     str(furniture("محجوب"))
    '<span lang="ar-EG" dir="rtl">محجوب</span>'
    """
    if language_of(spoken()) == STUDY_LANGUAGE:
        return escape(text)
    known = Locale.parse(spoken())
    lang, direction = str(known).replace("_", "-"), known.text_direction
    return Markup('<span lang="{}" dir="{}">{}</span>').format(lang, direction, text)
