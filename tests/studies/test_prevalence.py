"""The prevalence study on the demo platform, against its recorded truth."""

from __future__ import annotations

import json
import re

import duckdb
import numpy as np
import pandas as pd
import pytest

from analysis.errors import NoData, UserError
from analysis.figures.displays import Table
from analysis.methods.label_error import Accuracy
from analysis.methods.sampling_design import Calibration
from analysis.metrics.estimate import estimate
from analysis.project import ROOT_VARIABLE, Project
from analysis.report.guarded import guard
from analysis.safeguards.disclosure import Rules
from analysis.studies import (
    Finding,
    core_metrics,
    open_study,
    prevalence,
    prevalence_design,
    prevalence_validation,
)
from analysis.studies.base import Study
from analysis.studies.prevalence_labels import few
from analysis.studies.shares import share_scale
from samples import code, notebook, show
from support import Checkout


def measured(market: str, **parameters: object) -> prevalence.Measured:
    given = {"window": "2026-W10", **parameters}
    study = open_study("prevalence", market=market, **given)
    return prevalence.estimate(study, prevalence.load(study))


def test_the_headline(demo_env: Project) -> None:
    found = measured("BR")
    finding = prevalence.headline(found)
    said = r"\d+ of [\d,]+ views in Brazil went to violating content in 2026-W10; between \d+ and"
    assert re.match(said, finding.text)
    assert finding.low < finding.value < finding.high
    assert finding.headline
    assert finding.comparisons[0].label == "2026-W09"
    truth = found.study.sql(
        "SELECT effect FROM demo_truth WHERE metric = ? AND market = 'BR' AND starts_at = ?",
        ("violative_view_rate", found.study.window.instants(found.study.market)[0]),
    )["effect"][0]
    assert finding.low < truth < finding.high


@pytest.mark.parametrize("market", ["BR", "JP", "US"])
def test_the_two_pages_rates_agree(demo_env: Project, market: str) -> None:
    """The ratio over distinct posts here, Hájek's over draws in core_metrics: their
    intervals overlap, and the latter's holds the former."""
    own = prevalence.headline(measured(market))
    study = open_study("core_metrics", market=market, window="2026-W10")
    loaded = core_metrics.load(study)
    other = estimate(loaded.rows, "violative_view_rate")
    low, high = other.limits(0)
    assert low is not None
    assert high is not None
    assert low <= own.high
    assert own.low <= high
    assert low <= own.value <= high


def test_a_window_without_draws_is_no_data(project: Project, demo: Project) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_PROJECT", str(demo.root))
        study = open_study("prevalence", market="NP", window="2024-W40")
        with pytest.raises(NoData, match="no labelled draws of Nepal in 2024-W40"):
            prevalence.load(study)


@pytest.mark.parametrize("market", ["JP", "NP", "US"])
def test_every_part_is_whole(demo_env: Project, market: str) -> None:
    """Sentences, tables and charts of markets large and small, with every zero kept."""
    found = measured(market, simulations=100)
    shown = [prevalence.trend(found), *prevalence.by_part(found), *prevalence.if_labels_err(found)]
    shown += [*prevalence.checks(found), *prevalence.validation(found)]
    for each in shown:
        if isinstance(each, Finding):
            assert "nan" not in each.text.lower()
            assert each.text.endswith(".")
    parts = [e.frame for e in shown if isinstance(e, Table) and e.name == "parts"]
    if not parts:  # every part of a market so small rests on fewer posts than may be shown
        assert market == "NP"
        return
    (frame,) = parts
    posts = found.study.sql(
        "SELECT DISTINCT topic FROM content WHERE content_id IN (SELECT content_id FROM exposure "
        "WHERE market = ? AND hour >= ? AND hour < ?)",
        (market, *found.study.window.instants(found.study.market)),
    )
    labelled = found.drawn.items()["topic"].value_counts()
    enough = set(labelled.index[labelled >= found.study.rules.minimum])
    assert enough == set(frame.loc[frame["dimension"] == "Topic", "level"]) <= set(posts["topic"])
    none = frame[frame["violating_posts"] == "0"]
    assert (none["high_share"] > 0).all()
    assert none["value_share"].isna().all()
    surfaces = frame[frame["dimension"] == "Surface"]
    assert 0 < surfaces["views_share"].sum() <= 1 + 1e-9


def test_no_small_count_is_shown_or_comes_back_from_a_sum(demo_env: Project) -> None:
    assert len(prevalence.by_part(measured("NP"))) == 1  # parts of fewer are not shown at all
    frame = prevalence.by_part(measured("JP"))[2].frame
    said = {"0", "fewer than 11", "11 to 49", "50 to 99", "100 or more"}
    assert set(frame["violating_posts"]) <= said
    assert set(frame["posts_labelled"]) <= {"11 to 49 *", "50 to 99 *", "100 or more"}
    assert "fewer than 11" not in set(frame["posts_labelled"])  # a rate of so few is not shown


