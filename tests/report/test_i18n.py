"""The furniture of pages: every string of it in every language, and the language marked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from analysis.errors import UserError
from analysis.report.i18n import CATALOGUES, LANGUAGES, catalogue, check_locale, locale_for
from analysis.report.page import render
from analysis.report.words import words
from samples import notebook, record
from support import CHECKOUT

REPORT = CHECKOUT / "src" / "analysis" / "report"
KEYWORDS = {"_": None, "gettext": None, "marked": None, "ngettext": (1, 2)}
TRANSLATED = [language for language in LANGUAGES if language != "en"]


def furniture() -> Iterator[str | tuple[str, ...]]:
    """Every message of code and templates, as Babel's own extractors find them."""
    methods = [("**.py", "python"), ("**.j2", "jinja2")]
    options = {"**.j2": {"silent": "false"}}
    for _, _, message, _, _ in extract_from_dir(REPORT, methods, options, keywords=KEYWORDS):
        yield message


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s", text))


def test_the_extractors_find_what_templates_and_code_say() -> None:
    found = set(furniture())
    assert {"Main points", "Higher, worse", ("%(num)s day", "%(num)s days")} <= found
    assert len(found) > 80


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_string_is_translated(language: str) -> None:
    with (CATALOGUES / f"{language}.po").open("rb") as file:
        known = {message.id: message for message in read_po(file, locale=language) if message.id}
    found = set(furniture())
    assert {each for each in found if each not in known} == set(), "without a translation"
    assert {each for each in known if each not in found} == set(), "no longer said"
    forms = catalogue(language)
    for message in known.values():
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        asked = message.id if isinstance(message.id, tuple) else (message.id,)
        assert all(said), message.id
        assert not message.fuzzy, message.id
        for each in said:
            # A form for one or two of something may say the number as a word.
            assert placeholders(each) | {"%(num)s"} == placeholders(asked[-1]) | {"%(num)s"}
    assert forms.gettext("Main points") != "Main points"


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_page_is_in_the_language_and_the_study_is_marked_as_english(language: str) -> None:
    html = render(notebook(), record(), site_title="Safety Studies", locale=language)
    lang, direction = language.replace("_", "-"), "rtl" if language == "ar" else "ltr"
    assert f'<html lang="{lang}" dir="{direction}">' in html
    assert '<p class="question" lang="en" dir="ltr">' in html
    for english in ("Main points", "How it was measured", "Provenance", "Period", "Show code"):
        assert f">{english}<" not in html
    assert words(language).market("JP", "Japan") in html


def test_numbers_and_dates_are_as_the_language_writes_them() -> None:
    said = {language: words(language).value(0.00172, "share") for language in LANGUAGES}
    assert said["de"] == "0,172\xa0%"
    assert said["ja"] == "0.172%"
    assert words("es_MX").value(12345.0, "count") == "12,345"
    assert words("de").period(date(2026, 3, 2), date(2026, 3, 9)).startswith("Mo., 2.")
    assert "2026年3月1日" in words("ja").instant(datetime(2026, 3, 1, tzinfo=UTC)).replace(
        "2026/03/01", "2026年3月1日"
    )


@pytest.mark.parametrize(
    ("market", "languages", "locale"),
    [
        ("JP", ["ja"], "ja_JP"),
        ("BR", ["pt"], "pt_BR"),
        ("EG", ["ar"], "ar_EG"),
        ("DE", ["de", "tr"], "de_DE"),
        ("CL", ["es"], "es_CL"),
        ("NP", ["ne"], "en"),
        ("IN", ["hi", "en"], "en"),
        ("GB", ["en"], "en_GB"),
    ],
)
def test_a_page_speaks_its_markets_first_language(
    market: str, languages: list[str], locale: str
) -> None:
    assert locale_for(market, languages, "en") == locale


def test_a_locale_without_catalogue_is_refused() -> None:
    assert [check_locale(each) for each in ("de", "es_MX", "pt-BR", "market")] == [
        "de",
        "es_MX",
        "pt_BR",
        "market",
    ]
    for bad in ("ko", "xx", "jp", "de_", "../de"):
        with pytest.raises(UserError, match="locale"):
            check_locale(bad)
