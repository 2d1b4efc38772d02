"""What the warehouse holds, as planning needs it: each question is asked once for many runs."""

from __future__ import annotations

from datetime import date
from functools import cached_property

from analysis.calendar import Market, Window
from analysis.matrix import LastWindows
from analysis.project import Project, StudySpec
from analysis.studies.base import read_window
from analysis.warehouse import Marks, NoWarehouse, noted_last_times, noted_marks, open_warehouse
from analysis.warehouse.interface import LastTimes, complete_day


class Held:
    """Answers about a project's warehouse; without a warehouse there are no rows."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.missing: NoWarehouse | None = None
        self._last_times: dict[str, LastTimes] = {}

    @cached_property
    def marks(self) -> Marks:
        """The versions of rows."""
        try:
            return noted_marks(self.project)
        except NoWarehouse:
            return Marks({}, {})

    def last_times(self, table: str) -> LastTimes:
        """The last time in a table's rows by market."""
        if table not in self._last_times:
            self._last_times[table] = self._read_last_times(table)
        return self._last_times[table]

    def _read_last_times(self, table: str) -> LastTimes:
        try:
            return noted_last_times(self.project, table)
        except NoWarehouse as missing:
            self.missing = missing
            return {}

    def complete_until(self, table: str, market: Market) -> date | None:
        """The first local day of a market that a table does not hold whole; None without rows."""
        return complete_day(table, market, self.last_times(table))

    def markets(self, table: str) -> list[str]:
        """The markets that a table has rows of."""
        try:
            with open_warehouse(self.project) as warehouse:
                sql = f"SELECT DISTINCT market FROM {table} WHERE market IS NOT NULL ORDER BY 1"
                return [code for (code,) in warehouse.rows(sql)]
        except NoWarehouse:
            return []

    def windows(self, spec: StudySpec, market: Market, asked: str | LastWindows) -> list[Window]:
        """The windows that a person or a matrix asks for, oldest first.

        Raises:
            UserError: it is no window, lies in the future, or needs rows and there are none.
        """
        text = asked if isinstance(asked, str) else f"latest-{asked.kind}"
        complete = self.complete_until(spec.clock, market)
        if self.missing and text.startswith("latest"):
            raise self.missing
        found = [read_window(spec, market, text, complete)]
        while isinstance(asked, LastWindows) and len(found) < asked.last:
            found.insert(0, found[0].previous())
        return found
