"""The demo looks like the real thing, and what was put into it can be found in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from analysis.project import Project
from analysis.warehouse import Warehouse, open_warehouse, scratch
from analysis.warehouse.demo import build, events, load, world


@pytest.fixture(scope="module")
def warehouse(demo: Project) -> Iterator[Warehouse]:
    with open_warehouse(demo) as opened:
        yield opened


def truth(warehouse: Warehouse, name: str) -> dict[str, object]:
    """The one row of `demo_truth` of an incident."""
    frame = warehouse.frame("FROM demo_truth WHERE name = ?", (name,))
    return dict(frame.iloc[0])


def test_views_are_heavy_tailed(warehouse: Warehouse) -> None:
    query = "SELECT sum(views) AS v FROM exposure GROUP BY content_id ORDER BY v DESC"
    views = warehouse.frame(query)["v"].to_numpy(float)
    top = views[: len(views) // 100].sum() / views.sum()
    assert 0.10 < top < 0.40  # A lognormal with sigma 1.5 gives 0.20.
    assert 1.2 < np.log(views[views > 20]).std() * 1.35 < 1.9


def test_views_fade_with_age(warehouse: Warehouse) -> None:
    query = """
        SELECT sum(views) FILTER (age < 1) / sum(views), sum(views) FILTER (age < 24) / sum(views)
        FROM (SELECT views, date_diff('hour', posted_at, hour) AS age
              FROM exposure JOIN content USING (content_id))"""
    first_hour, first_day = warehouse.rows(query)[0]
    assert 0.04 < first_hour < 0.20
    assert 0.65 < first_day < 0.90


def test_the_day_peaks_in_the_local_evening_everywhere(warehouse: Warehouse, demo: Project) -> None:
    for code, market in demo.markets.items():
        query = """
            SELECT extract(hour FROM timezone(?, hour)) AS h, sum(views) AS v
            FROM exposure WHERE market = ? GROUP BY h ORDER BY h"""
        by_hour = warehouse.frame(query, (market.zone, code)).set_index("h")["v"]
        smooth = sum(np.roll(by_hour.reindex(range(24), fill_value=0), i) for i in (-1, 0, 1))
        assert 19 <= int(np.argmax(smooth)) <= 23, code
        assert by_hour.max() > 4 * by_hour.min(), code


def test_the_week_has_a_weekend_and_the_year_a_season(warehouse: Warehouse) -> None:
    query = """
        SELECT market, posted_at, isodow(timezone('Asia/Riyadh', posted_at)) AS riyadh,
            isodow(timezone('America/New_York', posted_at)) AS new_york,
            month(posted_at) AS month FROM content WHERE market IN ('SA', 'US')"""
    posts = warehouse.frame(query)
    days = posts.groupby("market")["riyadh"].value_counts().loc["SA"]
    assert days[[5, 6]].mean() > days[[7, 1, 2, 3, 4]].mean()
    days = posts.groupby("market")["new_york"].value_counts().loc["US"]
    assert days[[6, 7]].mean() > days[[1, 2, 3, 4, 5]].mean()
    months = posts[posts.market == "US"]["month"].value_counts()
    assert months[12] / 54 > months[7] / 31  # December 2024 and 2025 hold 54 days of data.


def test_a_day_of_clock_change_has_its_hours(demo: Project) -> None:
    """8 March 2026 has 23 hours in New York, 2 November 2025 has 25: no hour 2, two hours 1."""
    policies = list(demo.policies)
    with scratch() as warehouse:
        values = load.numbers(policies, 1.0) | {"seed": 1}
        build.prepare(warehouse, demo.markets, policies, 1.0, values)
        build.run(warehouse, "hours", values)
        query = """
            SELECT count(*) FILTER (local::DATE = DATE '2026-03-08'),
                count(*) FILTER (local::DATE = DATE '2026-03-08' AND hour(local) = 2),
                count(*) FILTER (local::DATE = DATE '2025-11-02'),
                count(*) FILTER (local::DATE = DATE '2025-11-02' AND hour(local) = 1),
                count(*)
            FROM (SELECT timezone('America/New_York', to_timestamp(s)) AS local
                  FROM hours WHERE market = 'US')"""
        assert warehouse.rows(query) == [(23, 0, 25, 2, 65 * 7 * 24 - 1)]


def test_nothing_is_seen_in_an_hour_that_the_clocks_skip(warehouse: Warehouse) -> None:
    query = """
        SELECT count(*) FILTER (hour(local) = 2), count(*) FILTER (hour(local) IN (1, 3))
        FROM (SELECT timezone('America/New_York', hour) AS local FROM exposure
              WHERE market = 'US')
        WHERE local::DATE IN (DATE '2025-03-09', DATE '2026-03-08')"""
    skipped, beside = warehouse.rows(query)[0]
    assert skipped == 0 < beside


def test_hours_begin_with_the_local_hour(warehouse: Warehouse) -> None:
    query = """SELECT DISTINCT market, extract(minute FROM hour) FROM exposure
        WHERE market IN ('IN', 'NP', 'US') ORDER BY ALL"""
    assert warehouse.rows(query) == [("IN", 30), ("NP", 15), ("US", 0)]


def test_violations_are_rare_and_policies_differ(warehouse: Warehouse, demo: Project) -> None:
    query = """
        SELECT policy, sum(views) / (SELECT sum(views) FROM exposure)
        FROM exposure JOIN demo_truth_content USING (content_id) WHERE violates GROUP BY policy"""
    rates = dict(warehouse.rows(query))
    assert set(rates) == set(demo.policies)
    assert all(0.0002 < rate < 0.02 for rate in rates.values()), rates
    assert max(rates.values()) > 4 * min(rates.values())
    assert 0.005 < sum(rates.values()) < 0.04


def test_few_creators_make_most_violations(warehouse: Warehouse) -> None:
    query = """
        SELECT sum(violates::INTEGER) AS v FROM content
        JOIN demo_truth_content USING (content_id) GROUP BY creator_id ORDER BY v DESC"""
    violations = warehouse.frame(query)["v"].to_numpy(float)
    top = violations[: len(violations) // 10].sum() / violations.sum()
    assert top > 0.5
    # Under chance alone a twelfth of the creators' posts would be spread evenly.
    assert (violations >= 3).sum() > 100


def area_under_roc(scores: np.ndarray, violates: np.ndarray) -> float:
    """The chance that a violating post scores higher than another (Mann and Whitney 1947)."""
    ranks = rankdata(scores)
    positives = int(violates.sum())
    above = ranks[violates].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(scores) - positives)))


def test_scores_are_as_good_as_declared_by_language(warehouse: Warehouse) -> None:
    outage, wave = truth(warehouse, "classifier_outage"), truth(warehouse, "spam_wave")
    query = """
        SELECT language, risk_score, violates FROM content JOIN demo_truth_content
        USING (content_id)
        WHERE NOT (language = ? AND posted_at >= ?) AND NOT (market = ? AND posted_at >= ?)"""
    names = (outage["language"], outage["starts_at"], wave["market"], wave["starts_at"])
    frame = warehouse.frame(query, names)
    for language, posts in frame.groupby("language"):
        violates = posts["violates"].to_numpy(bool)
        auc = area_under_roc(posts["risk_score"].to_numpy(float), violates)
        # Three standard errors after Hanley and McNeil (1982), at most.
        slack = 3 * sqrt(auc * (1 - auc) / violates.sum())
        assert auc == pytest.approx(world.AUC[str(language)], abs=slack), language


def test_scores_are_calibrated(warehouse: Warehouse) -> None:
    query = """
        SELECT floor(risk_score * 5) AS bin, avg(risk_score), avg(violates::INTEGER), count(*)
        FROM content JOIN demo_truth_content USING (content_id) GROUP BY bin ORDER BY bin"""
    for _, score, share, posts in warehouse.rows(query):
        assert share == pytest.approx(score, abs=0.06 + 3 * sqrt(score * (1 - score) / posts))


def test_moderation_finds_most_and_errs_sometimes(warehouse: Warehouse) -> None:
    query = """
        SELECT avg((detection = 'proactive')::INTEGER), avg(automated::INTEGER),
            avg((views_before = 0)::INTEGER), avg((NOT violates)::INTEGER),
            avg((epoch(decided_at - posted_at) < 86400)::INTEGER),
            max(epoch(decided_at - posted_at)) / median(epoch(decided_at - posted_at))
        FROM decisions JOIN content USING (content_id)
        JOIN demo_truth_content USING (content_id) WHERE action = 'remove'"""
    proactive, automated, unseen, wrong, within_day, tail = warehouse.rows(query)[0]
    assert 0.75 < proactive < 0.97
    assert 0.30 < automated < 0.70
    assert 0.20 < unseen < 0.60
    assert 0.03 < wrong < 0.15
    assert 0.85 < within_day < 0.995
    assert tail > 50
    missed = "SELECT avg((decision_id IS NULL)::INTEGER) FROM demo_truth_content LEFT JOIN "
    missed += "(FROM decisions WHERE action <> 'no_action') USING (content_id) WHERE violates"
    assert 0.03 < warehouse.rows(missed)[0][0] < 0.30


def test_appeals_come_late_and_right_the_wronged(warehouse: Warehouse) -> None:
    query = """
        SELECT violates, median(epoch(submitted_at - decided_at)) / 86400,
            quantile_cont(epoch(submitted_at - decided_at), 0.95) / 86400,
            avg((outcome = 'overturned')::INTEGER), count(*) FILTER (resolved_at IS NULL)
        FROM appeals JOIN decisions USING (decision_id) JOIN demo_truth_content USING (content_id)
        GROUP BY violates ORDER BY violates"""
    wronged, others = warehouse.rows(query)
    assert all(1 < row[1] < 2.5 and row[2] > 7 for row in (wronged, others))
    assert wronged[3] > 0.6
    assert others[3] < 0.15
    assert wronged[4] + others[4] > 0


def test_many_reports_are_not_actionable(warehouse: Warehouse) -> None:
    query = """
        SELECT avg(violates::INTEGER), count(*) / (SELECT sum(views) FROM exposure)
        FROM user_reports JOIN demo_truth_content USING (content_id)"""
    actionable, per_view = warehouse.rows(query)[0]
    assert 0.08 < actionable < 0.4
    assert 0.0005 < per_view < 0.01


def test_raters_have_the_skill_that_is_recorded(warehouse: Warehouse) -> None:
    query = """
        SELECT corr(shown, effect), avg(shown - effect) FROM (
            SELECT rater_id::VARCHAR AS name, gold_label AS gold,
                avg((label = gold_label)::INTEGER) AS shown, count(*) AS n
            FROM ratings WHERE gold_label IS NOT NULL GROUP BY ALL)
        JOIN demo_truth USING (name)
        WHERE kind = 'rater' AND n >= 10
            AND metric = CASE WHEN gold THEN 'sensitivity' ELSE 'specificity' END"""
    correlation, gap = warehouse.rows(query)[0]
    assert correlation > 0.3
    assert -0.08 < gap < 0  # Hard items take 0.25 off, 15 in 100 items are hard.


def test_the_sample_recovers_the_violative_view_rate(warehouse: Warehouse) -> None:
    """Hájek's estimate over all market-weeks against the recorded truth."""
    query = """
        SELECT effect, sum(label::INTEGER * impressions / draw_probability)
            / sum(impressions / draw_probability) AS estimate, count(*) AS n
        FROM prevalence_draws JOIN demo_truth USING (market)
        WHERE kind = 'violative_view_rate' AND drawn_at >= starts_at AND drawn_at < ends_at
        GROUP BY market, starts_at, effect"""
    weeks = warehouse.frame(query)
    assert len(weeks) == 16 * 65
    assert weeks["n"].nunique() == 1
    errors = (weeks["estimate"] - weeks["effect"]).to_numpy(float)
    assert abs(errors.mean()) < 3.5 * errors.std() / sqrt(len(errors))
    assert errors.mean() == pytest.approx(0, abs=0.03 * weeks["effect"].mean())
    assert weeks["estimate"].corr(weeks["effect"]) > 0.9


