"""A function called in a fork of the warm process; elsewhere where there is none."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.project import Project
from analysis.runs.warm import folder
from analysis.runs.warm.calling import call
from warming import started

pytestmark = [
    pytest.mark.xdist_group("warm"),
    pytest.mark.skipif(sys.platform != "linux", reason="warm kernels need Linux"),
]


def test_what_a_function_gives_and_what_it_raises() -> None:
    with started() as made:
        assert call(os.getppid) == made.process.pid
        assert call(os.getcwd) == str(Path.cwd())
        assert call(sorted, [3, 1, 2]) == [1, 2, 3]
        assert len(call(bytes, 5_000_000)) == 5_000_000
        with pytest.raises(FileNotFoundError):
            call(os.listdir, "/no/such/folder")
        with pytest.raises(UserError, match="nothing"):
            call(Project.study, Project.find(), "nothing")


def test_elsewhere_where_there_is_no_warm_process_or_it_has_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with started() as made:
        made.process.kill()
        made.process.wait()
        assert call(os.getpid) not in (os.getpid(), made.process.pid)
    monkeypatch.delenv(folder.FOLDER_VARIABLE, raising=False)
    assert call(os.getppid) != os.getpid()


def test_once_more_where_the_process_dies_that_calls_it() -> None:
    """Killed, as the system does that is out of memory: then in a worker, and then here."""
    here = os.getpid()
    with started():
        assert call(_who_survives, here) == here


def _who_survives(pid: int) -> int:
    if os.getpid() != pid:
        os.kill(os.getpid(), 9)
    return pid
