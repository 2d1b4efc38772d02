from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.methods.buckets import ratio
from analysis.methods.intervals import interval
from analysis.metrics.catalogue import load_catalogue
from analysis.metrics.cube import open_cubes
from analysis.metrics.estimate import Rules, Series, design_effect, estimate, judge
from analysis.project import Project
from analysis.warehouse import open_warehouse
from support import CHECKOUT

WEEK = Window.parse("2026-W09")
RULES = Rules(fewest_events=5, false_calls=0.05, smallest_change=0.02)
GROUPS = 128
METRICS = load_catalogue(Project(CHECKOUT)).metrics


def series(counts: list[float], rows: float = 20.0, name: str = "automation_share") -> Series:
    """A metric in as many windows as counts: the share of rows per bucket, evenly spread."""
    metric = METRICS[name]
    bottom = np.full((len(counts), GROUPS), rows)
    rng = np.random.default_rng(3)
    top = np.array([rng.binomial(int(rows), c, GROUPS) for c in counts], float)
    found = ratio(top, bottom)
    limits = interval(found, "share", trials=bottom)
    return Series(name, metric, 0.95, found, limits, bottom.sum(-1), top.sum(-1))


def test_the_violative_view_rate_is_hajeks(small: Project) -> None:
    market = small.market("JP")
    found = estimate(open_cubes(small).slice(market, [WEEK]), "violative_view_rate")
    start, end = WEEK.instants(market)
    with open_warehouse(small) as warehouse:
        by_hand, draws = warehouse.rows(
            """SELECT sum(impressions / draw_probability * label::INT)
                 / sum(impressions / draw_probability), count(*)
               FROM prevalence_draws WHERE market = 'JP' AND drawn_at >= ? AND drawn_at < ?""",
            (start, end),
        )[0]
    assert found.value(0) == pytest.approx(by_hand, rel=1e-9)
    assert found.units[0] == draws


def test_reports_per_million_views_divide_two_facts(small: Project) -> None:
    market = small.market("US")
    found = estimate(open_cubes(small).slice(market, [WEEK]), "user_reports_per_million_views")
    start, end = WEEK.instants(market)
    with open_warehouse(small) as warehouse:
        within = "WHERE market = 'US' AND {0} >= ? AND {0} < ?"
        reports, views = (
            warehouse.rows(f"SELECT {what} FROM {table} {within.format(time)}", (start, end))[0][0]
            for what, table, time in (
                ("count(*)", "user_reports", "reported_at"),
                ("sum(views)", "exposure", "hour"),
            )
        )
    assert found.value(0) == pytest.approx(reports / views)


def test_the_median_is_the_engines_to_one_per_cent(small: Project) -> None:
    market = small.market("JP")
    found = estimate(open_cubes(small).slice(market, [WEEK]), "median_time_to_action")
    start, end = WEEK.instants(market)
    with open_warehouse(small) as warehouse:
        exact = warehouse.rows(
            """SELECT quantile_disc(epoch(d.decided_at - c.posted_at) / 3600, 0.5)
               FROM decisions d JOIN content c USING (content_id)
               WHERE d.market = 'JP' AND action = 'remove'
                 AND decided_at >= ? AND decided_at < ?""",
            (start, end),
        )[0][0]
    assert found.value(0) == pytest.approx(exact, rel=0.0101)


def test_reports_whose_time_has_not_passed_are_not_counted(small: Project) -> None:
    market = small.market("JP")
    windows = [Window.parse("2026-W10"), Window.parse("2026-03-09")]
    found = estimate(open_cubes(small).slice(market, windows), "report_actionability")
    every = estimate(open_cubes(small).slice(market, windows), "user_reports_per_million_views")
    assert 0 < found.units[0] < every.events[0] * 10
    assert found.value(1) is None
    assert found.limits(1) == (None, None)


