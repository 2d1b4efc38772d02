"""The three engines that tests run: DuckDB, a PostgreSQL of the tests' own, Spark in this process.

PostgreSQL and Spark start once in a process; marks keep their tests in one process of pytest-xdist.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import pytest

import servers
from analysis.project import WAREHOUSE_VARIABLE, Project
from analysis.warehouse import TABLES, Warehouse, open_warehouse
from support import missing

#: For `pytest.mark.parametrize` and fixtures: each engine where its own tests run.
ENGINES = [
    "duckdb",
    pytest.param("postgres", marks=pytest.mark.xdist_group("postgres")),
    pytest.param("spark", marks=pytest.mark.xdist_group("spark")),
]
OTHERS = ENGINES[1:]
#: Spark takes seconds for what these do in none; where the difference is not Spark's, they serve.
QUICK_ENGINES = ENGINES[:2]

#: For a few rows, compiling code well takes longer than running it.
QUICK = (
    '--driver-java-options "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto" '
    "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.adaptive.enabled=false "
    "pyspark-shell"
)

#: Gives the URL of an empty warehouse of an engine's.
Place = Callable[[str], str]


@contextmanager
def places(folder: Path) -> Iterator[Place]:
    """URLs of new, empty warehouses; the server that they may need goes at the end."""
    with ExitStack() as leaving:

        @cache
        def server() -> str:
            if servers.postgres_programs() is None:
                missing("no PostgreSQL; tests/install-system-packages.sh installs it")
            return leaving.enter_context(servers.postgres())

        def place(engine: str) -> str:
            name = f"w{uuid4().hex}"
            if engine == "postgres":
                return _schema(server(), name)
            if engine == "spark" and (find_spec("pyspark") is None or not shutil.which("java")):
                missing("no Spark; it needs the extra `spark` and Java 17")
            os.environ.setdefault("PYSPARK_SUBMIT_ARGS", QUICK)
            scheme = {"duckdb": "duckdb", "spark": "spark"}[engine]
            return f"{scheme}:///{folder / name}"

        yield place


def _schema(url: str, name: str) -> str:
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
    return f"{url}&options=-csearch_path%3D{name}"


@contextmanager
def opened(project: Project, url: str, *, write: bool = True) -> Iterator[Warehouse]:
    """A project's warehouse at another URL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WAREHOUSE_VARIABLE, url)
        warehouse = open_warehouse(project, write=write)
    with warehouse:
        yield warehouse


def carry(source: Warehouse, target: Warehouse, folder: Path) -> None:
    """Copies the canonical tables that hold rows, as Parquet, through the interface alone."""
    versions = source.versions()
    for name in TABLES:
        if source.rows(f"SELECT count(*) FROM {name}") == [(0,)]:
            continue
        path = folder / f"{name}-{os.getpid()}.parquet"
        source.to_parquet(f"SELECT * FROM {name}", path)
        with target.transaction():
            target.take_in("_carried", [path])
            target.insert(name, "SELECT * FROM _carried")
            target.stamp(name, versions.get(name, "carried"))
        path.unlink()
