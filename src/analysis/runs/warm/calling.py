"""A function called in a fork of the warm process, which has imported what it needs."""

from __future__ import annotations

import base64
import json
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from analysis.runs.executors import apart
from analysis.runs.warm.folder import FOLDER_VARIABLE
from analysis.runs.warm.request import Refused, begun

Result = TypeVar("Result")


def call(work: Callable[..., Result], *given: object) -> Result:
    """What a function gives, called elsewhere; where there is no warm process, in a worker.

    Args:
        work: a function of a module; it is called once more where the process dies that calls it.
        given: its arguments.

    Raises:
        Exception: what the function raises.
    """
    answer: tuple[bool, Any] | None = None
    if folder := os.environ.get(FOLDER_VARIABLE):
        with suppress(OSError, ValueError, Refused):
            answer = _called(Path(folder), pickle.dumps((work, given)))
    if answer is None:
        return apart(work, *given)
    well, found = answer
    if not well:
        raise found
    result: Result = found
    return result


def _called(folder: Path, packed: bytes) -> tuple[bool, Any]:
    """Whether all went well, and the result or what was raised.

    Raises:
        OSError, ValueError, Refused: there was no answer.
    """
    what = {
        "arguments": [],
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "work": base64.b64encode(packed).decode(),
    }
    connection, _ = begun(folder, what, (1, 2))
    with connection:
        connection.settimeout(None)
        with connection.makefile("rb") as answers:
            said = answers.readline()
    outcome = base64.b64decode(json.loads(said).get("outcome", ""))
    if not outcome:
        raise Refused("the process was killed")
    # From a process of our own user's, over a socket in a folder that only they may enter.
    answer: tuple[bool, Any] = pickle.loads(outcome)  # noqa: S301 - as the line says
    return answer
