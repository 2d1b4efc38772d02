"""Cubes follow the rows: what is updated day by day equals what is built whole."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.calendar import Market
from analysis.metrics import building
from analysis.metrics.building import Manifest, ensure
from analysis.metrics.catalogue import Catalogue, load_catalogue
from analysis.metrics.layout import KINDS, read_rows
from analysis.metrics.scan import sum_name
from analysis.metrics.watching import unlinked, watches
from analysis.project import Project
from analysis.warehouse import Warehouse, merge, read_marks, scratch
from analysis.warehouse.tables import TABLES
from support import CHECKOUT

MARKETS = {
    "JP": Market(code="JP", name="Japan", zone="Asia/Tokyo"),
    "US": Market(code="US", name="United States", zone="America/New_York"),
    "it's": Market(code="it's", name="A quote", zone="Europe/London"),
}
#: Clocks change in the United States on 8 March and in London on 29 March.
START = datetime(2026, 2, 26, tzinfo=UTC)
Row = dict[str, Any]


def instants(most_days: int = 60) -> st.SearchStrategy[datetime]:
    return st.integers(0, most_days * 24).map(lambda hour: START + timedelta(hours=hour))


ids, codes = st.integers(1, 6), st.sampled_from([*MARKETS, "elsewhere"])
surfaces = st.sampled_from(["feed", "search"])
CONTENT = st.fixed_dictionaries(
    {"content_id": ids, "creator_id": ids, "market": codes, "posted_at": instants()}
)
EXPOSURE = st.fixed_dictionaries(
    {"content_id": ids, "market": codes, "surface": surfaces, "hour": instants(), "views": ids}
)
REPORT = st.fixed_dictionaries(
    {"report_id": ids, "content_id": ids, "market": codes, "reported_at": instants()}
)
DECISION = st.fixed_dictionaries(
    {
        "decision_id": ids,
        "content_id": ids,
        "creator_id": ids,
        "market": codes,
        "action": st.sampled_from(["remove", "no_action"]),
        "decided_at": instants(),
        "automated": st.booleans(),
    }
)
APPEAL = st.fixed_dictionaries(
    {
        "appeal_id": ids,
        "decision_id": ids,
        "submitted_at": instants(),
        "resolved_at": st.none() | instants(),
        "outcome": st.sampled_from(["overturned", "upheld"]),
    }
)
ROWS = {
    "content": CONTENT,
    "exposure": EXPOSURE,
    "user_reports": REPORT,
    "decisions": DECISION,
    "appeals": APPEAL,
}


def fed() -> Catalogue:
    """The metrics over facts that have rows here; a scan of none costs as much as one of a few."""
    whole = load_catalogue(Project(CHECKOUT))
    metrics = {
        name: metric
        for name, metric in whole.metrics.items()
        if {*whole.facts[metric.fact].reads, *whole.facts[metric.base_fact].reads} <= ROWS.keys()
    }
    return whole.model_copy(update={"metrics": metrics})


CATALOGUE = fed()
OWED = {
    "language": "xx", "surface": "feed", "viewers": 1, "reporter_id": 1, "detection": "proactive",
}  # fmt: skip
BATCHES = st.lists(
    st.sampled_from(sorted(ROWS)).flatmap(
        lambda table: st.tuples(st.just(table), st.lists(ROWS[table], min_size=1, max_size=4))
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture
def warehouse() -> Iterator[Warehouse]:
    with scratch() as made:
        yield made


@pytest.fixture(autouse=True)
def _expressions_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are checked elsewhere; here cubes are built hundreds of times."""
    monkeypatch.setattr(building, "check_expressions", lambda _: [])


def load(warehouse: Warehouse, table: str, rows: list[Row], load_id: str) -> None:
    """Merges rows; the last of a key holds."""
    spec = TABLES[table]
    unique = {tuple(row.get(name) for name in spec.key): row for row in rows}
    whole = [{c: row.get(c, OWED.get(c)) for c in spec.columns} for row in unique.values()]
    types = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
    zoned = pa.timestamp("us", "UTC")
    fields = [
        (name, pa.bool_() if kind.startswith("BOOL") else types.get(kind.split(" ")[0], zoned))
        for name, kind in spec.columns.items()
    ]
    warehouse.take_in("incoming", pa.Table.from_pylist(whole, pa.schema(fields)))
    with warehouse.transaction():
        merge(
            warehouse,
            table,
            "SELECT * FROM incoming",
            load_id=load_id,
            markets=MARKETS,
            watches=watches(CATALOGUE),
        )


def bring(warehouse: Warehouse, folder: Path) -> dict[str, Manifest]:
    return ensure(CATALOGUE, MARKETS, warehouse, folder)[0]


