"""Moderation quality: what it finds in the real judgments, where it is silent, what it may show."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NoData
from analysis.figures.displays import Figure, Table
from analysis.metrics.cube import open_cubes
from analysis.metrics.estimate import estimate
from analysis.project import ROOT_VARIABLE, Project
from analysis.sources.load import acquire
from analysis.studies import Finding, open_study
from analysis.studies import moderation_quality as quality
from analysis.studies.check import check_study
from analysis.studies.moderation_quality import Quality
from analysis.studies.quality_appeals import appeals_finding, load_appealed
from analysis.studies.quality_teams import people as find_people
from analysis.studies.quality_waits import load_waits, service_level
from analysis.warehouse import open_warehouse
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
    shown = quality.rates(french)
    assert isinstance(shown, Table)
    table = shown.frame.set_index("rate")["value"]
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
        "abuse of individuals",
        "abuse of groups that are not protected",
        "counter speech that quotes hate",
    ]
    assert [each.name for each in found["functionality", "leakage"].own.worse] == ["slurs"]
    assert {each.name for each in strict.called} == {
        "abuse of groups that are not protected",
        "abuse of individuals",
        "counter speech that refers to hate",
    }
    assert [each.name for each in found["functionality", "leakage"].called] == ["slurs"]
    points = said(french)
    assert "abuse of individuals 82.1%" in points["kinds"].text
    assert "slurs (too lenient, 30.4% in the mean of 10 languages)" in (
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


def test_without_enough_known_answers_no_rate_is_shown(demo_env: Project) -> None:
    """A week of a small market has labels, and next to no items of known answer."""
    found = quality.rates(opened("JP", "2026-W10"))
    assert isinstance(found, Finding)
    assert found.verdict == "unclear"
    assert "Fewer than 11 items" in found.text


# --- agreement, teams, appeals and times on the demo platform ---------------------------------


@pytest.fixture
def brazil(demo_env: Project) -> Quality:
    return opened("BR", "2025-01-01..2026-01-01")


def truth(project: Project, query: str) -> pd.DataFrame:
    with open_warehouse(project) as warehouse:
        return warehouse.frame(query)


def test_bounds_hold_the_decisions_that_were_wrong(brazil: Quality, demo_env: Project) -> None:
    """The demo overturns 0.80 of the wrongful actions that are appealed and 0.06 of the others."""
    found = load_appealed(brazil.labels)
    assert found is not None
    actions = truth(
        demo_env,
        "SELECT t.violates FROM decisions AS d JOIN demo_truth_content AS t USING (content_id) "
        "WHERE d.market = 'BR' AND d.action <> 'no_action' AND d.decided_at < '2026-01-01'",
    )
    would = np.where(actions["violates"], 0.06, 0.80).mean()
    worst, monotone = found.bounds.worst, found.bounds.monotone
    assert worst.low < would < worst.high
    assert monotone.interval_low < would < monotone.interval_high
    assert found.among_decided > would  # the wronged appeal more: their share is no estimate
    many = replace(found, decisions=2000, appealed=520, overturned=200, upheld=300)
    said = appeals_finding(brazil.labels, many).text
    assert "Of decided appeals 40.0% were overturned, which is not that share." in said
    few = replace(found, overturned=20, upheld=40)  # a share of 60
    assert "which is not that share" not in appeals_finding(brazil.labels, few).text


def test_reports_in_time_are_those_of_the_catalogue(brazil: Quality, demo_env: Project) -> None:
    """`service_level` leaves out reports whose day is not over; a year before they are few."""
    waits = {each.name: each for each in load_waits(brazil.labels)}
    assert set(waits) == {"reports", "appeals", "removals", "handling"}
    level = service_level(brazil.labels, waits["reports"])
    cubes = open_cubes(demo_env)
    rows = cubes.slice(brazil.labels.study.market, [brazil.labels.study.window])
    other = estimate(rows, "service_level").value(0)
    assert level.share[0] == pytest.approx(other, abs=0.01)
    assert level.low[0] < other < level.high[0]
    table = next(each for each in quality.waits(brazil) if isinstance(each, Table))
    assert table.frame["title"].iloc[0] == "Report to decision"


def test_latent_truth_is_held_against_known_answers(brazil: Quality) -> None:
    pytest.importorskip("crowdkit", reason="the extra `raters` is not installed")
    shown = {each.name: each for each in quality.agreement(brazil) if isinstance(each, Finding)}
    latent = shown["latent_truth"]
    few = "Too few items have a known answer to say how often the two agree."
    agrees = re.search(r"agrees with (\d+\.\d)% of ([\d,]+) known answers", latent.text)
    assert agrees is not None or few in latent.text
    if agrees is not None:
        assert float(agrees[1]) > 90
        assert int(agrees[2].replace(",", "")) >= brazil.labels.base
    assert latent.low is None
    assert "independently" in latent.notes[0]
    alpha = shown["agreement"]
    assert alpha.value is not None
    assert alpha.low < alpha.value < alpha.high


def test_without_crowd_kit_one_line_says_so(
    brazil: Quality, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "crowdkit.aggregation", None)
    shown = {each.name: each for each in quality.agreement(brazil) if isinstance(each, Finding)}
    assert "extra `raters`" in shown["latent_truth"].text
    assert shown["latent_truth"].verdict == "unclear"
    assert shown["agreement"].value is not None


def everything(found: Quality) -> list[Finding | Figure | Table]:
    parts = (quality.languages, quality.kinds, quality.teams, quality.agreement, quality.appeals,
             quality.waits)  # fmt: skip
    return [
        *quality.main_points(found),
        quality.rates(found),
        *(x for p in parts for x in p(found)),
    ]


def test_nobodys_id_and_no_small_cell_leaves_the_kernel(brazil: Quality) -> None:
    """Every display as it is stored: no id of a reviewer or item, and no reviewer on few labels."""
    shown = everything(brazil)
    stored = json.dumps([each._repr_mimebundle_() for each in shown], default=str)
    ids = brazil.labels.rows[["rater_id", "item_id"]].stack().astype("int64").unique()
    digits = set(re.findall(r"\d{6,}", stored))
    assert not digits & set(map(str, ids))
    assert "reviewers" in {getattr(each, "name", "") for each in shown}
    for each in shown:
        if isinstance(each, Figure | Table) and "labels" in (
            frame := each.data if isinstance(each, Figure) else each.frame
        ):
            assert frame["labels"].min() >= brazil.labels.cell


def test_few_reviewers_are_not_shown_at_all(brazil: Quality) -> None:
    """Ten people: who is who could be guessed, however much each of them labelled."""
    labels, numbers = brazil.labels, np.arange(len(brazil.labels.rows))
    for count, shown in ((10, False), (11, True)):
        dealt = replace(labels, rows=labels.rows.assign(rater_id=numbers % count))
        assert (find_people(dealt) is not None) == shown


def test_a_reviewer_is_shown_only_on_labels_and_errors_enough(brazil: Quality) -> None:
    """Each of 12 people labels all; two of them err on 1 to 10 labels and are left out."""
    numbers = np.arange(12 * 200)
    wrong = np.where(numbers % 12 < 2, 4, 30)
    rows = pd.DataFrame(
        {
            "item_id": numbers // 12, "rater_id": numbers % 12, "policy": "spam", "language": "pt",
            "market": "BR", "label": numbers // 12 < wrong, "gold_label": False, "weight": np.nan,
            "attributes": None,
        }
    )  # fmt: skip
    labels = replace(brazil.labels, rows=rows, own=np.ones(len(rows), dtype=bool))
    found = find_people(labels)
    assert found is not None
    assert (len(found.trials), int(found.shown.sum())) == (12, 0)  # ten are left: none is shown
    errs = rows["label"].where(rows["rater_id"] > 0, numbers // 12 < 30)
    found = find_people(replace(labels, rows=rows.assign(label=errs)))
    assert found is not None
    assert int(found.shown.sum()) == 11
    assert len(found.frame) == 11


def test_what_is_said_of_every_finding_is_whole(brazil: Quality) -> None:
    for each in everything(brazil):
        if isinstance(each, Finding):
            assert each.text.endswith(".")
            assert "nan" not in each.text
            assert each.low is None or each.low <= each.value <= each.high
        elif isinstance(each, Figure):
            assert len(each.alt) > 60
            assert "nan" not in each.alt
            assert len(each.data)


def test_hostile_attributes_are_texts(brazil: Quality) -> None:
    """Names and kinds come from data: markup, broken JSON, numbers and lengths are let go."""
    labels = brazil.labels
    given = labels.rows["item_id"].map(
        lambda item: (
            '{"<script>alert(1)</script>": "<b onmouseover=x>", "../../etc": "a"}',
            '{"<script>alert(1)</script>": "' + "long" * 60 + '", "../../etc": "b", "n": 3}',
            "{broken",
            "[1, 2]",
        )[item % 4]
    )
    hostile = quality.estimate(replace(labels, rows=labels.rows.assign(attributes=given)))
    assert set(hostile.labels.kinds) <= {"policy", "<script>alert(1)</script>", "../../etc"}
    for each in quality.kinds(hostile):
        assert re.fullmatch(r"[a-z0-9_]+", each.name)
        if isinstance(each, Figure):
            assert "<script" not in each.svg
            assert "<b " not in each.svg
