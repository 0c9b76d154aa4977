"""The demo from beginning to end: history, page, Prometheus, workload, screen, advice.

Everything that it starts it ends, and everything that it writes lies in one temporary folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

import genotel
from genotel.demo import surroundings
from genotel.demo.closing import render_advice, split_advice
from genotel.demo.diffusers_workload import DiffusersWorkload, load_kinds, require_libraries
from genotel.demo.live_workload import LiveWorkload
from genotel.demo.prometheus_figures import P95, WINDOW
from genotel.demo.prometheus_process import AUTO, PrometheusProcess, find_prometheus
from genotel.demo.screen import history_table
from genotel.demo.simulated_history import simulate, write_history
from genotel.demo.watch import Watch
from genotel.demo.workload import LIVE_MODELS, Workload
from genotel.errors import SettingsError
from genotel.history.from_journal import Journal
from genotel.promql.catalog import call_duration_quantile
from genotel.recommenders.advice import advise
from genotel.recommenders.registry import DEFAULT_KINDS
from genotel.settings import CONFIG_NAME, AdviceSettings, PageSettings, load_settings

# A small image model of numpy, and tiny pipelines of diffusers with random weights.
DRAWN, DIFFUSERS = "drawn", "diffusers"
WORKLOADS = (DRAWN, DIFFUSERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """Say how the demo is to run.

    Attributes:
        seconds: how long the workload runs; None until it is told to stop.
        port: of the page; None takes the settings'.
        prometheus: ``auto``, ``none`` or a program.
        has_browser: whether a browser may be opened.
        workload: what runs, one of :data:`WORKLOADS`.
    """

    seconds: float | None = None
    port: int | None = None
    prometheus: str = AUTO
    has_browser: bool = True
    workload: str = DRAWN


def run_demo(options: DemoOptions, console: Console, errors: Console, is_stopped: Callable[[], bool]) -> None:
    """Run the demo.

    Args:
        options: how.
        console: where it is shown.
        errors: where warnings go.
        is_stopped: whether the user wants it to end; asked several times a second.

    Raises:
        SettingsError: an option or a setting is wrong, or no page can be served.
    """
    if options.workload not in WORKLOADS:
        raise SettingsError(f"--workload {options.workload} is unknown; there are {', '.join(WORKLOADS)}")
    if options.workload == DIFFUSERS:
        require_libraries()
    program = find_prometheus(options.prometheus)
    page = load_settings({"port": options.port}).page
    with ExitStack() as stack:
        stack.enter_context(surroundings.without_settings())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="genotel-demo-", ignore_cleanup_errors=True)))
        journal = folder / "journal.db"
        _show_history(journal, console)
        # Born at 0, so that Prometheus sees the very first call of each; a loaded pipeline's are by themselves.
        names = [model.name for model in LIVE_MODELS] if options.workload == DRAWN else []
        handle = stack.enter_context(_configure(page, folder, journal, names, errors))
        if handle.url is None:
            raise SettingsError(f"no page can be served on {page.host}; see the warning above, or give another --port")
        prometheus = None
        if program is not None:
            prometheus = stack.enter_context(PrometheusProcess(program, folder / "prometheus", handle.url))
        if options.has_browser and console.is_terminal and surroundings.has_display(os.environ):
            surroundings.open_browser(handle.url.removesuffix("metrics"))
        workload = stack.enter_context(_workload(options.workload, folder, console))
        begun = time.time()
        Watch(workload, handle.url, prometheus, options.seconds, is_stopped).follow(console)
        # What is still under way to the journal arrives there.
        handle.shutdown()
        _show_advice(journal, (begun, time.time()), console)
        _show_more(console, has_prometheus=prometheus is not None)
    console.print("Everything that the demo started has ended; its temporary files are gone.", soft_wrap=True)


@contextmanager
def _workload(kind: str, folder: Path, console: Console) -> Iterator[LiveWorkload]:
    if kind == DRAWN:
        yield Workload()
        return
    console.print(
        "REAL pipelines of diffusers with RANDOM weights, tiny and made here: what they make is noise. Importing …",
        soft_wrap=True,
    )
    console.file.flush()
    genotel.instrument([DIFFUSERS])
    try:
        yield DiffusersWorkload(load_kinds(folder / "models"))
    finally:
        genotel.uninstrument([DIFFUSERS])


def _show_history(journal: Path, console: Console) -> None:
    history = simulate(time.time())
    write_history(history, journal)
    console.print(history_table(history, console.width, has_unicode=console.encoding.startswith("utf")))
    console.print()


def _configure(page: PageSettings, folder: Path, journal: Path, models: list[str], errors: Console) -> genotel.Handle:
    port = page.port
    if surroundings.is_taken(page.host, port):
        errors.print(f"genotel: port {port} of {page.host} is taken; the demo takes any free one", soft_wrap=True)
        port = 0
    # An empty file of settings, so that none of the user's is looked for.
    settings = folder / CONFIG_NAME
    settings.touch()
    return genotel.configure(
        host=page.host,
        port=port,
        collectors="all",
        journal=journal,
        models=models,
        config=settings,
    )


def _show_advice(journal: Path, run: tuple[float, float], console: Console) -> None:
    advice = advise(Journal(journal).load_usage(), DEFAULT_KINDS, AdviceSettings())
    for part in split_advice(advice, run):
        console.print()
        console.file.write(
            render_advice(
                part, generated_at=run[1], width=console.width, has_color=console.is_terminal and not console.no_color
            )
        )
        console.file.flush()


def _show_more(console: Console, *, has_prometheus: bool) -> None:
    console.print()
    if has_prometheus:
        console.print(f"p95 by PromQL: {call_duration_quantile(P95, WINDOW)}", soft_wrap=True)
    console.print("For your own models: call configure(journal=True) of the package; ask with: genotel recommend")
