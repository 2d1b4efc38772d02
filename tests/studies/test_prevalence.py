"""The prevalence study on the demo platform, against its recorded truth."""

from __future__ import annotations

import re

import pytest

from analysis.errors import NoData
from analysis.project import Project
from analysis.studies import open_study, prevalence


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


def test_a_window_without_draws_is_no_data(project: Project, demo: Project) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STUDY_PROJECT", str(demo.root))
        study = open_study("prevalence", market="NP", window="2024-W40")
        with pytest.raises(NoData, match="no labelled draws of Nepal in 2024-W40"):
            prevalence.load(study)