def test_the_recorded_rate_is_that_of_the_views(warehouse: Warehouse) -> None:
    query = """
        SELECT max(abs(effect - rate)), count(*) FROM (
            SELECT t.effect, sum(views * violates::INTEGER) / sum(views) AS rate
            FROM demo_truth t JOIN exposure e
                ON e.market = t.market AND e.hour >= t.starts_at AND e.hour < t.ends_at
            JOIN demo_truth_content USING (content_id)
            WHERE t.kind = 'violative_view_rate' AND t.market = 'US' GROUP BY ALL)"""
    gap, weeks = warehouse.rows(query)[0]
    assert weeks == 65
    assert gap < 1e-12


def test_draws_carry_their_posts_views_of_the_week(warehouse: Warehouse, demo: Project) -> None:
    query = """
        WITH seen AS (
            SELECT content_id, date_trunc('week', timezone(?, hour)) AS week, sum(views) AS views
            FROM exposure WHERE market = ? GROUP BY ALL)
        SELECT count(*), count(*) FILTER (impressions <> coalesce(views, 0))
        FROM prevalence_draws d LEFT JOIN seen s
            ON s.content_id = d.content_id AND s.week = date_trunc('week', timezone(?, drawn_at))
        WHERE market = ?"""
    for code in ("JP", "US"):
        zone = demo.market(code).zone
        draws, wrong = warehouse.rows(query, (zone, code, zone, code))[0]
        assert draws > 1000
        assert wrong == 0


