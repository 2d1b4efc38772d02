"""From a project's warehouse URL to its engine: each in a module that only its own users import."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from analysis.errors import UserError, unknown
from analysis.project import WAREHOUSE_VARIABLE, Project
from analysis.warehouse.duckdb import DuckDBWarehouse
from analysis.warehouse.interface import Warehouse

#: What each kind of URL looks like.
KINDS = {
    "duckdb": "duckdb:///PATH",
    "postgresql": "postgresql://USER@HOST/DATABASE",
    "spark": "spark:///FOLDER",
    "trino": "trino://USER@HOST:PORT/CATALOG/SCHEMA",
}


def open_warehouse(project: Project, *, write: bool = False) -> Warehouse:
    """The project's warehouse; use it as a context, so that what it holds is let go.

    Args:
        project: whose `warehouse` URL is opened; `STUDY_WAREHOUSE` goes before it.
        write: to load, which makes the canonical tables where they lack; otherwise to read. Only
            DuckDB's file then belongs to one program alone.

    Raises:
        UserError: the URL's kind is not known, or the engine can't be opened; a password in the
            URL is never said.
        NoWarehouse: nothing was loaded there yet.
    """
    url = project.warehouse_url
    kind = _kind(project)
    if kind == "duckdb":
        return DuckDBWarehouse(warehouse_file(project), write=write)
    if kind == "postgresql":
        from analysis.warehouse.postgres import PostgresWarehouse

        return PostgresWarehouse(url, write=write)
    if kind == "spark":
        from analysis.warehouse.spark import SparkWarehouse

        return SparkWarehouse(_path(project, url), write=write)
    from analysis.warehouse.trino import TrinoWarehouse

    return TrinoWarehouse(url, write=write)


def warehouse_mark(project: Project) -> str:
    """A short name of the warehouse's own, by its engine and place: for files made from it."""
    kind, url = _kind(project), project.warehouse_url
    plain = re.sub(r"//([^@/:]*):[^@/]*@", r"//\1@", url)  # another password, the same warehouse
    return f"{kind}-{hashlib.sha256(plain.encode()).hexdigest()[:8]}"


def warehouse_file(project: Project) -> Path:
    """The file that the project's warehouse URL names; a relative one lies in the project.

    Raises:
        UserError: the URL is not DuckDB's.
    """
    kind = _kind(project)
    if kind != "duckdb":
        problem = f"this needs a file of DuckDB's, {KINDS['duckdb']}; a {kind}:// URL is given"
        raise UserError("warehouse", problem)
    return _path(project, project.warehouse_url)


def _kind(project: Project) -> str:
    kind = project.warehouse_url.partition("://")[0]
    if kind not in KINDS:
        raise unknown("warehouse", kind, KINDS)
    if WAREHOUSE_VARIABLE not in os.environ and _password(project.warehouse_url):
        problem = f"params/project.yaml holds a password; give the URL in {WAREHOUSE_VARIABLE}"
        raise UserError("warehouse", problem)
    return kind


def _path(project: Project, url: str) -> Path:
    """Two slashes are the URL's, the third its path's: a fourth makes it absolute."""
    place = url.partition("://")[2]
    return project.root / (place[1:] if place.startswith("//") else place.removeprefix("/"))


def _password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return "@" in url