def held(folder: Path, catalogue: Catalogue = CATALOGUE) -> dict[str, list[Row]]:
    found = {}
    for fact in catalogue.used_facts():
        manifest = Manifest.read(folder, fact)
        assert manifest is not None
        for kind in KINDS:
            path = manifest.path(folder, kind)
            found[f"{fact} {kind}"] = [] if path is None else read_rows(path).to_pylist()
    return found


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, drawn=st.randoms(use_true_random=False))
def test_late_and_corrected_rows_give_what_a_full_build_gives(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[tuple[str, list[Row]]],
    drawn: random.Random,
) -> None:
    root = tmp_path_factory.mktemp("cubes")
    with scratch() as warehouse:
        for number in range(len(ROWS)):  # something to begin with, in all tables
            table = sorted(ROWS)[number]
            load(warehouse, table, first_rows(table, drawn), f"first-{number}")
        bring(warehouse, root / "updated")
        for number, (table, rows) in enumerate(batches):
            load(warehouse, table, rows, f"load-{number}")
            bring(warehouse, root / "updated")
        bring(warehouse, root / "whole")
    assert held(root / "updated") == held(root / "whole")


def first_rows(table: str, drawn: random.Random) -> list[Row]:
    """A few rows of a table that join."""
    rows = []
    for number in range(1, 7):
        at = START + timedelta(hours=drawn.randrange(60 * 24))
        market = drawn.choice(list(MARKETS))
        known = {"content_id": number, "creator_id": number, "decision_id": number, "views": 5}
        known |= {"market": market, "action": "remove", "automated": True, "outcome": "upheld"}
        known |= dict.fromkeys(("posted_at", "hour", "reported_at", "decided_at"), at)
        known |= {"submitted_at": at, "resolved_at": at, "surface": "feed"}
        rows.append({**dict.fromkeys(TABLES[table].key, number), **known})
    return rows


def post(number: int) -> Row:
    return {"content_id": number, "creator_id": number, "market": "JP", "posted_at": START}


def seen(hours: float, market: str = "JP", views: int = 3) -> Row:
    at = START + timedelta(hours=hours)
    return {"content_id": 1, "market": market, "surface": "feed", "hour": at, "views": views}


def test_a_day_touches_one_fact(warehouse: Warehouse, tmp_path: Path) -> None:
    load(warehouse, "content", [post(1)], "a")
    load(warehouse, "exposure", [seen(24 * day) for day in range(40)], "b")
    before = bring(warehouse, tmp_path)
    load(warehouse, "exposure", [seen(24 * 40)], "c")
    after, built = ensure(CATALOGUE, MARKETS, warehouse, tmp_path)
    assert [path.name for path in built] == [after["views"].parts["sums"]]
    assert [fact for fact in after if after[fact] != before[fact]] == ["views"]
    assert ensure(CATALOGUE, MARKETS, warehouse, tmp_path)[1] == []


def test_only_the_touched_days_are_scanned(warehouse: Warehouse, tmp_path: Path) -> None:
    load(warehouse, "content", [post(1)], "a")
    load(warehouse, "exposure", [seen(240), seen(240, "US")], "b")
    bring(warehouse, tmp_path)
    # Behind the merges' back: whoever scans these days would find them.
    for market, hour in (("US", 240), ("JP", 288)):
        row = f"(1, '{market}', 'search', TIMESTAMPTZ '{START + timedelta(hours=hour)}', 100, 1)"
        warehouse.execute(f"INSERT INTO exposure VALUES {row}")
    load(warehouse, "exposure", [seen(240, views=4)], "c")
    bring(warehouse, tmp_path)
    found = sorted((row["market"], row["n"]) for row in held(tmp_path)["views sums"])
    assert found == [("JP", 1), ("US", 1)]


def test_a_late_decision_changes_the_day_of_a_report(warehouse: Warehouse, tmp_path: Path) -> None:
    report = {"report_id": 1, "content_id": 1, "market": "JP", "reported_at": START}
    later = START + timedelta(days=20)
    decision = {"content_id": 1, "creator_id": 1, "market": "JP", "action": "remove"}
    decision |= {"automated": True}
    load(warehouse, "content", [post(1), post(2)], "a")
    load(warehouse, "user_reports", [report], "b")
    other = {**decision, "decision_id": 1, "content_id": 2, "decided_at": later}
    load(warehouse, "decisions", [other], "c")
    bring(warehouse, tmp_path)
    before = held(tmp_path)["reports sums"]
    soon = {**decision, "decision_id": 2, "decided_at": START + timedelta(hours=5)}
    load(warehouse, "decisions", [soon], "d")
    bring(warehouse, tmp_path)
    after = held(tmp_path)["reports sums"]
    acted_on = CATALOGUE.metrics["report_actionability"].numerator
    assert acted_on is not None
    changed = sum_name(acted_on)  # the same day, now 1
    assert ([r[changed] for r in before], [r[changed] for r in after]) == ([0.0], [1.0])


def reported(number: int, day: int, content: int) -> Row:
    at = START + timedelta(days=day)
    return {"report_id": number, "content_id": content, "market": "JP", "reported_at": at}


def decided(number: int, day: float, content: int) -> Row:
    known = {"content_id": content, "creator_id": content, "market": "JP", "action": "remove"}
    at = START + timedelta(days=day)
    return {**known, "decision_id": number, "decided_at": at, "automated": True}


