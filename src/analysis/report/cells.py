"""What a notebook shows, as a page shows it: typed displays and text; anything else by a note.

A kernel can put any HTML and any script into its outputs. A page takes only what it knows how to
show safely: figures, tables and findings by their own types, and plain text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count
from typing import TYPE_CHECKING, Any, TypeVar

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, ValidationError, model_serializer

from analysis.figures.shapes import FIGURE, TABLE, TITLE, Shape
from analysis.report.i18n import gettext
from analysis.report.svg import inline
from analysis.safeguards.disclosure import SUPPRESSED
from analysis.safeguards.secrets import redact
from analysis.studies.findings import FINDING, Comparison, Finding

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: What stands in a notebook in the place of an output that reports do not show.
LEFT_OUT = "application/vnd.analysis.left-out+json"
#: Characters of one text output; a page is for reading, the notebook beside it has the rest.
LONGEST = 20_000
#: Characters from which a table's cell is prose, and up to which it is a label.
_PROSE, _LABEL = 48, 16
#: A number in words, such as `more than 13` or `19 views`; a day or a place such as `2nd` is none.
_TOLD = re.compile(r"\D{0,20}\d[\d.,]*(?![\w-])")
_NO_NUMBER = ("", "–", SUPPRESSED)
#: Colours and cursor moves, as terminals read them (ECMA-48).
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Data(_Payload):
    """Rows under their columns' names, as `displays.columns_and_rows` makes them."""

    columns: list[str]
    rows: list[list[str | int | float | bool | None]]

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        """As it is: to ask of each cell which type it has took a fifth of the gate's time."""
        return {"columns": self.columns, "rows": self.rows}


class FigureWords(_Payload):
    """The payload of a figure."""

    name: str
    title: str
    alt: str
    caption: str
    rests_on: int | None = None
    data: Data


class TableColumn(_Payload):
    """The heading of a table's column, and how its values are shown."""

    key: str
    title: str
    shape: Shape


class TableWords(_Payload):
    """The payload of a table; `of_figure` where it stands in the place of a figure's picture."""

    name: str
    caption: str
    note: str = ""
    folded: bool = False
    printed: bool = True
    of_figure: bool = False
    rests_on: int | None = None
    columns: list[TableColumn]
    data: Data


class LeftOut(_Payload):
    """The payload of what was left out."""

    kinds: list[str]


@dataclass(frozen=True)
class FigureBlock:
    """A figure; `file` is its CSV below the page's data folder."""

    words: FigureWords
    svg: Markup
    id: str
    file: str
    kind: str = "figure"


@dataclass(frozen=True)
class TableBlock:
    """A table; `file` is its CSV below the page's data folder."""

    words: TableWords
    id: str
    file: str
    kind: str = "table"

    @cached_property
    def styles(self) -> tuple[str, ...]:
        """The class of each column's cells: numbers in a line, room for prose, labels unbroken."""
        return tuple(self._style(at, column) for at, column in enumerate(self.words.columns))

    def _style(self, at: int, column: TableColumn) -> str:
        if column.shape != "text":
            return "number"
        texts = [str(row[at]) for row in self.words.data.rows if at < len(row)]
        longest = max(map(len, texts), default=0)
        if longest > _PROSE:
            return "long"
        short = "short" if max(longest, len(column.title)) <= _LABEL else ""
        told = [text for text in texts if text not in _NO_NUMBER]
        return f"told {short}".strip() if at and all(map(_TOLD.match, told)) else short


@dataclass(frozen=True)
class FindingsBlock:
    """Findings that follow one another in one cell."""

    findings: tuple[Finding, ...]
    kind: str = "findings"

    @property
    def told(self) -> tuple[tuple[Finding, tuple[Comparison, ...], tuple[str, ...]], ...]:
        """Findings with their comparisons that no sentence has, and their own notes. A headline's
        sentence stands among the main points: one that has no more to say is not said twice."""
        found = (
            (
                finding,
                tuple(each for each in finding.comparisons if each.text not in finding.text),
                tuple(note for note in finding.notes if note not in self.shared_notes),
            )
            for finding in self.findings
        )
        return tuple(each for each in found if not each[0].headline or each[1] or each[2])

    @property
    def shared_notes(self) -> tuple[str, ...]:
        """Notes of more than one of these findings: said once, below them."""
        times = Counter(note for finding in self.findings for note in set(finding.notes))
        ordered = dict.fromkeys(note for finding in self.findings for note in finding.notes)
        return tuple(note for note in ordered if times[note] > 1)


@dataclass(frozen=True)
class TextBlock:
    """Plain text that a cell printed or returned."""

    text: str
    kind: str = "text"


