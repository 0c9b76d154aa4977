"""The command lines that start the servers of a stack, by the programs of this machine where they are."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from genotel.actions.provision.prometheus import ALERTMANAGER
from genotel.actions.provision.stack import Stack

Find = Callable[[str], str | None]
_DATA = "/var/lib/genotel"


def find_program(name: str) -> str | None:
    """Return the path of a program; genotel itself is found where it runs from, too."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if name == "genotel" and beside.is_file() else shutil.which(name)


def prometheus_line(stack: Stack, *, data: str = f"{_DATA}/prometheus", find: Find = find_program) -> str:
    """Return the line that starts Prometheus on loopback."""
    return _line(
        _found(find, "prometheus"),
        f"--config.file={stack.folder}/prometheus.yml",
        f"--storage.tsdb.path={data}",
        f"--storage.tsdb.retention.time={stack.settings.export.retention_days}d",
        "--enable-feature=exemplar-storage",
        *(["--web.enable-otlp-receiver"] if stack.has_otlp else []),
        "--web.listen-address=127.0.0.1:9090",
    )


def agent_line(stack: Stack, *, data: str = f"{_DATA}/agent", find: Find = find_program) -> str:
    """Return the line that starts Prometheus as an agent, as the one of this machine wants to be told."""
    program = _found(find, "prometheus")
    return _line(
        program,
        *(
            ["--enable-feature=agent,exemplar-storage"]
            if _is_2(program)
            else ["--agent", "--enable-feature=exemplar-storage"]
        ),
        f"--config.file={stack.folder}/agent.yml",
        f"--storage.agent.path={data}",
        "--web.listen-address=127.0.0.1:9095",
    )


def alertmanager_line(stack: Stack, *, data: str = f"{_DATA}/alertmanager", find: Find = find_program) -> str:
    """Return the line that starts Alertmanager on loopback, alone."""
    return _line(
        _found(find, "prometheus-alertmanager", "alertmanager"),
        f"--config.file={stack.folder}/alertmanager/alertmanager.yml",
        f"--storage.path={data}",
        f"--web.listen-address={ALERTMANAGER}",
        "--cluster.listen-address=",
    )


def serve_line(*, host: str = "127.0.0.1", port: int = 9464, find: Find = find_program) -> str:
    """Return the line that serves this machine's page."""
    return _line(_found(find, "genotel"), "serve", "--host", host, "--port", str(port))


def _found(find: Find, *names: str) -> str:
    for name in names:
        path = find(name)
        if path is not None:
            return path
    return f"/usr/bin/{names[0]}"


def _is_2(program: str) -> bool:
    """Return whether it is a Prometheus 2, which calls an agent a feature; 3 refuses that."""
    try:
        said = subprocess.run(  # noqa: S603 - the user's own program, no shell
            [program, "--version"], capture_output=True, text=True, errors="replace", timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return " version 2." in said


def _line(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)
