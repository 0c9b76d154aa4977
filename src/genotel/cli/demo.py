"""``genotel demo``: everything at once, on real calls, from nothing."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Annotated

import typer


def demo(
    seconds: Annotated[
        float | None, typer.Option(min=0, help="How long the workload runs; without it until Ctrl-C.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port of the page; 0 takes any free one.", show_default="9464")
    ] = None,
    prometheus: Annotated[
        str, typer.Option(help="auto starts a Prometheus where one is installed; none; or the path of one.")
    ] = "auto",
    workload: Annotated[
        str, typer.Option(help="drawn: a small model of numpy; diffusers: tiny real pipelines, where it is installed.")
    ] = "drawn",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser.")] = False,
) -> None:
    """Show genotel at work: a real workload, its page, live numbers, then advice.

    A small image model really runs and is really measured. The 30 days of history that the advice
    needs are simulated and say so. Everything is written to temporary files and gone at the end.
    """
    signals = _Signals()
    # Imported here, so that the other commands do not pay for them.
    from rich.console import Console

    from genotel.demo.run import DemoOptions, run_demo

    options = DemoOptions(
        seconds=seconds, port=port, prometheus=prometheus, has_browser=not no_browser, workload=workload
    )
    run_demo(
        options,
        Console(highlight=False, markup=False, emoji=False),
        Console(stderr=True, highlight=False, markup=False, emoji=False),
        signals.is_stopped,
    )


class _Signals:
    """Remember that Ctrl-C, SIGTERM or a closed terminal asked for the end.

    No exception is raised from the handler: it could hit the clean-up, and leave a Prometheus behind.
    """

    def __init__(self) -> None:
        self._was_asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def is_stopped(self) -> bool:
        return self._was_asked

    def _ask(self, _signal: int, _frame: FrameType | None) -> None:
        self._was_asked = True
