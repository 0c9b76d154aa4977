"""A real PostgreSQL for the tests, on loopback and in a temporary folder, ended with the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import require
from tests.servers import free_port, wait_for

USER = "genotel"


@contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL, for SQLAlchemy with psycopg, of a database that nobody else has."""
    programs = _programs()
    # Not pytest's folder: the server runs as another user where the tests are root's, since it refuses root.
    folder = Path(tempfile.mkdtemp(prefix="genotel-postgres-"))
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    data, port = folder / "data", free_port()
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, **as_user}
    try:
        subprocess.run(
            [programs / "initdb", "--no-sync", "--auth=trust", "--encoding=UTF8", f"--username={USER}", data],
            check=True,
            timeout=60,
            stderr=subprocess.DEVNULL,
            **quiet,
        )
        options = ["-k", str(folder), "-h", "127.0.0.1", "-p", str(port), "-c", "fsync=off", "-c", "max_connections=20"]
        with (folder / "log").open("w") as log:
            server = subprocess.Popen([programs / "postgres", "-D", data, *options], stderr=log, **quiet)
        try:
            ready = [programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port)]
            wait_for("PostgreSQL", lambda: subprocess.run(ready, check=False, timeout=10).returncode == 0)
            yield f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    # Debian keeps the server's programs out of PATH, since several versions may be there.
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    elsewhere = shutil.which("initdb")
    here = str(found[-1]) if found else elsewhere
    return Path(require(here, "postgresql (tools/set_up.sh)")).resolve().parent
