"""Making the demo: the same seed gives the same rows, and the old file is whole at any moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.warehouse import DuckDBWarehouse, open_warehouse, warehouse_file
from analysis.warehouse.demo import build as building
from analysis.warehouse.demo import demo_version, make, make_demo
from analysis.warehouse.demo.build import MADE, TRUTH, build, sql

#: Enough to hold the spam wave, the outage, the logging change, a zone of 5 h 45 min, a rollout.
FEW = """markets:
  BR: {name: Brazil, zone: America/Sao_Paulo, languages: [pt]}
  CL: {name: Chile, zone: America/Santiago, languages: [es]}
  JP: {name: Japan, zone: Asia/Tokyo, languages: [ja]}
  NP: {name: Nepal, zone: Asia/Kathmandu, languages: [ne]}
"""
TINY = 0.004
SEED = 7

#: What `checksums` gives for FEW, TINY and SEED. It changes only where the simulation does, and
#: then on purpose: `study demo` makes other rows from then on.
GOLDEN = {
    "content": "fd361bd82715",
    "exposure": "fd1575ba410f",
    "user_reports": "ad1fa50b23fd",
    "decisions": "38b0d52dda96",
    "appeals": "db3b74ac1fc8",
    "ratings": "e8c306ccfaf5",
    "prevalence_draws": "42f8e662f628",
    "experiment_units": "cd42280059d4",
    "demo_truth": "2a8444953022",
    "demo_truth_content": "ec4db620f94b",
}


@pytest.fixture
def few(project: Project) -> Project:
    """A project with four markets."""
    (project.params / "markets.yaml").write_text(FEW, encoding="utf-8")
    return Project(project.root)


def simulated(project: Project, *, threads: int = 2, seed: int = SEED) -> DuckDBWarehouse:
    """A demo in memory."""
    warehouse = DuckDBWarehouse(Path(":memory:"), write=True)
    warehouse.execute(f"SET threads = {threads}")
    build(warehouse, project, seed, TINY, None)
    return warehouse


def checksums(warehouse: DuckDBWarehouse) -> dict[str, str]:
    """A hash of each table's rows as text, in an order of their own."""
    query = "SELECT md5(string_agg(t::VARCHAR, chr(10) ORDER BY t::VARCHAR)) FROM {} AS t"
    return {name: warehouse.rows(query.format(name))[0][0][:12] for name in (*MADE, *TRUTH)}


def test_the_rows_are_those_of_every_machine(few: Project) -> None:
    with simulated(few) as warehouse:
        assert checksums(warehouse) == GOLDEN


