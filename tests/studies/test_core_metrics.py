from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from analysis.errors import NoData, UserError
from analysis.figures.displays import Figure, Table
from analysis.metrics.catalogue import GROUPS, load_catalogue
from analysis.project import ROOT_VARIABLE, Project
from analysis.report.record import findings_of
from analysis.studies import core_metrics, open_study
from analysis.studies.check import check_study
from analysis.studies.core_metrics import Measured
from analysis.studies.findings import Finding
from analysis.studies.metric_groups import metric_groups
from support import CHECKOUT, Checkout

NEW_METRIC = """
  restriction_share:
    title: Restriction share
    question: Of the decisions to act, what share restricted the post and left it up?
    group: enforcement
    fact: decisions
    kind: share
    numerator: d.action = 'restrict'
    denominator: d.action <> 'no_action'
    says: "{value} actions restricted the post and left it up"
    sample: actions
    good: neutral
    traps: [What restricts differs by surface.]
    source: EU Digital Services Act, Article 17
"""


def measure(market: str = "JP", window: str = "2026-W10", **parameters: int | float) -> Measured:
    study = open_study("core_metrics", market=market, window=window, **parameters)
    return core_metrics.estimate(study, core_metrics.load(study))


def every(measured: Measured) -> list[Finding]:
    return list(measured.findings.values())


def test_the_three_files_hold_together() -> None:
    assert list(check_study(Project(CHECKOUT), "core_metrics")) == []


@pytest.mark.parametrize("market", ["BR", "DE", "IN", "JP", "NP", "US"])
def test_each_metric_is_said_with_its_uncertainty(demo_env: Project, market: str) -> None:
    measured = measure(market)
    found = every(measured)
    assert {finding.name for finding in found} == set(measured.catalogue.metrics)
    for finding in found:
        assert finding.text.endswith(".")
        assert finding.notes
        assert [each.label for each in finding.comparisons[:2]] == ["2026-W09", "2025-W10"]
        assert {each.label for each in finding.comparisons[2:]} <= {"what was expected"}
        if finding.value is None:
            assert finding.verdict == "unclear"
            continue
        assert finding.low is not None
        if finding.high is None:  # of times that are still waited for
            assert finding.unit == "hours"
            assert "without an upper end" in finding.text
            continue
        assert finding.low <= finding.value <= finding.high
        assert finding.high > finding.low or finding.name.endswith("views_before_removal")
        assert "%" in finding.text  # the confidence


def test_the_violative_view_rate_leads_and_moves_follow(demo_env: Project) -> None:
    always = {name for name, each in load_catalogue(demo_env).metrics.items() if each.always}
    for market, window in (("NP", "2026-W10"), ("BR", "2025-Q4"), ("DE", "2026-02")):
        measured = measure(market, window)
        points = core_metrics.main_points(measured)
        assert 1 <= len(points) <= 6
        metrics = [each for each in points if each.name in measured.series]
        assert metrics[0].name == "violative_view_rate"
        for finding in metrics:
            moved = {each.verdict for each in finding.comparisons} & {"up", "down"}
            assert finding.name in always or moved
            assert not finding.statement().unsafe(measured.study.rules)


def test_what_is_always_told_is_left_out_only_where_no_page_would_show_it(
    demo_env: Project,
) -> None:
    measured = measure("BR", "2025-Q4")
    told = {each.name for each in core_metrics.main_points(measured)}
    for name, metric in load_catalogue(demo_env).metrics.items():
        if metric.always:
            hidden = measured.findings[name].statement().unsafe(measured.study.rules)
            assert (name in told) is not hidden
    assert len(told) >= 2


def test_a_verdict_is_called_only_where_the_interval_excludes_zero(demo_env: Project) -> None:
    verdicts = []
    for market in ("BR", "JP", "NP", "US"):
        for window in ("2026-W10", "2026-01", "2025-Q3"):
            for finding in every(measure(market, window)):
                for each in finding.comparisons:
                    verdicts.append(each.verdict)
                    if each.verdict == "unclear":
                        assert each.difference is None
                        continue
                    assert each.low is not None
                    assert each.high is not None
                    if each.verdict == "up":
                        assert each.low > 0
                    if each.verdict == "down":
                        assert each.high < 0
    assert {"no_change", "unclear"} <= set(verdicts)


