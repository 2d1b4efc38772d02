"""The `study` command: one thin function a verb.

Exit status: 0 all well; 1 something failed or differs; 2 a mistake in what was asked, with one
line that says which and what is allowed; 3 a mistake of this program.
"""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

from analysis.cli import authoring, data, metrics, people, runs
from analysis.cli.app import app
from analysis.errors import FULL, UserError
from analysis.safeguards.secrets import redact
from analysis.terminal import say_error

__all__ = ["app", "authoring", "data", "main", "metrics", "people", "runs"]

#: In the order in which a person meets them; a verb that is not here is an error at import.
VERBS = (
    *("demo", "acquire", "sources", "list", "plan", "run", "verify", "publish"),
    *("metrics", "metric", "sql", "check", "new", "lab", "wellbeing"),
)
app.registered_commands.sort(
    key=lambda verb: VERBS.index(verb.name or getattr(verb.callback, "__name__", ""))
)


def main() -> NoReturn:
    """Runs the command; a person's mistake is one line and status 2.

    It ends at once: to take apart all that was imported takes a fifth of a short command's time.
    """
    status = _status()
    atexit._run_exitfuncs()
    os._exit(status)


def _status() -> int:
    try:
        return _said()
    except UserError as error:
        say_error(str(error))
        return 2
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            say_error("no space left on the disk")
            return 1
        # Our mistake, not a person's: the whole of it is wanted, but for the secrets it may name.
        sys.stderr.write(redact(traceback.format_exc()))
        return 3


def _said() -> int:
    """The status with which the command ends, once all is out that it has to say."""
    status = 0
    try:
        app()
    except SystemExit as end:  # Typer's, with a number
        status = int(end.code or 0)
    with suppress(BrokenPipeError):  # who reads has enough
        sys.stdout.flush()
    return status
