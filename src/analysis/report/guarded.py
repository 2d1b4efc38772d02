"""The one gate through which a run's outputs leave: page, CSV, record and notebook come after it.

A kernel can put anything into its outputs. Here an executed notebook is made anew from what is
known to be safe: figures, tables, findings and text, each rebuilt from its typed part, without
secrets, without who or where somebody is. Nothing of it is a study's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode

from analysis.figures.shapes import FIGURE, TABLE, TITLE
from analysis.report.bundles import (
    SVG_TYPE,
    Bundle,
    figure_bundle,
    figure_table,
    finding_bundle,
    table_bundle,
    title_bundle,
)
from analysis.report.cells import (
    LEFT_OUT,
    Data,
    FigureWords,
    TableWords,
    names_an_object,
    read,
    whole,
)
from analysis.report.disclosed import Small, disclose
from analysis.safeguards.disclosure import Rules
from analysis.safeguards.personal import MASKS, Masker, holds_ids
from analysis.safeguards.secrets import Redactor
from analysis.safeguards.unseen import is_content, told
from analysis.safeguards.withheld import Withheld
from analysis.studies.findings import FINDING, Finding

#: A type of output, as the standard writes them (RFC 6838); anything else is not repeated.
_KIND = re.compile(r"[a-z]+/[\w.+-]{1,80}")
_ROW = re.compile(r"(?:\S.*)?\s{2,}-?[\d.,]+(?:\s{2,}\S+)*\s*$")
_SLUG = re.compile(r"\w{1,80}")
#: What the rows of a frame are called where its text was left out.
ROWS = "rows printed as text"
#: What the cells of a column are called in which people's own words stood.
TEXTS = "texts of content"
#: Metadata that are the notebook's own; the rest, widgets' state among it, is not kept.
_OF_NOTEBOOK = ("kernelspec", "language_info", "papermill")
_OF_CELL = ("tags", "papermill", "name", "execution")


@dataclass
class Gate:
    """What one notebook passes through.

    Attributes:
        redact: takes secrets out, and counts them.
        mask: masks who and where, and counts it.
        kinds: types of output that were left out.
        harmless: texts in which nothing was found: most stand in many rows.
    """

    redact: Redactor = field(default_factory=Redactor)
    mask: Masker = field(default_factory=Masker)
    kinds: set[str] = field(default_factory=set)
    harmless: set[str] = field(default_factory=set)

    def text(self, text: str) -> str:
        """A text without what may not leave."""
        if text in self.harmless:
            return text
        before = self.redact.found
        clean = self.mask(self.redact(text))
        if clean == text and self.redact.found == before:
            self.harmless.add(text)
        return clean

    def clean(self, value: Any) -> Any:
        """A value of JSON with each of its texts cleaned."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, float) or value is None:
            return value
        if isinstance(value, Mapping):
            return {self.clean(key): self.clean(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.clean(each) for each in value]
        return self.mask.number(value) if isinstance(value, int) else value

    def withheld(self) -> Withheld:
        return Withheld(
            secrets=self.redact.found,
            personal=dict(self.mask.found),
            kinds=tuple(sorted(self.kinds)),
        )


def guard(
    notebook: NotebookNode,
    gate: Gate | None = None,
    rules: Rules | None = None,
    small: Small | None = None,
    window: str = "",
) -> tuple[NotebookNode, Withheld]:
    """An executed notebook as it may leave the run, and what was taken out.

    Args:
        notebook: as executed; it is changed.
        gate: what it passes through; a new one where none is given.
        rules: of disclosure control; None where everything shown was published by others.
        small, window: as :func:`disclose` takes them.
    """
    gate = gate or Gate()
    quiet = Gate(redact=gate.redact)  # a path in metadata is nothing that the page would have shown
    kept = {name: quiet.clean(notebook.metadata.get(name)) for name in _OF_NOTEBOOK}
    notebook.metadata = NotebookNode({name: each for name, each in kept.items() if each})  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.source = gate.redact(whole(cell.source), assigned=False)
        own = {name: quiet.clean(cell.metadata[name]) for name in _OF_CELL if name in cell.metadata}
        cell.metadata = NotebookNode(own)  # type: ignore[no-untyped-call]
        if cell.cell_type == "code":
            cell.outputs = outputs(cell.outputs, gate)
    hidden = disclose(notebook, rules, small, window) if rules else Withheld()
    told = hidden.model_dump(include={"cells", "pictures", "minimum", "base"})
    return notebook, gate.withheld().model_copy(update=told)


def outputs(given: Iterable[Mapping[str, Any]], gate: Gate) -> list[NotebookNode]:
    """Outputs as they may leave."""
    return [new for each in given for new in _output(each, gate)]


def _output(output: Mapping[str, Any], gate: Gate) -> Iterator[NotebookNode]:
    kind = output.get("output_type")
    if kind == "stream":
        text = whole(output.get("text", ""))
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        if is_tabular(text):
            yield shown(_left_out({ROWS}, gate))
        else:
            yield made("stream", name=name, text=gate.clean(text))
    elif kind == "error":
        values = {key: gate.clean(output.get(key)) for key in ("ename", "evalue", "traceback")}
        yield made("error", **values)
    elif data := output.get("data"):
        yield shown(_display(data, gate), output.get("execution_count"))


def _display(data: Mapping[str, Any], gate: Gate) -> Bundle:
    if (figure := read(FigureWords, data.get(FIGURE))) is not None:
        clean = _figure(figure, gate)
        if _texts(figure.data, figure.data.columns):  # the picture drew them
            return figure_table(clean, clean.data)
        return figure_bundle(clean, whole(data.get(SVG_TYPE, "")), gate.clean)
    if (table := read(TableWords, data.get(TABLE))) is not None:
        return table_bundle(_table(table, gate))
    if (finding := read(Finding, data.get(FINDING))) is not None:
        return finding_bundle(Finding.model_validate(gate.clean(finding.model_dump())))
    if TITLE in data:
        return title_bundle(_name(data[TITLE]), gate.clean(whole(data.get("text/plain", ""))))
    return _other(data, gate)


def _name(payload: Any) -> str:
    name = payload.get("name") if isinstance(payload, Mapping) else None
    return name if isinstance(name, str) and _SLUG.fullmatch(name) else "figure"


def _other(data: Mapping[str, Any], gate: Gate) -> Bundle:
    """Text by itself; of anything else its text where it has one, and a note where it has none."""
    text = whole(data.get("text/plain", ""))
    kinds = {kind if _KIND.fullmatch(kind) else "another type" for kind in data}
    kinds -= {"text/plain"}
    usable = text.strip() and not names_an_object(text)
    if usable and is_tabular(text):
        return _left_out(kinds | {ROWS}, gate)
    if usable:
        gate.kinds |= kinds
        return {"text/plain": gate.clean(text)}
    return _left_out(kinds or {"an object"}, gate)


def _left_out(kinds: set[str], gate: Gate) -> Bundle:
    gate.kinds |= kinds
    said = ", ".join(sorted(kinds))
    return {LEFT_OUT: {"kinds": sorted(kinds)}, "text/plain": f"Left out: {said}."}


def is_tabular(text: str) -> bool:
    """Whether a text is rows of numbers, as a frame prints itself.

    Such rows say nothing of what they count, so no rule about small counts can be kept.

    >>> is_tabular("   policy  n\\n0    spam  3\\n1    hate  7\\n")
    True
    >>> is_tabular("7 days read\\n26 windows")
    False
    """
    lines = [line for line in text.splitlines() if line.strip()]
    rows = sum(_ROW.match(line) is not None for line in lines)
    return rows >= 2 or "\ndtype: " in text or re.search(r"\[\d+ rows x \d+ col", text) is not None


def _figure(words: FigureWords, gate: Gate) -> FigureWords:
    given = {key: gate.clean(getattr(words, key)) for key in ("title", "alt", "caption")}
    return words.model_copy(update={**given, "data": _data(words.data, words.data.columns, gate)})


def _table(words: TableWords, gate: Gate) -> TableWords:
    titles = [column.title for column in words.columns]
    columns = [c.model_copy(update={"title": gate.clean(c.title)}) for c in words.columns]
    given = {key: gate.clean(getattr(words, key)) for key in ("caption", "note")}
    data = _data(words.data, titles, gate)
    return words.model_copy(update={**given, "columns": columns, "data": data})


def _data(data: Data, titles: list[str], gate: Gate) -> Data:
    """Rows without secrets, ids and texts of content; a column of either is masked whatever
    it is titled."""
    titled = [*titles, *[""] * len(data.columns)]
    texts = _texts(data, titled)
    gate.kinds |= {TEXTS} if texts else set()
    hidden = {at for at, key in enumerate(data.columns) if holds_ids(key) or holds_ids(titled[at])}
    gate.mask.ids(sum(row[at] is not None for row in data.rows for at in hidden if at < len(row)))
    width, clean = len(data.columns), gate.clean
    # Most cells are fractions or empty, which hold nothing: they are passed by before a call.
    rows = [
        [
            value
            if value is None or (type(value) is float and not hidden)
            else (MASKS["id"] if at in hidden else clean(told(value) if at in texts else value))
            for at, value in enumerate(row[:width])
        ]
        for row in data.rows
    ]
    return Data.model_construct(columns=[clean(key) for key in data.columns], rows=rows)


def _texts(data: Data, titles: Sequence[str]) -> set[int]:
    """Columns of what people wrote, where there is any."""
    return {
        at
        for at, names in enumerate(zip(data.columns, titles, strict=False))
        if is_content(names)
        and any(isinstance(cell, str) for row in data.rows for cell in row[at : at + 1])
    }


def shown(bundle: Bundle, count: int | None = None) -> NotebookNode:
    """A bundle as an output: what a cell displayed, or its result where it has a number."""
    if count is None:
        return made("display_data", data=bundle)
    return made("execute_result", data=bundle, execution_count=count)


def made(kind: str, **parts: Any) -> NotebookNode:
    """An output as nbformat makes it, but for the check of each against its schema: these have its
    shape by how they are made, and the checks took a tenth of a run's time."""
    own: dict[str, Any] = {"metadata": {}} if kind in ("display_data", "execute_result") else {}
    # Only the output itself is a node: whoever reads its parts takes them for plain JSON.
    return NotebookNode({"output_type": kind, **own, **parts})  # type: ignore[no-untyped-call]
