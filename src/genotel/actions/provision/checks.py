"""Let Prometheus' and Alertmanager's own tools read what was written, where they are installed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from genotel.actions.provision.programs import Find, find_program
from genotel.actions.provision.stack import Files

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Check:
    """Hold one check: what was asked, and what was wrong (None: nothing; or it could not be asked).

    Attributes:
        name: tool and file.
        complaint: what the tool said, in its words.
        is_done: whether the tool was there.
    """

    name: str
    complaint: str | None = None
    is_done: bool = True


def checked(folder: Path, files: Files, find: Find = find_program) -> list[Check]:
    """Return what the tools say of the files of a folder.

    Args:
        folder: where they stand.
        files: which of them there are.
        find: returns the path of a program.
    """
    checks = []
    # Secrets may not be there yet, and the rules are read by themselves.
    syntax = ("check", "config", "--syntax-only")
    if "prometheus.yml" in files:
        checks.append(_asked(find, "promtool", "prometheus.yml", (*syntax, "prometheus.yml"), folder))
    if "agent.yml" in files:
        checks.append(_asked(find, "promtool", "agent.yml", (*syntax, "--agent", "agent.yml"), folder))
    rules = sorted(path for path in files if path.startswith("rules/"))
    if rules:
        checks.append(_asked(find, "promtool", f"{len(rules)} rule files", ("check", "rules", *rules), folder))
    routes = "alertmanager/alertmanager.yml"
    if routes in files:
        checks.append(_asked(find, "amtool", routes, ("check-config", routes), folder))
    return checks


def _asked(find: Find, tool: str, what: str, arguments: tuple[str, ...], folder: Path) -> Check:
    name = f"{tool}: {what}"
    program = find(tool)
    if program is None:
        return Check(name, is_done=False)
    try:
        done = subprocess.run(  # noqa: S603 - the user's own tool, no shell
            [program, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check(name, f"could not be asked ({type(error).__name__})")
    if done.returncode == 0:
        return Check(name)
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    said = [line for line in lines if "SUCCESS" not in line and not line.startswith("Checking")]
    return Check(name, " ".join(said) or f"exit code {done.returncode}")
