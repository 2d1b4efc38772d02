"""Which of the project's own files a study's result depends on: what it can import.

grimp reads the imports without running them, those within functions too, in some 15 ms. A file
that is no Python counts with the modules of its package that name it or its folder, such as
`"templates"`; with the whole package where none does.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import UserError
from analysis.runs.warm.imported import state_of

if TYPE_CHECKING:
    from grimp import ImportGraph

PACKAGE = "analysis"
ROOT = Path(__file__).parents[1]
#: What makes a page of an executed notebook.
PAGE = ("analysis.report.page", "analysis.report.record", "analysis.report.guarded")


_read: dict[str, Reach] = {}


def reach() -> Reach:
    """What can be imported now: read anew only where a file has changed."""
    state = state_of(str(ROOT))
    if state not in _read:
        _read.clear()
        _read[state] = Reach()
    return _read[state]


class Reach:
    """The modules of `analysis` and what each can import, read once for many runs."""

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """The files of each module, in order."""
        found: dict[str, list[Path]] = {}
        for path in sorted(ROOT.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                for name in self._owners(path):
                    found.setdefault(name, []).append(path)
        return found

    def _owners(self, path: Path) -> list[str]:
        """The modules that a file belongs to."""
        folder = path.parent
        while not (folder / "__init__.py").exists():
            folder = folder.parent
        if path.suffix == ".py" and folder == path.parent:
            return [_module_of(path)]
        named = f'"{path.relative_to(folder).parts[0]}"'
        readers = [_module_of(each) for each in folder.glob("*.py") if named in self._text(each)]
        return sorted(readers) or [_module_of(folder / "__init__.py")]

    def modules(self, roots: Iterable[str]) -> frozenset[str]:
        """What can be imported from modules, themselves included; names of no module are let go."""
        return self._modules(frozenset(set(roots) & self.files.keys()))

    def sources(self, modules: Iterable[str]) -> list[str]:
        """The path and text of every file of modules."""
        return [self._text(path) for name in sorted(modules) for path in self.files.get(name, ())]

    @cache  # noqa: B019 - one object a command
    def _modules(self, roots: frozenset[str]) -> frozenset[str]:
        found: set[str] = set()
        left = set(roots)
        while left:
            name = left.pop()
            found.add(name)
            package = name.rpartition(".")[0]  # importing a module runs its packages' own code
            left |= ({*self._imported(name), package} - found) & self.files.keys()
        return frozenset(found)

    def _imported(self, name: str) -> set[str]:
        if name not in self._known:
            return set()
        found: set[str] = self._graph.find_modules_directly_imported_by(name)
        return found

    @cached_property
    def _known(self) -> set[str]:
        return set(self._graph.modules)

    @cached_property
    def _graph(self) -> ImportGraph:
        import grimp
        from grimp.exceptions import SourceSyntaxError

        try:
            return grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
        except SourceSyntaxError as error:
            where = f"src/analysis/{Path(error.filename).relative_to(ROOT)}, line {error.lineno}"
            raise UserError(where, f"no Python: {(error.text or '').strip()}") from None

    @cache  # noqa: B019 - one object a command
    def _text(self, path: Path) -> str:
        return f"{path.relative_to(ROOT)}\n{path.read_text(encoding='utf-8')}"


def _module_of(path: Path) -> str:
    """The module that a file of Python is."""
    parts = [PACKAGE, *path.parent.relative_to(ROOT).parts]
    return ".".join(parts if path.stem == "__init__" else [*parts, path.stem])
