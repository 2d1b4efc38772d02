"""What is secret by its name or its place in a URL is taken out of a text."""

from __future__ import annotations

import pytest

from analysis.safeguards.secrets import redact

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
