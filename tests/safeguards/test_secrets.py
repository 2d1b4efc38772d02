"""What is secret by its name or its place in a URL is taken out of a text."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.safeguards import secrets
from analysis.safeguards.secrets import Redactor, redact
from planted import KINDS

HELD = {"DB_PASSWORD": "pa55word-x", "API_KEY": "k-123456", "HOME": "/home/me", "PWD_TOKEN": "ab"}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("login with pa55word-x failed", "login with [redacted] failed"),
        ("k-123456k-123456", "[redacted][redacted]"),
        ("postgresql://me:secret@host/db", "postgresql://me:[redacted]@host/db"),
        ("postgresql+psycopg://me:s:e@host", "postgresql+psycopg://me:[redacted]@host"),
        ("https://host/path?x=1", "https://host/path?x=1"),
        ("in /home/me", "in /home/me"),
        ("ab is too short to be looked for", "ab is too short to be looked for"),
        ("", ""),
    ],
)
def test_redact(text: str, clean: str) -> None:
    assert redact(text, HELD) == clean


def test_redacting_twice_changes_nothing_more() -> None:
    once = redact("postgresql://me:pa55word-x@host and k-123456", HELD)
    assert redact(once, HELD) == once


_PIECES = [
    *(make()[0] for make in KINDS.values()),
    *(
        "Bearer ",
        "BA\u017fIC abcdefghijkl",
        "pa\u017fswort",
        "to\u212aen=abcdefgh",
        "ap\u0131-key: ",
    ),
    *("api_key", "ACCESS-KEY", "Credent\u0130als", "pwd", "=", "://", "me:hunter22@db", "\n", " "),
    *("-----BEGIN PRIVATE KEY-----", "1,204 removals", "2026-W10", "\\n", '"', "a" * 15),
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_PIECES) | st.text(max_size=6), max_size=8), st.booleans())
def test_what_is_passed_by_unseen_holds_nothing(pieces: list[str], assigned: bool) -> None:
    """Every pattern on every text, whatever its signs say, gives the same."""
    text = "".join(pieces)
    quick, whole = Redactor(HELD), Redactor(HELD)
    cleaned = quick(text, assigned=assigned)
    every = " ".join(("://", secrets._KEY_BLOCK, *secrets._CARRIED, *secrets._NAMES))
    with patch.object(secrets, "_folded", lambda _: every):
        assert whole(text, assigned=assigned) == cleaned
    assert whole.found == quick.found
