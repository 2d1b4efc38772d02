"""Which runs there are, what each depends on, and which of them are already done."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from analysis.calendar import Market, Window
from analysis.errors import UserError
from analysis.project import Literals, Project, StudySpec
from analysis.report.record import NOTEBOOK, PAGE, RunRecord, identify
from analysis.studies.base import check_parameters, parse_window
from analysis.warehouse import NoWarehouse, open_warehouse

#: Changes when what a run leaves behind changes shape.
FORMAT = "1"

State = Literal["new", "stale", "fresh", "failed before"]


@dataclass(frozen=True)
class Run:
    """One study for one market and one window with one set of parameters.

    Attributes:
        parameters: what differs from the study's defaults; `complete` gives them all.
    """

    study: str
    spec: StudySpec
    market: Market
    window: Window
    parameters: dict[str, Literals] = field(hash=False)
    variant: str | None = None

    @property
    def identity(self) -> str:
        return identify(self.study, self.market.code, self.window.label, self.variant)

    def folder(self, project: Project) -> Path:
        """Where its record lies; always inside the site, whatever the parameters say."""
        folder = project.reports / self.identity
        if not folder.resolve().is_relative_to(project.reports) or ".." in folder.parts:
            raise UserError("run", f"{self.identity!r} does not lie inside the site")
        return folder


@dataclass(frozen=True)
class Planned:
    """A run with its state, its key, and the parts of the key that changed since its record."""

    run: Run
    state: State
    parts: Mapping[str, str]
    key: str
    changed: tuple[str, ...] = ()
    record: RunRecord | None = None


@dataclass(frozen=True)
class Choice:
    """What a person asked for: studies, markets, windows, parameters; empty means the default."""

    studies: Sequence[str] = ()
    markets: Sequence[str] = ()
    windows: Sequence[str] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    full: bool = False


def choose(project: Project, choice: Choice) -> list[Run]:
    """The runs that were asked for, each checked in full before anything starts.

    Raises:
        UserError: a study, market, window or parameter that is not there; names the nearest.
    """
    names = choice.studies or project.study_names
    specs = {name: project.study(name) for name in names}
    if choice.parameters and not choice.studies:
        raise UserError(
            "-p", "parameters belong to a study; name it: study run STUDY -p name=value"
        )
    return [run for name, spec in specs.items() for run in _runs(project, name, spec, choice)]


def _runs(project: Project, name: str, spec: StudySpec, choice: Choice) -> Iterable[Run]:
    matrix = spec.full if choice.full and spec.full else spec.matrix
    given = dict(choice.parameters)
    windows = [given.pop("window")] if "window" in given else choice.windows or matrix.windows
    asked = [given.pop("market")] if "market" in given else choice.markets or matrix.markets
    codes = market_codes(project, spec, asked)
    if given:
        check_parameters(name, {**spec.parameters, **given, "market": "", "window": ""})
    seen: set[str] = set()
    for code in codes:
        market = project.study_market(spec, code)
        for text in windows:
            window = parse_window(project, spec, market, text)
            identity = {"market": code, "window": window.label}
            parameters: dict[str, Literals] = {**spec.parameters, **given, **identity}
            run = Run(name, spec, market, window, parameters, variant(given))
            if run.identity not in seen:
                seen.add(run.identity)
                yield run


def complete(planned: Planned) -> Planned:
    """The same with every parameter, checked by the study's own model.

    Not part of planning: a study's module imports what it computes with, and a plan in which all
    is fresh need not wait for that.

    Raises:
        UserError: a parameter of the study's file that it does not have or allow.
    """
    run = planned.run
    values = check_parameters(run.study, run.parameters).model_dump(mode="json")
    return replace(planned, run=replace(run, parameters=values))


def market_codes(project: Project, spec: StudySpec, asked: Sequence[str]) -> Sequence[str]:
    """Market codes as a person or a matrix names them: a list, or `all`."""
    if asked != "all" and "all" not in asked:
        return asked
    if spec.scope == "operated":
        return list(project.markets)
    try:
        with open_warehouse(project) as warehouse:
            sql = f"SELECT DISTINCT market FROM {spec.clock} WHERE market IS NOT NULL ORDER BY 1"
            found = [code for (code,) in warehouse.rows(sql)]
    except NoWarehouse:
        found = []
    return found or [code for code in spec.matrix.markets if spec.matrix.markets != "all"]


def variant(given: Mapping[str, str]) -> str | None:
    """The name of a set of parameters that a person gave: its runs have folders of their own.

    >>> variant({"confidence": "0.9"})
    'confidence-0.9'
    """
    if not given:
        return None
    text = "_".join(f"{name}-{value}" for name, value in sorted(given.items()))
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip(".-")
    if slug == text and len(slug) <= 60 and ".." not in slug:
        return slug
    return f"{slug.replace('..', '.')[:40]}-{_digest(text)[:8]}"


class Keys:
    """The parts of runs' keys; what many runs share is hashed once."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def parts(self, run: Run) -> dict[str, str]:
        """What a run's result depends on, one digest each."""
        params = self.project.params
        files = [*sorted(params.glob("*.yaml")), params / "studies" / f"{run.study}.yaml"]
        versions = {table: self.versions.get(table, "") for table in sorted(run.spec.reads)}
        return {
            "notebook": _digest(*_sources(self.project.notebooks / f"{run.study}.ipynb")),
            "parameters": _digest(json.dumps(run.parameters, sort_keys=True)),
            "params": _digest(*(path.read_text(encoding="utf-8") for path in files)),
            "code": self.code,
            "data": _digest(json.dumps(versions)),
            "lock": self.lock,
            "epoch": f"{self.project.settings.epoch}.{FORMAT}",
        }

    @cached_property
    def code(self) -> str:
        """All of `analysis`: its own code and templates."""
        package = Path(__file__).parents[1]
        files = (path for path in sorted(package.rglob("*")) if path.is_file())
        kept = (path for path in files if path.suffix != ".pyc")
        return _digest(
            *(f"{path.relative_to(package)}\n{path.read_text('utf-8')}" for path in kept)
        )

    @cached_property
    def lock(self) -> str:
        path = self.project.root / "requirements.lock"
        return _digest(path.read_text(encoding="utf-8")) if path.exists() else ""

    @cached_property
    def versions(self) -> dict[str, str]:
        """The version of the rows of each table; none without a warehouse."""
        try:
            with open_warehouse(self.project) as warehouse:
                return warehouse.versions()
        except NoWarehouse:
            return {}


