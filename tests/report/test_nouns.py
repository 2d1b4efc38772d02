"""What counts and means are of: said after the number, as each language has it."""

from __future__ import annotations

import re

import pytest
from babel import Locale

from analysis.metrics.catalogue import load_catalogue
from analysis.project import Project
from analysis.report.i18n import LANGUAGES
from analysis.report.nouns import phrase
from analysis.report.page import render
from analysis.report.words import words
from samples import finding, notebook, record
from support import CHECKOUT

STUDIES = CHECKOUT / "src" / "analysis" / "studies"
_SOURCES = [*STUDIES.glob("*.py"), *STUDIES.glob("templates/*.py.txt")]


def declared() -> set[str]:
    """The nouns of metrics, and those that studies give their own findings."""
    code = "".join(path.read_text(encoding="utf-8") for path in _SOURCES)
    own = {each for line in re.findall(r"noun=(.*)", code) for each in re.findall(r'"(.+?)"', line)}
    metrics = load_catalogue(Project(CHECKOUT)).metrics.values()
    return own | {metric.noun for metric in metrics if metric.noun}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_declared_noun_is_said(language: str) -> None:
    nouns = declared()
    assert {"removals", "views", "sensitive items", "parts", "languages", "metrics"} <= nouns
    locale = Locale.parse(language)
    assert {each for each in nouns if phrase(each, 126, locale) == "%(number)s"} == set()


@pytest.mark.parametrize(
    ("language", "number", "said"),
    [
        ("en", 1, "1 removal"),
        ("de", 1.0, "1 Entfernung"),
        ("pt_BR", 0, "0 remoção"),
        ("es", 12345, "12.345 retiradas"),
        ("ja", 126, "126件の削除"),
        ("ar", 3, "3 عمليات إزالة"),
        ("ar", 126, "126 عملية إزالة"),
    ],
)
def test_a_noun_agrees_with_its_number(language: str, number: float, said: str) -> None:
    assert words(language).value(number, "count", "removals") == said


def test_what_is_rounded_is_said_as_the_number_that_is_seen() -> None:
    assert words().value(1.0004, "mean", "views") == "1 view"
    assert words().value(0.33, "mean", "sensitive items") == "0.33 sensitive items"


def test_a_noun_without_translation_is_left_out_of_other_languages() -> None:
    assert words().value(2, "count", "100% kites") == "2 100% kites"
    assert words("ja").value(2, "count", "kites") == "2"


def test_a_page_says_what_its_counts_are_of() -> None:
    told = {"value": 126.0, "low": 97.0, "high": 164.0, "unit": "count", "noun": "removals"}
    for locale, value, ends in (
        ("en", "126 removals", "97 to 164 removals"),
        ("de", "126 Entfernungen", "97 bis 164 Entfernungen"),
    ):
        run = record(findings=(finding(comparisons=(), **told),))
        page = render(notebook(), run, site_title="s", locale=locale)
        assert f"<strong>{value}</strong>" in page
        assert ends in page
