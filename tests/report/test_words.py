"""Verdicts, numbers and dates in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from babel import Locale
from babel.numbers import format_decimal, format_percent

from analysis.figures.shapes import share_decimals
from analysis.report.verdicts import beyond, finding_mark, run_mark, telling
from analysis.report.words import Words, command, words
from analysis.studies.findings import Finding
from samples import calm, finding, record

ENGLISH = words("en")


def with_year(verdict: str, meaning: str = "neutral") -> Finding:
    """A finding that is steady against the window before and says this of the year before."""
    year = calm().comparisons[0].model_copy(update={"verdict": verdict, "meaning": meaning})
    return calm().model_copy(update={"comparisons": (*calm().comparisons, year)})


def test_the_telling_comparison_is_the_first_that_moved() -> None:
    assert telling(calm()) == calm().comparisons[0]
    moved = with_year("down", "worse")
    assert telling(moved) == moved.comparisons[1]
    assert finding_mark(moved).word == "Lower, worse"
    assert telling(finding(comparisons=())) is None


@pytest.mark.parametrize(
    ("findings", "word", "tone"),
    [
        ((), "Measured", "calm"),
        ((calm(),), "No clear difference", "calm"),
        ((finding(), calm()), "1 worse", "worse"),
        ((finding(meaning="better"), finding()), "1 worse, 1 better", "worse"),
        ((finding(meaning="better"),), "1 better", "better"),
        ((finding(meaning="neutral"), finding(meaning="neutral")), "2 stand out", "moved"),
        ((with_year("up", "better"),), "1 better", "better"),
        ((finding(verdict="unclear", comparisons=()),), "Too little data", "unclear"),
        ((finding(headline=False),), "Measured", "calm"),
    ],
)
def test_a_run_is_marked_by_its_main_points(
    findings: tuple[Finding, ...], word: str, tone: str
) -> None:
    found = run_mark(record(findings=findings))
    assert (found.word, found.tone) == (word, tone)


def test_how_far_a_change_lies_beyond_is_measured_to_the_nearer_end() -> None:
    told = finding().comparisons[0]
    assert beyond(told) == pytest.approx(0.0003 / 0.0002)
    skewed = told.model_copy(update={"low": 0.0002, "high": 0.0090})
    assert beyond(skewed) == pytest.approx(3)
    fall = told.model_copy(update={"difference": -0.0003, "low": -0.0090, "high": -0.0002})
    assert beyond(fall) == pytest.approx(3)
    within = told.model_copy(update={"low": -0.0003})
    assert beyond(within) == pytest.approx(0.5)
    assert beyond(None) is beyond(told.model_copy(update={"difference": None})) is None
    assert beyond(told.model_copy(update={"low": None, "high": None})) is None
    assert beyond(told.model_copy(update={"low": 0.0003, "high": 0.0003})) is None


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        (date(2026, 3, 2), date(2026, 3, 3), "Monday, March 2, 2026"),
        (date(2026, 3, 2), date(2026, 3, 9), "Mon, Mar 2\u2009–\u2009Sun, Mar 8, 2026"),
        (date(2025, 12, 29), date(2026, 1, 5), "Mon, Dec 29, 2025\u2009–\u2009Sun, Jan 4, 2026"),
    ],
)
def test_a_period_includes_its_last_day(start: date, end: date, said: str) -> None:
    assert ENGLISH.period(start, end) == said


def test_instants_are_in_utc_whatever_zone_they_came_in() -> None:
    instant = datetime.fromisoformat("2026-03-02T00:00+09:00")
    assert ENGLISH.instant(instant) == "Mar 1, 2026, 15:00"


@pytest.mark.parametrize(
    ("unit", "value", "said"),
    [
        ("share", 0.00172, "0.172%"),
        ("per_million", 3222.4, "3,222 per million"),
        ("hours", 2.04, "2.04 hours"),
        ("count", 12345, "12,345"),
        ("ratio", 1.5, "1.5"),
        ("rank", 49, "rank 49"),
        ("share", None, "–"),
    ],
)
def test_numbers_have_their_unit(unit: str, value: float | None, said: str) -> None:
    assert ENGLISH.value(value, unit) == said  # type: ignore[arg-type]


def test_intervals_say_their_unit_once() -> None:
    rate = finding(unit="per_million", value=3222, low=2737, high=3886)
    assert ENGLISH.interval(rate) == "95% interval 2,737 to 3,886 per million"
    assert ENGLISH.interval(finding(confidence=None)) == "0.150% to 0.190%"
    assert ENGLISH.interval(finding(low=None)) == ""


def test_the_command_is_safe_to_paste() -> None:
    variant = record(
        variant="v", parameters={"market": "JP", "note": "a b; rm -rf /", "none": None}
    )
    assert command(variant).endswith("--window 2026-W10 -p 'note=a b; rm -rf /'")
    assert command(record()) == "study run core_metrics --market JP --window 2026-W10"


@pytest.mark.parametrize(
    ("locale", "lang", "direction"),
    [("en", "en", "ltr"), ("pt_BR", "pt-BR", "ltr"), ("ar", "ar", "rtl")],
)
def test_locales_bring_their_language_and_direction(locale: str, lang: str, direction: str) -> None:
    found: Words = words(locale)
    assert (found.lang, found.direction) == (lang, direction)
    assert found.period(date(2026, 3, 2), date(2026, 3, 9))
    assert found.instant(datetime(2026, 3, 2, tzinfo=UTC))


@pytest.mark.parametrize("locale", ["en", "de", "es_MX", "es", "ja", "pt_BR", "ar_EG", "ar"])
def test_numbers_are_written_as_babel_writes_them(locale: str) -> None:
    said, symbols = words(locale), Locale.parse(locale)
    for value in (0.00172, 0.5, 1.0, -0.034, -0.5):
        places = share_decimals(value)
        pattern = symbols.percent_formats[None].pattern.replace("0", f"0.{places * '0'}")
        assert said.shown(value, "share") == format_percent(value, pattern, locale=symbols)
    for count in (0, 7, 999, 1234, 1234567, -45678):
        pattern = symbols.decimal_formats[None].pattern.partition(".")[0]
        assert said.shown(count, "count") == format_decimal(count, pattern, locale=symbols)


def test_a_percentage_keeps_its_sign_after_it_among_words_from_right_to_left() -> None:
    """The mark (LRM) has the letters around it not turn `8.46%` into `%8.46` (UAX 9, rule W2)."""
    assert words("ar_EG").ends(0.04, 0.0846, "share").split() == [
        "\u200e4.00%",
        "to",
        "\u200e8.46%",
    ]
    assert words("ar_EG").value(12, "count") == "12"