def test_the_spam_wave_is_in_its_market_and_surface_only(warehouse: Warehouse) -> None:
    wave = truth(warehouse, "spam_wave")
    assert (wave["market"], wave["surface"], wave["policy"]) == ("BR", "live", "spam")
    query = """
        SELECT market = ? AND surface = ? AS here, posted_at >= ? AND posted_at < ? AS during,
            avg((violates AND policy = 'spam')::INTEGER)
        FROM content JOIN demo_truth_content USING (content_id) GROUP BY ALL"""
    names = (wave["market"], wave["surface"], wave["starts_at"], wave["ends_at"])
    share = {(here, during): rate for here, during, rate in warehouse.rows(query, names)}
    assert share[True, True] > 0.35
    assert share[True, False] < 0.05
    assert share[False, True] < 0.03


def test_the_outage_blinds_the_classifier_in_its_language_only(warehouse: Warehouse) -> None:
    outage = truth(warehouse, "classifier_outage")
    query = """
        SELECT language = ? AS here, posted_at >= ? AND posted_at < ? AS during,
            avg((risk_score >= 0.05)::INTEGER), count(*),
            avg(coalesce(found, FALSE)::INTEGER) FILTER (violates)
        FROM content JOIN demo_truth_content USING (content_id)
        LEFT JOIN (SELECT content_id, TRUE AS found FROM decisions
                   WHERE detection = 'proactive' AND action <> 'no_action') USING (content_id)
        WHERE posted_at >= '2026-02-01'
        GROUP BY ALL"""
    names = (outage["language"], outage["starts_at"], outage["ends_at"])
    found = {(row[0], row[1]): row[2:] for row in warehouse.rows(query, names)}
    assert found[True, True][0] < 0.03 < found[True, True][1]
    assert all(found[key][0] > 0.1 for key in found if key != (True, True))
    assert found[True, True][2] < 0.35
    assert found[True, False][2] > 0.6
    assert found[False, True][2] > 0.6


