"""What the tests of loads share: a project with sources of the test's own, and what a load left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from analysis.project import Project
from analysis.warehouse import open_warehouse


def declare(project: Project, sources: dict[str, Any]) -> None:
    """Writes params/sources.yaml."""
    path = project.params / "sources.yaml"
    with path.open("w", encoding="utf-8") as stream:
        YAML().dump({"sources": sources}, stream)


def rows(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with open_warehouse(project) as warehouse:
        return warehouse.rows(sql)


def everything(project: Project, tables: tuple[str, ...]) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of tables, of the quarantine and of how far sources were read, without load ids."""
    found = {name: rows(project, f"FROM {name} ORDER BY ALL") for name in tables}
    broken = "SELECT source, table_name, digest, reason, content FROM _quarantine ORDER BY ALL"
    return found | {"quarantine": rows(project, broken)}


def folder(project: Project, name: str) -> Path:
    made = project.data / "raw" / name
    made.mkdir(parents=True, exist_ok=True)
    return made
