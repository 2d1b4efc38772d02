"""The canonical tables: what every source is mapped to and every study reads.

Times are UTC instants. Ids are 64-bit pseudonyms. Text of content is never here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class Table:
    """A canonical table.

    Attributes:
        name: as in SQL.
        row: what one row is.
        columns: SQL type (DuckDB dialect) by column; ` NOT NULL` where a value is owed.
        key: the columns that tell rows apart.
        time: the column that places a row in time (an instant, or a date for published figures).
        grain_hours: how long the time that a row stands for lasts, from `time` on.
        market_through: of a table without a market of its own, the table and the column over
            which its market is found.
        clusters: the columns of ids whose buckets are kept, as rows are loaded.
        bounds: the least and the greatest value of a column; None where there is no limit.
        choices: the values that a column may have.
        order: pairs of columns of which the first is not later than the second.
        links: columns whose value must be held by another table's column of the same name.
        published: whether its rows are what others published, which nothing need be hidden of.
    """

    name: str
    row: str
    columns: dict[str, str]
    key: tuple[str, ...]
    time: str
    grain_hours: int = 0
    market_through: tuple[str, str] | None = None
    clusters: tuple[str, ...] = ()
    bounds: Mapping[str, tuple[float | None, float | None]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[tuple[str, str], ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    published: bool = False

    @property
    def is_dated(self) -> bool:
        """Whether rows stand for dates, the same everywhere, and not for instants."""
        return self.columns[self.time].startswith("DATE")

    @cached_property
    def kinds(self) -> dict[str, str]:
        """SQL type by column, whether or not a value is owed."""
        return {name: kind.removesuffix(" NOT NULL") for name, kind in self.columns.items()}

    def same_key(self, one: str, other: str) -> str:
        """The condition that rows under two aliases have the same key."""
        return " AND ".join(self.same(c, f"{one}.{c}", f"{other}.{c}") for c in self.key)

    def same(self, column: str, one: str, other: str) -> str:
        """Equality of two values of a column; of one that may be empty, two empty ones too."""
        owed = self.columns[column].endswith("NOT NULL")
        return f"{one} = {other}" if owed else f"{one} IS NOT DISTINCT FROM {other}"

    def typed(self, rows: str) -> str:
        """A query of some rows' columns, each as the type that the table has."""
        cast = (f"CAST({column} AS {kind}) AS {column}" for column, kind in self.kinds.items())
        return f"SELECT {', '.join(cast)} FROM {rows}"

    def ddl(self) -> str:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items())
        return f"CREATE TABLE IF NOT EXISTS {self.name} ({columns})"


ID = "BIGINT NOT NULL"
NAME = "VARCHAR NOT NULL"
INSTANT = "TIMESTAMP WITH TIME ZONE"
OWED_INSTANT = f"{INSTANT} NOT NULL"

TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "content",
            "a post",
            {
                "content_id": ID,
                "creator_id": ID,
                "market": NAME,
                "language": NAME,
                "surface": NAME,
                "posted_at": OWED_INSTANT,
                "duration_s": "DOUBLE",
                "topic": "VARCHAR",
                "risk_score": "DOUBLE",
            },
            ("content_id",),
            "posted_at",
            clusters=("creator_id",),
            bounds={"duration_s": (0, None), "risk_score": (0, 1)},
        ),
        Table(
            "exposure",
            "a post's views in a market, surface and hour",
            {
                "content_id": ID,
                "market": NAME,
                "surface": NAME,
                "hour": OWED_INSTANT,
                "views": "BIGINT NOT NULL",
                "viewers": "BIGINT NOT NULL",
            },
            ("content_id", "market", "surface", "hour"),
            "hour",
            grain_hours=1,
            bounds={"views": (0, None), "viewers": (0, None)},
            order=(("viewers", "views"),),
            links={"content_id": "content"},
        ),
        Table(
            "user_reports",
            "a user's report",
            {
                "report_id": ID,
                "content_id": ID,
                "reporter_id": ID,
                "market": NAME,
                "policy": "VARCHAR",
                "reported_at": OWED_INSTANT,
            },
            ("report_id",),
            "reported_at",
            links={"content_id": "content"},
        ),
        Table(
            "decisions",
            "an enforcement decision",
            {
                "decision_id": ID,
                "content_id": ID,
                "creator_id": ID,
                "market": NAME,
                "policy": "VARCHAR",
                "action": NAME,
                "detection": NAME,
                "automated": "BOOLEAN NOT NULL",
                "decided_at": OWED_INSTANT,
                "views_before": "BIGINT",
            },
            ("decision_id",),
            "decided_at",
            bounds={"views_before": (0, None)},
            choices={
                "action": ("remove", "restrict", "age_restrict", "no_action"),
                "detection": ("proactive", "user_report"),
            },
        ),
        Table(
            "appeals",
            "an appeal",
            {
                "appeal_id": ID,
                "decision_id": ID,
                "submitted_at": OWED_INSTANT,
                "resolved_at": INSTANT,
                "outcome": "VARCHAR",  # none while it waits
            },
            ("appeal_id",),
            "submitted_at",
            market_through=("decisions", "decision_id"),
            choices={"outcome": ("overturned", "upheld")},
            order=(("submitted_at", "resolved_at"),),
            links={"decision_id": "decisions"},
        ),
        Table(
            "ratings",
            "one rater's label of one item",
            {
                "rating_id": ID,
                "item_id": ID,
                "rater_id": "BIGINT",
                "policy": "VARCHAR",
                "language": NAME,
                "market": "VARCHAR",
                "label": "BOOLEAN",
                "gold_label": "BOOLEAN",
                "started_at": INSTANT,
                "finished_at": INSTANT,
                "weight": "DOUBLE",  # items that it stands for, by its chance to be drawn; none: 1
                "attributes": "JSON",  # kinds of the item by name; {"functionality": "slur"}
            },
            ("rating_id",),
            "finished_at",
            bounds={"weight": (0, None)},
            order=(("started_at", "finished_at"),),
        ),
        Table(
            "prevalence_draws",
            "one labelled draw from the impression stream",
            {
                "draw_id": ID,
                "content_id": ID,
                "market": NAME,
                "surface": NAME,
                "drawn_at": OWED_INSTANT,
                "impressions": "DOUBLE NOT NULL",
                "draw_probability": "DOUBLE NOT NULL",
                "stratum": "VARCHAR",
                "risk_score": "DOUBLE",
                "policy": "VARCHAR",  # the policy violated; none where label is false
                "label": "BOOLEAN",
            },
            ("draw_id",),
            "drawn_at",
            clusters=("draw_id",),
            bounds={"impressions": (0, None), "draw_probability": (0, 1), "risk_score": (0, 1)},
        ),
        Table(
            "experiment_units",
            "one unit in an experiment",
            {
                "experiment": NAME,
                "unit_id": ID,
                "arm": NAME,
                "block": "VARCHAR",
                "market": "VARCHAR",
                "assigned_at": OWED_INSTANT,
                "covariates": "JSON",
                "outcomes": "JSON",
            },
            ("experiment", "unit_id"),
            "assigned_at",
        ),
        Table(
            "published_metrics",
            "a number that a platform published",
            {
                "publisher": NAME,
                "vintage": NAME,  # the report it stood in, such as 2023-Q3
                "metric": NAME,
                "period_start": "DATE NOT NULL",
                "period_end": "DATE NOT NULL",  # exclusive
                "market": "VARCHAR",  # none: the whole world
                "policy": "VARCHAR",  # none: all policies
                "automation": "VARCHAR",  # automation, human moderation; none: both
                "value": "DOUBLE NOT NULL",
                "unit": NAME,  # share, count
            },
            ("publisher", "vintage", "metric", "period_start", "market", "policy", "automation"),
            "period_start",
            published=True,
        ),
    )
}

#: What the warehouse keeps of versions (`marks.py`), clusters (`buckets.py`) and loads.
OWN_TABLES = (
    Table(
        "_versions",
        "a table that was made anew as a whole",
        {"table_name": NAME, "version": NAME},
        ("table_name",),
        "",
    ),
    Table(
        "_touched",
        "a local day of a market whose rows, or a fact's, a merge touched",
        {"name": NAME, "market": NAME, "day": "DATE NOT NULL", "load_id": NAME},
        ("name", "market", "day", "load_id"),
        "day",
    ),
    Table(
        "_buckets",
        "the bucket of a cluster's id",
        {"id": ID, "bucket": "SMALLINT NOT NULL"},
        ("id",),
        "",
    ),
    Table(
        "_sources",
        "how far a source was read; written together with the rows",
        {"source": NAME, "state": NAME},
        ("source",),
        "",
    ),
    Table(
        "_loads",
        "what a load of a source did to a table",
        {
            "load_id": NAME,
            "source": NAME,
            "table_name": NAME,
            "loaded_at": OWED_INSTANT,
            "stopped": "BOOLEAN NOT NULL",  # by the source's tolerance: no row was merged
            "rows_read": "BIGINT NOT NULL",
            "added": "BIGINT NOT NULL",
            "updated": "BIGINT NOT NULL",
            "quarantined": "BIGINT NOT NULL",
            "first_time": INSTANT,
            "last_time": INSTANT,
        },
        ("load_id", "table_name"),
        "loaded_at",
    ),
    Table(
        "_quarantine",
        "a row that broke its table's contract",
        {
            "source": NAME,
            "table_name": NAME,
            "digest": NAME,
            "load_id": NAME,
            "reason": NAME,
            "content": NAME,  # the row as it was mapped, as JSON
        },
        ("source", "table_name", "digest"),
        "",
    ),
)

ALL_TABLES = {**TABLES, **{table.name: table for table in OWN_TABLES}}