def test_an_action_before_a_report_did_not_follow_from_it(small: Project) -> None:
    market, window = small.market("US"), Window.parse("2025-Q4")
    found = estimate(open_cubes(small).slice(market, [window]), "report_actionability")
    with open_warehouse(small) as warehouse:
        before, after, reports = warehouse.rows(
            """SELECT count(*) FILTER (acted_at < reported_at),
                 count(*) FILTER (acted_at >= reported_at
                   AND acted_at <= reported_at + INTERVAL 48 HOUR), count(*)
               FROM user_reports LEFT JOIN (
                 SELECT content_id, min(decided_at) AS acted_at FROM decisions
                 WHERE action <> 'no_action' GROUP BY ALL) USING (content_id)
               WHERE market = 'US' AND reported_at >= ? AND reported_at < ?""",
            window.instants(market),
        )[0]
    assert before > 0
    assert found.units[0] == reports - before
    assert found.value(0) == pytest.approx(after / (reports - before), rel=1e-9)


def test_a_share_of_more_than_its_whole_is_refused(small: Project) -> None:
    rows = open_cubes(small).slice(small.market("US"), [WEEK])
    right = rows.catalogue.metrics["automation_share"]
    turned = right.model_copy(
        update={"numerator": right.denominator, "denominator": right.numerator}
    )
    catalogue = rows.catalogue.model_copy(update={"metrics": {"automation_share": turned}})
    with pytest.raises(UserError, match=r"automation_share: kind share, .* adds up to \d+ of \d+"):
        estimate(replace(rows, catalogue=catalogue), "automation_share")


def test_every_metric_has_a_value_and_an_interval_that_holds_it(small: Project) -> None:
    cubes = open_cubes(small)
    windows = [Window.parse(text) for text in ("2025-11", "2025-Q4", "2025-W48")]
    rows = cubes.slice(small.market("JP"), windows)
    for name in cubes.catalogue.metrics:
        found = estimate(rows, name)
        for place in range(len(windows)):
            low, high = found.limits(place)
            value = found.value(place)
            if value is None and name in ("p90_time_from_report", "p95_time_from_report"):
                assert found.units[place] > 0  # too many still wait
                continue
            assert value is not None, name
            assert low is not None, name
            if high is None:  # enough have ended for the number, too few for its upper end
                assert name.endswith("from_report"), name
                continue
            assert low <= value <= high, name
            assert low < high or found.metric.unit == "views", name


@pytest.mark.parametrize(
    ("now", "before", "verdict"),
    [(0.5, 0.3, "up"), (0.3, 0.5, "down"), (0.3, 0.305, "no_change"), (0.0, 0.0, "unclear")],
)
def test_a_move_is_called_where_it_is_clear(now: float, before: float, verdict: str) -> None:
    moves = judge({"m": series([now, before])}, 0, {"before": 1}, RULES)
    assert moves["m", "before"].verdict == verdict


def test_a_certain_but_trivial_move_is_not_called() -> None:
    found = series([0.500, 0.495], rows=400_000.0)
    strict = judge({"m": found}, 0, {"before": 1}, Rules(5, 0.05, 0.02))["m", "before"]
    loose = judge({"m": found}, 0, {"before": 1}, Rules(5, 0.05, 0.0))["m", "before"]
    assert (strict.verdict, loose.verdict) == ("no_change", "up")
    assert strict.score > 1


def test_no_other_window_is_unclear_and_not_counted() -> None:
    moves = judge({"m": series([0.5, 0.3])}, 0, {"before": 1, "year": None}, RULES)
    assert moves["m", "year"].verdict == "unclear"
    assert moves["m", "year"].before is None
    assert moves["m", "before"].verdict == "up"


def test_a_borderline_move_among_many_quiet_ones_is_not_called() -> None:
    borderline = series([0.333, 0.30])
    alone = judge({"m": borderline}, 0, {"before": 1}, RULES)["m", "before"]
    assert alone.difference is not None
    assert 0.001 < alone.difference.p_value < 0.02
    assert alone.verdict == "up"
    quiet = {f"q{i}": series([0.3, 0.3]) for i in range(60)}
    among = judge({"m": borderline, **quiet}, 0, {"before": 1}, RULES)["m", "before"]
    assert among.verdict == "no_change"


def test_what_no_event_is_worth_is_told_by_other_windows() -> None:
    top = np.zeros((2, GROUPS))
    top[1, :3] = 10.0  # three creators with ten events each
    bottom = np.full((2, GROUPS), 20.0)
    found = ratio(top, bottom)
    assert design_effect(found, bottom.sum(-1)) > 5
    assert np.isnan(design_effect(ratio(top[:1], bottom[:1]), bottom[:1].sum(-1)))
