"""What makes a run stale and what does not, for each part of its key."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from analysis.project import Project
from analysis.runs.choice import Choice, Run, choose
from analysis.runs.keys import Keys
from analysis.studies import core_metrics
from analysis.warehouse import DuckDBWarehouse, merge, open_warehouse
from support import Checkout, make_checkout

WEEK = "2026-W10"
#: core_metrics with a history of 26 weeks, this one the last, and the same week a year before.
FIRST_SHOWN, LAST_SHOWN, YEAR_BEFORE = date(2025, 9, 8), date(2026, 3, 8), date(2025, 3, 3)


@pytest.fixture
def loaded(project: Project) -> Project:
    """A warehouse whose one row places the end of the data."""
    with open_warehouse(project, write=True) as warehouse:
        warehouse.execute(
            "INSERT INTO exposure VALUES (1, 'JP', 'feed', TIMESTAMPTZ '2026-03-20 00:00Z', 1, 1)"
        )
        warehouse.stamp("exposure", "first")
    return project


def runs(project: Project, study: str, *markets: str, **parameters: str) -> list[Run]:
    window = "2023-Q3" if study == "enforcement_benchmark" else WEEK
    return choose(project, Choice([study], markets, [window], parameters))


def late(project: Project, market: str, day: date) -> None:
    """A report that arrives late: at three, by UTC, of a day."""
    at = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    with open_warehouse(project, write=True) as warehouse:
        merge(
            warehouse,
            "user_reports",
            f"SELECT 9 AS report_id, 1 AS content_id, 1 AS reporter_id, '{market}' AS market, "
            f"'spam' AS policy, TIMESTAMPTZ '{at}' AS reported_at",
            load_id="late",
            markets=project.markets,
            watches=(),
        )


def data(project: Project, asked: list[Run]) -> dict[str, dict[str, str]]:
    keys = Keys(project)
    return {run.market.code: keys.data(run) for run in asked}


@pytest.mark.parametrize(
    ("day", "stale"),
    [
        (date(2026, 3, 4), True),  # in the window
        (FIRST_SHOWN, True),
        (FIRST_SHOWN - timedelta(days=1), False),
        (YEAR_BEFORE, True),
        (YEAR_BEFORE - timedelta(days=1), False),
        (LAST_SHOWN + timedelta(days=3), True),  # what is decided by then still counts
        (LAST_SHOWN + timedelta(days=4), False),
    ],
)
def test_one_late_row_in_japan(loaded: Project, day: date, stale: bool) -> None:
    """It makes Japan's run stale where its windows hold the row's day, and no other run."""
    asked = runs(loaded, "core_metrics", "JP", "DE", history_windows="26")
    before = data(loaded, asked)
    late(loaded, "JP", day)
    after = data(loaded, asked)
    assert (before["JP"] != after["JP"]) is stale
    assert before["DE"] == after["DE"]


def test_a_parameter_says_which_windows_are_read(loaded: Project) -> None:
    short = runs(loaded, "core_metrics", "JP", history_windows="4")
    before = data(loaded, short)
    late(loaded, "JP", date(2026, 1, 5))
    assert data(loaded, short) == before
    longer = runs(loaded, "core_metrics", "JP", history_windows="30")
    before = data(loaded, longer)
    late(loaded, "JP", FIRST_SHOWN - timedelta(days=20))
    assert data(loaded, longer) != before


def test_what_core_metrics_reads_lies_within_what_it_declares(loaded: Project) -> None:
    for text in (WEEK, "2026-02", "2025-Q4", "2026-01-05..2026-01-15"):
        run = choose(loaded, Choice(["core_metrics"], ["JP"], [text]))[0]
        spans = Keys(loaded).spans(run)
        read = [*core_metrics._windows(run.window, date(2000, 1, 1), 65), run.window.year_before()]
        for window in read:
            assert any(a <= window.start and window.end <= b for a, b in spans)


def test_a_study_that_declares_nothing_reads_all_rows(loaded: Project) -> None:
    path = loaded.params / "studies" / "core_metrics.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("rows:")]
    path.write_text("\n".join(kept))
    asked = runs(Project(loaded.root), "core_metrics", "DE")
    before = data(loaded, asked)
    late(loaded, "JP", date(2024, 1, 1))
    assert data(loaded, asked) != before


def test_facts_count_for_studies_that_read_cubes_only(loaded: Project) -> None:
    def note(day: str) -> None:
        with open_warehouse(loaded, write=True) as warehouse:
            assert isinstance(warehouse, DuckDBWarehouse)
            warehouse.execute(f"INSERT INTO _touched VALUES ('acted', 'JP', DATE '{day}', 'x')")

    mine = runs(loaded, "core_metrics", "JP")
    published = runs(loaded, "enforcement_benchmark", "JP")
    before = data(loaded, mine), data(loaded, published)
    note("2026-03-03")
    assert data(loaded, mine) != before[0]
    assert data(loaded, published) == before[1]


BOTH = ("core_metrics", "enforcement_benchmark")


def parts(checkout: Checkout) -> dict[str, dict[str, str]]:
    said = checkout.study("plan", *BOTH, "-m", "JP", "-w", "2023-Q3", "--json")
    return {each["run"].partition("/")[0]: each["parts"] for each in json.loads(said)["runs"]}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout whose files are changed and put back."""
    return make_checkout(tmp_path_factory.mktemp("code") / "checkout", None)


