"""What is fuzzed: each target takes bytes, and may end well or with a UserError, never otherwise.

    python tests/fuzzing.py zip --seconds 60      atheris, coverage-guided, from tests/seeds/zip
    python tests/fuzzing.py all --seconds 20

Inputs that break a target stay in tests/seeds, and tests/safeguards/test_fuzz.py repeats them.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import FunctionType

import nbformat

from analysis.calendar import Window
from analysis.errors import UserError
from analysis.params import load_yaml, parse
from analysis.project import Markets, Settings, StudySpec
from analysis.report.guarded import guard
from analysis.report.page import data_files
from analysis.safeguards.disclosure import Rules
from analysis.safeguards.personal import Masker
from analysis.safeguards.secrets import redact
from analysis.sources.archives import opened
from analysis.sources.declared import Raw, Sources
from analysis.sources.files import read_csv, read_jsonl, read_parquet
from analysis.studies.base import check_parameters
from analysis.studies.notebooks import imports, literals, read_cells

SEEDS = Path(__file__).parent / "seeds"
RAW = Raw(columns=("id", "when"), ignores=("text",))
#: The most that an archive may unpack to; a bomb's next byte is an error.
LARGEST = 50 * 2**20


@cache
def _folder() -> Path:
    """A folder with one file beside the one that targets write to: nothing may change it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    (folder / "inside").mkdir()
    return folder


def _written(data: bytes, name: str) -> Path:
    path = _folder() / "inside" / name
    path.write_bytes(data)
    return path


def _yaml(data: bytes) -> None:
    value = load_yaml(_written(data, "x.yaml"), "x.yaml")
    for model in (Settings, Markets, Sources, StudySpec):
        try:
            parse(value, model, "x.yaml")
        except UserError:
            continue


def _window(data: bytes) -> None:
    Window.parse(data.decode("utf-8", "replace"))


def _parameters(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    name, _, value = text.partition("=")
    check_parameters("core_metrics", {"market": "JP", name: value})


def _cell(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    imports(text)
    try:
        literals(text)
    except ValueError:
        return


def _notebook(data: bytes) -> None:
    path = _written(data, "x.ipynb")
    read_cells(path, "x.ipynb")
    try:
        notebook = nbformat.reads(data.decode(), as_version=4)
        nbformat.validate(notebook)
    except Exception:  # nbformat's own refusal: such a notebook is never executed
        return
    kept, _ = guard(notebook, None, Rules())
    data_files(kept)


def _outputs(data: bytes) -> None:
    """A notebook that is one, with outputs that may be anything."""
    try:
        bundle = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(bundle, dict):
        output = {"output_type": "display_data", "data": bundle, "metadata": {}}
        cell = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": [output]}
        given = nbformat.from_dict({"metadata": {}, "cells": [cell]})
        kept, _ = guard(given, None, Rules())
        data_files(kept)


def _text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    once = Masker()(redact(text, {"A_TOKEN": "abcdefgh"}))
    assert "abcdefgh" not in once


def _csv(data: bytes) -> None:
    with _written(data, "x.csv").open("rb") as stream:
        list(read_csv(stream, "x.csv", RAW))


def _jsonl(data: bytes) -> None:
    with _written(data, "x.jsonl").open("rb") as stream:
        list(read_jsonl(stream, "x.jsonl", RAW))


def _parquet(data: bytes) -> None:
    with _written(data, "x.parquet").open("rb") as stream:
        list(read_parquet(stream, "x.parquet", RAW))


def _packed(name: str) -> Callable[[bytes], None]:
    def unpack(data: bytes) -> None:
        total = 0
        with opened(_written(data, name), name, LARGEST) as streams:
            for _, stream in streams:
                while block := stream.read(2**16):
                    total += len(block)
        assert total <= 3 * LARGEST

    return unpack


TARGETS: dict[str, Callable[[bytes], None]] = {
    "yaml": _yaml,
    "window": _window,
    "parameters": _parameters,
    "cell": _cell,
    "notebook": _notebook,
    "outputs": _outputs,
    "text": _text,
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "zip": _packed("x.zip"),
    "gzip": _packed("x.csv.gz"),
}


def once(target: str, data: bytes) -> None:
    """One execution: no error but a person's, and nothing written outside the folder."""
    before = sorted(path.name for path in _folder().iterdir())
    with suppress(UserError):
        TARGETS[target](data)
    assert sorted(path.name for path in _folder().iterdir()) == before == ["inside"]


def _ours() -> list[FunctionType]:
    """Every function of the project that is imported, and of what reads files for it."""
    known = (each for each in gc.get_objects() if isinstance(each, FunctionType))
    names = ("analysis", "json", "csv", "zipfile", "gzip", "nbformat", "yaml")
    return [each for each in known if str(each.__module__).partition(".")[0] in names]


def main() -> None:
    names = [name for name in sys.argv[1:2] if name in TARGETS] or list(TARGETS)
    seconds = int(sys.argv[sys.argv.index("--seconds") + 1]) if "--seconds" in sys.argv else 30
    if len(names) > 1:
        for name in names:
            command = [sys.executable, __file__, name, "--seconds", str(seconds)]
            done = subprocess.run(command, capture_output=True, text=True)
            lines = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
            print(f"{name}: {lines[-1] if lines else done.stderr[-1500:]}", flush=True)
        return
    import atheris

    for function in _ours():  # what finds new ways through these is kept and changed further
        atheris.instrument_func(function)
    seeds = SEEDS / names[0]
    seeds.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as found:
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={seeds}/", "-max_len=4096"]
        atheris.Setup([sys.argv[0], *options, found, str(seeds)], lambda data: once(names[0], data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