@pytest.fixture
def settled(warehouse: Warehouse, tmp_path: Path) -> Warehouse:
    """Reports of days that settled and of days that did not, as of the newest decision."""
    load(warehouse, "content", [post(1), post(2), post(3)], "a")
    reports = [reported(1, 0, 1), reported(2, 0, 2), reported(3, 40, 1), reported(4, 59, 2)]
    load(warehouse, "user_reports", reports, "b")
    load(warehouse, "decisions", [decided(1, 60, 3)], "c")
    bring(warehouse, tmp_path / "updated")
    return warehouse


@pytest.mark.parametrize(
    ("row", "days"),
    [
        pytest.param(decided(2, 1, 1), [0, 40], id="it was decided in time, and is told late"),
        pytest.param(decided(2, 27.9, 2), [0, 59], id="just before it settled"),
        pytest.param(decided(2, 30, 1), [40], id="after the first day settled"),
        pytest.param(decided(2, 59.5, 1), [40], id="after it, before the newest"),
        pytest.param(decided(2, 61, 3), [40, 59], id="the newest, on which what waits is reckoned"),
        pytest.param(
            decided(1, 20, 3), [0, 40, 59], id="the newest is corrected to an earlier time"
        ),
        pytest.param(decided(1, 60, 1), [40], id="corrected to be about another post"),
    ],
)
def test_a_decision_changes_the_days_that_had_not_settled_by_its_time(
    settled: Warehouse, tmp_path: Path, row: Row, days: list[int]
) -> None:
    load(settled, "decisions", [row], "late")
    touched = read_marks(settled).touched["reports", "JP"]
    found = sorted({day for day, load_id in touched if load_id == "late"})
    assert found == [(START + timedelta(days=day)).date() for day in days]
    bring(settled, tmp_path / "updated")
    bring(settled, tmp_path / "whole")
    assert held(tmp_path / "updated") == held(tmp_path / "whole")


def test_a_report_that_moves_to_another_post_changes_the_order_of_both_posts_reports(
    settled: Warehouse, tmp_path: Path
) -> None:
    load(settled, "user_reports", [{**reported(1, 0, 1), "content_id": 2}], "moved")
    bring(settled, tmp_path / "updated")
    bring(settled, tmp_path / "whole")
    assert held(tmp_path / "updated") == held(tmp_path / "whole")
    first = CATALOGUE.metrics["duplicate_reports_per_post"].denominator
    assert first is not None
    found = [row[sum_name(first)] for row in held(tmp_path / "updated")["reports sums"]]
    assert found == [1, 1, 0]  # by day: the first of post 2, of post 1, and a second of post 2


def test_days_that_settled_are_not_scanned_for_newer_decisions(
    settled: Warehouse, tmp_path: Path
) -> None:
    # Behind the merges' back: whoever scans these days would find them.
    for number, day in ((8, 0), (9, 40)):
        at = START + timedelta(days=day)
        settled.execute(
            f"INSERT INTO user_reports VALUES ({number}, 3, 1, 'JP', NULL, TIMESTAMPTZ '{at}')"
        )
    load(settled, "decisions", [decided(2, 61, 3)], "newer")
    bring(settled, tmp_path / "updated")
    found: Counter[str] = Counter()
    for row in held(tmp_path / "updated")["reports sums"]:
        found[str(row["day"])] += row["n"]
    assert found == {"2026-02-26": 2, "2026-04-07": 2, "2026-04-26": 1}


def test_what_looks_into_a_table_as_a_whole_is_built_whole() -> None:
    assert unlinked(CATALOGUE, "views") == []
    assert unlinked(CATALOGUE, "reports") == []
    never = CATALOGUE.facts["reports"].model_copy(update={"settles": None})
    loose = CATALOGUE.model_copy(update={"facts": {**CATALOGUE.facts, "reports": never}})
    assert unlinked(loose, "reports") == ["decisions"]
    assert "decisions" in unlinked(CATALOGUE, "waiting_appeals")


@pytest.mark.parametrize("step", range(2))
def test_whoever_is_stopped_leaves_the_cube_as_it_was(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Stopped at each replacement in turn: of the file, then of the manifest."""
    load(warehouse, "content", [post(1)], "a")
    load(warehouse, "exposure", [seen(0), seen(720)], "b")
    bring(warehouse, tmp_path)
    before = held(tmp_path)["views sums"]
    load(warehouse, "exposure", [seen(1, views=9), seen(721, views=9)], "c")
    done: list[Path] = []

    def stop(path: Path, place: Path) -> Path:
        if len(done) == step:
            raise OSError(28, "No space left on device")
        done.append(place)
        return replace(path, place)

    replace = Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", stop)
        with pytest.raises(OSError, match="No space"):
            bring(warehouse, tmp_path)
    assert held(tmp_path)["views sums"] == before
    assert not list(tmp_path.glob(".*"))
    bring(warehouse, tmp_path)
    bring(warehouse, tmp_path / "whole")
    assert held(tmp_path) == held(tmp_path / "whole")
    assert held(tmp_path)["views sums"] != before
    manifest = Manifest.read(tmp_path, "views")
    assert manifest is not None
    assert {path.name for path in tmp_path.glob("views-*")} == {*manifest.parts.values()}
