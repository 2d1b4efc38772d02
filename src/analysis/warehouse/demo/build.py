"""Runs the simulation: the SQL files in order, a group of markets at a time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from importlib import resources
from string import Template

from analysis.calendar import Market
from analysis.project import Project
from analysis.warehouse.demo import load, world
from analysis.warehouse.duckdb import DuckDBWarehouse

#: The tables that the demo makes; the others are carried over.
MADE = (
    "content",
    "exposure",
    "user_reports",
    "decisions",
    "appeals",
    "ratings",
    "prevalence_draws",
    "experiment_units",
)
TRUTH = {
    "demo_truth": """name VARCHAR, kind VARCHAR, market VARCHAR, language VARCHAR,
        surface VARCHAR, policy VARCHAR, starts_at TIMESTAMP WITH TIME ZONE,
        ends_at TIMESTAMP WITH TIME ZONE, metric VARCHAR, effect DOUBLE, detail VARCHAR""",
    "demo_truth_content": "content_id BIGINT, policy VARCHAR, violates BOOLEAN",
}
ONCE = ("random", "hours", "raters", "experiments")
#: A post is made, found, seen, reported, decided on, appealed, rated and drawn, in this order.
PER_CHUNK = (
    "content",
    "proactive",
    "seen",
    "reactive",
    "exposure",
    "decisions",
    "ratings",
    "prevalence",
)
#: Posts that are simulated at once: bounds the memory, whatever the scale.
CHUNK_POSTS = 400_000

Progress = Callable[[str, float], None]


def sql(name: str) -> str:
    """The text of one of the package's SQL files."""
    return (resources.files(__package__) / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def is_demo(versions: Mapping[str, str]) -> bool:
    """Whether a warehouse's rows are simulated, by the versions of its tables."""
    return TRUTH.keys() <= versions.keys()


def demo_version(project: Project, seed: int | None = None, scale: float = 1.0) -> str:
    """What the rows of a demo follow from, as a short hash: the same hash means the same rows.

    Args:
        project: its markets and policies, and its seed where none is given.
        seed: of the simulation.
        scale: multiplies the rows.
    """
    markets, policies = dict(project.markets), list(project.policies)
    made_of = {
        "seed": project.settings.seed if seed is None else seed,
        "scale": scale,
        "sql": {name: sql(name) for name in (*ONCE, *PER_CHUNK)},
        "markets": {code: asdict(market) for code, market in markets.items()},
        "numbers": load.numbers(policies, scale),
        "macros": list(load.macros(markets, policies)),
        "tables": list(load.tables(markets, policies, scale)),
    }
    text = json.dumps(made_of, sort_keys=True, default=str)
    return "demo-" + hashlib.sha256(text.encode()).hexdigest()[:16]


def build(
    warehouse: DuckDBWarehouse, project: Project, seed: int, scale: float, progress: Progress | None
) -> None:
    """Fills an empty warehouse."""
    progress = progress or _silent
    markets, policies = project.markets, list(project.policies)
    values = load.numbers(policies, scale) | {"seed": seed}
    progress("calendar", 0.0)
    prepare(warehouse, markets, policies, scale, values)
    for name in ("hours", "raters", "experiments"):
        run(warehouse, name, values)
    groups = list(chunks(markets, scale))
    done, whole = 0, len(groups) * len(PER_CHUNK)
    for group in groups:
        warehouse.execute(
            "CREATE OR REPLACE TEMP TABLE chunk AS SELECT unnest(?) AS market", [group]
        )
        for name in PER_CHUNK:
            progress(f"{name} {group[0]}" if len(groups) > 1 else name, done / whole)
            run(warehouse, name, values)
            done += 1
    progress("done", 1.0)


def _silent(_what: str, _share: float) -> None:
    pass


def prepare(
    warehouse: DuckDBWarehouse,
    markets: Mapping[str, Market],
    policies: list[str],
    scale: float,
    values: Mapping[str, object],
) -> None:
    """Macros, the world's tables, and the truth that is known beforehand."""
    run(warehouse, "random", values)
    for macro in load.macros(markets, policies):
        warehouse.execute(macro)
    for name, columns, rows in load.tables(markets, policies, scale):
        warehouse.execute(f"CREATE TEMP TABLE {name} ({columns})")
        insert(warehouse, name, rows)
    for name, columns in TRUTH.items():
        warehouse.execute(f"CREATE TABLE {name} ({columns})")
    insert(warehouse, "demo_truth", list(load.known_truth(markets)))


def insert(warehouse: DuckDBWarehouse, table: str, rows: list[load.Row]) -> None:
    """A few rows into a small table."""
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        warehouse.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)


def run(warehouse: DuckDBWarehouse, name: str, values: Mapping[str, object]) -> None:
    """Each statement of an SQL file, its `$names` filled in."""
    warehouse.execute(Template(sql(name)).substitute(values))


def chunks(markets: Mapping[str, Market], scale: float) -> Iterator[list[str]]:
    """Groups of markets that are simulated together; which ones makes no difference to the rows."""
    group: list[str] = []
    size = 0.0
    for code in markets:
        own = world.MARKETS.get(code, world.MarketWorld()).size
        posts = world.POSTS * scale * own / world.WHOLE_SIZE
        if group and size + posts > CHUNK_POSTS:
            yield group
            group, size = [], 0.0
        group.append(code)
        size += posts
    yield group