@dataclass(frozen=True)
class NoteBlock:
    """What stands in the place of something that a page does not show."""

    text: str
    kind: str = "note"


Block = FigureBlock | TableBlock | FindingsBlock | TextBlock | NoteBlock
PayloadT = TypeVar("PayloadT", bound=BaseModel)


class Names:
    """Names of data files: slugs, each once, the same for the page and for the files."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def file(self, name: str) -> str:
        """A CSV's name.

        >>> names = Names()
        >>> names.file("Rate"), names.file("rate"), names.file("../etc")
        ('rate.csv', 'rate_2.csv', 'etc.csv')
        """
        slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:60] or "data"
        numbered = (f"{slug}_{number}" for number in count(2))
        free = next(each for each in chain([slug], numbered) if each not in self._given)
        self._given.add(free)
        return f"{free}.csv"


def blocks(notebook: NotebookNode) -> list[list[Block]]:
    """What each cell of an executed notebook shows, cell by cell."""
    names = Names()
    return [
        _joined(
            block
            for output in cell.get("outputs", ())
            if (block := _block(output, names)) is not None
        )
        for cell in notebook.cells
    ]


def _joined(found: Iterator[Block]) -> list[Block]:
    """Findings in a row become one list, and lines of text one text."""
    joined: list[Block] = []
    for block in found:
        last = joined[-1] if joined else None
        if isinstance(block, FindingsBlock) and isinstance(last, FindingsBlock):
            joined[-1] = FindingsBlock(last.findings + block.findings)
        elif isinstance(block, TextBlock) and isinstance(last, TextBlock):
            joined[-1] = TextBlock(f"{last.text}\n{block.text}")
        elif block != last:
            joined.append(block)
    return joined


def _block(output: Mapping[str, Any], names: Names) -> Block | None:
    kind = output.get("output_type")
    if kind == "stream":
        return _text(output.get("text", ""))
    if kind == "error":
        # Never the traceback: it holds values, and values may be secrets.
        return NoteBlock(
            gettext("This cell stopped with an error (%(kind)s).")
            % {"kind": output.get("ename", gettext("unknown"))}
        )
    return _display(output.get("data", {}), names)


def _display(data: Mapping[str, Any], names: Names) -> Block | None:
    if (figure := read(FigureWords, data.get(FIGURE))) is not None:
        return _figure(figure, data, names)
    if (table := read(TableWords, data.get(TABLE))) is not None:
        file = names.file(table.name)
        return TableBlock(table, _id("table", file), file)
    if (finding := read(Finding, data.get(FINDING))) is not None:
        return None if finding.in_table else FindingsBlock((finding,))
    if TITLE in data:
        return None
    if (left := read(LeftOut, data.get(LEFT_OUT))) is not None:
        return _note(left.kinds)
    text = whole(data.get("text/plain", ""))
    if text and not names_an_object(text):
        return _text(text)
    if not data:
        return None
    return _note(sorted(kind for kind in data if kind != "text/plain"))


def _note(kinds: Sequence[str]) -> NoteBlock:
    said = gettext("Left out: %(kinds)s. Reports show figures, tables, findings and text only.")
    return NoteBlock(said % {"kinds": ", ".join(kinds) or gettext("an object")})


def _figure(words: FigureWords, data: Mapping[str, Any], names: Names) -> Block:
    file = names.file(words.name)
    where = _id("figure", file)
    svg = inline(
        whole(data.get("image/svg+xml", "")),
        prefix=where,
        title=words.title,
        description=words.alt,
    )
    if svg is None:
        unseen = gettext("(The picture itself could not be shown.)")
        return NoteBlock(f"{words.title}. {words.alt} {unseen}")
    return FigureBlock(words, svg, where, file)


def _id(kind: str, file: str) -> str:
    return f"{kind}-{file.removesuffix('.csv').replace('_', '-')}"


def _text(text: Any) -> TextBlock | None:
    clean = redact(_ANSI.sub("", whole(text))).strip("\n")
    if not clean.strip():
        return None
    if len(clean) > LONGEST:
        clean = clean[:LONGEST] + "\n" + gettext("… (the rest is in the notebook)")
    return TextBlock(clean)


def names_an_object(text: str) -> bool:
    """Whether a text is only Python's name of an object, which tells a reader nothing."""
    return re.fullmatch(r"<[^<>]*>", text.strip()) is not None


def whole(text: Any) -> str:
    """A text of a notebook file, which may lie there as a list of lines."""
    return "".join(text) if isinstance(text, Sequence) else ""


def read(model: type[PayloadT], payload: Any) -> PayloadT | None:
    """A display's payload through its model; None where it is not of that kind."""
    if payload is None:
        return None
    try:
        return model.model_validate(payload)
    except ValidationError:
        return None