def test_the_logging_change_moves_views_and_nobody(warehouse: Warehouse) -> None:
    change = truth(warehouse, "logging_change")
    query = """
        SELECT market = ? AND surface = ? AS here, hour >= ? AS after,
            sum(views) / sum(viewers), sum(views % 2)
        FROM exposure GROUP BY ALL"""
    names = (change["market"], change["surface"], change["starts_at"])
    found = {(row[0], row[1]): row[2:] for row in warehouse.rows(query, names)}
    usual = found[True, False][0]
    assert found[True, True][0] / usual == pytest.approx(2, rel=0.03)
    assert found[True, True][1] == 0  # Every count is even: each event came twice.
    assert found[False, True][0] == pytest.approx(usual, rel=0.02)


def test_the_policy_change_lowers_fraud_where_and_when_it_came(warehouse: Warehouse) -> None:
    """Rates after over before, in markets with and without the change; three standard errors."""
    query = """
        SELECT t.market IS NOT NULL AS treated,
            posted_at >= coalesce(t.starts_at, TIMESTAMPTZ '2025-09-01 00:00:00+00') AS after,
            count(*) FILTER (violates AND c2.policy = 'fraud'), count(*)
        FROM content c JOIN demo_truth_content c2 USING (content_id)
        LEFT JOIN (FROM demo_truth WHERE kind = 'policy_change') t ON t.market = c.market
        GROUP BY ALL"""
    found = {(row[0], row[1]): row[2:] for row in warehouse.rows(query)}
    for treated, effect in ((True, 1 - 0.40), (False, 1.0)):
        (frauds, posts), (frauds_0, posts_0) = found[treated, True], found[treated, False]
        ratio = log(frauds / posts) - log(frauds_0 / posts_0)
        # Creators repeat themselves, so that the variance is about twice Poisson's.
        assert ratio == pytest.approx(log(effect), abs=3 * sqrt(2 / frauds + 2 / frauds_0))
    dates = "SELECT count(DISTINCT starts_at), count(*) FROM demo_truth WHERE kind='policy_change'"
    distinct, markets = warehouse.rows(dates)[0]
    assert distinct > 6
    assert markets == len(events.ROLLOUT)


