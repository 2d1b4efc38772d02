"""The catalogue of metrics: what params/metrics.yaml says, checked down to each expression."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from analysis.errors import UserError, nearest
from analysis.params import Model
from analysis.project import Policy, Project, Slug
from analysis.warehouse import TABLES

FILE = "params/metrics.yaml"
#: The keys of a metric that hold SQL.
SQL_KEYS = ("numerator", "denominator", "value", "where", "waiting", "units", "events")

Text = Annotated[str, StringConstraints(min_length=1)]
Group = Literal[
    "exposure", "enforcement", "decision_quality", "speed", "reports", "creators", "people"
]
Kind = Literal["share", "per_hundred", "per_thousand", "per_million", "mean", "count", "quantile"]
WITHIN = re.compile(r"\bwithin\(([\w.]+)\)")
#: What each kind owes; every other kind is a ratio.
OWED = {"quantile": ("value", "quantile"), "count": ("numerator",)}
RATIO = ("numerator", "denominator")


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
    "creators": "Creators",
    "people": "People who moderate",
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


def instant_sql(at: datetime) -> str:
    """An instant as every engine reads it."""
    return f"CAST('{at.isoformat()}' AS TIMESTAMP WITH TIME ZONE)"


class Fact(Model):
    """The rows that metrics count.

    Attributes:
        title: what they are.
        reads: the canonical tables; the cube follows their versions.
        tables: (`from`) the tables joined, in SQL. Inside a subquery `within(column)` tells that
            only rows whose column lies within the instants asked for matter to it.
        where: which of the rows.
        market, time, cluster_id: expressions: whose row it is, what places it in a local day, the
            unit that it belongs to.
        cluster: the kind of that unit.
        links: of a table read in a subquery, the column over which rows feel its changes, such as
            `a.content_id`, or `anywhere`; aliases of the other tables are found in `from`.
        settles: after how many days its rows are final: what metrics say of a row depends on
            nothing that happens later. Only then do new rows of a table that it is linked to over
            a column, or up to whose newest time metrics reckon, leave its older days alone.
        dimensions: what its rows are told apart by, each an expression of a text: `p.policy`.
        outcomes: the dimensions that tell what came out (which policy a view violated), not what
            it came out of (where it was seen): a rate at such a level is of all rows.
    """

    title: Text
    reads: tuple[Slug, ...] = Field(min_length=1)
    tables: Text = Field(alias="from")
    where: Text = "TRUE"
    market: Text
    time: Text
    cluster: Slug
    cluster_id: Text
    links: dict[Slug, Text] = Field(default_factory=dict)
    settles: int | None = Field(None, ge=0)
    dimensions: dict[Slug, Text] = Field(default_factory=dict)
    outcomes: tuple[Slug, ...] = ()

    @property
    def source(self) -> str:
        """The tables joined, for rows of all times."""
        return WITHIN.sub("TRUE", self.tables)

    def source_within(self, first: datetime, end: datetime) -> str:
        """The tables joined, for rows of a span of time."""
        low, high = map(instant_sql, (first, end))
        return WITHIN.sub(rf"(\1 >= {low} AND \1 < {high})", self.tables)


@dataclass(frozen=True)
class Times:
    """What a histogram is kept of: a number per row, and which rows."""

    value: str
    where: str

    @property
    def key(self) -> str:
        """A short name of its own; metrics that ask the same share one histogram."""
        return "h" + hashlib.sha256(f"{self.value}\n{self.where}".encode()).hexdigest()[:12]


class Metric(Model):
    """A named ratio, count or quantile over a fact.

    Attributes:
        title, question: for readers.
        group: where it stands in a report.
        fact: whose rows it counts.
        kind: `share` (0 to 1); `per_hundred`, `per_thousand`, `per_million` (rates of 0 or more);
            `mean` (a ratio in `unit`); `count` (a total); `quantile` (in `unit`).
        numerator, denominator: a truth value (counted) or a number (summed) per row.
        denominator_fact: the denominator's fact where it is another one, with the same cluster.
        value, quantile, where: of a quantile: a number per row, which quantile, of which rows.
        waiting: of a quantile of times: whether a row's time has not ended yet; what it waited so
            far then counts as a lower limit (censored; Kaplan and Meier 1958).
        unit: of a mean or quantile; `hours` are said as minutes or days where that reads better.
        by: of a count, the dimension whose levels are watched each against the others.
        units: what the sample counts where that is not the denominator (weighted samples).
        events: what is too few to judge where that is not the numerator.
        matures_hours: how long after a row's time its numerator is known.
        says: the number in words; `{value}` stands for it and its base.
        sample: what the units are called.
        good: the direction that is good for people's safety.
        always: belongs to the main points even if it did not move.
        diagnostic: a ratio of two counts of the same events. Where it leaves what was expected,
            what is counted changed: metrics that divide by its numerator are then not believed.
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
    waiting: Text | None = None
    unit: Text = "hours"
    by: Slug | None = None
    units: Text | None = None
    events: Text | None = None
    matures_hours: float = Field(0, ge=0)
    says: Annotated[str, AfterValidator(_sentence)]
    sample: Text
    good: Literal["up", "down", "neutral"]
    always: bool = False
    diagnostic: bool = False
    traps: tuple[Text, ...] = Field(min_length=1)
    source: Text

    @model_validator(mode="after")
    def _kind_has_its_expressions(self) -> Self:
        owed = OWED.get(self.kind, RATIO)
        missing = [name for name in owed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"kind {self.kind} needs {' and '.join(missing)}")
        every = ("value", "quantile", "waiting") if self.kind != "quantile" else RATIO
        other = [name for name in every if name not in owed]
        if self.kind == "count":
            other += ["denominator", "denominator_fact"]
        else:
            other.append("by")
        extra = [name for name in other if getattr(self, name) is not None]
        if extra:
            raise ValueError(f"kind {self.kind} takes no {' and '.join(extra)}")
        return self

    @property
    def noun(self) -> str:
        """What a count or a mean is of; empty where its number has a unit of its own."""
        if self.kind == "count":
            return self.sample
        counted = self.kind in ("mean", "quantile") and self.unit != "hours"
        return self.unit if counted else ""

    @property
    def base_fact(self) -> str:
        """The fact of the denominator."""
        return self.denominator_fact or self.fact

    @property
    def ended(self) -> Times | None:
        """The times that have ended (all of them where none can wait); None of other kinds."""
        if self.value is None:
            return None
        ended = self.where if self.waiting is None else f"({self.where}) AND NOT ({self.waiting})"
        return Times(self.value, ended)

    @property
    def still_waiting(self) -> Times | None:
        """What was waited so far; None where no row can wait."""
        if self.value is None or self.waiting is None:
            return None
        return Times(self.value, f"({self.where}) AND ({self.waiting})")

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
            if fact in (metric.fact, metric.base_fact)
            for _, over, sql in metric.expressions()
            if over == fact
        )
        return list(dict.fromkeys(found))

    def times(self, fact: str) -> dict[str, Times]:
        """The histograms that a fact's scan keeps, each once, by their keys."""
        found = (
            times
            for metric in self.metrics.values()
            if metric.fact == fact
            for times in (metric.ended, metric.still_waiting)
            if times is not None
        )
        return {times.key: times for times in found}

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
    catalogue = _with_policies(catalogue, project.policies)
    for name, cluster in catalogue.clusters.items():
        _known(f"clusters.{name}.table", cluster.table, TABLES)
        _known(f"clusters.{name}.column", cluster.column, TABLES[cluster.table].columns)
    for name, fact in catalogue.facts.items():
        _known(f"facts.{name}.cluster", fact.cluster, catalogue.clusters)
        for table in fact.reads:
            _known(f"facts.{name}.reads", table, TABLES)
        for dimension in fact.outcomes:
            _known(f"facts.{name}.outcomes", dimension, fact.dimensions)
        for table in fact.links:
            _known(f"facts.{name}.links", table, fact.reads)
    for name, metric in catalogue.metrics.items():
        _known(f"metrics.{name}.fact", metric.fact, catalogue.facts)
        _known(f"metrics.{name}.denominator_fact", metric.base_fact, catalogue.facts)
        if metric.by is not None:
            _known(f"metrics.{name}.by", metric.by, catalogue.facts[metric.fact].dimensions)
        _same_cluster(catalogue, name, metric)
    return catalogue


def _with_policies(catalogue: Catalogue, policies: Mapping[str, Policy]) -> Catalogue:
    """The catalogue with what expressions ask of params/policies.yaml written out."""
    metrics = {
        name: metric.model_copy(
            update={
                key: policy_sql(sql, policies)
                for key in SQL_KEYS
                if (sql := getattr(metric, key)) is not None
            }
        )
        for name, metric in catalogue.metrics.items()
    }
    return catalogue.model_copy(update={"metrics": metrics})


def policy_sql(sql: str, policies: Mapping[str, Policy]) -> str:
    """`severity(x)` becomes the severity of policy x (0 for none), `sensitive(x)` a truth value."""
    grades = " ".join(f"WHEN '{name}' THEN {each.severity}" for name, each in policies.items())
    listed = ", ".join(f"'{name}'" for name, each in policies.items() if each.sensitive)
    sql = re.sub(r"\bseverity\(([\w.]+)\)", rf"CASE \1 {grades} ELSE 0 END", sql)
    return re.sub(r"\bsensitive\(([\w.]+)\)", rf"(\1 IN ({listed}))", sql)


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
