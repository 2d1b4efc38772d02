"""Moderation quality: what it finds in the real judgments, where it is silent, what it may show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import NoData
from analysis.figures.displays import Figure, Table
from analysis.project import ROOT_VARIABLE, Project
from analysis.sources.load import acquire
from analysis.studies import Finding, open_study
from analysis.studies import moderation_quality as quality
from analysis.studies.check import check_study
from analysis.studies.moderation_quality import Quality
from support import CHECKOUT, copy_project, missing

WINDOW = "2022-Q1"


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[Project]:
    """A project that holds the real judgments, and nothing else."""
    folder = real_data / "moderation_labels"
    if not folder.is_dir():
        missing(f"no judgments in {folder}")
    project = copy_project(tmp_path_factory.mktemp("judged"))
    acquire(project, "multilingual_hatecheck", where=str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(project.root))
        patch.delenv("STUDY_WAREHOUSE", raising=False)
        yield project


def opened(market: str, window: str) -> Quality:
    study = open_study("moderation_quality", market=market, window=window)
    return quality.estimate(quality.load(study))


@pytest.fixture(scope="module")
def french(judged: Project) -> Quality:
    return opened("FR", WINDOW)


def said(found: Quality) -> dict[str, Finding]:
    return {finding.name: finding for finding in quality.main_points(found)}


def test_the_three_files_hold_together() -> None:
    assert list(check_study(Project(CHECKOUT), "moderation_quality")) == []


# --- the real judgments ----------------------------------------------------------------------


def test_the_rates_are_those_of_the_file(french: Quality, real_data: Path) -> None:
    rows = pd.read_csv(real_data / "moderation_labels" / "mhc_annotations_timed.csv.gz")
    rows = rows[rows["language"].eq("french") & rows["label_gold"].notna()]
    harmless = rows[rows["label_gold"].eq("non-hateful")]
    violating = rows[rows["label_gold"].eq("hateful")]
    strict, lenient = french.own
    assert strict.value == pytest.approx(harmless["label"].eq("hateful").mean(), abs=1e-12)
    assert lenient.value == pytest.approx(violating["label"].ne("hateful").mean(), abs=1e-12)
    table = quality.rates(french).frame.set_index("rate")["value"]
    right = rows["label"].eq(rows["label_gold"]).mean()
    assert table["Accuracy"] == pytest.approx(right, abs=1e-12)
    assert table["Specificity"] == pytest.approx(1 - strict.value, abs=1e-12)
    assert table["Sensitivity"] == pytest.approx(1 - lenient.value, abs=1e-12)


def test_it_says_by_itself_which_languages_deviate_and_how(french: Quality) -> None:
    """By the file: harmless items are called hateful in 58 % of French judgments and 8 to 23 %
    of others; hateful ones are missed in 18 % of Mandarin's, 13 % of Dutch, 2 to 7 % of most."""
    strict, lenient = french.languages
    assert [each.name for each in strict.worse] == ["French", "Arabic"]
    assert [each.name for each in lenient.worse] == ["Chinese", "Dutch", "German"]
    assert [each.name for each in strict.worse if each.stands_out] == ["French"]
    assert not any(each.stands_out for each in lenient.worse)
    point = said(french)["languages"]
    assert point.headline
    assert (point.value, point.verdict, point.meaning) == (5, "up", "worse")
    assert re.search(r"Too strict \(.*\): French 58\.1%, which stands out; Arabic", point.text)
    assert re.search(r"Too lenient \(.*\): Chinese 17\.6%; Dutch 12\.9%; German", point.text)


def test_accuracy_alone_would_hide_it(french: Quality) -> None:
    """French and Mandarin are nearly as accurate as each other, and err on opposite sides."""
    chinese = opened("CN", WINDOW)
    accuracy = [
        quality.rates(each).frame.set_index("rate")["value"]["Accuracy"]
        for each in (french, chinese)
    ]
    assert abs(accuracy[0] - accuracy[1]) < 0.06
    assert [each.verdict for each in french.own] == ["up", "no_change"]
    assert [each.verdict for each in chinese.own] == ["no_change", "up"]
    assert "too strict" in said(french)["over_enforcement"].text
    assert "too lenient" in said(chinese)["leakage"].text


def test_it_says_which_kinds_of_items_deviate(french: Quality) -> None:
    found = {(each.own.attribute, each.own.side.name): each for each in french.kinds}
    strict = found["functionality", "over_enforcement"]
    assert [each.name for each in strict.own.worse] == [
        "target_indiv_nh", "target_group_nh", "counter_quote_nh",
    ]  # fmt: skip
    assert [each.name for each in found["functionality", "leakage"].own.worse] == ["slur_h"]
    assert {each.name for each in strict.called} == {
        "target_group_nh", "target_indiv_nh", "counter_ref_nh",
    }  # fmt: skip
    assert [each.name for each in found["functionality", "leakage"].called] == ["slur_h"]
    points = said(french)
    assert "target_indiv_nh 82.1%" in points["kinds"].text
    assert "slur_h (too lenient, 30.4% in the mean of 10 languages)" in (
        points["kinds_in_all_languages"].text
    )


def test_a_target_deviates_in_one_language_alone(judged: Project) -> None:
    """In Mandarin hate against women is missed most; no target deviates over all languages."""
    chinese = opened("CN", WINDOW)
    found = {(each.own.attribute, each.own.side.name): each for each in chinese.kinds}
    assert [each.name for each in found["target", "leakage"].own.worse] == ["women"]
    assert not any(each.called for (name, _), each in found.items() if name == "target")


def test_what_keeps_intervals_from_being_trusted_is_said(french: Quality) -> None:
    for name in ("over_enforcement", "leakage"):
        notes = " ".join(said(french)[name].notes)
        assert "do not say whose they are" in notes
        assert "one template" in notes


def test_a_territory_takes_the_judgments_in_its_languages(judged: Project) -> None:
    with pytest.raises(NoData, match=r"none of no market in Japanese; there are some in Arabic"):
        opened("JP", WINDOW)
    assert quality.load(
        open_study("moderation_quality", market="IN", window=WINDOW)
    ).languages == ("hi",)  # fmt: skip


# --- the demo platform, where languages do not differ -----------------------------------------


@pytest.mark.parametrize("market", ["BR", "US", "JP"])
def test_where_no_language_deviates_it_is_silent(demo_env: Project, market: str) -> None:
    """The demo's raters have skills of one distribution in every language."""
    found = opened(market, "2025-Q4")
    points = said(found)
    assert points["languages"].verdict in ("no_change", "unclear")
    assert points["languages"].value in (0, None)
    shown = [quality.rates(found), *quality.languages(found), *quality.kinds(found)]
    for each in (*points.values(), *shown):
        if isinstance(each, Finding):
            assert "nan" not in each.text
        else:
            assert isinstance(each, Figure | Table)
