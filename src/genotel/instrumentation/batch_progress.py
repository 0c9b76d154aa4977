"""A progress bar for a loop over batches, on terminals only.

This is the one place of the emitting tower that imports rich, and only when a bar was asked for and
stderr is a terminal. rich comes with typer, so nothing more is installed for it.
"""

from __future__ import annotations

import sys
from typing import Protocol

from genotel import guard


class Bar(Protocol):
    """Show how far a loop is."""

    def show(self, done: int, failures: int) -> None:
        """Show the batches that are done."""
        ...

    def close(self) -> None:
        """Show no more."""
        ...


class _NoBar:
    """Show nothing."""

    def show(self, done: int, failures: int) -> None:
        pass

    def close(self) -> None:
        pass


NO_BAR: Bar = _NoBar()


def bar_for(name: str, total: int | None) -> Bar:
    """Return a bar on stderr; one that shows nothing where stderr is no terminal or rich is missing.

    Example:
        >>> bar_for("doc", total=10).show(done=1, failures=0)
    """
    try:
        if not sys.stderr.isatty():
            return NO_BAR
        return _RichBar(name, total)
    except Exception as error:
        guard.report("batch_progress.begin", error)
        return NO_BAR


class _RichBar:
    def __init__(self, name: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task(name, total=total, note="")
        self._progress.start()

    def show(self, done: int, failures: int) -> None:
        try:
            self._progress.update(self._task, completed=done, note=f"{failures} failed" if failures else "")
        except Exception as error:
            guard.report("batch_progress.show", error)

    def close(self) -> None:
        try:
            self._progress.stop()
        except Exception as error:
            guard.report("batch_progress.close", error)