def test_neither_threads_nor_groups_of_markets_matter(
    few: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(building, "CHUNK_POSTS", 1)
    with simulated(few, threads=1) as warehouse:
        assert checksums(warehouse) == GOLDEN


def test_another_seed_gives_other_rows(few: Project) -> None:
    with simulated(few, seed=SEED + 1) as warehouse:
        found = checksums(warehouse)
    assert not {name for name in MADE if found[name] == GOLDEN[name]}


def test_a_market_more_leaves_the_others_rows(few: Project) -> None:
    rows = "SELECT count(*), sum(content_id), sum(risk_score::DECIMAL(9, 4)) FROM content"
    rows += " WHERE market <> 'PE'"
    with simulated(few) as warehouse:
        before = warehouse.rows(rows)
    added = FEW + "  PE: {name: Peru, zone: America/Lima, languages: [es, qu]}\n"
    (few.params / "markets.yaml").write_text(added, encoding="utf-8")
    with simulated(Project(few.root)) as warehouse:
        assert warehouse.rows(rows) == before
        peru = "SELECT count(*) FROM exposure WHERE market = 'PE'"
        assert warehouse.rows(peru)[0][0] > 50


def test_random_numbers_are_uniform_and_independent() -> None:
    """Chi-squared over cells, of a purpose, of two purposes together and of neighbours."""
    warehouse = DuckDBWarehouse(Path(":memory:"), write=True)
    warehouse.execute(sql("random").replace("$seed", "20260302"))
    query = "SELECT u(range, 1) AS a, u(range, 2) AS b, z(range, 3) AS z FROM range(200000)"
    drawn = warehouse.frame(query)
    a, b = drawn["a"].to_numpy(), drawn["b"].to_numpy()
    for x, y in ((a, b), (a[1:], a[:-1]), (b, (a * 2**26) % 1)):
        cells = np.histogram2d(x, y, bins=32, range=[[0, 1], [0, 1]])[0]
        expected = len(x) / 1024
        statistic = ((cells - expected) ** 2 / expected).sum()
        assert abs(statistic - 1023) < 4.5 * np.sqrt(2 * 1023)
    assert abs(drawn["z"].mean()) < 0.01
    assert drawn["z"].std() == pytest.approx(1, abs=0.01)
    assert drawn["z"].kurt() == pytest.approx(0, abs=0.06)
    distinct = "SELECT count(DISTINCT pseudonym(1, 3, range)) FROM range(200000)"
    assert warehouse.rows(distinct) == [(200_000,)]


def test_version_follows_what_the_rows_follow_from(few: Project) -> None:
    version = demo_version(few, SEED, TINY)
    assert version == demo_version(Project(few.root), SEED, TINY)
    assert version != demo_version(few, SEED + 1, TINY)
    assert version != demo_version(few, SEED, 2 * TINY)
    (few.params / "markets.yaml").write_text(FEW.replace("Kathmandu", "Kolkata"))
    assert version != demo_version(Project(few.root), SEED, TINY)


def test_summary_progress_and_stamps(few: Project) -> None:
    heard: list[tuple[str, float]] = []
    made = make_demo(few, seed=SEED, scale=TINY, progress=lambda *step: heard.append(step))
    assert made.path == few.root / "data" / "warehouse.duckdb"
    assert made.version == demo_version(few, SEED, TINY)
    with open_warehouse(few) as warehouse:
        assert warehouse.versions() == dict.fromkeys(MADE, made.version)
        for table, rows in made.rows.items():
            assert warehouse.rows(f"SELECT count(*) FROM {table}") == [(rows,)]
    shares = [share for _, share in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert {path.name for path in made.path.parent.iterdir()} - {"params"} == {"warehouse.duckdb"}


def load_published(project: Project) -> None:
    with open_warehouse(project, write=True) as warehouse:
        warehouse.execute(
            "INSERT INTO published_metrics VALUES ('tiktok', '2023-Q3', 'removals', "
            "DATE '2023-07-01', DATE '2023-10-01', 'JP', NULL, NULL, 5, 'count')"
        )
        warehouse.stamp("published_metrics", "as-published")
        warehouse.stamp("content", "an older one")


def test_published_figures_are_carried_over(few: Project) -> None:
    load_published(few)
    made = make_demo(few, seed=SEED, scale=TINY)
    with open_warehouse(few) as warehouse:
        kept = warehouse.rows("SELECT publisher, value FROM published_metrics")
        versions = warehouse.versions()
    assert kept == [("tiktok", 5.0)]
    assert versions["published_metrics"] == "as-published"
    assert versions["content"] == made.version


def test_making_it_again_replaces_it(few: Project) -> None:
    first = make_demo(few, seed=SEED, scale=TINY)
    again = make_demo(few, seed=SEED, scale=TINY)
    assert again.rows == first.rows
    with open_warehouse(few) as warehouse:
        assert checksums(warehouse) == GOLDEN


HOLD = """
import sys
from pathlib import Path
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["read", "write"])
def test_a_warehouse_in_use_is_an_error(few: Project, how: str) -> None:
    load_published(few)
    path = few.root / "data" / "warehouse.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match=r"warehouse: warehouse\.duckdb is locked"):
            make_demo(few, seed=SEED, scale=TINY)
    finally:
        holder.communicate("")
    with open_warehouse(few) as warehouse:
        assert warehouse.versions()["content"] == "an older one"


def test_a_warehouse_open_in_this_program_is_an_error(few: Project) -> None:
    load_published(few)
    with (
        open_warehouse(few),
        pytest.raises(UserError, match=r"warehouse: warehouse\.duckdb is open in this program"),
    ):
        make_demo(few, seed=SEED, scale=TINY)


def test_a_file_that_is_no_warehouse_is_left_alone(few: Project) -> None:
    path = few.root / "data" / "warehouse.duckdb"
    path.parent.mkdir(exist_ok=True)
    path.write_text("my thesis\n" * 1000)
    with pytest.raises(UserError, match="no readable DuckDB file"):
        make_demo(few, seed=SEED, scale=TINY)
    assert path.read_text().startswith("my thesis")


def test_another_engine_is_an_error(few: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_WAREHOUSE", "postgresql://localhost/production")
    with pytest.raises(UserError, match=r"warehouse: .*a postgresql:// URL is given"):
        make_demo(few, seed=SEED, scale=TINY)


@pytest.mark.parametrize("scale", [0, -1, 1e9, float("nan")])
def test_a_scale_out_of_bounds_is_an_error(few: Project, scale: float) -> None:
    with pytest.raises(UserError, match=r"scale: .* allowed"):
        make_demo(few, scale=scale)


KILLED = """
import os, signal, sys
from pathlib import Path
from analysis.project import Project
from analysis.warehouse.demo import make_demo

def at(what, share):
    if what == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

make_demo(Project(Path(sys.argv[1])), seed=7, scale=0.004, progress=at)
"""


@pytest.mark.parametrize("moment", ["calendar", "exposure", "done"])
def test_killed_it_leaves_the_old_one_and_starts_anew(few: Project, moment: str) -> None:
    load_published(few)
    command = [sys.executable, "-c", KILLED, str(few.root), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    left = few.root / "data" / "warehouse.duckdb.partial"
    assert left.exists()
    with open_warehouse(few) as warehouse:
        assert warehouse.versions()["content"] == "an older one"
    make_demo(few, seed=SEED, scale=TINY)
    assert not left.exists()
    with open_warehouse(few) as warehouse:
        assert checksums(warehouse) == GOLDEN
        assert warehouse.rows("SELECT count(*) FROM published_metrics") == [(1,)]


def test_a_writer_that_died_leaves_no_log_for_the_new_file(few: Project) -> None:
    load_published(few)
    died = (
        "import sys, os, duckdb; c = duckdb.connect(sys.argv[1]); "
        "c.execute('SET checkpoint_threshold = \"1GB\"'); "
        'c.execute("UPDATE published_metrics SET value = 6"); os._exit(1)'
    )
    path = few.root / "data" / "warehouse.duckdb"
    subprocess.run([sys.executable, "-c", died, str(path)], check=False)
    assert path.with_name("warehouse.duckdb.wal").exists()
    make_demo(few, seed=SEED, scale=TINY)
    with open_warehouse(few) as warehouse:
        assert warehouse.rows("SELECT value FROM published_metrics") == [(6.0,)]
        assert checksums(warehouse) == GOLDEN


def test_two_at_once_are_an_error(few: Project) -> None:
    path = warehouse_file(few)
    path.parent.mkdir(exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(partial), "write"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(UserError, match="another demo is being made"):
            make_demo(few, seed=SEED, scale=TINY)
        assert partial.exists()
    finally:
        holder.communicate("")


def test_a_full_disk_is_said_and_leaves_nothing(
    few: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_published(few)

    def full(*_: object) -> None:
        raise duckdb.IOException("IO Error: Could not write file: No space left on device")

    monkeypatch.setattr(make, "build", full)
    with pytest.raises(UserError, match=r"the demo can't be written: .*No space left"):
        make_demo(few, seed=SEED, scale=TINY)
    assert {path.name for path in (few.root / "data").iterdir()} - {"params"} == {
        "warehouse.duckdb"
    }


def test_the_sql_ships_with_the_package() -> None:
    for name in (*building.ONCE, *building.PER_CHUNK):
        assert len(sql(name)) > 200
