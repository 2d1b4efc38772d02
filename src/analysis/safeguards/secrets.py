"""Nothing secret leaves in a message, a record or an executed notebook.

Two things are known to be secret: values that the environment holds under a secret-like name (or
as a password in a URL), in whatever form they are written, and strings whose own shape says what
they are, such as keys that services give out. What is neither is found before it is published, by
:mod:`analysis.safeguards.scanning`.
"""

from __future__ import annotations

import base64
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, unquote

SECRET_NAME = re.compile(
    r"(?i)(secret|token|passw|passphrase|pwd|api_?key|access_?key|credential|private_?key|"
    r"auth_?key|connection_?string|conn_?str)"
)
#: Named so by every shell: folders.
_FOLDERS = {"PWD", "OLDPWD"}
_SHORTEST = 6
HIDDEN = "[redacted]"
_URL_PASSWORD = re.compile(r"(?P<kind>[a-z][a-z0-9+.-]*://[^\s:/@\"'<>]*):(?P<password>[^\s@/]+)@")
#: Where a key may begin: at a word's start, or behind an escape such as the `\n` of JSON in JSON.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"
#: What services give out, by the marks that they put on it, and what protocols carry.
_SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY[A-Z ]*-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)",
            r"~(?:AKIA|ASIA|AGPA|AROA|AIDA|ANPA|ABIA|ACCA)[0-9A-Z]{16}\b",  # AWS
            r"~gh[pousr]_[A-Za-z0-9]{30,}\b|~github_pat_[A-Za-z0-9_]{20,}\b",
            r"~gl(?:pat|dt|rt|ptt|ft|soat|cbt)-[A-Za-z0-9_-]{16,}",
            r"~xox[abeoprs]-[A-Za-z0-9-]{10,}",  # Slack
            r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_+-]{10,}",
            r"~[rs]k_(?:live|test)_[0-9a-zA-Z]{16,}\b",  # Stripe
            r"~SG\.[\w-]{16,}\.[\w-]{16,}",  # SendGrid
            r"~(?:AC|SK)[0-9a-f]{32}\b",  # Twilio
            r"~npm_[A-Za-z0-9]{30,}\b|~pypi-[A-Za-z0-9_-]{40,}",
            r"~sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}",  # model providers
            r"~AIza[0-9A-Za-z_-]{35}|~ya29\.[0-9A-Za-z_-]{20,}|~GOCSPX-[\w-]{20,}",  # Google
            r"~[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,}",  # Discord
            r"~\d{8,10}:[0-9A-Za-z_-]{35}\b",  # Telegram
            r"~sq0[a-z]{3}-[0-9A-Za-z_-]{22,}|~EAAA[\w-]{56,}",  # Square
            r"~[0-9a-f]{32}-us\d{1,2}\b",  # Mailchimp
            r"~eyJ[\w-]{8,}\.[\w-]{4,}\.[\w-]*",  # JSON web tokens
            r"~hf_[A-Za-z0-9]{30,}\b|~dapi[0-9a-f]{32}\b|~dop_v1_[0-9a-f]{60,}\b",
            r"~AKC[A-Za-z0-9]{10,}\b|~AP[0-9ABCDEF][A-Za-z0-9]{30,}\b",  # Artifactory
            r"~vault:v\d+:[\w+/=]{16,}|~hv[sb]\.[\w-]{20,}",
        )
    ).replace("~", _START)
)
_QUOTE = r"(?:\\*[\"']|&quot;|&#3[49];)?"
#: `Authorization: Bearer …`, and a value that stands behind a secret-like name.
_BEARER = re.compile(r"(?i)\b(?P<kept>(?:bearer|basic)\s+)(?P<value>[\w+/=.~-]{12,})")
_ASSIGNED = re.compile(
    r"(?i)(?P<kept>[\w.-]*(?:password|passwd|passphrase|\bpwd|secret|token|api[_-]?key|access[_-]?key"
    r"|account_?key|private[_-]?key|auth[_-]?key|credentials?|sharedaccesssignature)"
    rf"[\w.-]*{_QUOTE}\s*(?::=|=>|[:=])\s*{_QUOTE}\s*)"
    r"(?P<value>[^\s\"'<>\[\],;&\\][^\s\"'<>,;&\\]{5,})"
)

