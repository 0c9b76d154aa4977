"""A real Prometheus tells the history that was scraped: every use, in its hour, and who was looking."""

from __future__ import annotations

import random
import time
from collections import Counter

import numpy as np
import pytest

from genotel.clock import Clock
from genotel.history.from_journal import Journal
from genotel.history.from_prometheus import Prometheus
from genotel.history.server_counts import count_calls
from genotel.history.server_days import read_days
from genotel.history.server_tables import Moments, read_moments, server_of
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.prometheus_api.access import ServerAccess
from genotel.prometheus_api.client import PrometheusClient
from genotel.prometheus_api.transport import HttpTransport
from genotel.promql import catalog
from genotel.promql.usage_sources import OURS
from genotel.recommenders.advice import advise
from genotel.recommenders.recommendation import Reason
from genotel.report.registry import REPORTS
from genotel.report.report import Page
from genotel.semconv import attributes as a
from genotel.settings import AdviceSettings
from tests.backfill import Life, Server, Use, openmetrics
from tests.servers import KINDS, RealPrometheus, server_with_history, write_blocks

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


@pytest.fixture(scope="module", params=KINDS)
def prometheus(request, tmp_path_factory):
    """Return a server that holds what the servers would have told."""
    with server_with_history(request.param, tmp_path_factory.mktemp("history"), openmetrics(servers())) as running:
        yield running


def counted(counts) -> dict[tuple[str, str, float], int]:
    """Return the calls by model, outcome and moment."""
    total: Counter[tuple[str, str, float]] = Counter()
    for series, at, calls in zip(counts.series, counts.time, counts.calls, strict=True):
        total[counts.models[series], counts.outcomes[series], float(at)] += int(calls)
    return dict(total)


def test_differences_count_what_the_exact_query_counts(prometheus):
    """Restarts within hours, at seams and over a gap, births, and the hour that has not ended."""
    client = PrometheusClient(HttpTransport(ServerAccess(url=prometheus.url)))
    source = Prometheus(prometheus.url, clock=NOW).load_usage()
    moments = Moments((source.start // HOUR) * HOUR, END)
    up = read_moments(client, catalog.scraped_share(HOUR, ["app"]), moments)
    scraped = {server_of(labels): share for labels, share in zip(up.labels, up.values, strict=True)}
    (known,) = read_days(client, [OURS], source.start, END)
    cheap = counted(count_calls(client, moments, scraped, known))
    exact = counted(count_calls(client, moments, scraped, known, is_exact=True))
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


def restless(seed: int, count: int = 10) -> list[Server]:
    """Return servers with lives of minutes to hours, each used rarely, between its first scrape and its last."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        lives, uses, at = [], [], START + rng.uniform(0, 2 * HOUR)
        while at < START + 7 * HOUR:
            end = at + rng.choice([240.0, 1500.0, 4000.0, 20_000.0])
            # Born at 0, as the SDK does for models of earlier runs.
            lives.append(Life(at, end, (f"model-{number}",)))
            first, last = at + 60, min(end, START + 8 * HOUR) - 60
            uses += [Use(rng.uniform(first, last), f"model-{number}") for _ in range(rng.randrange(4)) if last > first]
            at = end + rng.choice([20.0, 400.0])
        found.append(
            Server(
                f"restless-{number}:1",
                START,
                START + 8 * HOUR,
                lives,
                sorted(uses, key=lambda use: use.time),
                interval=30.0,
                sends_created=bool(number % 2),
            )
        )
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_random_lives_are_counted_to_the_call(tmp_path, kind):
    """Restarts in a row, at seams of hours, over short and long gaps."""
    made = Counter(use.model for server in restless(3) for use in server.uses)
    with server_with_history(kind, tmp_path, openmetrics(restless(3))) as running:
        history = Prometheus(running.url, clock=Clock(wall=lambda: START + 8 * HOUR)).load_usage()
    told = dict(zip(history.models, history.total("requests").tolist(), strict=True))
    assert {model: count for model, count in told.items() if count} == dict(made)


@pytest.mark.parametrize("kind", KINDS)
def test_the_advice_is_that_of_the_journal(tmp_path, kind):
    """The same calls, once written down and once scraped: models, priorities and probabilities within 0.01."""
    days = 35
    end = time.time() // HOUR * HOUR
    start = end - days * 86_400
    rng = random.Random(5)
    uses = []
    for number in range(32):
        last = start + rng.uniform(1, days) * 86_400
        uses += [
            Use(at, f"model-{number:02d}", a.OUTCOME_ERROR if number == 3 else a.OUTCOME_OK)
            for at in sorted(rng.uniform(start + 2 * HOUR, last) for _ in range(1 + number % 9))
        ]
    uses.append(Use(end - 1800, "model-99"))
    server = Server("app:1", start, end, [Life(start, end)], uses, interval=3600.0, sizes={"model-05": 7e9})
    clock = Clock(wall=lambda: end)
    journal = tmp_path / "journal.db"
    writer = JournalWriter(journal, clock=clock)
    for key, use in enumerate(uses):
        row = CallRow(use.time - 60, use.model, "generate_content", "test", outcome=use.outcome, duration_seconds=2.0)
        writer.finish(key, row)
    writer.watched(start, end)
    assert writer.flush()
    writer.close()
    with server_with_history(kind, tmp_path / "server", openmetrics([server])) as running:
        scraped = Prometheus(running.url, clock=clock).load_usage()
    written = Journal(journal, clock=clock).load_usage()
    totals = [dict(zip(known.models, known.total("requests"), strict=True)) for known in (scraped, written)]
    assert totals[0] == totals[1]
    assert scraped.size_bytes[scraped.index("model-05")] == 7e9
    advice = [
        {
            (entry.kind, entry.model): entry
            for entry in advise(known, ["cleanup", "performance"], AdviceSettings()).recommendations
        }
        for known in (scraped, written)
    ]
    assert len(advice[0]) > 2
    assert advice[0].keys() == advice[1].keys()
    for key, entry in advice[0].items():
        assert entry.priority == advice[1][key].priority
        assert entry.confidence == pytest.approx(advice[1][key].confidence, abs=0.01)


def test_fifteen_days_of_a_store_never_say_thirty_days_or_never(tmp_path):
    """A default Prometheus keeps so many: no claim reaches beyond."""
    end = time.time() // HOUR * HOUR
    start = end - 14.5 * 86_400
    uses = [Use(start + 3 * HOUR, "old"), *(Use(start + day * 86_400 + 7200, "busy") for day in range(14))]
    server = Server("app:1", start, end, [Life(start, end, ("unused", "old", "busy"))], uses, interval=1800.0)
    write_blocks(openmetrics([server]), tmp_path)
    with RealPrometheus(tmp_path, {}) as running:
        history = Prometheus(running.url, clock=Clock(wall=lambda: end)).load_usage()
    advice = advise(history, ["cleanup"], AdviceSettings())
    assert {entry.model for entry in advice.recommendations} == {"old", "unused"}
    for report in REPORTS:
        text = report.render(advice, Page(end))
        for claim in ("30 d", "never", "thirty"):
            assert claim not in text.lower().replace("never_used", "never")
    assert all(entry.reason_code not in {Reason.NEVER_USED, Reason.UNUSED} for entry in advice.recommendations)
