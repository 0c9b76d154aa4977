"""A scripted hour of rare calls and two restarts, counted by a real Prometheus and by the journal."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

from genotel.journal.reader import JournalReader
from genotel.promql import catalog
from tests.programs import Program
from tests.servers import RealPrometheus, free_port

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


def run(folder: Path, *, scrape_seconds: float, hour_seconds: float) -> tuple[dict[str, int], dict[str, int]]:
    """Run the hour and return the uses of each model: by PromQL, and by the journal.

    Between a start and its first call, and between the last call and an end, there are two scrapes:
    what happens after the last scrape of a process no Prometheus can know.
    """
    journal = folder / "journal.db"
    port = free_port()
    quiet = 2.2 * scrape_seconds
    busy = hour_seconds / LIVES - 2 * quiet
    with RealPrometheus(
        folder / "prometheus", {"app": f"127.0.0.1:{port}"}, f"{scrape_seconds * 1000:.0f}ms"
    ) as prometheus:
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
        counted = uses(prometheus, began, time.time(), 4 * scrape_seconds)
    with JournalReader(journal) as reader:
        kept = Counter(record.model for record in reader.calls())
    return counted, dict(kept)


def uses(prometheus: RealPrometheus, start: float, end: float, window: float) -> dict[str, int]:
    """Return the uses of each model, added up over windows next to each other."""
    counted: Counter[str] = Counter()
    at = start
    while at < end + window:
        for labels, value in prometheus.query(catalog.requests(window), at):
            counted[labels[catalog.MODEL_LABEL]] += round(value)
        at += window
    return {model: count for model, count in counted.items() if count}
