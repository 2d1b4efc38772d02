"""What a run's page says was taken out of it: how many, never what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class Withheld(BaseModel):
    """What the safeguards took out of a run.

    Attributes:
        secrets: how many.
        personal: e-mail addresses, phone numbers, handles, paths and ids, by kind.
        kinds: types of output that reports do not show.
        cells: numbers that were suppressed: in tables, in data of figures, findings.
        pictures: figures of which only the data are left, since they drew a suppressed number.
        minimum: the least count that is shown, zero aside.
        base: the least number that a rate may rest on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    secrets: int = 0
    personal: Mapping[str, int] = Field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    cells: int = 0
    pictures: int = 0
    minimum: int = 0
    base: int = 0

    def and_also(self, more: Withheld) -> Withheld:
        """The same with the numbers and pictures that were taken out later."""
        told = {"cells": self.cells + more.cells, "pictures": self.pictures + more.pictures}
        return self.model_copy(update=told)

    @property
    def masked(self) -> int:
        """How many of all personal kinds."""
        return Counter(self.personal).total()

    @property
    def anything(self) -> bool:
        return bool(self.secrets or self.masked or self.kinds or self.cells or self.pictures)