#: What a text must hold for a pattern to find anything in it. Most texts hold none of it, and to
#: look at them with every pattern took half of the gate's time.
_CARRIED = ("bearer", "basic")
_NAMES = ("pass", "pwd", "secret", "token", "key", "credential", "signature")
_KEY_BLOCK, _SHORTEST_KEY = "-----begin", 15
_LONG = re.compile(rf"\S{{{_SHORTEST_KEY},}}")
#: What a pattern takes for an `s`, `i` or `k` whatever its case, and `lower` does not.
_FOLDED = str.maketrans("\u017f\u0131", "si", "\u0307")


def _folded(text: str) -> str:
    """A text in which every letter is as a pattern that ignores case takes it."""
    lower = text.lower()
    return lower if lower.isascii() else lower.translate(_FOLDED)


def _any(signs: Iterable[str], text: str) -> bool:
    return any(sign in text for sign in signs)


@dataclass
class Redactor:
    """Takes secrets out of texts, and counts them.

    Attributes:
        environment: names and values, of which those with a secret-like name are secret.
        found: how many were taken out so far.
    """

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    found: int = 0

    def __call__(self, text: str, *, assigned: bool = True) -> str:
        """A text without secrets.

        Args:
            text: any.
            assigned: whether what stands behind a secret-like name is taken for one; not in code,
                where that is mostly the name of something else.
        """
        if len(text) < _SHORTEST:
            return text
        if self._known:
            text = self._known.sub(self._hide, text)
        folded = _folded(text)
        if "://" in folded:
            text = _URL_PASSWORD.sub(self._hide_password, text)
        if _KEY_BLOCK in folded:
            text = _SHAPES.sub(self._hide, text)
        elif any(len(word) >= _SHORTEST_KEY for word in text.split()):
            # A key is one word, and so many long words are no long texts.
            text = _LONG.sub(lambda word: _SHAPES.sub(self._hide, word[0]), text)
        if _any(_CARRIED, folded):
            text = _BEARER.sub(self._hide_value, text)
        if assigned and _any(_NAMES, folded):
            text = _ASSIGNED.sub(self._hide_value, text)
        return text

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        """Every form of every secret that the environment holds, the longest first."""
        forms = {form for value in _held(self.environment) for form in _forms(value)}
        longest = sorted(forms, key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest))) if longest else None

    def _hide(self, _: re.Match[str]) -> str:
        self.found += 1
        return HIDDEN

    def _hide_password(self, match: re.Match[str]) -> str:
        if match["password"] == HIDDEN:
            return match[0]
        self.found += 1
        return f"{match['kind']}:{HIDDEN}@"

    def _hide_value(self, match: re.Match[str]) -> str:
        self.found += 1
        return match["kept"] + HIDDEN


def redact(text: str, environment: Mapping[str, str] | None = None) -> str:
    """A text without the passwords of URLs, the values of secret-named variables, and known keys.

    >>> redact("can't reach postgresql://me:hunter2@db/prod", {})
    "can't reach postgresql://me:[redacted]@db/prod"
    >>> redact("sent s3cr3t-value", {"API_TOKEN": "s3cr3t-value"})
    'sent [redacted]'
    >>> redact("Authorization: Bearer abcdef0123456789", {})
    'Authorization: Bearer [redacted]'
    """
    return Redactor(os.environ if environment is None else environment)(text)


def secrets_file(root: Path) -> dict[str, str]:
    """The secrets that `.dlt/secrets.toml` holds, by where they stand; none without the file."""
    try:
        found = tomllib.loads((root / ".dlt" / "secrets.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    # Everything in that file is secret, whatever it is called.
    return {f"{name}_secret": value for name, value in _leaves("", found)}


def _leaves(where: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(f"{where}.{name}", each)
    elif isinstance(value, str):
        yield where, value


def _held(environment: Mapping[str, str]) -> Iterable[str]:
    """The secret values of an environment; passwords in the URLs of any variable too."""
    for name, value in environment.items():
        password = _URL_PASSWORD.search(value)
        if password and len(password["password"]) >= _SHORTEST:
            yield from {password["password"], unquote(password["password"])}
        if name not in _FOLDERS and SECRET_NAME.search(name) and len(value) >= _SHORTEST:
            yield value


def _forms(value: str) -> Iterable[str]:
    """How a value may be written: as it is, quoted for URLs or for Python and JSON, in base64."""
    code = repr(value)[1:-1]
    encoded = base64.b64encode(value.encode()).decode().rstrip("=")
    return {value, quote(value, safe=""), code, code.replace("\\'", "'"), encoded, value[::-1]}
