"""The benchmark on the real files, for every market; and on figures whose answer is known."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NoData, UserError
from analysis.figures.displays import Figure, Table
from analysis.project import ROOT_VARIABLE, Project
from analysis.sources.published import acquire_published
from analysis.studies import Finding, Study, open_study
from analysis.studies import enforcement_benchmark as benchmark
from analysis.studies.benchmark_drivers import driver_finding, furthest, split_gap
from analysis.studies.benchmark_standing import positions, shares, standings
from analysis.studies.published import Quarter
from support import copy_project


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory, real_data: Path) -> Iterator[Project]:
    """A project with the real files loaded, which studies of this module find."""
    project = copy_project(tmp_path_factory.mktemp("benchmark"))
    acquire_published(project, real_data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ROOT_VARIABLE, str(project.root))
        patch.delenv("STUDY_WAREHOUSE", raising=False)
        yield project


def opened(market: str, **parameters: Any) -> tuple[Study, benchmark.Benchmark]:
    study = open_study("enforcement_benchmark", market=market, **parameters)
    return study, benchmark.estimate(study, benchmark.load(study))


def displays(study: Study, found: benchmark.Benchmark) -> list[Finding | Figure | Table]:
    parts = (benchmark.standing, benchmark.drivers, benchmark.restatements)
    return [each for part in parts for each in part(study, found)]


# --- the real files --------------------------------------------------------------------------


def test_every_market_of_the_vintage(loaded: Project) -> None:
    """All fifty: the sentences are whole, the parts add up, at most six main points."""
    first = benchmark.load(open_study("enforcement_benchmark", market="JP"))
    markets = list(first.totals("proactive_removal_rate").index)
    assert len(markets) == 50
    unusual = 0
    for market in markets:
        study = open_study("enforcement_benchmark", market=market)
        quarter = benchmark.load(study)
        found = standings(study, quarter)
        findings = positions(study, quarter, found)
        assert len(findings) == len({f.name for f in findings}) == 5
        farthest = furthest(found, "furthest")
        assert farthest is not None
        drivers = split_gap(study, quarter, farthest)
        assert drivers is not None
        findings.append(driver_finding(study, drivers))
        assert sum(finding.headline for finding in findings) <= 6
        for finding in findings:
            assert re.match(r"\d", finding.text), finding.text
            assert "nan" not in finding.text.lower()
            assert finding.text.endswith(".")
        parts = drivers.parts
        whole = parts.mix.sum() + parts.rate.sum() + parts.residual
        assert whole == pytest.approx(farthest.value - drivers.average, abs=1e-12)
        unusual += sum(each.verdict in ("up", "down") for each in found)
    # 250 standings at a range of 95%: about 12 by chance, and most markets are ordinary.
    assert 8 <= unusual <= 25


def test_japan(loaded: Project) -> None:
    """The numbers as anyone can read them off the published file."""
    study, found = opened("JP")
    shown = {each.name: each for each in displays(study, found)}
    proactive = shown["proactive_removal_rate"]
    assert isinstance(proactive, Finding)
    assert proactive.text == (
        "84.9% of the videos removed were taken down before anyone reported them: Japan ranks "
        "2nd lowest of 50 markets. Usual is 84.7% to 99.5% (95% of markets)."
    )
    assert (proactive.value, proactive.verdict, proactive.meaning) == (
        0.849,
        "no_change",
        "neutral",
    )
    (against,) = proactive.comparisons
    assert against.value == pytest.approx(0.973)
    assert against.difference == pytest.approx(0.849 - 0.973)
    assert against.low is not None
    assert against.low < 0
    before_views = shown["removal_rate_before_views"]
    assert isinstance(before_views, Finding)
    assert (before_views.value, before_views.verdict) == (0.436, "down")
    assert before_views.meaning == "worse"
    automation = shown["automation_share"]
    assert isinstance(automation, Finding)
    assert automation.value == pytest.approx(523_604 / 1_111_969)
    volume = shown["removal_rate_of_published"]
    assert isinstance(volume, Finding)
    assert "1,111,969 in all: Japan ranks 4th highest of 50 markets" in volume.text
    restated = shown["restated_figures"]
    assert isinstance(restated, Finding)
    assert restated.value == 0
    assert restated.text.startswith("None of the 1,850 figures that both the 2023-Q2 and")


def test_what_is_shown_carries_its_words_and_data(loaded: Project) -> None:
    study, found = opened("BR")
    shown = displays(study, found)
    names = [each.name for each in shown]
    assert len(names) == len(set(names))
    assert names[5:9] == ["standing", "standing_table", "gap_drivers", "gap_by_category"]
    figures = [each for each in shown if isinstance(each, Figure)]
    assert len(figures) == 2
    for figure in figures:
        assert len(figure.svg) < 60_000
        assert "Brazil" in figure.title
        assert "Enforcement Report" in figure.caption
        assert len(figure.data) >= 6
        assert figure.alt.count(";") >= 4


def test_the_notebook_runs_and_shows_it_all(
    loaded: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its cells one after another, as a kernel would run them; papermill is the runner's test."""
    cells = json.loads((loaded.notebooks / "enforcement_benchmark.ipynb").read_text("utf-8"))[
        "cells"
    ]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space: dict[str, Any] = {}
    for source in code:
        exec(compile(source, "enforcement_benchmark.ipynb", "exec"), space)  # noqa: S102
    said = capsys.readouterr().out
    assert "84.9% of the videos removed" in said
    assert "None of the 1,850 figures" in said
    assert 10 <= len(cells) <= 15


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"market": "SE"}, "TikTok published no figures of Sweden for 2023-Q3 in its 2023-Q3"),
        ({"market": "IS"}, "TikTok published no figures of Iceland for 2023-Q3"),
        ({"market": "JP", "window": "2022-Q4"}, "no figures of Japan for 2022-Q4"),
        ({"market": "JP", "window": "2019-Q1"}, "no published figures of TikTok for 2019-Q1"),
    ],
)
def test_a_market_or_quarter_without_figures_is_no_data(
    loaded: Project, parameters: dict[str, str], problem: str
) -> None:
    with pytest.raises(NoData, match=problem):
        benchmark.load(open_study("enforcement_benchmark", **parameters))


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ({"window": "2023-07"}, "'2023-07' is no quarter; published figures come by quarter"),
        ({"vintage": "2023-Q4"}, "vintage: '2023-Q4' is not known; did you mean '2023-Q3'?"),
        ({"publisher": "meta"}, "publisher: 'meta' given; Input should be 'tiktok'"),
        ({"explain": "luck"}, "explain: 'luck' given"),
        ({"window": "2023-Q4"}, "lies in the future"),
    ],
)
def test_mistakes_are_said(loaded: Project, parameters: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError) as caught:
        benchmark.load(open_study("enforcement_benchmark", market="JP", **parameters))
    assert problem in str(caught.value)


