"""Who somebody is, and where something lies, is taken out of what a run shows.

E-mail addresses, phone numbers, handles of accounts, pseudonymous ids and paths of machines are
masked by their shape. Names of people have no shape and are not found.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from analysis.warehouse.tables import TABLES

#: Every column of an id, as the canonical tables declare them.
ID_COLUMNS = frozenset(
    name for table in TABLES.values() for name in table.columns if name.endswith("_id")
)
MASKS = {kind: f"[{kind}]" for kind in ("e-mail", "phone", "handle", "path", "id")}
#: Digits from which a whole number is an id: pseudonyms have 64 bits; no count comes near.
ID_DIGITS = 14

_EMAIL = re.compile(
    r"(?i)(?<![\w.+-])[\w.+%-]{1,64}\s?(?:@|＠|\(at\)|\[at\])\s?(?:[a-z0-9-]{1,63}\.)+[a-z]{2,24}\b"
)
_PATH = re.compile(
    r"(?:file://|(?<![\w./~:-]))"
    r"(?:/(?:home|Users|root|tmp|var|opt|srv|mnt|media|data|work|workspace|private|usr|etc|builds"
    r"|app|github|runner)(?:/[^\s\"'<>|:;,)\]}]*)+|~/[^\s\"'<>|:;,)\]}]+"
    r"|[A-Za-z]:\\(?:[^\s\\\"'<>|:;,]+\\?)+|\\\\[\w.-]+\\[^\s\"'<>|:;,]+)"
)
_HANDLE = re.compile(r"(?<![\w@./＠])[@＠](?=[\w.]{0,30}[A-Za-z_])[\w][\w.]{1,30}")
_PHONE = re.compile(
    r"(?<![\w.,+/=-])(?:"
    r"(?:\+|00)[1-9]\d{0,2}[\s.\u2010-\u2015-]?(?:\(0?\d{1,4}\)[\s.-]?)?\d(?:[\s.\u2010-\u2015-]?\d){5,12}"
    r"|\(\d{2,5}\)[\s.-]?\d{3,4}[\s.\u2010-\u2015-]?\d{3,4}"
    r"|0\d{1,4}[-.\u2010-\u2015]\d{2,4}[-.\u2010-\u2015]\d{3,4}"
    r"|[2-9]\d{2}[-.\u2010-\u2015]\d{3}[-.\u2010-\u2015]\d{4}"
    r")(?![\w-]|[.,]\d)"
)
_ID = re.compile(
    rf"(?<![\w.])-?\d{{{ID_DIGITS},20}}(?![\w.])|(?<![\w-])[0-9a-f]{{8}}-(?:[0-9a-f]{{4}}-){{3}}[0-9a-f]{{12}}(?![\w-])"
)
#: Each kind with signs of which a text that holds it has one: to look for those takes no time.
#: Digits are those of any script.
_KINDS = (
    ("e-mail", _EMAIL, ("@", "＠", "(at)", "[at]")),
    ("path", _PATH, ("/", "\\", "~")),
    ("handle", _HANDLE, ("@", "＠")),
    ("phone", _PHONE, ()),
    ("id", _ID, ()),
)
#: Without one of these a text can hold none of the above.
_MAY = re.compile(r"[@＠+/\\~(]|\[at\]|\d{3}|[2-9]\d\d[-.]")


@dataclass
class Masker:
    """Masks what says who or where, and counts it by kind."""

    found: Counter[str] = field(default_factory=Counter)

    def __call__(self, text: str) -> str:
        """A text with a mask in the place of each.

        >>> Masker()("mail ann@example.org, or @ann_b on /home/ann/x.csv")
        'mail [e-mail], or [handle] on [path]'
        >>> Masker()("call +81 90-1234-5678 by 2026-03-02; 1,204 draws, 0.0017")
        'call [phone] by 2026-03-02; 1,204 draws, 0.0017'
        """
        if not _MAY.search(text):
            return text
        lower = text.lower()
        for kind, pattern, signs in _KINDS:
            if not signs or any(sign in lower for sign in signs):
                text, count = pattern.subn(MASKS[kind], text)
                if count:
                    self.found[kind] += count
        return text

    def number(self, value: int | float) -> int | float | str:
        """A number, or the mask of an id where it has so many digits."""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**ID_DIGITS:
            self.found["id"] += 1
            return MASKS["id"]
        return value

    def ids(self, count: int) -> None:
        """Notes values that were masked because of their column."""
        if count:
            self.found["id"] += count


def holds_ids(column: str) -> bool:
    """Whether a column of a display holds pseudonymous ids, by its name.

    >>> holds_ids("creator_id"), holds_ids("Top creator_id"), holds_ids("ids"), holds_ids("paid")
    (True, True, False, False)
    """
    plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
    return any(plain == name or plain.endswith(f"_{name}") for name in ID_COLUMNS)
