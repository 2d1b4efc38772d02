"""How many rows a second `acquire` brings in, by kind of source: read, held against their contract,
merged, their local days noted.

The same posts from files, from a database (SQLite's, so that none need run beside it) and from a
paginated API on the loopback; and the files again, corrected, so that each row is replaced.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import duckdb

from analysis.project import Project
from analysis.sources.load import acquire
from benchmarks.measuring import Options, timed
from loading import declare, folder
from support import copy_project

ROWS, API_ROWS, PAGE = 200_000, 20_000, 1000
COLUMNS = ["id", "author", "country", "at", "risk"]
POSTS = """SELECT i AS id, i % 5000 AS author, (['JP', 'US', 'DE', 'BR'])[1 + i % 4] AS country,
  strftime(TIMESTAMP '2026-01-01' + to_seconds(20 * i), '%Y-%m-%dT%H:%M:%SZ') AS at,
  CAST({risk} AS DOUBLE) AS risk
FROM range({rows}) AS r(i)"""
TABLES = {
    "content": "SELECT id AS content_id, author AS creator_id, country AS market, "
    "'xx' AS language, 'feed' AS surface, f.at AS posted_at, risk AS risk_score FROM f"
}
FORMATS = {"csv": "csv, HEADER", "jsonl": "json", "parquet": "parquet"}


def measure(options: Options) -> None:
    """Each kind of source into an empty warehouse of its own."""
    for layout in FORMATS:
        project = copy_project(options.folder / layout)
        _write(project, layout, 0.5)
        declare(project, {"posts": _files(layout)})
        _say(layout, project, ROWS)
        if layout == "parquet":
            _write(project, layout, 0.75)
            _say("parquet, again", project, ROWS, "every row corrected")
    project = copy_project(options.folder / "database")
    _database(project)
    _say("database", project, ROWS, "SQLite, by SQLAlchemy")
    project = copy_project(options.folder / "rest")
    with _api(project):
        _say("rest", project, API_ROWS, f"pages of {PAGE} on the loopback")


def _say(what: str, project: Project, rows: int, how: str = "") -> None:
    loaded: list[int] = []

    def work() -> None:
        done = acquire(project, "posts")
        loaded.extend(table.added + table.updated for table in done.tables)

    before = time.process_time()
    seconds = timed(work)
    processor = time.process_time() - before
    if loaded != [rows]:
        raise SystemExit(f"{what}: {loaded} rows came in, not {rows}")
    rate = f"{rows / seconds:>9,.0f} rows a second, {rows / processor:>9,.0f} of the processor's"
    print(f"{what:<16}{rate}   {rows:,} rows {how}", flush=True)


def _write(project: Project, layout: str, risk: float) -> None:
    place = folder(project, "posts") / f"posts.{layout}"
    posts = POSTS.format(risk=risk, rows=ROWS)
    duckdb.execute(f"COPY ({posts}) TO '{place}' (FORMAT {FORMATS[layout]})")


def _files(layout: str) -> dict[str, Any]:
    raw = {"f": {"columns": COLUMNS}}
    own = {"kind": "files", "title": "Posts", "where": "data/raw/posts", "layout": layout}
    return {**own, "files": "*", "raw": raw, "tables": TABLES}


def _database(project: Project) -> None:
    place = folder(project, "posts") / "posts.sqlite"
    found = duckdb.sql(POSTS.format(risk=0.5, rows=ROWS)).fetchall()
    with closing(sqlite3.connect(place)) as connection, connection:
        connection.execute(
            "CREATE TABLE posts (id INT, author INT, country TEXT, at TEXT, risk REAL)"
        )
        connection.executemany("INSERT INTO posts VALUES (?, ?, ?, ?, ?)", found)
    os.environ["BENCH_DB_URL"] = f"sqlite:///{place}"
    raw = {"f": {"table": "posts", "columns": COLUMNS}}
    own = {"kind": "database", "title": "Posts", "url_from": "BENCH_DB_URL"}
    declare(project, {"posts": {**own, "raw": raw, "tables": TABLES}})


class _Pages(BaseHTTPRequestHandler):
    """Pages of posts."""

    items: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        start, limit = int(query["offset"][0]), int(query["limit"][0])
        body = json.dumps({"items": self.items[start : start + limit], "total": len(self.items)})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Silent."""


@contextmanager
def _api(project: Project) -> Iterator[None]:
    found = duckdb.sql(POSTS.format(risk=0.5, rows=API_ROWS)).fetchall()
    _Pages.items = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        raw = {"f": {"table": "posts", "records": "items", "columns": COLUMNS}}
        own = {
            "kind": "rest",
            "title": "Posts",
            "where": f"http://127.0.0.1:{server.server_port}/",
            "per_second": 1000,
            "pages": {"type": "offset", "limit": PAGE, "total_path": "total"},
        }
        declare(project, {"posts": {**own, "raw": raw, "tables": TABLES}})
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
