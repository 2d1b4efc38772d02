"""A metric by the levels of a dimension: outcomes are parts of the whole, places have their own."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from analysis.cli import app
from analysis.errors import UserError
from analysis.methods.buckets import Replicated, ratio
from analysis.methods.intervals import Interval
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.estimate import Series
from analysis.project import Project
from analysis.safeguards.disclosure import Rules
from analysis.studies.one_by_level import WHOLE, ask_by_level, withheld
from analysis.studies.one_metric import ask_metric
from support import CHECKOUT

RATE, MARKET, WINDOW = "violative_view_rate", "JP", "2025-Q4"


def test_policies_rates_add_up_to_the_rate_of_all(demo_env: Project) -> None:
    asked = ask_by_level(demo_env, RATE, MARKET, WINDOW, "policy")
    values = [series.value(0) for series in asked.series.values()]
    assert len(values) > 3
    assert values == sorted(values, reverse=True)
    whole = ask_metric(demo_env, RATE, MARKET, WINDOW).finding.value
    assert sum(values) == pytest.approx(whole, rel=1e-9)
    for series in asked.series.values():
        low, high = series.limits(0)
        assert low is not None
        assert high is not None
        assert low <= series.value(0) < high


def test_a_policy_without_a_case_is_bounded_and_not_called_safe(demo_env: Project) -> None:
    asked = ask_by_level(demo_env, RATE, MARKET, WINDOW, "policy")
    none = [level for level, series in asked.series.items() if series.value(0) == 0]
    assert none
    said = {line.split()[0]: line for line in asked.lines() if line}
    assert all("At most" in said[level] and "none was seen" in said[level] for level in none)


def test_surfaces_have_rates_of_their_own(demo_env: Project) -> None:
    asked = ask_by_level(demo_env, RATE, MARKET, WINDOW, "surface")
    whole = ask_metric(demo_env, RATE, MARKET, WINDOW).finding.value
    assert whole is not None
    values = [series.value(0) or 0.0 for series in asked.series.values()]
    assert min(values) <= whole <= max(values)
    assert sum(values) > whole


def test_the_command_gives_lines_and_values(demo_env: Project) -> None:
    words = ["metric", RATE, "--market", MARKET, "--window", WINDOW, "--by", "policy"]
    said = CliRunner().invoke(app, words)
    assert said.exit_code == 0, said.output
    assert "by policy: Japan, 2025-Q4" in said.output
    given = json.loads(CliRunner().invoke(app, [*words, "--json"]).output)
    assert all(level in said.output for level in given["levels"])
    assert given["levels"]["spam"]["low"] < given["levels"]["spam"]["value"]


def test_levels_that_rest_on_too_few_are_withheld_everywhere(demo_env: Project) -> None:
    asked = ask_by_level(demo_env, RATE, MARKET, "2026-W09", "surface")
    few = {level for level, series in asked.series.items() if 0 < series.units[0] < 100}
    assert few
    assert asked.withheld >= few
    assert not asked.withheld & {"feed"}
    said = {line.split()[0]: line.split()[1:] for line in asked.lines() if line}
    levels = asked.values()["levels"]
    for level in few:
        assert said[level] == ["[suppressed]"]
        assert {levels[level][key] for key in ("value", "low", "high")} == {None}
        assert levels[level]["text"] == "[suppressed]"


def share(cases: int, of: int) -> Series:
    parts = np.full(128, of / 128)
    found = ratio(parts * cases / of, parts)
    one = Replicated(*(np.array([each]) for each in (found.value, found.influence, found.residual)))
    none = np.array([np.nan])
    metric = load_catalogue(Project(CHECKOUT)).metrics["automation_share"]
    ends = Interval(none, none, none, none)
    return Series("share", metric, 0.95, one, ends, np.array([float(of)]), np.array([float(cases)]))


def test_a_small_count_takes_another_level_with_it() -> None:
    """5 of 200 is withheld; it must not come back from all rows less the other levels."""
    counts = {"a": share(5, 200), "b": share(20, 300), "c": share(50, 400)}
    assert withheld({**counts, WHOLE: share(75, 900)}, Rules()) - {WHOLE} in (
        {"a", "b"},
        {"a", "c"},
    )
    enough = {"a": share(15, 200), "b": share(20, 300), WHOLE: share(35, 500)}
    assert withheld(enough, Rules()) == frozenset()


@pytest.mark.parametrize(
    ("name", "by", "message"),
    [
        (RATE, "polcy", "did you mean 'policy'"),
        ("median_time_to_action", "policy", "its fact has no dimensions"),
        ("violative_view_rat", "policy", "did you mean 'violative_view_rate'"),
    ],
)
def test_what_can_not_be_told_apart_is_said(
    demo_env: Project, name: str, by: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ask_by_level(demo_env, name, MARKET, WINDOW, by)
