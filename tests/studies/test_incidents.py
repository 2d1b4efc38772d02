"""What happened in the demo's world, found by core_metrics and held against that world's truth."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from analysis.calendar import Window
from analysis.figures.displays import Figure, Table
from analysis.figures.shapes import FIGURE, TABLE
from analysis.metrics.cube import open_cubes
from analysis.metrics.levels import watch_levels
from analysis.metrics.monitoring import Promise
from analysis.project import ROOT_VARIABLE, Project
from analysis.report.cells import FigureWords, TableWords, read
from analysis.report.disclosed import sheet_of
from analysis.report.verdicts import has_moved
from analysis.safeguards.disclosure import control
from analysis.studies import core_metrics, open_study
from analysis.studies.core_metrics import Measured
from analysis.warehouse import open_warehouse
from analysis.warehouse.demo import make_demo
from analysis.warehouse.demo.events import ROLLOUT
from support import copy_project

#: Markets of the incidents, at the traffic that they have at scale 1.
MARKETS = ("BR", "JP", "MX")
WEEK = "2026-W10"


Measure = Callable[..., Measured]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo at scale 1 of these markets alone, with the limits that each has among sixteen."""
    made = copy_project(tmp_path_factory.mktemp("incidents"))
    markets = made.params / "markets.yaml"
    lines = markets.read_text(encoding="utf-8").splitlines()
    kept = [each for each in lines if not each.startswith("  ") or each[2:4] in MARKETS]
    markets.write_text("\n".join(kept) + "\n", encoding="utf-8")
    study = made.params / "studies" / "core_metrics.yaml"
    text = study.read_text(encoding="utf-8")
    for now, own in (
        ("false_alerts: 1\n", "false_alerts: 0.1875\n"),
        ("level: 4\n", "level: 0.75\n"),
    ):
        assert now in text
        text = text.replace(now, own)
    study.write_text(text, encoding="utf-8")
    make_demo(made, scale=1)
    return Project(made.root)


@pytest.fixture
def measure(whole: Project, monkeypatch: pytest.MonkeyPatch) -> Measure:
    monkeypatch.setenv(ROOT_VARIABLE, str(whole.root))

    def measured(market: str, window: str = WEEK) -> Measured:
        study = open_study("core_metrics", market=market, window=window)
        return core_metrics.estimate(study, core_metrics.load(study))

    return measured


def began(whole: Project, name: str) -> datetime:
    with open_warehouse(whole) as warehouse:
        found = warehouse.frame("SELECT starts_at FROM demo_truth WHERE name = ?", (name,))
    begun: datetime = found["starts_at"][0].to_pydatetime()
    return begun


def alarm(measured: Measured, metric: str) -> int:
    return measured.watched.outlooks[metric].now


@pytest.mark.parametrize(
    ("name", "market", "metric", "side", "days"),
    [
        ("spam_wave", "BR", "removals_per_thousand_posts", 1, 9),
        ("classifier_outage", "MX", "automation_share", -1, 7),
        ("logging_change", "JP", "views_per_viewer", 1, 7),
    ],
)
def test_each_incident_is_found_with_its_first_whole_week(
    whole: Project, measure: Measure, name: str, market: str, metric: str, side: int, days: int
) -> None:
    measured = measure(market)
    assert alarm(measured, metric) == side
    known = measured.study.market.start_of(measured.study.window.end)
    assert round((known - began(whole, name)) / timedelta(days=1)) == days
    assert alarm(measure(market, "2026-W09"), metric) == 0


def test_the_logging_change_is_said_to_be_data_and_not_behaviour(measure: Measure) -> None:
    measured = measure("JP")
    said = core_metrics.main_points(measured)[0]
    assert (said.name, said.title) == (
        "counting_views_per_viewer",
        "Views per viewer: data, not behaviour",
    )
    assert "user reports per million views" in said.text
    assert said.value == pytest.approx(1.87, abs=0.05)  # 0.7 of views are counted twice
    assert [(each.label, each.verdict) for each in said.comparisons] == [
        ("what was expected", "up")  # so that the index ranks it and does not call the run calm
    ]
    assert has_moved(said)
    alerts = next(each for each in measured.monitoring if each.name == "alerts")
    assert "user reports" not in alerts.text
    points = {each.name for each in core_metrics.main_points(measured)}
    assert not points & {"user_reports_per_million_views", "views_per_viewer"}


