"""Which runs there are, what a key depends on, and where a run may lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import UserError
from analysis.project import Project
from analysis.report.record import NOTEBOOK, PAGE, RECORD
from analysis.runs.choice import Choice, Run, choose, variant
from analysis.runs.engine import spread
from analysis.runs.keys import Keys
from analysis.runs.plan import Planned, State, estimate, plan
from analysis.warehouse import Marks
from support import CHECKOUT

REPOSITORY = Project(CHECKOUT)


def one(project: Project, **parameters: str) -> Run:
    choice = Choice(["core_metrics"], ["JP"], ["2026-W10"], parameters)
    return choose(project, choice)[0]


def test_choices_multiply_and_nothing_is_there_twice(project: Project) -> None:
    runs = choose(project, Choice(["core_metrics"], ["JP", "DE", "JP"], ["2026-W10", "2026-02"]))
    assert [run.identity for run in runs] == [
        "core_metrics/JP/2026-W10",
        "core_metrics/JP/2026-02",
        "core_metrics/DE/2026-W10",
        "core_metrics/DE/2026-02",
    ]


def test_runs_of_a_market_are_far_apart_where_they_are_executed(project: Project) -> None:
    """They end one after the other, so neighbours would wait for each other."""
    weeks = ["2026-W08", "2026-W09", "2026-W10"]
    todo = plan(project, choose(project, Choice(["core_metrics"], ["JP", "DE"], weeks)))
    ordered = [each.run.identity.removeprefix("core_metrics/") for each in spread(todo)]
    assert ordered == [f"{market}/{week}" for week in weeks for market in ("JP", "DE")]


def test_all_means_every_operated_market(project: Project) -> None:
    runs = choose(project, Choice(["core_metrics"], ["all"], ["2026-W10"]))
    assert {run.market.code for run in runs} == set(project.markets)


def test_market_and_window_may_be_given_as_parameters(project: Project) -> None:
    given = {"market": "DE", "window": "2026-02"}
    runs = choose(project, Choice(["core_metrics"], (), (), given))
    assert [(run.identity, run.variant) for run in runs] == [("core_metrics/DE/2026-02", None)]


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


CHANGES: dict[str, Callable[[Project], object]] = {
    "notebook": lambda p: edit(p.notebooks / "core_metrics.ipynb", '"# ', '"# New: '),
    "params": lambda p: edit(p.params / "project.yaml", "minimum_cell: 11", "minimum_cell: 12"),
    "lock": lambda p: edit(p.root / "requirements.lock", "==", "===="),
}


@pytest.mark.parametrize("part", CHANGES)
def test_each_part_of_the_key_follows_its_own_file(project: Project, part: str) -> None:
    before = Keys(project).parts(one(project))
    CHANGES[part](project)
    fresh = Project(project.root)
    after = Keys(fresh).parts(one(fresh))
    assert [name for name in before if before[name] != after[name]] == [part]


def test_the_epoch_and_the_parameters_are_parts_of_the_key(project: Project) -> None:
    before = Keys(project).parts(one(project))
    edit(project.params / "project.yaml", "epoch: 1", "epoch: 2")
    fresh = Project(project.root)
    after = Keys(fresh).parts(one(fresh))
    assert {name for name in before if before[name] != after[name]} == {"epoch"}
    more = one(fresh, confidence="0.9")
    other = Keys(fresh).parts(more)
    assert [name for name in after if after[name] != other[name]] == ["parameters"]


def test_other_rows_make_a_run_stale_and_other_tables_do_not(demo_env: Project) -> None:
    keys = Keys(demo_env)
    run = one(demo_env)
    before = keys.parts(run)
    marks = keys.held.marks
    keys.held.marks = Marks({**marks.whole, "experiment_units": "other"}, marks.touched)
    assert keys.parts(run) == before
    keys.held.marks = Marks({**marks.whole, "decisions": "other"}, marks.touched)
    changed = keys.parts(run)
    assert [name for name in before if before[name] != changed[name]] == ["data"]


def test_a_plan_without_records_is_all_new(project: Project) -> None:
    assert [each.state for each in plan(project, [one(project)])] == ["new"]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, None),
        ({"confidence": "0.9"}, "confidence-0.9"),
        ({"b": "2", "a": "1"}, "a-1_b-2"),
    ],
)
def test_variants_are_named_after_what_differs(given: dict[str, str], name: str | None) -> None:
    assert variant(given) == name


@given(st.text(max_size=80))
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_value_leads_a_run_out_of_the_site(value: str) -> None:
    name = variant({"publisher": value})
    assert name is not None
    run = one_of_the_repository()
    made = Run(run.study, run.spec, run.market, run.window, {}, name)
    folder = made.folder(REPOSITORY)
    assert folder.parent.parent.parent == REPOSITORY.reports
    assert len(folder.name.encode()) < 200


def one_of_the_repository() -> Run:
    project = REPOSITORY
    spec = project.study("core_metrics")
    from analysis.calendar import Window

    return Run("core_metrics", spec, project.market("JP"), Window.parse("2026-W10"), {})


def test_different_values_have_different_folders() -> None:
    assert variant({"a": "../x"}) != variant({"a": "./x"})
    assert ".." not in str(variant({"a": "../../etc"}))


def test_a_run_that_would_lie_outside_is_refused() -> None:
    run = one_of_the_repository()
    outside = Run("..", run.spec, run.market, run.window, {}, "x")
    with pytest.raises(UserError, match="does not lie inside the site"):
        Run("../../etc", run.spec, run.market, run.window, {}).folder(REPOSITORY)
    with pytest.raises(UserError, match="does not lie inside the site"):
        outside.folder(REPOSITORY)


def earlier(project: Project, window: str, seconds: float) -> None:
    """A finished run of Germany's on the disk, as far as a plan reads it."""
    folder = project.reports / "core_metrics" / "DE" / window
    folder.mkdir(parents=True)
    (folder / RECORD).write_text(f'{{"status": "done", "key_parts": {{}}, "seconds": {seconds}}}')
    for name in (PAGE, NOTEBOOK):
        (folder / name).touch()


def test_the_estimate_is_the_median_of_earlier_runs_for_each_that_is_due(project: Project) -> None:
    choice = Choice(["core_metrics"], ["JP", "DE", "BR", "US"], ["2026-W10"])
    states: list[tuple[State, float | None]] = [
        ("stale", 2.0),
        ("fresh", 5.0),
        ("new", None),
        ("failed before", 9.0),
    ]
    runs = zip(choose(project, choice), states, strict=True)
    planned = [Planned(run, state, {}, "", (), took) for run, (state, took) in runs]
    assert estimate(project, planned, 1) == 3 * 5.0  # three to do; 2, 5 and 9 seconds are known
    assert estimate(project, planned, 2) == 3 * 5.0 / 2
    assert estimate(project, planned, 8) == 5.0  # no more at once than there are
    assert estimate(project, planned[1:2], 1) == 0.0  # nothing to do
    new = planned[2:3]
    assert estimate(project, new, 1) is None
    for week, seconds in (("2026-W07", 3.0), ("2026-W08", 4.0), ("2026-W09", 8.0)):
        earlier(project, week, seconds)
    assert estimate(project, new, 1) == 4.0  # of other windows and markets
    (project.reports / "core_metrics" / "DE" / "2026-W08" / NOTEBOOK).unlink()
    assert estimate(project, new, 1) == (3.0 + 8.0) / 2  # what is not whole counts for nothing
