"""The one shape of message for a person's mistake, and the one place that makes it.

Every such error reads ``where: what was given and what is wrong; what is allowed``, for example
``window: '2026-W60' has no such week; 2026 has 53``. The command line prints it alone and exits
with status 2: a traceback is for our mistakes, never for a person's.
"""

from __future__ import annotations

import errno
from collections.abc import Collection
from difflib import get_close_matches

#: Why a system writes no more: the disk, a person's part of it, or a file's greatest size.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UserError(Exception):
    """A mistake that a person can mend. The message is all that they need.

    Args:
        where: what the mistake is in: an option, a parameter, a file and key.
        problem: what was given, what is wrong with it, what is allowed.
    """

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        self.problem = problem
        super().__init__(where, problem)

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the message alone."""
        return [str(self)]


class ClusterLost(UserError):
    """A cluster that went away while it worked; the runs that came back are in the site."""


class NoData(Exception):
    """The rows that a study needs are not there. An outcome of a run, not a failure.

    Raised inside a notebook by a study; the runner records the run as ``no_data`` with this reason.
    """

    def _render_traceback_(self) -> list[str]:
        return [f"No data: {self}"]


def nearest(given: str, allowed: Collection[str]) -> str | None:
    """The allowed name most like the one given, or None where none is like it.

    >>> nearest("markte", ["market", "window"])
    'market'
    >>> nearest("jp", ["JP", "DE"])
    'JP'
    """
    folded = {name.casefold(): name for name in allowed}
    found = get_close_matches(given.casefold(), folded, n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def unknown(kind: str, given: object, allowed: Collection[str]) -> UserError:
    """The error for a name that is not on a list: names the nearest, then the whole list.

    >>> str(unknown("market", "JPN", ["DE", "JP"]))
    "market: 'JPN' is not known; did you mean 'JP'? Allowed: DE, JP"
    """
    close = nearest(str(given), allowed)
    hint = f"; did you mean {close!r}?" if close else ";"
    shown = ", ".join(sorted(allowed)[:80]) or "(none)"
    return UserError(kind, f"{shorten(given)!r} is not known{hint} Allowed: {shown}")


def shorten(given: object, limit: int = 60) -> str:
    """What a person gave, short enough to print in a message of one line."""
    text = str(given)
    return text if len(text) <= limit else text[: limit - 1] + "…"