def test_a_quarter_without_category_shares_says_so(loaded: Project) -> None:
    study, found = opened("DE", window="2023-Q1")
    assert found.drivers is None
    assert found.quarter.vintage == "2023-Q3"
    (finding,) = benchmark.drivers(study, found)
    assert isinstance(finding, Finding)
    assert finding.verdict == "unclear"
    assert "No shares of categories are published for Germany" in finding.text


def test_an_older_vintage_has_nothing_before_it(loaded: Project) -> None:
    study, found = opened("DE", window="2023-Q2", vintage="2023-Q2")
    assert found.earlier is None
    (finding,) = benchmark.restatements(study, found)
    assert isinstance(finding, Finding)
    assert (finding.value, finding.verdict) == (None, "unclear")


def test_without_any_warehouse_it_is_no_data(project: Project) -> None:
    study = open_study("enforcement_benchmark", market="JP")
    with pytest.raises(NoData, match=r"no published figures of TikTok.*study acquire published"):
        benchmark.load(study)


# --- figures whose answer is known -----------------------------------------------------------

CODES = [f"{a}{b}" for a in "ABCDE" for b in "ABCD"]


def quarter(shift: float = 0.0, mix: float = 0.0) -> Quarter:
    """Twenty markets; AA has another rate in one category, or more of it."""
    random = np.random.default_rng(11)
    rows: list[tuple[str, str, str | None, str | None, float]] = []
    for code in CODES:
        own = code == "AA"
        share = 0.5 + mix * own
        rates = {"Calm": 0.95, "Wild": 0.85 + shift * own + random.normal(0, 0.001)}
        weights = {"Calm": 1 - share, "Wild": share}
        total = sum(rates[name] * weights[name] for name in rates)
        rows += [("removal_rate_within_24h", code, name, None, rates[name]) for name in rates]
        rows += [("category_share", code, name, None, weights[name]) for name in rates]
        rows.append(("removal_rate_within_24h", code, None, None, total))
        rows.append(("videos_removed", code, None, None, 1000))
        rows.append(("videos_removed", code, None, "automation", 600 + random.integers(0, 9)))
    columns = ["metric", "market", "policy", "automation", "value"]
    return Quarter("2023-Q3", pd.DataFrame(rows, columns=columns))


