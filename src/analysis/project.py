"""Where things are, and what params/ says.

A mistake in a file is a :class:`~analysis.errors.UserError` that gives the file, the key, what was
given and what is allowed.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import date as Day  # noqa: N812  # a field is called date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from analysis.calendar import Market
from analysis.errors import UserError, nearest, unknown
from analysis.matrix import BASE, Matrix, Rows, VariantName
from analysis.params import Model, ModelT, load_yaml, parse

#: Goes before the search for params/project.yaml upwards from the working folder.
ROOT_VARIABLE = "STUDY_PROJECT"
WAREHOUSE_VARIABLE = "STUDY_WAREHOUSE"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
MarketCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Literals = str | int | float | bool | None


def _zone(name: str) -> str:
    try:
        known = ZoneInfo(name).key == name and not name.startswith(("posix", "right"))
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, outside of them, a folder
        known = False
    if not known:
        # All their names are on the disk, which takes as long as all of params/ to look through.
        close = nearest(name, available_timezones())
        hint = f"; did you mean {close!r}?" if close else ""
        raise ValueError(f"no IANA time zone{hint}")
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression ({error})") from None
    return text


Pattern = Annotated[str, StringConstraints(min_length=1), AfterValidator(_pattern)]


class Wellbeing(Model):
    """How much a person looks at before a break is suggested; nobody is locked out."""

    daily_items: int = Field(40, ge=1)
    daily_minutes: float = Field(60, gt=0)


class Settings(Model):
    """params/project.yaml."""

    title: str = Field(min_length=1)
    warehouse: str = Field(pattern=r"^[a-z]+://", description="where the tables lie, as a URL")
    seed: int = Field(ge=0, lt=2**32)
    minimum_cell: int = Field(ge=1, description="counts below it are not shown")
    minimum_base: int = Field(100, ge=1, description="rates over fewer are not shown")
    locale: str = Field(pattern=r"^[a-z]{2}(_[A-Z]{2})?$")
    content_fetcher: str = Field("", pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$")
    masked_words: tuple[Pattern, ...] = Field((), description="slurs, as regular expressions")
    wellbeing: Wellbeing = Wellbeing()
    support: tuple[str, ...] = Field((), description="who helps, a line each; on sensitive pages")
    not_secrets: tuple[str, ...] = Field((), description="digests that publishing lets through")
    epoch: int = Field(ge=1, description="raise it to make every run stale")


class MarketSpec(Model):
    """One market of params/markets.yaml."""

    name: str = Field(min_length=1)
    zone: Annotated[str, AfterValidator(_zone)]
    languages: tuple[str, ...] = Field(min_length=1)
    region: str = ""


class Markets(Model):
    """params/markets.yaml."""

    markets: dict[MarketCode, MarketSpec] = Field(min_length=1)

    @model_validator(mode="after")
    def _regions_are_no_markets(self) -> Self:
        for code in sorted({spec.region for spec in self.markets.values()} & self.markets.keys()):
            raise ValueError(f"region {code!r} is a market's code; a matrix could mean either")
        return self


class Policy(Model):
    """One policy of params/policies.yaml.

    Attributes:
        title: as readers see it.
        severity: 1 (mild) to 5 (gravest).
        sensitive: looking at such an item may harm the person who does.
        hash_only: never shown to anyone, whatever they ask.
        tiktok, meta, dsa: what other publishers call it; None where they have no such category.
    """

    title: str = Field(min_length=1)
    severity: int = Field(ge=1, le=5)
    sensitive: bool
    hash_only: bool = False
    tiktok: str | None
    meta: str | None
    dsa: str | None = Field(pattern=r"^STATEMENT_CATEGORY_")


class Policies(Model):
    """params/policies.yaml."""

    policies: dict[Slug, Policy] = Field(min_length=1)


class Annotation(Model):
    """A known break of params/annotations.yaml.

    Attributes:
        date: the first local day of the new state.
        market: its code, or `all`.
        metric: its name, or `all`.
        what: what changed, a clause without a full stop.
    """

    date: Day
    market: MarketCode | Literal["all"]
    metric: Slug
    what: str = Field(min_length=1, max_length=120)


class Annotations(Model):
    """params/annotations.yaml."""

    annotations: tuple[Annotation, ...]


class Limits(Model):
    """What one run may take; a run beyond a limit fails and says which."""

    seconds: float = Field(600, gt=0, description="of its notebook's execution")
    memory_gb: float = Field(4, gt=0, description="of its kernel and what that starts, 10^9 bytes")
    retries: int = Field(0, ge=0, le=10, description="more attempts after one that failed")


def _cron(text: str) -> str:
    from cronsim import CronSim, CronSimError

    try:
        if len(text.split()) == 5:
            next(CronSim(text, datetime(2000, 1, 1, tzinfo=UTC)))
            return text
    except (CronSimError, StopIteration):
        pass
    raise ValueError("no cron expression; write minute hour day month weekday, such as 30 6 * * 1")


class Schedule(Model):
    """When a study's runs become due, in each market's own time zone."""

    cron: Annotated[str, AfterValidator(_cron)]
    delay_hours: float = Field(0, ge=0, le=24 * 31, description="that late rows may take to come")


class StudySpec(Model):
    """params/studies/NAME.yaml.

    Attributes:
        title: what its pages are called.
        question: the one question that it answers.
        decision: what is decided with the answer.
        owner: who may be asked.
        reads: the warehouse tables that its runs depend on.
        clock: the table among them whose last complete day `latest` means.
        scope: `operated` takes the markets of params/markets.yaml; `territories` any ISO country,
            for data that others published.
        rows: which of their rows; without it a run reads all of them.
        variants: sets of parameters by name.
        matrix: the runs of `study run` and `make reports`: few.
        full: the runs of `--all`.
        parameters: values that differ from the defaults of the study's `Parameters`.
        thresholds: limits of its verdicts, by name.
        limits: what one of its runs may take.
        schedule: when they become due; without it, `study run` alone decides.
    """

    title: str = Field(min_length=1)
    question: str = Field(min_length=1)
    decision: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    reads: tuple[Slug, ...] = Field(min_length=1)
    clock: Slug
    scope: Literal["operated", "territories"] = "operated"
    rows: Rows | None = None
    variants: dict[VariantName, dict[str, Literals]] = Field(default_factory=dict)
    matrix: Matrix
    full: Matrix | None = None
    parameters: dict[str, Literals] = Field(default_factory=dict)
    thresholds: dict[Slug, float] = Field(default_factory=dict)
    limits: Limits = Limits()
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _variants_are_there(self) -> Self:
        if BASE in self.variants:
            raise ValueError(
                f"variants: {BASE!r} is the study without a variant; name it otherwise"
            )
        for matrix in (self.matrix, self.full):
            rules = matrix.exclude if matrix else ()
            named = [*(matrix.variants if matrix else ()), *(n for r in rules for n in r.variants)]
            for name in named:
                if name not in self.variants and name != BASE:
                    raise ValueError(str(unknown("variants", name, [BASE, *self.variants])))
        return self


@dataclass(frozen=True)
class Project:
    """A checkout: its folders, and its params/ as checked values, each read when asked for."""

    root: Path

    @classmethod
    def find(cls, start: Path | None = None) -> Project:
        """The project that a folder lies in: `STUDY_PROJECT`, or upwards to params/project.yaml.

        Raises:
            UserError: there is none.
        """
        named = os.environ.get(ROOT_VARIABLE)
        here = Path(named) if named else (start or Path.cwd())
        for folder in (here, *here.parents) if not named else (here,):
            if (folder / "params" / "project.yaml").is_file():
                return cls(folder.resolve())
        problem = f"no params/project.yaml in {here} or above it; go to the project's folder"
        raise UserError("project", problem)

    @property
    def notebooks(self) -> Path:
        return self.root / "notebooks"

    @property
    def params(self) -> Path:
        return self.root / "params"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def reports(self) -> Path:
        """The site. `STUDY_REPORTS` moves it, for tests and schedules."""
        return Path(os.environ.get("STUDY_REPORTS", self.root / "reports")).resolve()

    def relative(self, path: Path) -> str:
        """A path as a message or a page shows it: from the project's root, never a machine's."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else path.name

    def read(self, path: Path, model: type[ModelT]) -> ModelT:
        """A file of params/ through its model; the one reader of YAML."""
        shown = self.relative(path)
        kept = self.data / "params" / f"{shown.replace('/', '-')}.json"
        return parse(load_yaml(path, shown, kept), model, shown)

    @cached_property
    def settings(self) -> Settings:
        return self.read(self.params / "project.yaml", Settings)

    @property
    def warehouse_url(self) -> str:
        return os.environ.get(WAREHOUSE_VARIABLE, self.settings.warehouse)

    @cached_property
    def markets(self) -> dict[str, Market]:
        specs = self.read(self.params / "markets.yaml", Markets).markets
        return {
            code: Market(code, spec.name, spec.zone, spec.languages, spec.region)
            for code, spec in sorted(specs.items())
        }

    @cached_property
    def regions(self) -> dict[str, list[str]]:
        """The codes of the operated markets of each region."""
        found: dict[str, list[str]] = {}
        for market in self.markets.values():
            if market.region:
                found.setdefault(market.region, []).append(market.code)
        return found

    @cached_property
    def policies(self) -> dict[str, Policy]:
        return dict(self.read(self.params / "policies.yaml", Policies).policies)

    @cached_property
    def annotations(self) -> tuple[Annotation, ...]:
        """Known breaks, in the order of their days.

        Raises:
            UserError: one of them names a market that is not there.
        """
        path = self.params / "annotations.yaml"
        found = self.read(path, Annotations).annotations if path.exists() else ()
        for each in found:
            if each.market != "all":
                self.market(each.market)
        return tuple(sorted(found, key=lambda each: each.date))

    @cached_property
    def study_names(self) -> tuple[str, ...]:
        """Every study that has a file in params/studies, by name."""
        return tuple(sorted(path.stem for path in (self.params / "studies").glob("*.yaml")))

    def study(self, name: str) -> StudySpec:
        """A study's file.

        Raises:
            UserError: there is no such study (names the nearest), or its file has a mistake.
        """
        if name not in self.study_names:
            raise unknown("study", name, self.study_names)
        return self.read(self.params / "studies" / f"{name}.yaml", StudySpec)

    def market(self, code: str) -> Market:
        """An operated market by its code.

        Raises:
            UserError: it is not in params/markets.yaml (names the nearest), or a whole region.
        """
        if code in self.regions:
            codes = ", ".join(self.regions[code])
            raise UserError("market", f"{code} is a region; name one of its markets: {codes}")
        if code not in self.markets:
            raise unknown("market", code, self.markets)
        return self.markets[code]

    def study_market(self, study: StudySpec, code: str) -> Market:
        """A market as a study's scope takes it: operated, or any ISO territory."""
        if code in self.markets or study.scope == "operated":
            return self.market(code)
        names = territories()
        if code not in names:
            raise unknown("market", code, names)
        return Market(code, names[code], "UTC")


def territories() -> dict[str, str]:
    """ISO 3166 alpha-2 codes and English names of all countries, as CLDR has them."""
    from babel import Locale  # 60 ms that most commands need not pay

    named = Locale.parse("en").territories
    # Two-letter codes that CLDR adds for regions that are no country.
    outside = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"}
    return {k: v for k, v in named.items() if len(k) == 2 and k.isalpha() and k not in outside}
