"""A scripted hour of rare calls and two restarts, counted by real servers and by the journal."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from genotel.history.from_prometheus import Prometheus
from genotel.journal.reader import JournalReader
from genotel.promql import catalog
from tests.programs import Program
from tests.servers import KINDS, RealPrometheus, RealServer, RealVictoriaMetrics, free_port

MODELS = 12
LIVES = 3


def plan(seed: int = 7) -> list[list[tuple[float, str, str]]]:
    """Return the calls of each life of the program: when (0 to 1 of its life), model and outcome.

    12 models with 0, 1, 2 or 3 calls in all; some are used in every life, some only in the last.
    """
    rng = random.Random(seed)
    lives: list[list[tuple[float, str, str]]] = [[] for _ in range(LIVES)]
    for number in range(MODELS):
        for use in range(number % 4):
            life = (number + use) % LIVES
            lives[life].append((rng.random(), f"model-{number}", "ok" if use % 2 == 0 else "error"))
    return [sorted(calls) for calls in lives]


def run(
    folder: Path, *, scrape_seconds: float, hour_seconds: float, kinds: Sequence[str] = KINDS
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Run the hour, scraped by several servers at once, and return the uses of each model.

    Between a start and its first call, and between the last call and an end, there are two scrapes:
    what happens after the last scrape of a process no server can know.

    Returns:
        What each server counts, by the query of the catalogue over windows next to each other and by
        ``genotel.Prometheus``; and what the journal holds.
    """
    journal = folder / "journal.db"
    port = free_port()
    quiet = 2.2 * scrape_seconds
    busy = hour_seconds / LIVES - 2 * quiet
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(_server(kind, folder / kind, port, scrape_seconds)) for kind in kinds}
        began = time.time()
        for calls in plan():
            with Program(port=port, journal=str(journal)) as program:
                started = time.time() + quiet
                time.sleep(quiet)
                for share, model, outcome in calls:
                    time.sleep(max(0.0, started + share * busy - time.time()))
                    program.call(model, outcome)
                time.sleep(max(0.0, started + busy + quiet - time.time()))
                program.end()
        counted = {}
        for kind, server in servers.items():
            # A new series is seen by VictoriaMetrics after a while.
            server.api("query", query="up")
            counted[f"{kind}: query"] = uses(server, began, time.time(), 2 * scrape_seconds)
            history = Prometheus(server.url).load_usage()
            totals = zip(history.models, history.total("requests").astype(int).tolist(), strict=True)
            counted[f"{kind}: source"] = {model: count for model, count in totals if count}
    with JournalReader(journal) as reader:
        kept = Counter(record.model for record in reader.calls())
    return counted, dict(kept)


def _server(kind: str, folder: Path, port: int, scrape_seconds: float) -> RealServer:
    program = RealVictoriaMetrics if kind == "victoria-metrics" else RealPrometheus
    targets, interval = {"app": f"127.0.0.1:{port}"}, f"{scrape_seconds * 1000:.0f}ms"
    return program(folder, targets, interval, newer=kind != "prometheus")


def uses(server: RealServer, start: float, end: float, window: float) -> dict[str, int]:
    """Return the uses of each model, added up over windows next to each other."""
    is_other = isinstance(server, RealVictoriaMetrics)
    dialect = catalog.Dialect.METRICSQL if is_other else catalog.Dialect.PROMQL
    query = catalog.requests(window, before_seconds=20 * window, dialect=dialect)
    counted: Counter[str] = Counter()
    at = start
    while at < end + window:
        for labels, value in server.query(query, at):
            counted[labels[catalog.MODEL_LABEL]] += round(value)
        at += window
    return {model: count for model, count in counted.items() if count}
