"""detect-secrets over finished pages and notebooks, before a site is published.

A second look, with another's eyes, after what :mod:`analysis.safeguards.secrets` took out. What
our own records hold that looks like a key (digests, ids of cells, hashes of the page's policy) is
known by where it stands, and passed by; no detector is switched off.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from html import unescape
from itertools import chain
from typing import Any

#: Where a page of ours holds digests of its own: the policy, styles, the script, drawings.
_OWN_PARTS = re.compile(
    r'<meta http-equiv="Content-Security-Policy"[^>]*>|<style>.*?</style>|<script>.*?</script>'
    r'|\s(?:d|points|transform|clip-path|id|href|xlink:href)="[^"]*"',
    re.DOTALL,
)
_TAG = re.compile(r"<[^>]*>")
#: Tags within a line of text; any other ends what stands before it.
_INLINE = re.compile(r"</?(?:span|a|b|i|em|strong|code|abbr|small|sub|sup|mark)\b[^>]*>")
_SVG_PARTS = re.compile(r'\s(?:d|points|transform|clip-path|id|style|href|xlink:href)="[^"]*"')
#: A line that no detector could find anything in lacks all of these: a name, a long word that is
#: more than a number, an address. Looking at the others alone takes a tenth of the time.
_NAMED = re.compile(r"api|key|pass|pwd|secret|contra|token|auth")
_LONG = re.compile(r"[\w+/=.:~@-]{16,}")
_ADDRESS = re.compile(r"\d\.\d+\.\d+\.\d|://")
#: Most lines are the cells of tables.
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?\Z")
_BREAK = "\x1e"


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


def scan_page(
    html: str, name: str, known: Collection[str] = (), seen: set[str] | None = None
) -> list[Hit]:
    """What looks like a secret in a page.

    Args:
        html: the page.
        name: of its file, for `Hit.where`.
        known: strings and digests that are none.
        seen: lines of the same run's other files that hold none; this file's are added.
    """
    blank = _OWN_PARTS.sub(lambda match: "\n" * match[0].count("\n"), html)
    text = unescape(_TAG.sub(_ended, _INLINE.sub(" ", blank)))
    quoted = "\n".join(re.findall(r'="([^"]{8,})"', blank))
    found = _found(text.replace(_BREAK, "\n").splitlines(), known, seen)
    hits = [_hit(name, text, kind, value) for kind, value in found]
    found = _found(unescape(quoted).splitlines(), known, seen)
    return hits + [Hit(f"{name}, an attribute", kind, digest_of(value)) for kind, value in found]


def _hit(name: str, text: str, kind: str, value: str) -> Hit:
    line = text.count("\n", 0, max(text.find(value), 0)) + 1
    return Hit(f"{name}, line {line}", kind, digest_of(value))


def _ended(tag: re.Match[str]) -> str:
    return _BREAK + "\n" * tag[0].count("\n")


def scan_notebook(
    text: str, name: str, known: Collection[str] = (), seen: set[str] | None = None
) -> list[Hit]:
    """What looks like a secret in a notebook's cells and outputs, as :func:`scan_page`."""
    found: list[Hit] = []
    seen = set() if seen is None else seen
    for number, cell in enumerate(json.loads(text)["cells"], 1):
        parts = [("source", cell.get("source", ""))]
        parts += [(f"output {at}", each) for at, each in enumerate(cell.get("outputs", ()), 1)]
        for what, part in parts:
            where = f"{name}, cell {number}, {what}"
            lines = (line for text in _strings(part) for line in text.splitlines())
            found += [Hit(where, kind, digest_of(v)) for kind, v in _found(lines, known, seen)]
    return found


def scan_text(
    text: str, name: str, known: Collection[str] = (), seen: set[str] | None = None
) -> list[Hit]:
    """What looks like a secret in a text, as :func:`scan_page`; a CSV is looked at cell by cell."""
    lines: Iterable[str] = text.splitlines()
    if name.endswith(".csv"):
        with suppress(csv.Error):  # what is no CSV is looked at line by line
            cells = dict.fromkeys(chain.from_iterable(csv.reader(io.StringIO(text))))
            lines = [line for cell in cells for line in cell.splitlines()]
    return [_hit(name, text, kind, value) for kind, value in _found(lines, known, seen)]


def digest_of(value: str) -> str:
    """What a value is called where it must not be shown."""
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _strings(part: Any) -> Iterator[str]:
    """Every text in a value of JSON, each of its cells a line; a picture's without its shapes."""
    left = [(part, "")]
    while left:
        value, kind = left.pop()
        if isinstance(value, list) and _lines(value):
            value = "".join(value)
        if isinstance(value, str):
            if kind == "image/svg+xml":
                value = _SVG_PARTS.sub(" ", value).replace(">", ">\n")
            elif kind == "text/html":
                value = unescape(_TAG.sub(_ended, _INLINE.sub(" ", value)))
            yield value.replace("\t", "\n")
        elif isinstance(value, dict):
            left += [(each, key) for key, each in value.items()]
        elif isinstance(value, list):
            left += [(each, "") for each in value if isinstance(each, str | dict | list)]


def _lines(value: list[Any]) -> bool:
    """Whether a list is one text, as notebook files keep texts: line by line."""
    return all(isinstance(each, str) and each.endswith("\n") for each in value[:-1]) and all(
        isinstance(each, str) for each in value[-1:]
    )


def _found(
    told: Iterable[str], known: Collection[str], seen: set[str] | None = None
) -> Iterator[tuple[str, str]]:
    """Kind and value of what any detector finds and none of the filters knows to be none.

    Args:
        told: lines.
        known: strings and digests that are no secrets.
        seen: lines that hold none, which are passed by; those of these that hold none are added.
    """
    lines = dict.fromkeys(told)
    if seen is not None:
        lines = {line: None for line in lines if line not in seen}
    worth = "\n".join(filter(_is_worth, lines))
    hits: set[tuple[str, str]] = set()
    for detector in _detectors() if worth else ():
        for value in _values(detector, worth):
            if (detector.secret_type, value) in hits or not value.strip():
                continue
            hits.add((detector.secret_type, value))
            if value in known or digest_of(value) in known or _is_none(value, detector):
                continue
            yield detector.secret_type, value
    if seen is not None:
        values = {value for _, value in hits}
        seen |= {line for line in lines if not any(value in line for value in values)}


def _is_worth(line: str) -> bool:
    """Whether a detector could find anything in a line.

    >>> [_is_worth(line) for line in ("0.1234567890123456789", "a word", "my Token", "x" * 16)]
    [False, False, True, True]
    """
    if _NUMBER.match(line):
        return False
    return bool(
        _NAMED.search(line.lower())
        or any(word.strip("0123456789.:+-") for word in _LONG.findall(line))
        or _ADDRESS.search(line)
    )


def _values(detector: Any, text: str) -> Iterator[str]:
    if "Entropy" in type(detector).__name__:
        for value in detector.analyze_string(text):
            if detector.calculate_shannon_entropy(value) > detector.entropy_limit:
                yield value
    elif "Keyword" in type(detector).__name__:
        for line in text.splitlines():  # its patterns look along a line
            if _NAMED.search(line.lower()):
                yield from detector.analyze_string(line)
    else:
        yield from detector.analyze_string(text)


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
