"""What every study has: checked parameters, its market and window, and a way to read rows."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from analysis.calendar import Market, Window
from analysis.errors import UserError, unknown
from analysis.params import explain
from analysis.project import Literals, Project, StudySpec
from analysis.safeguards.disclosure.rates import Rules
from analysis.safeguards.secrets import SECRET_NAME
from analysis.warehouse import (
    NoWarehouse,
    Warehouse,
    ask_frame,
    noted_complete_until,
    open_warehouse,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class StudyParameters(BaseModel):
    """What every study takes; a study's own `Parameters` adds to it.

    Each field has a type, bounds or choices, and one line of help in its description.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    market: str = Field(description="the market's code")
    window: str = Field("latest-week", description="the local days, such as 2026-W10")


@dataclass(frozen=True)
class Study:
    """One study opened for one market and one window.

    Attributes:
        name: of the study.
        spec: what params/studies/NAME.yaml says.
        parameters: the study's own `Parameters`, checked.
        market, window: what the parameters of these names mean.
        project: where things are.
    """

    name: str
    spec: StudySpec
    parameters: Any
    market: Market
    window: Window
    project: Project

    @property
    def identity(self) -> str:
        return f"{self.name}/{self.market.code}/{self.window.label}"

    @property
    def rules(self) -> Rules:
        """Of disclosure control: what is too small to be shown."""
        return Rules(self.project.settings.minimum_cell, self.project.settings.minimum_base)

    def warehouse(self) -> Warehouse:
        """The warehouse, to read from; use it as a context."""
        return open_warehouse(self.project)

    def sql(
        self, query: str, parameters: Sequence[object] = (), *, limit: int | None = 100_000
    ) -> pd.DataFrame:
        """A query's result as a frame; values are bound to `?`.

        Args:
            query: one query; nothing can be written by it.
            parameters: the values, in the order of the question marks.
            limit: the most rows; a frame that was cut says so with the warning `RowsCut`. None
                takes all, for a study that would be wrong with fewer.

        Raises:
            UserError: a mistake in the query, in one line; names the nearest column.
        """
        # pandas comes with it, which a command that only plans does without.
        from analysis.safeguards.people.masked import mask_content

        with self.warehouse() as warehouse:
            return mask_content(ask_frame(warehouse, query, parameters, limit=limit))

    def rng(self) -> np.random.Generator:
        """Random numbers that are the same whenever this run is repeated."""
        import numpy as np  # commands that only plan go without it

        return np.random.default_rng(self.seed)

    @property
    def seed(self) -> int:
        """The run's own, from the project's and the run's identity."""
        text = f"{self.project.settings.seed}/{self.identity}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

    def __repr__(self) -> str:
        days = f"{self.window.start} to {self.window.end}, end exclusive"
        return f"{self.spec.title}: {self.market.name}, {self.window} ({days}, {self.market.zone})"


def open_study(name: str, **parameters: Literals) -> Study:
    """A study for the parameters that a notebook's tagged cell holds.

    Also seeds `random` and NumPy's own state, for packages that draw from these.

    Args:
        name: the study's; its notebook, file and module are called the same.
        **parameters: the names of the study's `Parameters`.

    Raises:
        UserError: a study, parameter, market or window that is not there; names the nearest.
    """
    project = Project.find()
    spec = project.study(name)
    checked = check_parameters(name, parameters)
    market = project.study_market(spec, checked.market)
    window = parse_window(project, spec, market, checked.window)
    study = Study(name, spec, checked, market, window, project)
    _seed(study.seed)
    return study


def _seed(seed: int) -> None:
    import random

    import numpy as np

    random.seed(seed)
    np.random.seed(seed % 2**32)


def parameters_of(name: str) -> type[StudyParameters]:
    """A study's `Parameters`.

    Raises:
        UserError: its module is missing, or has none.
    """
    where = f"src/analysis/studies/{name}.py"
    try:
        module = importlib.import_module(f"analysis.studies.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"analysis.studies.{name}":
            raise
        raise UserError(where, "the module is missing; `study new` makes one") from None
    except SyntaxError as error:
        raise UserError(f"{where}, line {error.lineno}", f"no Python: {error.msg}") from None
    found = getattr(module, "Parameters", None)
    if not (isinstance(found, type) and issubclass(found, StudyParameters)):
        raise UserError(where, "has no class Parameters(StudyParameters)")
    for field in found.model_fields:
        # papermill writes parameters into the notebook, and a page shows them.
        if SECRET_NAME.search(field):
            problem = f"{field!r} is called like a secret; a secret comes from the environment"
            raise UserError(where, f"parameter {problem}")
    return found


def check_parameters(name: str, given: Mapping[str, object]) -> StudyParameters:
    """Parameters by name and value through the study's own model.

    Raises:
        UserError: a name that the study does not have, or a value that it does not allow.
    """
    model = parameters_of(name)
    for key in given:
        if key not in model.model_fields:
            raise unknown("parameter", key, model.model_fields)
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise UserError("parameter", "; ".join(explain(error, model))) from None


def parse_window(project: Project, spec: StudySpec, market: Market, text: str) -> Window:
    """A window as a study means it; `latest` and the limit of the future come from its clock.

    Raises:
        UserError: it is no window, or begins after the last day in the data.
    """
    complete = None
    try:
        complete = noted_complete_until(project, spec.clock, market)
    except NoWarehouse:
        if text.startswith("latest"):
            raise
    return read_window(spec, market, text, complete)


def read_window(spec: StudySpec, market: Market, text: str, complete: date | None) -> Window:
    """The same where it is known until when the data are complete; None without rows."""
    if complete is None and text.startswith("latest"):
        problem = f"{text!r} needs rows, and {spec.clock} has none yet; load some (`study demo`)"
        raise UserError(f"{spec.title}, window", problem)
    window = Window.parse(text, complete_until=complete)
    if complete is not None and window.start >= complete:
        last = f"the data of {market.code} in {spec.clock} end before {complete}"
        raise UserError("window", f"'{window}' lies in the future; {last}")
    return window