@pytest.fixture(scope="module")
def unchanged(code: Checkout) -> dict[str, dict[str, str]]:
    return parts(code)


NORWAY = "  NO: {name: Norway, zone: Europe/Oslo, languages: [no]}"


@pytest.mark.parametrize(
    ("path", "text", "core", "benchmark"),
    [
        # A study's own module, and one that only the other can import.
        ("src/analysis/studies/core_metrics.py", "# new", {"code"}, set()),
        ("src/analysis/studies/benchmark_drivers.py", "# new", set(), {"code"}),
        ("src/analysis/methods/buckets.py", "# new", {"code"}, set()),
        ("src/analysis/warehouse/interface.py", "# new", {"code"}, {"code"}),
        ("src/analysis/studies/__init__.py", "# new", {"code"}, {"code"}),
        # What makes pages is a part of its own.
        ("src/analysis/report/templates/study/style.css", "/* new */", {"page"}, {"page"}),
        ("src/analysis/report/page.py", "# new", {"page"}, {"page"}),
        # What no run imports.
        ("src/analysis/cli/runs.py", "# new", set(), set()),
        ("src/analysis/runs/plan.py", "# new", set(), set()),
        ("src/analysis/studies/templates/study.py.txt", "# new", set(), set()),
        ("src/analysis/report/locales/de.po", "# new", {"page"}, {"page"}),
        ("src/analysis/warehouse/demo/sql/content.sql", "-- new", set(), set()),
        # What params/ says, for those who read it.
        ("params/metrics.yaml", "# new", {"params"}, set()),
        ("params/policies.yaml", "# new", {"params"}, {"params"}),
        (
            "params/markets.yaml",
            "  NO: {name: N, zone: Europe/Oslo, languages: [no]}",
            set(),
            {"params"},
        ),
        ("params/studies/core_metrics.yaml", "# new", set(), set()),
        ("requirements.lock", "# new", {"lock"}, {"lock"}),
    ],
    ids=lambda value: value.rpartition("/")[2] if isinstance(value, str) else "",
)
def test_a_change_makes_those_stale_that_depend_on_it(
    code: Checkout,
    unchanged: dict[str, dict[str, str]],
    path: str,
    text: str,
    core: set[str],
    benchmark: set[str],
) -> None:
    file = code.root / path
    kept = file.read_text(encoding="utf-8")
    file.write_text(f"{kept}\n{text}\n", encoding="utf-8")
    try:
        after = parts(code)
    finally:
        file.write_text(kept, encoding="utf-8")
    for study, expected in zip(BOTH, (core, benchmark), strict=True):
        found = {k for k in after[study] if after[study][k] != unchanged[study][k]}
        assert found == expected, study


def test_the_matrix_of_a_study_says_nothing_of_what_its_runs_find(project: Project) -> None:
    run = runs(project, "core_metrics", "JP")[0]
    before = Keys(project).parts(run)
    edit(project.params / "studies" / "core_metrics.yaml", "[BR, DE, IN, JP, NP, US]", "[JP]")
    fresh = Project(project.root)
    assert Keys(fresh).parts(runs(fresh, "core_metrics", "JP")[0]) == before
    edit(project.params / "studies" / "core_metrics.yaml", "fewest_events: 5", "fewest_events: 6")
    fresh = Project(project.root)
    after = Keys(fresh).parts(runs(fresh, "core_metrics", "JP")[0])
    assert [name for name in after if after[name] != before[name]] == ["params"]


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_a_module_that_is_no_python_is_said_in_one_line(bare: Checkout) -> None:
    path = bare.root / "src" / "analysis" / "studies" / "metric_words.py"
    path.write_text("def broken(:\n", encoding="utf-8")
    said = bare.study("plan", "core_metrics", "-m", "JP", "-w", WEEK, status=2)
    assert said.startswith("study: src/analysis/studies/metric_words.py, line 1: no Python")
