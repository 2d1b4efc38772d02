"""Real servers for tests, started by the tests and gone with them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Debian keeps the server's programs out of the PATH.
DEBIAN = Path("/usr/lib/postgresql")


def postgres_programs() -> Path | None:
    """The folder of PostgreSQL's `initdb` and `pg_ctl`; None where no server is installed."""
    newest = sorted(DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return next((folder for folder in reversed(newest) if (folder / "initdb").exists()), None)


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL of its own, reached by a socket in a folder of its own; gives its URL.

    The server does not run as root, so as root it is `postgres` that runs it.
    """
    programs = postgres_programs()
    assert programs, "tests/install-system-packages.sh installs PostgreSQL"
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    as_user = ["runuser", "-u", user, "--"] if os.geteuid() == 0 else []

    def run(*command: str) -> None:
        done = subprocess.run(
            [*as_user, *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "data")
    try:
        run(f"{programs}/initdb", "-D", data, "-A", "trust", "-U", "studies", "-N", "-E", "UTF8",
            "--locale=C.UTF-8")  # fmt: skip
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c jit=off"
        run(f"{programs}/pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://studies@/postgres?host={folder}"
        finally:
            run(f"{programs}/pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
