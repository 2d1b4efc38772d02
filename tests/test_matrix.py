"""Matrices of params/studies/*.yaml: which runs they mean, and what their mistakes are told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from analysis.errors import UserError
from analysis.params import parse
from analysis.project import Markets, Project, StudySpec
from analysis.runs.choice import Choice, choose
from analysis.runs.held import Held

STUDY = "core_metrics"


@pytest.fixture
def held(project: Project) -> Held:
    """Data that end with 2026-03-18, a Wednesday, in UTC."""
    found = Held(project)
    found._last_times["exposure"] = {None: datetime(2026, 3, 18, 23, tzinfo=UTC)}
    return found


def spec(**changes: Any) -> dict[str, Any]:
    base = {"title": "t", "question": "q", "decision": "d", "owner": "o", "reads": ["exposure"]}
    matrix = {"markets": ["JP"], "windows": ["2026-W10"]}
    return {**base, "clock": "exposure", "matrix": matrix, **changes}


Runs = Callable[..., list[str]]


@pytest.fixture
def runs(held: Held, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """The identities that a study's file means, without the study's name."""

    def found(choice: Choice | None = None, **changes: Any) -> list[str]:
        made = parse(spec(**changes), StudySpec, "file")
        monkeypatch.setattr(Project, "study", lambda *_: made)
        chosen = choose(held.project, choice or Choice([STUDY]), held)
        return [run.identity.removeprefix(f"{STUDY}/") for run in chosen]

    return found


def matrix(**keys: Any) -> dict[str, Any]:
    return {"markets": ["JP"], "windows": ["2026-W10"], **keys}


@pytest.mark.parametrize(
    ("markets", "codes"),
    [
        (["JP", "BR"], ["JP", "BR"]),
        (["EU"], ["DE", "FR"]),
        (["JP", "EU", "DE"], ["JP", "DE", "FR"]),
        (["NA"], ["US"]),
    ],
)
def test_markets_and_regions(runs: Runs, held: Held, markets: list[str], codes: list[str]) -> None:
    found = runs(matrix=matrix(markets=markets))
    assert found == [f"{code}/2026-W10" for code in codes]


def test_all_markets(runs: Runs, held: Held) -> None:
    assert len(runs(matrix=matrix(markets="all"))) == len(held.project.markets)


@pytest.mark.parametrize(
    ("windows", "labels"),
    [
        ({"last": 3, "every": "week"}, ["2026-W09", "2026-W10", "2026-W11"]),
        ({"last": 2, "every": "month"}, ["2026-01", "2026-02"]),
        ({"last": 1, "every": "quarter"}, ["2025-Q4"]),
        (["latest-week", "2026-02"], ["2026-W11", "2026-02"]),
        (["2026-02", {"last": 2, "every": "day"}], ["2026-02", "2026-03-17", "2026-03-18"]),
        (["latest-week", {"last": 1, "every": "week"}], ["2026-W11"]),
    ],
)
def test_windows(runs: Runs, held: Held, windows: Any, labels: list[str]) -> None:
    found = runs(matrix=matrix(markets=["GB"], windows=windows))
    assert found == [f"GB/{label}" for label in labels]


VARIANTS = {"strict": {"confidence": 0.99}, "short": {"trend_windows": 8}}


def test_variants_are_runs_of_their_own(runs: Runs, held: Held) -> None:
    some = matrix(variants=["base", "strict"])
    assert runs(variants=VARIANTS, matrix=some) == ["JP/2026-W10", "JP/2026-W10@strict"]
    assert runs(variants=VARIANTS) == ["JP/2026-W10"]
    asked = Choice([STUDY], variants=["short"])
    assert runs(asked, variants=VARIANTS) == ["JP/2026-W10@short"]
    more = Choice([STUDY], variants=["short"], parameters={"confidence": "0.9"})
    assert runs(more, variants=VARIANTS) == ["JP/2026-W10@short_confidence-0.9"]
    run = choose(held.project, asked, held)[0]
    assert run.parameters["trend_windows"] == 8
    with pytest.raises(UserError, match="variant: 'strikt' is not known; did you mean 'strict'"):
        runs(Choice([STUDY], variants=["strikt"]), variants=VARIANTS)


def test_exclusions_hold_for_the_matrix_and_not_for_what_is_named(runs: Runs, held: Held) -> None:
    rule = {"markets": ["EU"], "windows": ["2026-03"], "reason": "the pipeline was down"}
    both = matrix(markets=["JP", "DE"], windows=["2026-W10", "2026-W08"], exclude=[rule])
    assert runs(matrix=both) == ["JP/2026-W10", "JP/2026-W08", "DE/2026-W08"]
    named = Choice([STUDY], markets=["DE"])
    assert runs(named, matrix=both) == ["DE/2026-W10", "DE/2026-W08"]
    named = Choice([STUDY], windows=["2026-W10"])
    assert runs(named, matrix=both) == ["JP/2026-W10", "DE/2026-W10"]
    rule = {"variants": ["strict"], "markets": ["JP"], "reason": "too few"}
    some = matrix(markets=["JP", "BR"], variants=["base", "strict"], exclude=[rule])
    found = runs(variants=VARIANTS, matrix=some)
    assert found == ["JP/2026-W10", "BR/2026-W10", "BR/2026-W10@strict"]


def test_the_full_matrix_is_another(runs: Runs, held: Held) -> None:
    full = matrix(markets=["LATAM"])
    assert runs(Choice([STUDY], full=True), full=full) == [
        f"{code}/2026-W10" for code in held.project.regions["LATAM"]
    ]
    assert runs(full=full) == ["JP/2026-W10"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"matrix": matrix(markets=["XX"])}, "market: 'XX' is not known"),
        ({"matrix": matrix(markets=["APC"])}, "did you mean 'APAC'?"),
        ({"matrix": matrix(windows=["2026-W60"])}, "'2026-W60' has no such week"),
        ({"matrix": matrix(windows=[])}, "matrix.windows"),
        ({"matrix": matrix(windows={"last": 0, "every": "week"})}, "greater than or equal to 1"),
        ({"matrix": matrix(windows={"last": 8, "every": "fortnight"})}, "'day', 'week', 'month'"),
        ({"matrix": matrix(market=["JP"])}, "did you mean 'markets'?"),
        ({"matrix": matrix(exclude=[{"markets": ["JP"]}])}, "reason: missing"),
        ({"matrix": matrix(exclude=[{"reason": "x"}])}, "else it leaves out every run"),
        ({"matrix": matrix(variants=["strikt"]), "variants": VARIANTS}, "did you mean 'strict'?"),
        ({"variants": {"base": {}}}, "'base' is the study without a variant"),
        ({"variants": {"../x": {}}}, "variants"),
        ({"rows": {"markets": "mine"}}, "'own' or 'all'"),
        ({"rows": {"markets": "own", "windows": 0}}, "rows.windows"),
    ],
)
def test_a_mistake_in_a_matrix_is_said(
    runs: Runs, held: Held, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError) as raised:
        runs(**changes)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_region_is_no_markets_code() -> None:
    norway = {"name": "Norway", "zone": "Europe/Oslo", "languages": ["no"], "region": "NO"}
    with pytest.raises(UserError, match="region 'NO' is a market's code"):
        parse({"markets": {"NO": norway}}, Markets, "params/markets.yaml")
