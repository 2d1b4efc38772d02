"""params/sources.yaml: what each source is, what is read of it, and how it becomes our tables.

A source's raw tables are staged as it gives them; `tables` maps them to canonical ones by SQL in
DuckDB's dialect. Secrets are named here and live elsewhere: in the environment, or in dlt's own
`.dlt/secrets.toml`, which git ignores.
"""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from analysis.errors import UserError, nearest, unknown
from analysis.params import Model
from analysis.project import Project, Slug
from analysis.warehouse import TABLES

Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
FILE = "params/sources.yaml"


class Tolerance(Model):
    """How many rows may break a contract before a load stops; beyond either, nothing is merged."""

    share: float = Field(0.0, ge=0, le=1, description="of the rows that a mapping gives")
    rows: int = Field(0, ge=0, description="allowed whatever their share")

    def allows(self, broken: int, total: int) -> bool:
        return broken <= max(self.rows, self.share * total)


class Raw(Model):
    """A table of a source, as it is there.

    Attributes:
        columns: what is read.
        ignores: what is known to be there and stays there, such as the text of posts.
        cursor: the column that grows with every change; without it all rows are read each time.
        overlap: how far below the last cursor reading begins again (seconds, or units of a
            number), for rows that are committed late.
        table: its name in a database, `schema.table`; its path at an API. Default: the same name.
        records: where an API's answer holds the rows, such as `data.items`.
        since: the API's parameter that takes the last cursor.
        parameters: sent with each request as they are.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    ignores: tuple[str, ...] = ()
    cursor: str | None = None
    overlap: float = Field(3600, ge=0)
    table: str | None = None
    records: str | None = None
    since: str | None = None
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _cursor_is_read(self) -> Raw:
        if self.cursor is not None and self.cursor not in self.columns:
            raise ValueError(f"the cursor {self.cursor!r} is not among the columns")
        return self


class Source(Model):
    """What all kinds declare.

    Attributes:
        title: for people.
        tables: SQL over the raw tables, by canonical table.
        fresh_within_hours: how old a load may be before what depends on it says so.
    """

    title: str = Field(min_length=1)
    tables: dict[str, str] = Field(default_factory=dict)
    tolerance: Tolerance = Tolerance()
    fresh_within_hours: float | None = Field(None, gt=0)

    @property
    def mappings(self) -> dict[str, str]:
        """SQL over the raw tables, by canonical table: what is declared, or the kind's own."""
        return self.tables

    @field_validator("tables")
    @classmethod
    def _canonical(cls, given: dict[str, str]) -> dict[str, str]:
        for name in given:
            if name not in TABLES:
                close = nearest(name, TABLES)
                hint = f"; did you mean {close!r}?" if close else ""
                raise ValueError(f"{name!r} is no canonical table{hint}")
        return given


class Database(Source):
    """A relational database; `url_from` names the variable that holds its SQLAlchemy URL."""

    kind: Literal["database"]
    url_from: Variable
    raw: dict[Slug, Raw] = Field(min_length=1)


class Files(Source):
    """Files of one layout: CSV, JSON lines or Parquet, gzipped or zipped, by an fsspec URL."""

    kind: Literal["files"]
    where: str = Field(min_length=1, description="a folder: a path in the project, or a URL")
    files: str = Field("*", description="which files below it, as a glob")
    layout: Literal["csv", "jsonl", "parquet"]
    raw: dict[Slug, Raw] = Field(min_length=1, max_length=1)
    largest_gb: float = Field(50, gt=0, description="the most that one archive may hold")


class Pages(Model):
    """How an API gives its rows in parts; the names are dlt's."""

    type: Literal["offset", "page_number", "cursor", "json_link", "header_link", "single_page"]
    limit: int | None = Field(None, ge=1)
    limit_param: str | None = None
    offset_param: str | None = None
    page_param: str | None = None
    base_page: int | None = None
    total_path: str | None = None
    next_url_path: str | None = None
    cursor_path: str | None = None
    cursor_param: str | None = None


class Rest(Source):
    """A REST API; `token_from` names the variable that holds its bearer token."""

    kind: Literal["rest"]
    where: str = Field(pattern=r"^https?://")
    token_from: Variable | None = None
    pages: Pages
    per_second: float = Field(5, gt=0, description="the most requests in a second")
    retries: int = Field(5, ge=0, description="after 429, 5xx and broken connections")
    backoff: float = Field(1.0, ge=0, description="seconds before the second retry; then doubled")
    raw: dict[Slug, Raw] = Field(min_length=1)


class Dsa(Source):
    """Daily dumps of the EU's DSA Transparency Database."""

    kind: Literal["dsa"]
    where: str = Field(min_length=1)
    files: str = "sor-*-light.zip"
    largest_gb: float = Field(500, gt=0)

    @property
    def mappings(self) -> dict[str, str]:
        from analysis.sources.dsa import DECISIONS  # it needs this module

        return self.tables or {"decisions": DECISIONS}


class Published(Source):
    """Figures that platforms publish; see `analysis.sources.published`."""

    kind: Literal["published"]
    where: str = Field(min_length=1)


AnySource = Annotated[Database | Files | Rest | Dsa | Published, Field(discriminator="kind")]


class Sources(Model):
    """params/sources.yaml."""

    sources: dict[Slug, AnySource] = Field(min_length=1)


def declared(project: Project) -> dict[str, AnySource]:
    """Every source, by name.

    Raises:
        UserError: a mistake in the file.
    """
    return dict(project.read(project.params / "sources.yaml", Sources).sources)


def one(project: Project, name: str) -> AnySource:
    """A source by its name.

    Raises:
        UserError: there is none; names the nearest.
    """
    found = declared(project)
    if name not in found:
        raise unknown("source", name, found)
    return found[name]


def lacks(project: Project, source: AnySource) -> str | None:
    """What a source needs and is not there: a folder of its files, or its secret; else None."""
    if isinstance(source, Database):
        return None if _held(source.url_from) else f"{source.url_from} is not set"
    if isinstance(source, Rest):
        missing = source.token_from and not _held(source.token_from)
        return f"{source.token_from} is not set" if missing else None
    there = "://" in source.where or (project.root / source.where).is_dir()
    return None if there else f"{source.where} is not there"


def secret(variable: str, where: str) -> str:
    """The value of a secret: from the environment, or from dlt's secrets file.

    Raises:
        UserError: it is in neither.
    """
    value = _held(variable)
    if not value:
        ways = f"set it in the environment, or {variable.lower()} in .dlt/secrets.toml"
        raise UserError(where, f"{variable} is not set; {ways}")
    return value


def _held(variable: str) -> str | None:
    import dlt

    value: Any = os.environ.get(variable) or dlt.secrets.get(variable.lower())
    return str(value) if value else None
