"""Which runs a study has, and which rows they read: parts of params/studies/NAME.yaml."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from analysis.calendar import Kind
from analysis.params import Model

#: A code, a region of params/markets.yaml, or `all`.
MarketGroup = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|[A-Z][A-Za-z_-]*|all)$")]
VariantName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$", max_length=40)
]
#: The variant that sets no parameters: the study as it is.
BASE = "base"


class LastWindows(Model):
    """The last windows of a kind that the data hold whole, such as `last: 8, every: week`."""

    last: int = Field(ge=1, le=520)
    every: Literal["day", "week", "month", "quarter"]

    @property
    def kind(self) -> Kind:
        return Kind(self.every)


class Exclusion(Model):
    """Runs that a matrix leaves out: those that match all that is given.

    Attributes:
        markets, variants: as the matrix names them.
        windows: a run's window lies in one of them.
        reason: why; for the next person who reads the file.
    """

    markets: tuple[MarketGroup, ...] = ()
    windows: tuple[str, ...] = ()
    variants: tuple[VariantName, ...] = ()
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.markets or self.windows or self.variants):
            raise ValueError("give markets, windows or variants; else it leaves out every run")
        return self


class Matrix(Model):
    """Every market of a list in every window of a list in every variant of a list.

    Attributes:
        markets: codes and regions, or `all`: the operated markets, or for a study of territories
            those that have data.
        windows: as `Window.parse` reads them, or the last of a kind.
        variants: names of the study's `variants`; `base` sets nothing.
        exclude: what is left out of it.
    """

    markets: tuple[MarketGroup, ...] | Literal["all"]
    windows: Annotated[tuple[str | LastWindows, ...], Field(min_length=1)] | LastWindows
    variants: tuple[VariantName, ...] = (BASE,)
    exclude: tuple[Exclusion, ...] = ()

    @property
    def market_list(self) -> tuple[str, ...]:
        return ("all",) if self.markets == "all" else self.markets

    @property
    def window_list(self) -> tuple[str | LastWindows, ...]:
        return (self.windows,) if isinstance(self.windows, LastWindows) else self.windows


class Rows(Model):
    """Which rows of its tables a run reads. A study that says nothing reads all of them.

    Attributes:
        markets: the run's own, or all.
        windows: how many windows of the run's kind, its own the last; a number, or the parameter
            that holds it.
        year_before: the same window a year before, too.
        days_after: days after the window whose rows still change its numbers.
    """

    markets: Literal["own", "all"]
    windows: Annotated[int, Field(ge=1)] | str = 1
    year_before: bool = False
    days_after: int = Field(0, ge=0)