def outcomes(warehouse: Warehouse, experiment: str, metric: str) -> dict[str, np.ndarray]:
    """The values of an outcome by arm."""
    query = "SELECT arm, outcomes FROM experiment_units WHERE experiment = ?"
    frame = warehouse.frame(query, (experiment,))
    values = frame["outcomes"].map(lambda text: float(json.loads(text)[metric]))
    return {str(arm): each.to_numpy(float) for arm, each in values.groupby(frame["arm"])}


@pytest.mark.parametrize("metric", ["reports", "valid_reports", "sessions"])
def test_the_clean_experiment_has_its_effect(warehouse: Warehouse, metric: str) -> None:
    arms = outcomes(warehouse, "report_flow", metric)
    effect = events.EXPERIMENTS[0].effects[metric]
    treated, control = arms["treatment"], arms["control"]
    error = sqrt(
        treated.var() / len(treated) / treated.mean() ** 2
        + control.var() / len(control) / control.mean() ** 2
    )
    assert log(treated.mean() / control.mean()) == pytest.approx(log(1 + effect), abs=3 * error)
    assert abs(len(treated) - len(control)) < 4 * sqrt(len(treated) + len(control))


def test_the_other_experiment_lost_units_of_one_arm(warehouse: Warehouse) -> None:
    arms = outcomes(warehouse, "share_prompt", "sessions")
    treated, control = len(arms["treatment"]), len(arms["control"])
    share = treated / (treated + control)
    assert share == pytest.approx(0.489, abs=3 * sqrt(0.25 / (treated + control)))
    # Those lost were less active, so that the arms that are left differ without any effect.
    query = """
        SELECT avg((covariates->>'sessions_before')::DOUBLE) FILTER (arm = 'treatment')
            / avg((covariates->>'sessions_before')::DOUBLE) FILTER (arm = 'control')
        FROM experiment_units WHERE experiment = 'share_prompt'"""
    assert warehouse.rows(query)[0][0] > 1.0


def test_the_truth_names_every_kind(warehouse: Warehouse) -> None:
    kinds = {kind for (kind,) in warehouse.rows("SELECT DISTINCT kind FROM demo_truth")}
    assert kinds == {
        "spam_wave",
        "classifier_outage",
        "policy_change",
        "logging_change",
        "experiment",
        "classifier_auc",
        "rater",
        "violative_view_rate",
    }


def test_no_study_reads_the_truth() -> None:
    """Only the demo itself names the tables of the truth."""
    package = Path(str(world.__file__)).parents[2]
    modules = [path for path in package.rglob("*.py") if path.parent.name != "demo"]
    assert len(modules) > 10
    readers = [path for path in modules if "demo_truth" in path.read_text(encoding="utf-8")]
    assert readers == []
