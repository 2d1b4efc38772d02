"""How commands speak: bars with time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from analysis.safeguards.secrets import Redactor, redact

#: What a terminal obeys though it shows nothing, and JSON leaves as it is.
_OBEYED = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Lines for a person; nothing in them is read as markup, and a terminal obeys none of it."""
    console.print(_lines(redact(text)), markup=False)


def say_error(text: str) -> None:
    """A mistake, or why a command ended early: one line on standard error."""
    errors.print(f"study: {_lines(redact(text))}", markup=False)


def say_json(value: Any) -> None:
    """A value for a program, on standard output alone."""
    text = json.dumps(_known(value), indent=1, ensure_ascii=False)
    sys.stdout.write(_OBEYED.sub(_numbered, Redactor()(text, assigned=False)) + "\n")


def _numbered(letter: re.Match[str]) -> str:
    return f"\\u{ord(letter[0]):04x}"


def _known(value: Any) -> Any:
    """A value as JSON has it: a number that is none or has no end is null, an engine's large whole
    number stays one, and what else JSON does not know is said as text.

    >>> _known({"a": [float("nan"), 2.5, Decimal(10**20)], 1: None})
    {'a': [None, 2.5, 100000000000000000000], '1': None}
    """
    if isinstance(value, Mapping):
        return {str(key): _known(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_known(each) for each in value]
    if isinstance(value, Decimal):
        whole = value.is_finite() and value == value.to_integral_value()
        value = int(value) if whole else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, int) else str(value)


def _lines(text: str) -> str:
    return "\n".join(map(cell, text.split("\n")))


def cell(value: object) -> str:
    """A value in one cell: empty for none; line ends and control characters are blanks.

    >>> cell("a\\tb"), cell(None), cell(3)
    ('a b', '', '3')
    """
    text = "" if value is None else str(value)
    return "".join(each if each.isprintable() else " " for each in text)


def say_table(
    title: str, columns: list[str], rows: list[list[str]], *, header: bool = False
) -> None:
    """A table for a person; on a pipe plain columns parted by tabs, their names first if asked."""
    clean = Redactor()
    columns = [clean(cell(name)) for name in columns]
    rows = [[clean(value) for value in row] for row in rows]
    if not console.is_terminal:
        for row in [columns, *rows] if header else rows:
            sys.stdout.write("\t".join(row) + "\n")  # the console would make blanks of tabs
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for place, name in enumerate(columns):
        # A name that is listed is there to be copied: it stays whole.
        table.add_column(name, overflow="fold", no_wrap=place == 0 and not header)
    for row in rows:
        table.add_row(*row)
    console.print(table, markup=False)


class Steps:
    """Progress over a known number of steps: silent in itself."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def step(self, line: str) -> None:  # noqa: ARG002 - shown by the classes below
        self.done += 1


class Lines(Steps):
    """Progress as a plain line a step."""

    def step(self, line: str) -> None:
        super().step(line)
        say(f"[{self.done}/{self.total}] {line}")


class Bar(Steps):
    """Progress as a bar with the time left; lines go above it."""

    def __init__(self, total: int, title: str) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        super().__init__(total)
        columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        shown = [TextColumn(c) if isinstance(c, str) else c for c in columns]
        self.progress = Progress(*shown, console=console)
        self.task = self.progress.add_task(title, total=total)

    def step(self, line: str) -> None:
        super().step(line)
        self.progress.console.print(redact(line), markup=False)
        self.progress.advance(self.task)


@contextmanager
def steps(total: int, title: str, *, quiet: bool = False) -> Iterator[Steps]:
    """Shows progress: a bar on a terminal, a line a step elsewhere, nothing when quiet."""
    if quiet:
        yield Steps(total)
    elif console.is_terminal:
        bar = Bar(total, title)
        with bar.progress:
            yield bar
    else:
        yield Lines(total)


@contextmanager
def share(title: str) -> Iterator[Callable[[str, float], None] | None]:
    """Shows how much of one long step is done, as a bar; None where there is no terminal."""
    if not console.is_terminal:
        yield None
        return
    from rich.progress import Progress

    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(title, total=1.0)

        def show(what: str, done: float) -> None:
            progress.update(task, description=f"{title}: {what}", completed=done)

        yield show
