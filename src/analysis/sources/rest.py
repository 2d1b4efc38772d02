"""A paginated REST API as dlt resources, by its rest_api source, with retries and a rate limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from analysis.sources.declared import Raw, Rest, secret
from analysis.sources.files import as_text, check_header, texts

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

_PASSING = (429, 500, 502, 503, 504)
_SECONDS = 60


class _Paced(HTTPAdapter):
    """Sends at most so many requests in a second."""

    def __init__(self, per_second: float, retries: Retry) -> None:
        super().__init__(max_retries=retries)
        self.gap, self.next, self.lock = 1 / per_second, 0.0, threading.Lock()

    def send(self, *given: Any, **named: Any) -> requests.Response:
        with self.lock:
            wait = self.next - time.monotonic()
            if wait > 0:
                time.sleep(wait)  # the limit itself, not a wait for something
            self.next = time.monotonic() + self.gap
        named["timeout"] = named.get("timeout") or _SECONDS
        return super().send(*given, **named)


def resources(name: str, source: Rest, since: datetime | None) -> list[Any]:
    """A resource for each raw table; each is one path of the API."""
    import dlt
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.rest_api.config_setup import create_paginator

    session = _session(name, source)
    pages: Any = source.pages.model_dump(exclude_none=True)
    return [
        dlt.resource(_batches, name=table)(
            RESTClient(source.where, paginator=create_paginator(pages), session=session),
            raw.table or table,
            raw,
            f"{name}, {table}",
            since,
        )
        for table, raw in source.raw.items()
    ]


def _session(name: str, source: Rest) -> requests.Session:
    session = requests.Session()
    retries = Retry(
        total=source.retries,
        backoff_factor=source.backoff,
        status_forcelist=_PASSING,
        respect_retry_after_header=True,
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Paced(source.per_second, retries))
    if source.token_from:
        session.headers["Authorization"] = f"Bearer {secret(source.token_from, name)}"
    return session


def _batches(
    client: RESTClient, path: str, raw: Raw, where: str, since: datetime | None
) -> Iterator[pa.Table]:
    """Every page as texts; dlt's state of the resource keeps the greatest cursor."""
    import dlt

    state = dlt.current.resource_state()
    parameters: dict[str, Any] = dict(raw.parameters)
    start = since.isoformat() if since else state.get("last")
    if raw.since and start is not None:
        parameters[raw.since] = start
    last = state.get("last")
    for page in client.paginate(path, params=parameters, data_selector=raw.records):
        rows: Any = list(page)
        if not rows:
            continue
        check_header(sorted({key for row in rows for key in row}), raw, where)
        if raw.cursor:
            held = [row[raw.cursor] for row in rows if row.get(raw.cursor) is not None]
            last = max([*held, *([last] if last is not None else [])], default=None)
        yield texts([{n: as_text(row.get(n)) for n in raw.columns} for row in rows], raw)
    if last is not None:
        state["last"] = last
