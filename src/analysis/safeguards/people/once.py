"""Shows one page once, straight to the person's browser: it never passes through a notebook.

What a kernel displays is saved with the notebook. So the kernel serves the page itself, on the
loopback, under a name that nobody can guess, one time, and the notebook holds an empty frame.
"""

from __future__ import annotations

import secrets
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"


class Once:
    """A page that can be fetched once.

    Attributes:
        url: where.
    """

    def __init__(self, html: str) -> None:
        self._left: bytes | None = html.encode()
        token = secrets.token_urlsafe(24)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page = outer.take() if secrets.compare_digest(self.path, f"/{token}") else None
                self.send_response(200 if page else 404)
                for name, value in (
                    ("Content-Type", "text/html; charset=utf-8"),
                    ("Cache-Control", "no-store"),
                    ("Content-Security-Policy", _POLICY),
                    ("Referrer-Policy", "no-referrer"),
                    ("X-Content-Type-Options", "nosniff"),
                ):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(page or b"")

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/{token}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self) -> bytes | None:
        """The page, the first time."""
        page, self._left = self._left, None
        return page

    def close(self) -> None:
        self._left = None
        self._server.shutdown()
        self._server.server_close()
