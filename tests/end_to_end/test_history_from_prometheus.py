"""A real Prometheus tells the history that was scraped: every use, in its hour, and who was looking."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from genotel.clock import Clock
from genotel.history.from_prometheus import Prometheus
from genotel.history.server_counts import count_calls
from genotel.history.server_tables import Moments
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
from genotel.semconv import attributes as a
from tests.backfill import Life, Server, Use, openmetrics, write_blocks
from tests.servers import RealPrometheus

pytestmark = pytest.mark.real_servers

HOUR = 3600.0
HOURS = 54
# A week ago, as Prometheus drops what is older than its retention.
START = (time.time() // 86_400 - 7) * 86_400
END = START + HOURS * HOUR + 1500
NOW = Clock(wall=lambda: END)


def servers() -> list[Server]:
    """Return a steady server, one that restarts within hours and at their seams, and one that comes late."""
    rng = random.Random(11)
    steady = [
        Use(START + rng.uniform(600, END - START - 300), f"model-{number % 5}", rng.choice(a.OUTCOMES))
        for number in range(60)
    ]
    lives = [
        Life(START, START + 10 * HOUR + 1500, ("model-7",)),
        Life(START + 10 * HOUR + 1560, START + 21 * HOUR, ("model-7",)),
        Life(START + 21 * HOUR + 60, START + 30 * HOUR + 60, ("model-7",)),
        Life(START + 35 * HOUR + 120, END, ("model-7",)),
    ]
    restarting = [
        Use(start, model)
        for life in lives
        for model in ("model-5", "model-6")
        for start in (rng.uniform(life.start + 90, life.end - 90) for _ in range(6))
    ]
    late = Life(START + 20 * HOUR, END)
    return [
        Server("steady:1", START, END, [Life(START, END, ("never-used",))], steady, sizes={"model-1": 7e9}),
        Server("restarting:1", START, END, lives, restarting),
        Server(
            "late:1", START + 20 * HOUR, END, [late], [Use(late.start + 2000 + 7200 * k, "model-8") for k in range(5)]
        ),
    ]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory):
    """Return a Prometheus that holds what the servers would have told."""
    folder = tmp_path_factory.mktemp("history")
    write_blocks(openmetrics(servers()), folder)
    with RealPrometheus(folder, {}) as running:
        yield running


def counted(counts) -> dict[tuple[str, str, float], int]:
    """Return the calls by model, outcome and moment."""
    total: Counter[tuple[str, str, float]] = Counter()
    for model, outcome, at, calls in zip(counts.model, counts.outcome, counts.time, counts.calls, strict=True):
        total[model, outcome, float(at)] += int(calls)
    return dict(total)


def test_differences_count_what_the_exact_query_counts(prometheus):
    """Restarts within hours, at seams and over a gap, births, and the hour that has not ended."""
    client = PrometheusClient(HttpTransport(ServerAccess(url=prometheus.url)))
    source = Prometheus(prometheus.url, clock=NOW).load_usage()
    moments = Moments((source.start // HOUR) * HOUR, END)
    import numpy as np

    from genotel.history.server_tables import read_moments, server_of
    from genotel.promql import catalog

    up = read_moments(client, catalog.scraped_share(HOUR, ["app"]), moments)
    scraped = {server_of(labels): share for labels, share in zip(up.labels, up.values, strict=True)}
    cheap = counted(count_calls(client, moments, scraped))
    exact = counted(count_calls(client, moments, scraped, is_exact=True))
    assert cheap == exact
    assert np.isfinite(source.first_seen).all()


def test_every_use_is_in_its_hour(prometheus):
    """As they were made, by model."""
    history = Prometheus(prometheus.url, clock=NOW).load_usage()
    made: Counter[tuple[str, int]] = Counter()
    for server in servers():
        for use in server.uses:
            made[use.model, int(use.time // HOUR)] += 1
    told: Counter[tuple[str, int]] = Counter()
    for model, hour, calls in zip(history.hourly.model, history.hourly.hour, history.hourly.requests, strict=True):
        if calls:
            told[history.models[model], int(hour)] += int(calls)
    assert sum(told.values()) == sum(made.values())
    # A scrape sees a use up to a minute later than it was.
    late = dict((told - made).items())
    assert sum(late.values()) <= 3
    assert history.models == tuple(sorted({*(model for model, _ in made), "never-used", "model-7"}))