STUDY: Any = SimpleNamespace(
    market=SimpleNamespace(code="AA", name="Aland"),
    window="2023-Q3",
    spec=SimpleNamespace(thresholds={"range": 0.95, "least_peers": 10}),
)


def explained(given: Quarter) -> Any:
    standing = furthest(standings(STUDY, given), "removal_rate_within_24h")
    assert standing is not None
    return split_gap(STUDY, given, standing)


def test_another_rate_is_found_as_a_rate() -> None:
    found = explained(quarter(shift=-0.10))
    assert found.gap == pytest.approx(-0.05, abs=0.001)
    assert found.parts.rate.sum() == pytest.approx(-0.05, abs=0.001)
    assert found.parts.mix.sum() == pytest.approx(0, abs=1e-9)
    assert found.parts.residual == pytest.approx(0, abs=1e-9)
    assert [name for name, _ in found.named] == ["Wild"]
    assert found.standing.verdict == "down"
    assert driver_finding(STUDY, found).headline


def test_another_mix_is_found_as_mix() -> None:
    found = explained(quarter(mix=0.3))
    assert found.gap == pytest.approx(-0.03, abs=0.001)
    assert found.parts.mix.sum() == pytest.approx(-0.03, abs=0.001)
    assert found.parts.rate.sum() == pytest.approx(0, abs=0.001)


def test_totals_that_categories_do_not_give_are_left_open() -> None:
    given = quarter(shift=-0.02)
    total = given.figures["policy"].isna() & (given.figures["market"] == "AA")
    total &= given.figures["metric"] == "removal_rate_within_24h"
    given.figures.loc[total, "value"] -= 0.1
    found = explained(given)
    assert found.parts.residual == pytest.approx(-0.1, abs=1e-9)
    assert found.named == []
    assert "too much open to name a category" in driver_finding(STUDY, found).text


def test_an_ordinary_market_is_not_called_unusual() -> None:
    found = standings(STUDY, quarter())
    assert [each.measure.name for each in found] == ["removal_rate_within_24h", "automation_share"]
    assert {each.verdict for each in found} == {"no_change"}
    assert not driver_finding(STUDY, explained(quarter())).headline


def test_with_few_markets_nothing_is_said_of_their_spread() -> None:
    given = quarter(shift=-0.10)
    few = Quarter("2023-Q3", given.figures[given.figures["market"].isin(CODES[:6])])
    (rate, _) = standings(STUDY, few)
    assert rate.peers is None
    finding = positions(STUDY, few, [rate])[0]
    assert (finding.verdict, finding.comparisons) == ("unclear", ())
    assert "lowest of 6 markets" in finding.text


def test_shares_are_read_from_totals_alone() -> None:
    table = shares(quarter())
    assert list(table.index) == CODES
    assert table["automation_share"].between(0.6, 0.609).all()
    assert table["proactive_removal_rate"].isna().all()