def test_the_logging_change_is_found_on_its_first_day(whole: Project, measure: Measure) -> None:
    day = Window.parse(f"{whole.market('JP').local_day(began(whole, 'logging_change'))}")
    assert alarm(measure("JP", day.label), "views_per_viewer") == 1
    assert alarm(measure("JP", day.previous().label), "views_per_viewer") == 0


def test_an_alert_outside_its_band_is_a_comparison_of_its_finding(measure: Measure) -> None:
    measured = measure("BR")
    for name, outlook in measured.watched.outlooks.items():
        finding, value = measured.findings[name], measured.series[name].value(0)
        told = [each for each in finding.comparisons if each.label == "what was expected"]
        assert len(told) == bool(outlook.now and value is not None and outlook.outside(value))
        for each in told:
            assert each.low * each.high > 0  # the band does not hold the number
            assert each.verdict == ("up" if each.difference > 0 else "down")
            assert each.text in finding.text
    assert alarm(measured, "removals_per_thousand_posts") == 1


@pytest.mark.parametrize("market", ["BR", "MX"])
def test_views_that_people_make_are_no_change_in_counting(measure: Measure, market: str) -> None:
    assert [each.name for each in measure(market).monitoring] == ["alerts", "alerts_by_policy"]


def test_the_spam_wave_is_seen_among_policies_and_leaves_the_others_alone(measure: Measure) -> None:
    found = {each.name: each for each in measure("BR").monitoring}["alerts_by_policy"]
    assert found.headline
    assert "1 of 15 parts of removals watched by policy left what was usual: spam" in found.text
    assert "more than usual" in found.text


def test_the_fraud_rule_is_found_by_policy(whole: Project) -> None:
    """A fall of a policy with 3 of 28 removals a week by two fifths: after some months. No week
    before it, and no other policy in any week, raises an alert."""
    cubes, market = open_cubes(whole), whole.market("MX")
    windows = [Window.parse("2024-W50")]
    while windows[-1] != Window.parse(WEEK):
        windows.append(windows[-1].next())
    counts = cubes.by_level(market, windows, "removals")
    rule = next(at for at, each in enumerate(windows) if each.end > ROLLOUT["MX"])
    raised = []
    for end in range(30, len(windows) + 1):
        seen = {name: each[:end] for name, each in counts.items()}
        made = watch_levels(seen, windows[:end], Promise(4, 16, 10))
        raised += [(name, end - rule) for name, each in made.watched.items() if each.now == -1]
        raised += [(name, "up") for name, each in made.watched.items() if each.now == 1]
    assert raised == [("fraud", 19)]


@pytest.mark.parametrize("market", MARKETS)
def test_disclosure_control_leaves_every_picture(measure: Measure, market: str) -> None:
    """A figure that draws a number which may not be shown becomes a table of a thousand rows."""
    measured = measure(market)
    shown = list(core_metrics.by_group(measured))
    sheets = [sheet_of(_payload(each)) for each in shown]
    monitoring = [core_metrics.what_moved(measured), *measured.monitoring]
    statements = [each.statement() for each in [*measured.findings.values(), *monitoring]]
    made = control(sheets, statements, measured.study.rules, None, WEEK)
    assert not made.statements & {each.name for each in monitoring}
    pictures = [
        sheet for sheet, each in zip(sheets, shown, strict=True) if isinstance(each, Figure)
    ]
    assert len(pictures) >= 6  # a group of which no number may be shown has none
    assert [sheet.name for sheet in pictures if sheet.hidden] == []


def _payload(shown: Figure | Table) -> FigureWords | TableWords | None:
    bundle = shown._repr_mimebundle_()
    return read(FigureWords, bundle.get(FIGURE)) or read(TableWords, bundle.get(TABLE))
