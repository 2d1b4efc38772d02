"""Each kind of source against the real thing: a PostgreSQL, an HTTP server, files, archives."""

from __future__ import annotations

import gzip
import io
import json
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import fsspec
import pandas as pd
import psycopg
import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.sources.declared import one
from analysis.sources.extract import extract
from analysis.sources.load import acquire
from loading import declare, everything, folder, rows
from servers import postgres
from support import Checkout

PLANTED = "hunter2-PLANTED-s3cr3t"

SCHEMA = """
CREATE SCHEMA trust;
CREATE TYPE trust.verdict AS ENUM ('takedown', 'limit', 'leave');
CREATE TABLE trust.rules (code smallint PRIMARY KEY, slug text NOT NULL, active bool);
CREATE TABLE trust.agents (id serial PRIMARY KEY, is_bot bool NOT NULL);
CREATE TABLE trust.posts (pid bigint PRIMARY KEY, writer bigint NOT NULL, iso3 char(3), body text);
CREATE TABLE trust.rulings (
  id bigint PRIMARY KEY, pid bigint REFERENCES trust.posts, rule smallint REFERENCES trust.rules,
  agent int REFERENCES trust.agents, outcome trust.verdict NOT NULL, via_flag bool NOT NULL,
  ruled_local timestamp NOT NULL, seen numeric(12, 0), changed timestamp NOT NULL, extra jsonb);
INSERT INTO trust.rules VALUES (1, 'hate_speech', true), (2, 'spam', true);
INSERT INTO trust.agents (is_bot) VALUES (true), (false);
INSERT INTO trust.posts
  SELECT n, n % 40, CASE WHEN n % 2 = 0 THEN 'JPN' ELSE 'BRA' END, 'text of post ' || n
  FROM generate_series(1, 500) AS n;
INSERT INTO trust.rulings
  SELECT n, n, 1, 1 + n % 2, 'takedown', n % 3 = 0,
    timestamp '2026-03-08 23:30' + n * interval '1 minute', n * 10,
    timestamp '2026-03-09 00:00' + n * interval '1 minute', '{"a": [1, 2]}'
  FROM generate_series(1, 400) AS n;
CREATE VIEW trust.rulings_and_posts AS
  SELECT r.*, p.writer, p.iso3 FROM trust.rulings AS r JOIN trust.posts AS p USING (pid);
"""
MODERATION: dict[str, Any] = {
    "kind": "database",
    "title": "The moderation tool's database",
    "url_from": "MODERATION_DB_URL",
    "raw": {
        "rulings": {
            "table": "trust.rulings_and_posts",
            "columns": [
                "id",
                "pid",
                "rule",
                "agent",
                "outcome",
                "via_flag",
                "ruled_local",
                "seen",
                "changed",
                "writer",
                "iso3",
            ],
            "ignores": ["extra"],
            "cursor": "changed",
            "overlap": 600,
        },
        "rules": {"table": "trust.rules", "columns": ["code", "slug"], "ignores": ["active"]},
        "agents": {"table": "trust.agents", "columns": ["id", "is_bot"]},
    },
    "tables": {
        "decisions": """
          SELECT r.id AS decision_id, pid AS content_id, writer AS creator_id,
            CASE iso3 WHEN 'JPN' THEN 'JP' WHEN 'BRA' THEN 'BR' ELSE iso3 END AS market,
            slug AS policy,
            CASE outcome WHEN 'takedown' THEN 'remove' WHEN 'limit' THEN 'restrict'
              ELSE 'no_action' END AS action,
            CASE WHEN via_flag THEN 'user_report' ELSE 'proactive' END AS detection,
            is_bot AS automated, timezone('Asia/Tokyo', ruled_local) AS decided_at,
            seen AS views_before
          FROM rulings AS r JOIN rules ON rules.code = r.rule JOIN agents ON agents.id = r.agent"""
    },
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            connection.execute(SCHEMA)
        yield url


@pytest.fixture
def moderation(project: Project, server: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("MODERATION_DB_URL", server)
    declare(project, {"moderation": MODERATION})
    return project


def change(url: str, *statements: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_production_database_is_mapped_and_read_incrementally(
    moderation: Project, server: str
) -> None:
    first = acquire(moderation, "moderation")
    assert [(t.added, t.updated, t.reasons) for t in first.tables] == [(400, 0, {})]
    kept = (
        "SELECT market, action, detection, automated, views_before, content_id, creator_id, "
        "CAST(decided_at AS VARCHAR) FROM decisions WHERE decision_id = 30"
    )
    assert rows(moderation, kept) == [
        ("JP", "remove", "user_report", True, 300, 30, 30, "2026-03-08 15:00:00+00")
    ]
    before = everything(moderation, ("decisions",))
    again = acquire(moderation, "moderation")
    # Ten minutes below the last cursor are read again, and nothing of them is new.
    assert again.raw["rulings"] == 11
    assert [(t.added, t.updated) for t in again.tables] == [(0, 0)]
    assert everything(moderation, ("decisions",)) == before
    change(
        server,
        "INSERT INTO trust.rulings SELECT 401, 401, 2, 1, 'limit', false, '2026-03-09 08:00', 5, "
        "'2026-03-09 06:41'",
        "UPDATE trust.rulings SET outcome = 'leave', changed = '2026-03-09 07:00' WHERE id = 7",
        # Committed late: its time of change lies below the last cursor, within the overlap.
        "INSERT INTO trust.rulings SELECT 402, 402, 2, 1, 'limit', false, '2026-03-09 08:00', 5, "
        "'2026-03-09 06:35'",
    )
    later = acquire(moderation, "moderation")
    assert [(t.added, t.updated) for t in later.tables] == [(2, 1)]
    corrected = "SELECT action FROM decisions WHERE decision_id = 7"
    assert rows(moderation, corrected) == [("no_action",)]
    whole = acquire(moderation, "moderation", full=True)
    assert (whole.raw["rulings"], whole.tables[0].added, whole.tables[0].updated) == (402, 0, 0)


def test_a_column_that_a_database_gained_or_lost_is_named(moderation: Project, server: str) -> None:
    change(server, "ALTER TABLE trust.agents ADD COLUMN shift text")
    try:
        with pytest.raises(UserError, match=r"trust\.agents: the column 'shift' is new"):
            acquire(moderation, "moderation")
    finally:
        change(server, "ALTER TABLE trust.agents DROP COLUMN shift")
    raw = {**MODERATION["raw"], "agents": {"table": "trust.agents", "columns": ["id", "is_both"]}}
    declare(moderation, {"moderation": {**MODERATION, "raw": raw}})
    with pytest.raises(UserError, match=r"the column 'is_both' is missing; 'is_bot' is like it"):
        acquire(moderation, "moderation")


def test_no_secret_is_in_anything_that_is_written(bare: Checkout, server: str) -> None:
    """A password that the server ignores (it trusts its socket) and one that nobody knows."""
    host = parse_qs(urlsplit(server).query)["host"][0]
    good = f"postgresql://studies:{PLANTED}@/postgres?host={host}"
    bad = f"postgresql://studies:{PLANTED}@127.0.0.1:1/postgres"
    declare(bare.project, {"moderation": MODERATION})
    said = bare.study("acquire", "moderation", MODERATION_DB_URL=good)
    assert "added" in said
    said += bare.study("acquire", "moderation", status=2, MODERATION_DB_URL=bad)
    assert "the database does not answer" in said
    wrong = {"decisions": "SELECT nothing FROM rulings"}
    declare(bare.project, {"moderation": {**MODERATION, "tables": wrong}})
    said += bare.study("acquire", "moderation", status=2, MODERATION_DB_URL=good)
    said += bare.study("sources", MODERATION_DB_URL=good)
    assert PLANTED not in said
    (bare.root / ".dlt").mkdir()
    (bare.root / ".dlt" / "secrets.toml").write_text(f'moderation_db_url = "{good}"\n')
    declare(bare.project, {"moderation": MODERATION})
    assert PLANTED not in bare.study("acquire", "moderation", "--full")
    written = [
        path
        for path in bare.root.rglob("*")
        if path.is_file() and PLANTED.encode() in path.read_bytes()
    ]
    assert written == [bare.root / ".dlt" / "secrets.toml"]


def test_no_secret_is_in_a_stage_that_a_killed_load_left(
    moderation: Project, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = parse_qs(urlsplit(server).query)["host"][0]
    url = f"postgresql://studies:{PLANTED}@/postgres?host={host}"
    monkeypatch.setenv("MODERATION_DB_URL", url)
    stage = moderation.data / "stage"
    stage.mkdir(parents=True)
    found = extract(moderation, "moderation", one(moderation, "moderation"), stage, state=None)
    assert set(found.rows) == {"rulings", "rules", "agents"}
    written = [path for path in stage.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert [path for path in written if PLANTED.encode() in path.read_bytes()] == []


POSTS = {"id": [1, 2, 3], "author": [7, 7, 8], "at": ["2026-03-01T00:00:00Z"] * 3}
CONTENT = {
    "content": "SELECT id AS content_id, author AS creator_id, 'JP' AS market, 'ja' AS language, "
    "'feed' AS surface, f.at AS posted_at FROM f"
}


def files(where: str, layout: str, glob: str = "*") -> dict[str, Any]:
    raw = {"f": {"columns": list(POSTS)}}
    own = {"kind": "files", "title": "Posts", "layout": layout, "files": glob, "where": where}
    return {"posts": {**own, "raw": raw, "tables": CONTENT}}


def as_layout(layout: str) -> bytes:
    frame = pd.DataFrame(POSTS)
    if layout == "parquet":
        return frame.to_parquet(index=False)
    if layout == "jsonl":
        return frame.to_json(orient="records", lines=True).encode()
    return frame.to_csv(index=False).encode()


def zipped(*members: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


@pytest.mark.parametrize("layout", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("pack", ["", "gz", "zip"])
def test_files_of_every_layout_and_packing_load(project: Project, layout: str, pack: str) -> None:
    data, name = as_layout(layout), f"posts.{layout}"
    packed = {"": data, "gz": gzip.compress(data), "zip": zipped((f"in/{name}", data))}[pack]
    (folder(project, "posts") / (f"{name}.{pack}" if pack else name)).write_bytes(packed)
    declare(project, files("data/raw/posts", layout))
    assert [t.added for t in acquire(project, "posts").tables] == [3]
    assert acquire(project, "posts").tables == ()


def test_files_of_another_store_load(project: Project) -> None:
    with fsspec.open("memory://bucket/posts.csv", "wb") as stream:
        stream.write(as_layout("csv"))
    declare(project, files("memory://bucket", "csv"))
    assert [t.added for t in acquire(project, "posts").tables] == [3]
    assert acquire(project, "posts").tables == ()


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("up.zip", zipped(("../../up.csv", b"x")), r"'\.\./\.\./up\.csv' would climb out"),
        ("root.zip", zipped(("/etc/up.csv", b"x")), r"'/etc/up\.csv' would climb out"),
        ("back.zip", zipped(("..\\up.csv", b"x")), r"would climb out"),
        ("bomb.zip", zipped(("posts.csv", b"0" * 30_000_000)), r"unpacks to far more"),
        ("bomb.csv.gz", gzip.compress(b"id,author,at\n" + b"1," * 15_000_000), r"far more"),
        ("cut.csv.gz", gzip.compress(as_layout("csv"))[:-9], r"broken or cut off"),
        ("no.zip", b"PK\x03\x04 nothing", r"broken or cut off"),
    ],
    ids=["up", "root", "back", "bomb", "gzip bomb", "cut", "no archive"],
)
def test_an_archive_that_can_not_be_trusted_is_refused(
    project: Project, name: str, data: bytes, problem: str
) -> None:
    (folder(project, "posts") / name).write_bytes(data)
    declare(project, files("data/raw/posts", "csv"))
    with pytest.raises(UserError, match=problem):
        acquire(project, "posts")
    assert not (project.root.parent / "up.csv").exists()
    assert list((project.data / "staging").glob("posts*")) == []


class Api(BaseHTTPRequestHandler):
    """Pages of decisions; fails on its way as servers do, and notes when it was asked."""

    items: ClassVar[list[dict[str, Any]]] = []
    failures: ClassVar[list[int]] = []
    asked: ClassVar[list[tuple[float, dict[str, list[str]]]]] = []

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.asked.append((time.monotonic(), query))
        if self.headers["Authorization"] != f"Bearer {PLANTED}":
            return self.answer(401, {})
        if self.failures:
            return self.answer(self.failures.pop(0), {})
        since = query.get("updated_since", [""])[0]
        found = [item for item in self.items if item["updated"] >= since]
        start, limit = int(query["offset"][0]), int(query["limit"][0])
        page = {"data": {"items": found[start : start + limit]}, "total": len(found)}
        return self.answer(200, page)

    def answer(self, status: int, body: dict[str, Any]) -> None:
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "0")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def api(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setenv("API_TOKEN", PLANTED)
    Api.items = [
        {"id": n, "at": "2026-03-01T00:00:00Z", "updated": f"2026-03-02T00:00:{n:02}Z", "tags": [n]}
        for n in range(25)
    ]
    Api.failures, Api.asked = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        declare(project, {"api": rest(f"http://127.0.0.1:{server.server_port}/v1/")})
        yield project
        server.shutdown()
        thread.join()


def rest(where: str) -> dict[str, Any]:
    columns = ["id", "at", "updated"]
    return {
        "kind": "rest",
        "title": "An API",
        "where": where,
        "token_from": "API_TOKEN",
        "per_second": 5,
        "backoff": 0.01,
        "retries": 3,
        "pages": {"type": "offset", "limit": 10, "total_path": "total"},
        "raw": {
            "f": {
                "table": "decisions",
                "records": "data.items",
                "columns": columns,
                "ignores": ["tags"],
                "cursor": "updated",
                "since": "updated_since",
            }
        },
        "tables": {"content": CONTENT["content"].replace("author", "id")},
    }


def test_a_paginated_api_is_read_with_retries_a_rate_limit_and_a_cursor(api: Project) -> None:
    Api.failures = [429, 500, 503]
    load = acquire(api, "api")
    assert [(t.added, load.raw["f"]) for t in load.tables] == [(25, 25)]
    assert len(Api.asked) == 6  # three pages, three that failed
    assert Api.asked[-1][0] - Api.asked[0][0] > 0.3  # at five a second the third waits 0.4 s
    Api.items[3] = {**Api.items[3], "at": "2026-03-05T00:00:00Z", "updated": "2026-03-03T00:00:00Z"}
    load = acquire(api, "api")
    assert Api.asked[-1][1]["updated_since"] == ["2026-03-02T00:00:24Z"]
    assert [(t.added, t.updated) for t in load.tables] == [(0, 1)]


@pytest.mark.parametrize(
    ("failures", "problem"),
    [([500] * 9, r"api: it answers 500 "), ([404], r"api: it answers 404 ")],
)
def test_an_api_that_goes_on_failing_is_said_without_its_address(
    api: Project, failures: list[int], problem: str
) -> None:
    Api.failures = failures
    with pytest.raises(UserError, match=problem) as caught:
        acquire(api, "api")
    assert "127.0.0.1" not in str(caught.value)
    assert not (api.data / "warehouse.duckdb").exists()


def test_a_new_key_of_an_api_is_named(api: Project) -> None:
    Api.items[20]["mood"] = "new"
    with pytest.raises(UserError, match=r"api, f: the column 'mood' is new"):
        acquire(api, "api")
    assert PLANTED not in str(sys.exc_info())


def test_relative_paths_that_are_not_there_are_said(project: Project) -> None:
    declare(project, files("data/raw/nowhere", "csv"))
    with pytest.raises(UserError, match=r"the folder 'data/raw/nowhere' is not there"):
        acquire(project, "posts")
    assert not Path("data/raw/nowhere").exists()