@pytest.mark.parametrize(
    "window", ["2026-03-05", "2026-W09", "2026-02", "2025-Q4", "2026-02-20..2026-03-02"]
)
def test_every_kind_of_window_has_words_figures_and_tables(demo_env: Project, window: str) -> None:
    measured = measure("US", window, trend_windows=8)
    study = measured.study
    shown = list(core_metrics.by_group(measured))
    figures = [each for each in shown if isinstance(each, Figure)]
    tables = [each for each in shown if isinstance(each, Table)]
    groups = [name for name in GROUPS if any(name in each.name for each in figures)]
    assert [each.name for each in tables] == [f"{name}_metrics" for name in GROUPS]
    assert [each.name for each in figures] == [f"{name}_trends" for name in groups]
    for figure in figures:
        drawn = set(figure.data["metric"])
        group = figure.name.removesuffix("_trends")
        own = {n for n, each in measured.catalogue.metrics.items() if each.group == group}
        few = figure.caption.partition("Too few to show: ")[2]
        assert all(title in few for title in titles(measured, own - drawn))
        assert figure.data.groupby("metric")["value"].any().all()  # no panel is empty
        assert figure.data["window"].tolist()[-1] == window
        assert 1 <= figure.data["window"].nunique() <= 8
        assert all(title in figure.alt for title in titles(measured, figure.data["metric"]))
    labels = {each.label for finding in every(measured) for each in finding.comparisons}
    assert labels == {study.window.previous().label, study.window.year_before().label}
    # Bare numbers have their unit with the title.
    told = [
        re.sub(r" \((per [\w,]+|count)\)$", "", title)
        for table in tables
        for title in table.frame["title"]
    ]
    assert sorted(told) == sorted(titles(measured, measured.catalogue.metrics))


def titles(measured: Measured, names: Iterable[str]) -> list[str]:
    return [measured.catalogue.metrics[name].title for name in names]


RARE = """
  misinformed_draws:
    title: Draws of misinformation
    question: Of labelled draws, what share is of posts with misinformation?
    group: exposure
    fact: draws
    kind: share
    numerator: p.label AND p.policy = 'misinformation' AND p.draw_id % 8 = 0
    denominator: "1"
    says: "{value} draws are of posts with misinformation"
    sample: labelled draws
    good: down
    traps: [It is of draws and not of views.]
    source: Our own
"""


def test_windows_without_a_case_are_not_drawn_alone(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(checkout.root))
    with (checkout.root / "params" / "metrics.yaml").open("a", encoding="utf-8") as file:
        file.write(RARE)
    measured = measure("JP")
    series, trend = measured.series["misinformed_draws"], list(measured.loaded.trend)
    cases = series.found.value[trend] * series.units[trend]
    assert (cases < 0.5).any()
    assert 0.5 < cases.max() < 10.5
    (group,) = (each for each in metric_groups(measured) if each.name == "exposure")
    figure = group.figure()
    assert figure is not None
    assert re.search(r"Too few to show: [^.]*Draws of misinformation", figure.caption)
    assert "misinformed_draws" not in set(figure.data["metric"])


def test_the_summary_counts_what_the_findings_say(demo_env: Project) -> None:
    measured = measure("NP")
    summary = core_metrics.what_moved(measured)
    moved = [finding for finding in every(measured) if finding.verdict in ("up", "down")]
    assert summary.value == len(moved)
    told = re.findall(r"(\d+) of \d+ metrics can be compared", summary.text)
    assert f"allows for {sum(map(int, told))} comparisons at once" in " ".join(summary.notes)
    for finding in moved:
        assert finding.title.lower()[1:] in summary.text


def test_the_first_window_of_the_data_has_nothing_to_be_compared_with(demo_env: Project) -> None:
    for finding in every(measure("US", "2024-W50")):
        assert {each.verdict for each in finding.comparisons} == {"unclear"}
        if finding.value is not None:
            assert "nothing that can be shown to compare with in 2024-W49" in finding.text


def test_a_window_before_the_data_is_no_data(demo_env: Project) -> None:
    with pytest.raises(NoData, match="no rows of Japan in 2023-W10; the data hold 2024-12-09"):
        measure("JP", "2023-W10")


