"""Countries by their names, found in CLDR and nowhere else."""

from __future__ import annotations

import pytest

from analysis.project import territories
from analysis.sources.territories import fold, territory_code


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Japan", "JP"),
        ("UNITED STATES", "US"),
        ("Myanmar", "MM"),
        ("Turkey", "TR"),
        ("Türkiye", "TR"),
        ("Turkiye", "TR"),
        ("Cote d'Ivoire", "CI"),
        ("Bosnia and Herzegovina", "BA"),
        ("Laos", "LA"),
        ("Deutschland", "DE"),
        ("English", None),
        ("Other languages", None),
        ("Congo", None),  # two countries are called so
        ("European Union", None),
        ("", None),
    ],
)
def test_names(name: str, code: str | None) -> None:
    assert territory_code(name) == code


def test_every_english_name_of_cldr_finds_its_own_country() -> None:
    assert {name: territory_code(name) for name in territories().values()} == {
        name: code for code, name in territories().items()
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [("Video: Removal rate", "video removal rate"), ("A & B", "a and b"), (" x  y ", "X Y")],
)
def test_spellings_that_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)
