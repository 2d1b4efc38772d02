"""Templates are kept as bytecode, and made anew where they can't be."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment

from analysis.report.exporter import exporter
from analysis.report.templating import Compiled, environment


def rendered(text: str, folder: Path) -> str:
    made = Environment(  # noqa: S701  # plain text
        loader=DictLoader({"a.j2": text}), bytecode_cache=Compiled("test", folder)
    )
    return made.get_template("a.j2").render(x=1)


def test_a_template_is_compiled_once_and_again_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    folder = tmp_path / "__pycache__"
    assert rendered("{{ x }}", folder) == "1"
    assert [path.name.partition("-")[0] for path in folder.iterdir()] == ["test"]
    with monkeypatch.context() as only:
        only.setattr(Environment, "compile", lambda *_, **__: pytest.fail("compiled again"))
        assert rendered("{{ x }}", folder) == "1"
    assert rendered("{{ x }}, {{ x }}", folder) == "1, 1"


def test_a_template_is_used_where_nothing_can_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    folder = tmp_path / "gone" / "__pycache__"
    assert rendered("{{ x }}", folder) == "1"
    assert not folder.exists()


def test_the_pages_templates_are_kept_so() -> None:
    assert isinstance(environment().bytecode_cache, Compiled)
    assert isinstance(exporter().environment.bytecode_cache, Compiled)