def test_a_number_that_will_still_move_says_so_and_how_far(demo_env: Project) -> None:
    measured = measure("US")
    found = {finding.name: finding for finding in every(measured)}
    said = "provisional until 2026-03-11, resting on 5 of 7 days, and will end in"
    assert said in found["report_actionability"].text
    (table,) = core_metrics.still_filling(measured)
    rows = table.frame.set_index("title")
    assert rows.loc["Report actionability", "rests"] == "5 of 7 days"
    assert rows.loc["Recidivism within 90 days", "rests"] == "0 of 7 days"
    assert re.fullmatch(r"[\d.]+% to [\d.]+%", rows.loc["Recidivism within 30 days", "final"])
    assert "will end in" in found["recidivism_30_days"].text
    earlier = measure("US", "2026-W07")
    assert set(earlier.provisional) == {"recidivism_30_days", "recidivism_90_days"}
    earlier = measure("US", "2025-W20")  # with weeks before which nothing is expected
    assert core_metrics.still_filling(earlier) == []
    assert list(core_metrics.by_group(earlier))


def test_small_samples_are_not_told_apart(demo_env: Project) -> None:
    for finding in every(measure("NP", "2026-03-05")):
        count = finding.sample.split()[0].replace(",", "")
        assert not count.isdigit() or int(count) == 0 or int(count) >= 11


def test_a_new_metric_is_ten_lines_of_yaml(
    demo_env: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = tmp_path / "params"
    _copy(demo_env.params, params)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "warehouse.duckdb").symlink_to(demo_env.data / "warehouse.duckdb")
    with (params / "metrics.yaml").open("a", encoding="utf-8") as file:
        file.write(NEW_METRIC)
    monkeypatch.setenv("STUDY_PROJECT", str(tmp_path))
    measured = measure("US")
    added = {finding.name: finding for finding in every(measured)}["restriction_share"]
    assert "actions restricted the post and left it up" in added.text
    assert [each for each in core_metrics.by_group(measured) if "Restriction share" in str(each)]
    assert "Restriction share" in core_metrics.definitions(measured).frame["title"].tolist()


def _copy(source: Path, target: Path) -> None:
    for path in source.rglob("*.yaml"):
        made = target / path.relative_to(source)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(path.read_bytes())


def test_a_threshold_that_is_missing_is_named(demo_env: Project) -> None:
    study = open_study("core_metrics", market="JP", window="2026-W10")
    bare = study.spec.model_copy(update={"thresholds": {}})
    loaded = core_metrics.load(study)
    without = study.__class__(**{**study.__dict__, "spec": bare})
    with pytest.raises(UserError, match="thresholds: fewest_events is missing"):
        core_metrics.estimate(without, loaded)


@pytest.mark.parametrize(
    ("name", "value"), [("confidence", 0.5), ("trend_windows", 1), ("main_points", 7)]
)
def test_parameters_out_of_bounds_are_refused(demo_env: Project, name: str, value: float) -> None:
    with pytest.raises(UserError, match=name):
        measure(**{name: value})


def test_stock_papermill_runs_it_and_repeats_it(demo_env: Project, tmp_path: Path) -> None:
    notebooks = [_papermill(tmp_path / f"{name}.ipynb") for name in ("one", "two")]
    found = [findings_of(notebook) for notebook in notebooks]
    assert (
        len(found[0]) == 48
    )  # 44 metrics, what moved, alerts, those by policy, a change in counting
    assert found[0] == found[1]
    outputs = [[cell.get("outputs") for cell in notebook.cells] for notebook in notebooks]
    assert _shown(outputs[0]) == _shown(outputs[1])


def _papermill(out: Path) -> nbformat.NotebookNode:
    source = CHECKOUT / "notebooks" / "core_metrics.ipynb"
    command = [sys.executable, "-m", "papermill", str(source), str(out)]
    options = ["-p", "market", "JP", "-p", "window", "2026-W10", "--no-progress-bar"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return nbformat.read(out, as_version=4)


def _shown(outputs: list[Any]) -> list[Any]:
    return [output.get("data") for cell in outputs if cell for output in cell]
