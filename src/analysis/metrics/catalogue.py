"""The catalogue of metrics: what params/metrics.yaml says, checked down to each expression."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from analysis.errors import UserError, nearest
from analysis.params import Model
from analysis.project import Project, Slug
from analysis.warehouse import TABLES, QueryError, Warehouse, scratch

FILE = "params/metrics.yaml"

Text = Annotated[str, StringConstraints(min_length=1)]
Group = Literal["exposure", "enforcement", "decision_quality", "speed", "reports"]
Kind = Literal["share", "per_hundred", "per_million", "quantile"]


def _sentence(text: str) -> str:
    if text.count("{value}") != 1 or set(text.replace("{value}", "")) & set("{}"):
        raise ValueError("write {value} once where the number stands, and no other braces")
    return text


GROUPS: dict[str, str] = {
    "exposure": "Exposure",
    "enforcement": "Enforcement",
    "decision_quality": "Decision quality",
    "speed": "Speed",
    "reports": "Reports",
}


class Cluster(Model):
    """A kind of unit whose rows stay together.

    Attributes:
        title: what many of them are called.
        table, column: where every id of them is found.
    """

    title: Text
    table: Slug
    column: Slug


class Fact(Model):
    """The rows that metrics count.

    Attributes:
        title: what they are.
        reads: the canonical tables; the cube follows their versions.
        source: (`from`) the tables joined, in SQL.
        where: which of the rows.
        market, time, cluster_id: expressions: whose row it is, what places it in a local day, the
            unit that it belongs to.
        cluster: the kind of that unit.
        links: of a table read in a subquery, the column over which rows feel its changes, such as
            `a.content_id`; aliases of the other tables are found in `from`.
        dimensions: what its rows are told apart by, each an expression of a text: `p.policy`.
    """

    title: Text
    reads: tuple[Slug, ...] = Field(min_length=1)
    source: Text = Field(alias="from")
    where: Text = "TRUE"
    market: Text
    time: Text
    cluster: Slug
    cluster_id: Text
    links: dict[Slug, Text] = Field(default_factory=dict)
    dimensions: dict[Slug, Text] = Field(default_factory=dict)


class Metric(Model):
    """A named ratio or quantile over a fact.

    Attributes:
        title, question: for readers.
        group: where it stands in a report.
        fact: whose rows it counts.
        kind: `share` (0 to 1), `per_hundred` and `per_million` (a rate of 0 or more), `quantile`
            of times in hours.
        numerator, denominator: a truth value (counted) or a number (summed) per row.
        denominator_fact: the denominator's fact where it is another one, with the same cluster.
        value, quantile, where: of a quantile: hours per row, which quantile, of which rows.
        units: what the sample counts where that is not the denominator (weighted samples).
        events: what is too few to judge where that is not the numerator.
        matures_hours: how long after a row's time its numerator is known.
        says: the number in words; `{value}` stands for it and its base.
        sample: what the units are called.
        good: the direction that is good for people's safety.
        always: belongs to the main points even if it did not move.
        traps: what a reader of the number should know.
        source: where the definition was published.
    """

    title: Text
    question: Text
    group: Group
    fact: Slug
    kind: Kind
    numerator: Text | None = None
    denominator: Text | None = None
    denominator_fact: Slug | None = None
    value: Text | None = None
    quantile: float | None = Field(None, gt=0, lt=1)
    where: Text = "TRUE"
    units: Text | None = None
    events: Text | None = None
    matures_hours: float = Field(0, ge=0)
    says: Annotated[str, AfterValidator(_sentence)]
    sample: Text
    good: Literal["up", "down", "neutral"]
    always: bool = False
    traps: tuple[Text, ...] = Field(min_length=1)
    source: Text

    @model_validator(mode="after")
    def _kind_has_its_expressions(self) -> Self:
        owed, other = ("value", "quantile"), ("numerator", "denominator")
        if self.kind != "quantile":
            owed, other = other, owed
        missing = [name for name in owed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"kind {self.kind} needs {' and '.join(missing)}")
        extra = [name for name in other if getattr(self, name) is not None]
        if extra:
            raise ValueError(f"kind {self.kind} takes no {' and '.join(extra)}")
        return self

    @property
    def base_fact(self) -> str:
        """The fact of the denominator."""
        return self.denominator_fact or self.fact

    def expressions(self) -> Iterator[tuple[str, str, str]]:
        """Each SQL expression that is summed: its key, the fact it is over, the SQL."""
        owed = (
            ("numerator", self.fact, self.numerator),
            ("denominator", self.base_fact, self.denominator),
            ("units", self.base_fact, self.units),
            ("events", self.fact, self.events),
        )
        for key, fact, sql in owed:
            if sql is not None:
                yield key, fact, sql


class Catalogue(Model):
    """params/metrics.yaml."""

    clusters: dict[Slug, Cluster] = Field(min_length=1)
    facts: dict[Slug, Fact] = Field(min_length=1)
    metrics: dict[Slug, Metric] = Field(min_length=1)

    def sums(self, fact: str) -> list[str]:
        """The expressions that a fact's scan sums, each once, in the file's order."""
        found = (
            sql
            for metric in self.metrics.values()
            for _, over, sql in metric.expressions()
            if over == fact
        )
        return list(dict.fromkeys(found))

    def times(self, fact: str) -> dict[str, Metric]:
        """The metrics whose times a fact's scan keeps as a histogram."""
        return {k: m for k, m in self.metrics.items() if m.kind == "quantile" and m.fact == fact}

    def clock(self, table: str) -> str:
        """The fact whose days tell which days the data hold: the first one over a table.

        Raises:
            UserError: no fact reads the table.
        """
        for fact in self.used_facts():
            if table in self.facts[fact].reads:
                return fact
        raise UserError(FILE, f"facts: none reads {table!r}, the study's clock")

    def used_facts(self) -> list[str]:
        """The facts that some metric counts, in the file's order."""
        used = {f for m in self.metrics.values() for f in (m.fact, m.base_fact)}
        return [fact for fact in self.facts if fact in used]


