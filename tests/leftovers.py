"""Processes that must not outlive their test, even one that fails half-way."""

from __future__ import annotations

import subprocess

_started: list[subprocess.Popen[str]] = []


def ended_with_test(process: subprocess.Popen[str]) -> subprocess.Popen[str]:
    """Return the process, which is killed after the test if it still runs then."""
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what still runs, and close every pipe."""
    while _started:
        process = _started.pop()
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        process.wait()
