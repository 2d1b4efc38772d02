"""`study check` beside the studies: secrets in files, permissions, versions, known holes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.safeguards import audit
from analysis.safeguards.people.exposure import VARIABLE
from analysis.studies import base
from planted import KINDS


def said(project: Project) -> str:
    return "\n".join(map(str, audit.mistakes(project)))


def test_this_project_passes(project: Project) -> None:
    assert said(project) == ""


@pytest.mark.parametrize("kind", ["password in a URL", "AWS key id", "GitHub token", "private key"])
def test_a_secret_in_params_or_a_notebook_is_named_by_where_it_is(
    project: Project, kind: str
) -> None:
    text, value = KINDS[kind]()
    sources = project.params / "sources.yaml"
    sources.write_text(sources.read_text() + f"\n# {text.splitlines()[0]}\n")
    notebook = project.notebooks / "core_metrics.ipynb"
    notebook.write_text(
        notebook.read_text().replace("# Core metrics", f"# {text.splitlines()[0]}", 1)
    )
    found = said(project)
    assert "params/sources.yaml, line " in found
    assert "core_metrics.ipynb, cell 1, source: looks like a secret" in found
    assert value not in found
    digest = found.split("add ")[1].split(" ")[0]
    settings = project.params / "project.yaml"
    settings.write_text(settings.read_text() + f"\nnot_secrets: [{digest}]\n")
    assert digest not in said(Project(project.root))


def test_permissions(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    warehouse = project.data / "warehouse.duckdb"
    warehouse.parent.mkdir(exist_ok=True)
    warehouse.touch(0o600)
    log = tmp_path / "log.jsonl"
    log.touch(0o600)
    monkeypatch.setenv(VARIABLE, str(log))
    assert said(project) == ""
    assert not list(audit.notes(project))
    warehouse.chmod(0o644)
    assert "others on this machine may read it" in "".join(audit.notes(project))
    warehouse.chmod(0o666)
    log.chmod(0o640)
    assert "data/warehouse.duckdb: anyone may write it" in said(project)
    assert "exposure log: others may read it" in said(project)


def test_versions_with_known_holes(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "SAFE", {"jinja2": ("999", "has a hole")})
    assert "below 999 has a hole" in said(project)


def test_without_a_network_it_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    lock = project.root / "requirements.lock"
    lock.write_text(f"jinja2==3.1.6 --hash=sha256:{'0' * 64}\n")
    holes, lacking = audit.known_holes(project)
    assert holes == []
    assert "could not look up" in lacking


@pytest.fixture
def advisories(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """An OSV service on loopback that knows of one hole; gives what it was asked about."""
    asked: list[str] = []
    package = {"name": "jinja2", "ecosystem": "PyPI"}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.6"}]}]
    hole = {"id": "PYSEC-2025-1", "summary": "x", "affected": [{"package": package}]}
    hole["affected"][0]["ranges"] = ranges  # type: ignore[index]

    class Osv(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(query["package"]["name"])
            old = (query["package"]["name"], query["version"]) == ("jinja2", "3.1.2")
            body = json.dumps({"vulns": [hole]} if old else {}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
        monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"http://127.0.0.1:{server.server_port}/v1/query")
        yield asked
        server.shutdown()


def test_a_known_hole_is_named_with_the_version_that_mends_it(
    project: Project, advisories: list[str]
) -> None:
    digest = "0" * 64
    locked = ("jinja2==3.1.2", "markupsafe==3.0.2")
    lock = project.root / "requirements.lock"
    lock.write_text("".join(f"{each} --hash=sha256:{digest}\n" for each in locked))
    holes, lacking = audit.known_holes(project)
    assert lacking == ""
    assert sorted(advisories) == ["jinja2", "markupsafe"]
    assert list(map(str, holes)) == ["jinja2 3.1.2: PYSEC-2025-1; mended in 3.1.6"]


@pytest.mark.parametrize("name", ["api_token", "db_password", "secret", "access_key"])
def test_a_parameter_called_like_a_secret_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from pydantic import create_model

    made = create_model("Parameters", __base__=base.StudyParameters, **{name: (str, "x")})  # type: ignore[call-overload]
    monkeypatch.setattr(base.importlib, "import_module", lambda _: SimpleNamespace(Parameters=made))
    with pytest.raises(UserError, match="called like a secret"):
        base.check_parameters("any", {"market": "JP"})