def load_catalogue(project: Project) -> Catalogue:
    """The catalogue, with every name that it refers to checked.

    Raises:
        UserError: a key, value or name that is not allowed; gives the file, the key, what was
            given, what is allowed and the nearest.
    """
    catalogue = project.read(project.params / "metrics.yaml", Catalogue)
    for name, cluster in catalogue.clusters.items():
        _known(f"clusters.{name}.table", cluster.table, TABLES)
        _known(f"clusters.{name}.column", cluster.column, TABLES[cluster.table].columns)
    for name, fact in catalogue.facts.items():
        _known(f"facts.{name}.cluster", fact.cluster, catalogue.clusters)
        for table in fact.reads:
            _known(f"facts.{name}.reads", table, TABLES)
        for table in fact.links:
            _known(f"facts.{name}.links", table, fact.reads)
    for name, metric in catalogue.metrics.items():
        _known(f"metrics.{name}.fact", metric.fact, catalogue.facts)
        _known(f"metrics.{name}.denominator_fact", metric.base_fact, catalogue.facts)
        _same_cluster(catalogue, name, metric)
    return catalogue


def _known(key: str, given: str, allowed: Collection[str]) -> None:
    if given not in allowed:
        close = nearest(given, allowed)
        hint = f"did you mean {close!r}? " if close else ""
        problem = f"{key}: {given!r} given; {hint}Allowed: {', '.join(allowed)}"
        raise UserError(FILE, problem)


def _same_cluster(catalogue: Catalogue, name: str, metric: Metric) -> None:
    mine, other = (catalogue.facts[f].cluster for f in (metric.fact, metric.base_fact))
    if mine != other:
        problem = (
            f"metrics.{name}.denominator_fact: {metric.base_fact!r} is clustered by {other}, "
            f"{metric.fact!r} by {mine}; both sides need the same"
        )
        raise UserError(FILE, problem)


def check_expressions(catalogue: Catalogue) -> list[UserError]:
    """Tries every expression on empty tables; every mistake found, none when all is well."""
    with scratch() as warehouse:
        checks = [
            *(_check_fact(catalogue, name, warehouse) for name in catalogue.facts),
            *(_check_metric(catalogue, name, warehouse) for name in catalogue.metrics),
        ]
    return [problem for problems in checks for problem in problems]


def _check_fact(catalogue: Catalogue, name: str, warehouse: Warehouse) -> list[UserError]:
    fact = catalogue.facts[name]
    wanted = {
        "from": ("1", ""),
        "where": (fact.where, "BOOLEAN"),
        "market": (fact.market, "VARCHAR"),
        "time": (fact.time, "TIMESTAMP WITH TIME ZONE"),
        "cluster_id": (fact.cluster_id, ""),
        **{f"dimensions.{key}": (sql, "VARCHAR") for key, sql in fact.dimensions.items()},
    }
    for key, (sql, kind) in wanted.items():
        problem = _try(fact, f"facts.{name}.{key}", sql, (kind,) if kind else (), warehouse)
        if problem:
            return [problem]  # the rest would say the same again
    return []


def _check_metric(catalogue: Catalogue, name: str, warehouse: Warehouse) -> list[UserError]:
    metric = catalogue.metrics[name]
    wanted: list[tuple[str, str, str, tuple[str, ...]]]
    wanted = [(key, fact, sql, SUMMED) for key, fact, sql in metric.expressions()]
    if metric.value is not None:
        wanted.append(("value", metric.fact, metric.value, NUMBERS))
    wanted.append(("where", metric.fact, metric.where, ("BOOLEAN",)))
    tried = (
        _try(catalogue.facts[fact], f"metrics.{name}.{key}", sql, kinds, warehouse)
        for key, fact, sql, kinds in wanted
    )
    return [problem for problem in tried if problem]


NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")
SUMMED = ("BOOLEAN", *NUMBERS)


def _try(
    fact: Fact, key: str, sql: str, kinds: tuple[str, ...], warehouse: Warehouse
) -> UserError | None:
    """What is wrong with an expression over a fact's rows; None where nothing is."""
    try:
        # Brackets of its own lines, so that a comment or a stray bracket can't leave them.
        kind = warehouse.describe(f"SELECT (\n{sql}\n) AS tried FROM {fact.source}")["tried"]
    except QueryError as error:
        return UserError(FILE, f"{key}: {_explain(error, fact)}")
    if kinds and kind.split("(")[0] not in kinds:
        allowed = (
            "a truth value or a number"
            if kinds is SUMMED
            else ("a number" if kinds is NUMBERS else kinds[0])
        )
        return UserError(FILE, f"{key}: {sql!r} gives {kind}; Allowed: {allowed}")
    return None


def _explain(error: QueryError, fact: Fact) -> str:
    if error.column is None:
        return f"no valid SQL: {error}"
    columns = sorted({column for table in fact.reads for column in TABLES[table].columns})
    close = nearest(error.column, columns)
    hint = f"did you mean {close!r}? " if close else ""
    tables = ", ".join(fact.reads)
    return f"no column {error.column!r} in {tables}; {hint}Allowed: {', '.join(columns)}"