def plan(project: Project, runs: Iterable[Run], *, force: bool = False) -> list[Planned]:
    """Each run with its state; `fresh` ones need nothing."""
    keys = Keys(project)
    return [_planned(project, run, keys.parts(run), force=force) for run in runs]


def _planned(project: Project, run: Run, parts: dict[str, str], *, force: bool) -> Planned:
    key = _digest(json.dumps(parts, sort_keys=True))
    folder = run.folder(project)
    record = RunRecord.read(folder)
    if record is None:
        return Planned(run, "new", parts, key)
    changed = tuple(name for name in parts if record.key_parts.get(name) != parts[name])
    if record.status == "failed":
        state: State = "failed before"
    elif changed or not whole(folder, record):
        state = "stale"
    else:
        state = "stale" if force else "fresh"
    return Planned(run, state, parts, key, changed or (("forced",) if force else ()), record)


def whole(folder: Path, record: RunRecord) -> bool:
    """Whether a run's folder holds all that its record promises."""
    wanted = [PAGE] + ([NOTEBOOK] if record.status == "done" else [])
    return all((folder / name).is_file() for name in wanted)


def _sources(notebook: Path) -> list[str]:
    if not notebook.is_file():
        raise UserError(f"notebooks/{notebook.name}", "the file is missing; `study new` makes one")
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [f"{cell['cell_type']}:{''.join(cell['source'])}" for cell in cells]
    except (ValueError, KeyError, TypeError):
        problem = "the file is no notebook; take it from git again"
        raise UserError(f"notebooks/{notebook.name}", problem) from None


def _digest(*texts: str) -> str:
    """A digest of texts, each kept apart from the next by its length."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]
