"""detect-secrets over finished pages and notebooks, before a site is published.

A second look, with another's eyes, after what :mod:`analysis.safeguards.secrets` took out. What
our own records hold that looks like a key (digests, ids of cells, hashes of the page's policy) is
known by where it stands, and passed by; no detector is switched off.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from typing import Any

#: Where a page of ours holds digests of its own: the policy, styles, the script, drawings.
_OWN_PARTS = re.compile(
    r'<meta http-equiv="Content-Security-Policy"[^>]*>|<style>.*?</style>|<script>.*?</script>'
    r'|\s(?:d|points|transform|clip-path|id|href|xlink:href)="[^"]*"',
    re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")
_SVG_PARTS = re.compile(r'\s(?:d|points|transform|clip-path|id|style|href|xlink:href)="[^"]*"')
#: A line that no detector could find anything in lacks all of these: a name, a long word, an
#: address. Looking at the others alone takes a tenth of the time.
_WORTH = re.compile(
    r"(?i)api|key|pass|pwd|secret|contra|token|auth|[\w+/=.:~@-]{16}|\d\.\d+\.\d+\.\d|://"
)


@dataclass(frozen=True)
class Hit:
    """What looks like a secret.

    Attributes:
        where: such as `notebook.ipynb, cell 4, output 1` or `report.html, line 12`.
        kind: as detect-secrets calls it.
        digest: of the value, by which a person may allow it in params/project.yaml.
    """

    where: str
    kind: str
    digest: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind} ({self.digest})"


def scan_page(html: str, name: str, known: Collection[str] = ()) -> list[Hit]:
    """What looks like a secret in a page.

    Args:
        html: the page.
        name: of its file, for `Hit.where`.
        known: strings and digests that are none.
    """
    blank = _OWN_PARTS.sub(lambda match: "\n" * match[0].count("\n"), html)
    text = unescape(_TAG.sub(lambda match: " " + "\n" * match[0].count("\n"), blank))
    quoted = "\n".join(re.findall(r'="([^"]{8,})"', blank))
    found = [
        Hit(f"{name}, line {text.count(chr(10), 0, at) + 1}", kind, digest_of(value))
        for at, kind, value in _found(text, known)
    ]
    found += [
        Hit(f"{name}, an attribute", kind, digest_of(value))
        for _, kind, value in _found(unescape(quoted), known)
    ]
    return found


def scan_notebook(text: str, name: str, known: Collection[str] = ()) -> list[Hit]:
    """What looks like a secret in a notebook's cells and outputs, as :func:`scan_page`."""
    found: list[Hit] = []
    seen: set[str] = set()
    for number, cell in enumerate(json.loads(text)["cells"], 1):
        parts = [("source", cell.get("source", ""))]
        parts += [(f"output {at}", each) for at, each in enumerate(cell.get("outputs", ()), 1)]
        for what, part in parts:
            where = f"{name}, cell {number}, {what}"
            lines = dict.fromkeys(line for each in _strings(part) for line in each.splitlines())
            new = "\n".join(line for line in lines if line not in seen)
            seen |= lines.keys()
            found += [Hit(where, kind, digest_of(v)) for _, kind, v in _found(new, known)]
    return found


def scan_text(text: str, name: str, known: Collection[str] = ()) -> list[Hit]:
    """What looks like a secret in a text such as a CSV, as :func:`scan_page`."""
    return [
        Hit(f"{name}, line {text.count(chr(10), 0, at) + 1}", kind, digest_of(value))
        for at, kind, value in _found(text, known)
    ]


def digest_of(value: str) -> str:
    """What a value is called where it must not be shown."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _strings(value: Any, kind: str = "") -> Iterator[str]:
    if isinstance(value, str):
        yield _SVG_PARTS.sub(" ", value) if kind == "image/svg+xml" else value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _strings("".join(each) if _lines(each) else each, key)
    elif isinstance(value, list):
        yield from (
            _strings("".join(value))
            if _lines(value)
            else (text for each in value for text in _strings(each))
        )


def _lines(value: Any) -> bool:
    """Whether a list is one text, as notebook files keep texts: line by line."""
    return (
        isinstance(value, list)
        and all(isinstance(each, str) for each in value)
        and all(each.endswith("\n") for each in value[:-1])
    )


def _found(text: str, known: Collection[str]) -> Iterator[tuple[int, str, str]]:
    """Place, kind and value of what any detector finds and none of the filters knows to be none."""
    seen: set[tuple[str, str]] = set()
    worth = "\n".join(line for line in text.splitlines() if _WORTH.search(line))
    for detector in _detectors() if worth else ():
        for value in _values(detector, worth):
            if (detector.secret_type, value) in seen or not value.strip():
                continue
            seen.add((detector.secret_type, value))
            if value in known or digest_of(value) in known or _is_none(value, detector):
                continue
            yield max(text.find(value), 0), detector.secret_type, value


def _values(detector: Any, text: str) -> Iterator[str]:
    if "Entropy" in type(detector).__name__:
        for value in detector.analyze_string(text):
            if detector.calculate_shannon_entropy(value) > detector.entropy_limit:
                yield value
    elif "Keyword" in type(detector).__name__:
        for line in filter(_NAMED.search, text.splitlines()):  # its patterns look along a line
            yield from detector.analyze_string(line)
    else:
        yield from detector.analyze_string(text)


_NAMED = re.compile(r"(?i)api|key|pass|pwd|secret|contra|token|auth")


def _is_none(value: str, detector: Any) -> bool:
    """detect-secrets' own rules for what is no secret, and what we put in a secret's place."""
    from detect_secrets.filters import heuristic

    if "[redacted]" in value or "redacted" in value.lower():
        return True
    return bool(
        heuristic.is_sequential_string(value)
        or heuristic.is_templated_secret(value)
        or heuristic.is_not_alphanumeric_string(value)
        or (heuristic.is_potential_uuid(value) and "Entropy" in type(detector).__name__)
    )


@cache
def _detectors() -> tuple[Any, ...]:
    """Every detector of detect-secrets, with its own limits."""
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    kinds: dict[str, Any] = get_mapping_from_secret_type_to_class()
    return tuple(kind() for kind in kinds.values())