def test_a_share_of_too_few_draws_comes_back_from_no_display(
    demo_env: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that is all of the market, a note, another estimator, the trend: none tells it."""
    found = measured("BR", simulations=100)
    rules = Rules(11, found.drawn.labelled + 1)
    monkeypatch.setattr(Study, "rules", property(lambda _: rules))
    shown = [prevalence.headline(found), prevalence.trend(found), *prevalence.by_part(found)]
    shown += [*prevalence.if_labels_err(found), *prevalence.checks(found)]
    kept, withheld = guard(notebook(code("x", *show(*shown))), None, rules)
    assert withheld.pictures == 1
    text, share = json.dumps(kept), found.share
    scale = share_scale(share.value, share.low, share.high)
    hajek = float(found.drawn.draws.hajek().value)
    for number in (*share.ends, hajek):
        assert repr(number) not in text
        assert f"{scale.short(number)}" not in text


def test_the_design_writes_ids_only(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(checkout.root))
    study = open_study("prevalence_design", market="BR", window="2026-W10", labels=60)
    plan = prevalence_design.plan(study, prevalence_design.load(study))
    said = prevalence_design.draw(plan)
    folder = checkout.root / "data" / "labelling" / "BR" / "2026-W10"
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(first) == ["draws.csv", "to_label.csv"]
    assert list(pd.read_csv(folder / "to_label.csv").columns) == ["content_id"]
    draws = pd.read_csv(folder / "draws.csv")
    assert len(draws) == plan.own.expected.draws
    assert draws["draw_id"].is_unique
    assert not {str(each) for each in draws["content_id"]} & set(re.findall(r"\d+", said.text))
    # The same run draws the same posts.
    prevalence_design.draw(prevalence_design.plan(study, prevalence_design.load(study)))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_from_a_design_to_its_labels_to_the_number(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A week without draws: designed, drawn, labelled, acquired, measured."""
    monkeypatch.setenv(ROOT_VARIABLE, str(checkout.root))
    study = open_study("prevalence_design", market="BR", window="2026-W10", labels=150)
    plan = prevalence_design.plan(study, prevalence_design.load(study))
    prevalence_design.draw(plan)
    truth = study.sql("SELECT content_id, policy, violates AS label FROM demo_truth_content")
    start, end = study.window.instants(study.market)
    drop = "DELETE FROM prevalence_draws WHERE market = 'BR' AND drawn_at >= ? AND drawn_at < ?"
    with duckdb.connect(str(checkout.root / "data" / "warehouse.duckdb")) as connection:
        connection.execute(drop, [start, end])
    folder = checkout.root / "data" / "labelling" / "BR" / "2026-W10"
    draws = pd.read_csv(folder / "draws.csv")
    labels = pd.read_csv(folder / "to_label.csv").merge(truth, how="left")
    labels["policy"] = labels["policy"].where(labels["label"].astype(bool))
    labels["label"] = labels["label"].astype(float)  # as pandas reads 0 and 1, one missing
    draws.merge(labels, how="left").to_csv(folder / "labelled.csv", index=False)
    said = checkout.study("acquire", "labelled_draws")
    assert f"{len(draws):,}" in said
    found = measured("BR", simulations=100)
    assert (found.drawn.labelled, found.drawn.unlabelled) == (len(draws), 0)
    finding = prevalence.headline(found)
    recorded = found.study.sql(
        "SELECT effect FROM demo_truth WHERE metric = ? AND market = 'BR' AND starts_at = ?",
        ("violative_view_rate", start),
    )["effect"][0]
    assert finding.value == pytest.approx(recorded, rel=0.05)
    # A second design in the same week has no weight together with the first.
    draws = draws.assign(
        draw_id=draws["draw_id"] + 1, draw_probability=draws["draw_probability"] / 2
    )
    draws.merge(labels, how="left").to_csv(folder / "labelled.csv", index=False)
    checkout.study("acquire", "labelled_draws")
    with pytest.raises(UserError, match=r"week of 2026-03-02 .* two designs"):
        measured("BR", simulations=100)


def test_a_sample_is_of_a_week(demo_env: Project) -> None:
    study = open_study("prevalence_design", market="BR", window="2026-02", labels=60)
    plan = prevalence_design.plan(study, prevalence_design.load(study))
    assert prevalence_design.draw(plan).text.startswith("Nothing is drawn: a sampling round is a")


def test_where_nothing_violates_the_validation_has_no_size(
    demo_env: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured("JP", simulations=100)
    none = Calibration(-1e9, 0.0, 0.0, 0.0)
    monkeypatch.setattr(prevalence_validation, "calibrated", lambda _: none)
    held = prevalence_validation.validate(found)
    assert np.isnan(held.realised)
    assert held.events == 0
    shown = prevalence_validation.validation_table(found, held).frame["value"]
    assert "nan" not in " ".join(shown)
    assert "not to be relied on" in prevalence_validation.validation_finding(found, held).text


def test_a_plan_for_a_precision(demo_env: Project) -> None:
    """Twice the precision needs more posts, and every design gets it at its own price."""
    made = []
    for precision in (0.5, 0.25):
        study = open_study("prevalence_design", market="BR", window="2026-W10", precision=precision)
        made.append(prevalence_design.plan(study, prevalence_design.load(study)))
    coarse, fine = made
    assert fine.own.expected.items > 1.3 * coarse.own.expected.items
    for plan in made:
        for design in plan.designs:
            assert design.expected.error <= plan.own.expected.error * (1 + 1e-9)
        assert plan.own.expected.items < plan.designs[1].expected.items


def test_more_labels_than_posts_take_nine_in_ten(demo_env: Project) -> None:
    study = open_study("prevalence_design", market="NP", window="2026-W10", labels=100_000)
    plan = prevalence_design.plan(study, prevalence_design.load(study))
    assert plan.own.expected.items <= 0.9 * len(plan.loaded.frame)
    said = prevalence_design.expectation(plan)
    assert "100,000 labels were asked for; Nepal has" in said.notes[1]


def test_an_accuracy_of_few_items_is_not_told(demo_env: Project) -> None:
    found = measured("JP")
    (finding,) = prevalence.if_labels_err(found)  # and no table, of fewer than 100 each
    assert isinstance(finding, Finding)
    assert "Too few items with a known answer were rated" in finding.text
    assert not few(Accuracy(120, 140), Rules())
    assert few(Accuracy(135, 140), Rules())  # 5 wrong ones
    assert few(Accuracy(60, 80), Rules())
