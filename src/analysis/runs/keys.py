"""Keys: what a run's result depends on, in parts, so that a plan can say which of them changed."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from analysis.project import Literals, Project
from analysis.runs.choice import Run
from analysis.runs.held import Held
from analysis.runs.reach import PAGE, reach
from analysis.studies.notebooks import code_cells, imports, literals, read_cells, tagged_cells
from analysis.warehouse.marks import Span

#: Changes when what a run leaves behind changes shape.
FORMAT = "2"
#: What of a study's file says which runs there are and how they are executed, not what they find.
ABOUT_RUNNING = {"matrix", "full", "variants", "rows", "parameters", "schedule", "limits"}
#: Settings that change nothing of what a run finds or its page says.
NOT_FOUND = {
    *("epoch", "warehouse", "not_secrets", "content_fetcher", "masked_words", "wellbeing"),
}
CUBES, CATALOGUE = "analysis.metrics.cube", "analysis.metrics.catalogue"
#: Files of params/ that are read as values below, or by no run.
NOT_WHOLE = {"project.yaml", "markets.yaml", "metrics.yaml", "sources.yaml"}


class Keys:
    """The parts of runs' keys; what many runs share is hashed once."""

    def __init__(self, project: Project, held: Held | None = None) -> None:
        self.project = project
        self.held = held or Held(project)
        self.reach = reach()

    def parts(self, run: Run) -> dict[str, str]:
        """What a run's result depends on, one digest each.

        `notebook`: the cells. `parameters`: those that differ from the defaults. `params`: what
        params/ says that it reads. `code`: all of `analysis` that the notebook and the study's
        module can import. `page`: what makes the page, and is not in `code`. `data`: the rows that
        it reads. `lock`: the packages. `epoch`: raised by hand.
        """
        code = self.code(run.study)
        return {
            "notebook": self.notebook(run.study),
            "parameters": digest(json.dumps(run.parameters, sort_keys=True)),
            "params": digest(self.shared_params(run.study), self.own_params(run)),
            "code": self.digest_of(code),
            "page": self.digest_of(self.reach.modules(PAGE) - code),
            "data": digest(json.dumps(self.data(run), sort_keys=True)),
            "lock": self.lock,
            "epoch": f"{self.project.settings.epoch}.{FORMAT}",
        }

    @cache  # noqa: B019 - one object a command
    def cells(self, study: str) -> list[dict[str, Any]]:
        path = self.project.notebooks / f"{study}.ipynb"
        return read_cells(path, f"notebooks/{path.name}")

    @cache  # noqa: B019
    def notebook(self, study: str) -> str:
        return digest(*(f"{cell['cell_type']}:{cell['source']}" for cell in self.cells(study)))

    @cache  # noqa: B019
    def code(self, study: str) -> frozenset[str]:
        """The modules that a study's notebook and module can import."""
        named = {name for cell in code_cells(self.cells(study)) for name in imports(cell["source"])}
        return self.reach.modules({f"analysis.studies.{study}", *named})

    @cache  # noqa: B019
    def digest_of(self, modules: frozenset[str]) -> str:
        return digest(*self.reach.sources(modules))

    @cache  # noqa: B019
    def shared_params(self, study: str) -> str:
        """What params/ says for all markets of a study."""
        texts = {path.name: path for path in sorted(self.project.params.glob("*.yaml"))}
        whole = set(texts) - NOT_WHOLE
        if CATALOGUE in self.code(study):
            whole |= {"metrics.yaml"} & texts.keys()
        settings = self.project.settings.model_dump(exclude=NOT_FOUND)
        spec = self.project.study(study).model_dump(mode="json", exclude=ABOUT_RUNNING)
        read = [_text(texts[name]) for name in sorted(whole)]
        return digest(json.dumps([settings, spec], sort_keys=True), *read)

    def own_params(self, run: Run) -> str:
        """What params/markets.yaml says of the run's market, or of all where it reads of all."""
        rows = run.spec.rows
        own = [run.market] if rows and rows.markets == "own" else self.project.markets.values()
        return digest(*(repr(market) for market in (run.market, *own)))

    def data(self, run: Run) -> dict[str, str]:
        """The versions of the rows that a run reads, by table, or by fact that its cubes count."""
        rows = run.spec.rows
        facts = self.held.marks.facts if CUBES in self.code(run.study) else []
        names = [*sorted(run.spec.reads), *facts]
        if rows is None:
            return self.held.marks.version(names)
        market = run.market.code if rows.markets == "own" else None
        return self.held.marks.version(names, market, self.spans(run))

    def spans(self, run: Run) -> list[Span]:
        """The local days whose rows a run reads, as its study declares them."""
        rows, window = run.spec.rows, run.window
        if rows is None:
            return []
        after = timedelta(days=rows.days_after)
        first = window
        for _ in range(1, self.count(run, rows.windows)):
            first = first.previous()
        found = [(first.start, window.end + after)]
        if rows.year_before:
            year = window.year_before()
            found.append((year.start, year.end))
        return found

    def count(self, run: Run, windows: int | str) -> int:
        """How many windows a run reads; a parameter's value is the run's or the notebook's."""
        if isinstance(windows, int):
            return windows
        value = run.parameters.get(windows, self.defaults(run.study).get(windows))
        try:
            return int(value or 1)
        except ValueError:
            return 1  # the study's own model refuses it before the run

    @cache  # noqa: B019
    def defaults(self, study: str) -> dict[str, Literals]:
        """The parameters' defaults, which `study check` holds to those of the notebook."""
        tagged = tagged_cells(self.cells(study))
        try:
            return literals(tagged[0]["source"]) if tagged else {}
        except ValueError:
            return {}

    @cached_property
    def lock(self) -> str:
        path = self.project.root / "requirements.lock"
        return digest(_text(path)) if path.exists() else ""


def key_of(parts: dict[str, str]) -> str:
    return digest(json.dumps(parts, sort_keys=True))


def digest(*texts: str) -> str:
    """A digest of texts, each kept apart from the next by its length."""
    found = hashlib.sha256()
    for text in texts:
        data = text.encode()
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()[:16]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
