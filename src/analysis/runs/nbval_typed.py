"""A pytest plugin beside nbval: numbers in findings, figures and tables within a tolerance.

nbval compares outputs as text, so 0.3 and 0.30000000000000004 differ. Here what a notebook shows
as typed displays is compared number by number; where it agrees, its text and picture, made from
the same numbers, are left out, and all other output stays nbval's own business.

Used by `study verify`: `pytest --nbval -p analysis.runs.nbval_typed --typed-report FILE`.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from analysis.runs.unused import without_unused

with without_unused():
    import nbval.kernel
    from nbformat import NotebookNode
    from nbval.plugin import IPyNbCell

from analysis.figures.shapes import FIGURE, TABLE, TITLE
from analysis.report.bundles import SVG_TYPE
from analysis.report.guarded import Gate, outputs
from analysis.runs.warm.client import BlockingRunManager
from analysis.safeguards.disclosure import SUPPRESSED
from analysis.studies.findings import FINDING, NOT_SAID, NOT_SHOWN

TYPED = (FINDING, FIGURE, TABLE, TITLE)
#: Two executions of one code on one machine agree far better; other machines' libraries sum in
#: another order.
RELATIVE, ABSOLUTE = 1e-9, 1e-12

# nbval prints every message for a log that nobody keeps, a third of its time; and its client waits
# by the clock for a kernel to be ready.
nbval.kernel.pformat = lambda message: message
nbval.kernel.KernelManager = BlockingRunManager
# Notebooks are large trees without cycles, of which Python would look for some again and again.
gc.set_threshold(100_000)

_found: dict[str, list[str]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--typed-report", default=None, help="where differences are written, as JSON")


def pytest_itemcollected(item: pytest.Item) -> None:
    if isinstance(item, IPyNbCell):
        _found.setdefault(str(item.path), [])
        original = item.compare_outputs

        def compare(test: Any, ref: Any, skip_compare: Any = None) -> bool:
            differences, test_rest, ref_rest = split(ref, gated(test, ref))
            _found[str(item.path)] += differences
            same: bool = original(test_rest, ref_rest, skip_compare)
            if differences:
                item.comparison_traceback += differences
            elif not same:
                _found[str(item.path)].append(f"the output of cell {item.cell_num}")
            return same and not differences

        item.compare_outputs = compare


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and not _found.get(str(report.fspath)) and report.when != "teardown":
        path = str(Path(report.nodeid.split("::")[0]))
        key = next((known for known in _found if known.endswith(path)), path)
        if not _found.get(key):
            _found.setdefault(key, []).append(
                f"{report.nodeid.split('::')[-1]} ended with an error"
            )


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = session.config.getoption("--typed-report")
    if target:
        Path(target).write_text(json.dumps(_found), encoding="utf-8")


def split(ref: Sequence[Any], test: Sequence[Any]) -> tuple[list[str], list[Any], list[Any]]:
    """Differences between the typed displays, and both sides without what they cover."""
    differences: list[str] = []
    for kind in TYPED:
        then, now = (
            [p for o in side if (p := _payload(o, kind)) is not None] for side in (ref, test)
        )
        if len(then) != len(now):
            differences.append(f"{len(then)} displays of {kind} then, {len(now)} now")
        for a, b in zip(then, now, strict=False):
            differences += compare(a, b, str(a.get("name", kind)))
    return differences, [_bare(o) for o in test], [_bare(o) for o in ref]


def gated(test: Sequence[Any], ref: Sequence[Any]) -> list[Any]:
    """Outputs as the gate leaves them. Typed displays that say what was kept have passed it: again
    would take an eighth of nbval's time."""
    gate, left = Gate(), list[Any]()
    for at, output in enumerate(test):
        passed = at < len(ref) and _says_the_same(output, ref[at])
        left += [output] if passed else outputs([_undrawn(output)], gate)
    return left


def _says_the_same(now: Any, then: Any) -> bool:
    kinds = [kind for kind in TYPED if kind in now.get("data", {})]
    return bool(kinds) and all(_payload(now, kind) == _payload(then, kind) for kind in kinds)


def _undrawn(output: Any) -> Any:
    """An output without its picture where that is of typed numbers, which are compared instead."""
    data = output.get("data", {})
    if FIGURE not in data:
        return output
    return {**output, "data": {kind: each for kind, each in data.items() if kind != SVG_TYPE}}


def _payload(output: Any, kind: str) -> Any:
    """An output's typed display of a kind; a table in the place of a figure is a figure's data."""
    data = output.get("data", {})
    table = data.get(TABLE)
    if table and table.get("of_figure"):
        return {name: table[name] for name in ("name", "data")} if kind == FIGURE else None
    return data.get(kind)


def _bare(output: Any) -> Any:
    """An output without a typed display; one with it keeps only the fact that it is there."""
    if not any(kind in output.get("data", {}) for kind in TYPED):
        return output
    # nbformat gives its nodes no types.
    data = NotebookNode({"text/plain": "a typed display"})  # type: ignore[no-untyped-call]
    return NotebookNode(output_type=output["output_type"], data=data)  # type: ignore[no-untyped-call]


def compare(then: Any, now: Any, path: str) -> Iterator[str]:
    """Where two values of JSON differ, as `path: then …, now …`; numbers within a tolerance.

    >>> list(compare({"value": 0.3}, {"value": 0.30000000000000004}, "rate"))
    []
    >>> list(compare({"value": 0.3}, {"value": 0.4}, "rate"))
    ['rate.value: 0.3 then, 0.4 now']
    """
    if then == now:
        return
    if isinstance(then, str) and SUPPRESSED in then:
        return  # what may not be shown was not kept, so it can't be compared
    if isinstance(then, dict) and isinstance(now, dict):
        if then.get("text") in (NOT_SHOWN, NOT_SAID):
            return
        keys = then.keys() if then.keys() == {"name", "data"} else {*then, *now}
        for key in sorted(keys):
            yield from compare(then.get(key), now.get(key), f"{path}.{key}")
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for i, (a, b) in enumerate(zip(then, now, strict=True)):
            yield from compare(a, b, f"{path}[{i}]")
    elif isinstance(then, int | float) and isinstance(now, int | float):
        if not math.isclose(then, now, rel_tol=RELATIVE, abs_tol=ABSOLUTE):
            yield f"{path}: {then} then, {now} now"
    elif then != now:
        yield f"{path}: {str(then)[:80]!r} then, {str(now)[:80]!r} now"
