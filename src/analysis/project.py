"""Where things are, and what params/ says: one place that reads and checks it.

A mistake in a file is a :class:`~analysis.errors.UserError` that gives the file, the key, what was
given and what is allowed. YAML is read as YAML 1.2: `NO` is Norway, not a truth value, and a key
given twice is an error.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from analysis.calendar import Market
from analysis.errors import UserError, nearest, shorten, unknown

#: Goes before the search for params/project.yaml upwards from the working folder.
ROOT_VARIABLE = "STUDY_PROJECT"
WAREHOUSE_VARIABLE = "STUDY_WAREHOUSE"

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
MarketCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Literals = str | int | float | bool | None


@cache
def _zones() -> frozenset[str]:
    """Every IANA zone; read from the disk once, since that takes as long as all of params/."""
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        close = nearest(name, _zones())
        raise ValueError(f"no IANA time zone{f'; did you mean {close!r}?' if close else ''}")
    return name


class Model(BaseModel):
    """What every file of params/ is read through: no key unknown, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(Model):
    """params/project.yaml."""

    title: str = Field(min_length=1)
    warehouse: str = Field(pattern=r"^[a-z]+://", description="where the tables lie, as a URL")
    seed: int = Field(ge=0, lt=2**32)
    minimum_cell: int = Field(ge=1, description="counts below it are not shown")
    locale: str = Field(pattern=r"^[a-z]{2}(_[A-Z]{2})?$")
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


class Matrix(Model):
    """Which runs a study has: every market of the list in every window of the list.

    Attributes:
        markets: codes, or `all`: the operated markets, or for a study of territories those that
            have data.
        windows: as `Window.parse` reads them.
    """

    markets: tuple[MarketCode, ...] | Literal["all"]
    windows: tuple[str, ...] = Field(min_length=1)


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
        matrix: the runs of `study run` and `make reports`: few.
        full: the runs of `--all`.
        parameters: values that differ from the defaults of the study's `Parameters`.
        thresholds: limits of its verdicts, by name.
    """

    title: str = Field(min_length=1)
    question: str = Field(min_length=1)
    decision: str = Field(min_length=1)
    owner: str = Field(min_length=1)
    reads: tuple[Slug, ...] = Field(min_length=1)
    clock: Slug
    scope: Literal["operated", "territories"] = "operated"
    matrix: Matrix
    full: Matrix | None = None
    parameters: dict[str, Literals] = Field(default_factory=dict)
    thresholds: dict[Slug, float] = Field(default_factory=dict)


ModelT = TypeVar("ModelT", bound=BaseModel)


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
        return parse(load_yaml(path, self.relative(path)), model, self.relative(path))

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
    def policies(self) -> dict[str, Policy]:
        return dict(self.read(self.params / "policies.yaml", Policies).policies)

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
            UserError: it is not in params/markets.yaml (names the nearest).
        """
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


def load_yaml(path: Path, shown: str) -> object:
    """A YAML 1.2 file as plain values.

    Raises:
        UserError: it is missing, is no YAML, has a tab or a doubled key; says the line.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError(shown, "the file is missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(shown, f"the file can't be read: {error}") from None
    try:
        return YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        line, problem = _where(error), (error.problem or "").split(" with value")[0]
        raise UserError(f"{shown}, {line}", f"{problem}; each key may stand once") from None
    except MarkedYAMLError as error:
        line = _where(error)
        if "\t" in _line(text, error):
            raise UserError(f"{shown}, {line}", "a tab; YAML indents with spaces only") from None
        raise UserError(f"{shown}, {line}", f"no YAML: {error.problem}") from None
    except (YAMLError, ValueError) as error:
        raise UserError(shown, f"no YAML: {shorten(error, 120)}") from None


def _where(error: Any) -> str:
    mark = error.problem_mark or error.context_mark
    return f"line {mark.line + 1}" if mark else "somewhere"


def _line(text: str, error: Any) -> str:
    lines = text.splitlines()
    mark = error.problem_mark
    return lines[mark.line] if mark and mark.line < len(lines) else ""


def parse(value: object, model: type[ModelT], shown: str) -> ModelT:
    """Plain values through a model, with every mistake said at once as `file: key: …`."""
    if not isinstance(value, Mapping):
        raise UserError(shown, "empty, or not a mapping of keys to values")
    try:
        return model.model_validate(dict(value))
    except ValidationError as error:
        problems = list(explain(error, model))
        raise UserError(shown, "; ".join(problems)) from None


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """Each mistake that pydantic found as `key: what was given; what is allowed`."""
    for each in error.errors():
        path = [str(part) for part in each["loc"]]
        key = ".".join(part for part in path if not part.startswith(("literal[", "tuple[")))
        if each["type"] == "extra_forbidden":
            allowed = _fields_at(model, path[:-1])
            close = nearest(path[-1], allowed)
            hint = f"did you mean {close!r}? " if close else ""
            yield f"{key}: no such key; {hint}Allowed: {', '.join(allowed)}"
        elif each["type"] == "missing":
            yield f"{key}: missing"
        else:
            message = each["msg"].removeprefix("Value error, ")
            yield f"{key}: {shorten(repr(each['input']))} given; {message}"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """The keys that a model allows at a path; the model's own where the path leaves models."""
    for part in path:
        field = model.model_fields.get(part)
        inner = [t for t in _types(field.annotation) if field] if field else []
        model = next(iter(inner), model)
    return sorted(model.model_fields)


def _types(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [t for part in getattr(annotation, "__args__", ()) for t in _types(part)]
