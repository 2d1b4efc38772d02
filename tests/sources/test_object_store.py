"""Files in an object store, by a server on loopback that speaks S3's protocol."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import pytest

from analysis.project import Project
from analysis.sources.load import acquire
from loading import declare, rows

LISTED = (
    "<Contents><Key>{key}</Key><LastModified>2026-03-01T00:00:00.000Z</LastModified>"
    '<ETag>"x"</ETag><Size>{size}</Size></Contents>'
)


class Store(BaseHTTPRequestHandler):
    """A bucket: lists its objects and gives them."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}

    def do_GET(self) -> None:
        self.give(body=True)

    def do_HEAD(self) -> None:
        self.give(body=False)

    def give(self, *, body: bool) -> None:
        asked = urlsplit(self.path)
        data = self.objects.get(unquote(asked.path).removeprefix("/bucket/"))
        if "list-type=2" in asked.query:
            held = "".join(
                LISTED.format(key=key, size=len(each)) for key, each in self.objects.items()
            )
            data = (
                '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
                f"<Name>bucket</Name><IsTruncated>false</IsTruncated>{held}</ListBucketResult>"
            ).encode()
        self.send_response(404 if data is None else 200)
        self.send_header("Last-Modified", "Sun, 01 Mar 2026 00:00:00 GMT")
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        if body and data:
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Silent."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Store.objects = {"posts/a.csv": b"id,at\n1,2026-03-01T00:00:00Z\n2,2026-03-01T00:00:00Z\n"}
    with ThreadingHTTPServer(("127.0.0.1", 0), Store) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "of-no-use-elsewhere")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        yield "s3://bucket/posts"
        server.shutdown()
        thread.join()


def test_files_in_an_object_store_load(project: Project, bucket: str) -> None:
    mapping = (
        "SELECT id AS content_id, id AS creator_id, 'JP' AS market, 'ja' AS language, "
        "'feed' AS surface, f.at AS posted_at FROM f"
    )
    source = {"kind": "files", "title": "Posts", "where": bucket, "layout": "csv"}
    raw = {"f": {"columns": ["id", "at"]}}
    declare(project, {"posts": {**source, "raw": raw, "tables": {"content": mapping}}})
    assert [t.added for t in acquire(project, "posts").tables] == [2]
    assert acquire(project, "posts").tables == ()
    assert rows(project, "SELECT count(*) FROM content") == [(2,)]
