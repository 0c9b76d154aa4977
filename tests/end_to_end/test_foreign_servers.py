"""The recommender works on the metrics of other people's servers as it does on ours.

None of them runs here: their pages are written by hand with the names of their documentation, and put
into a real Prometheus.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict

import pytest

from genotel.clock import Clock
from genotel.history.from_prometheus import Prometheus
from genotel.history.usage import UsageHistory
from genotel.promql.usage_sources import SOURCES, own_source
from genotel.recommenders.advice import advise
from genotel.semconv.foreign_servers import SERVERS
from genotel.settings import AdviceSettings
from tests.backfill import Life, Server, Use, openmetrics
from tests.foreign_pages import ERROR, OK, SECONDS_A_CALL, foreign_page, openmetrics_of
from tests.servers import server_with_history

pytestmark = pytest.mark.real_servers

HOUR = 3600.0
DAYS = 35
END = time.time() // 86_400 * 86_400
START = END - DAYS * 24 * HOUR
TIMES = [START + HOUR * hour for hour in range(DAYS * 24 + 1)]
MODELS = 8


def uses() -> list[tuple[float, str, str]]:
    """Return calls, one an hour at most of each model; one model fails, another is used seldom."""
    rng = random.Random(2)
    found = []
    for number in range(MODELS):
        last = DAYS * 24 if number % 3 else rng.randrange(24, 200)
        hours = sorted(rng.sample(range(2, last), min(60, last // (2 + number))))
        found += [(START + hour * HOUR + 1800, f"org/model-{number}", ERROR if number == 4 else OK) for hour in hours]
    return found


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Return a Prometheus that scraped the same calls from each server, and from a program of ours."""
    mine = [Use(at, model, outcome, SECONDS_A_CALL) for at, model, outcome in uses()]
    names = tuple(sorted({use.model for use in mine}))
    ours = openmetrics([Server("ours:1", START, END, [Life(START, END, names)], mine, interval=HOUR)])
    families: dict[str, list[str]] = defaultdict(list)
    for place, server in enumerate(SERVERS):
        for name, samples in foreign_page(server, uses(), TIMES, f"{server.name}:{place}").items():
            families[name] += samples
    theirs = openmetrics_of(families)
    own = [(at, "org/own", outcome) for at, _, outcome in uses()[:20]]
    count = "\n".join(
        f'my_calls_total{{instance="own:1",job="own",which="org/own"}} {sum(use <= at for use, _, _ in own)} {at:.0f}'
        for at in TIMES
    )
    up = [line for line in ours.splitlines() if line.startswith("up{")]
    text = theirs.replace("# TYPE up unknown", "\n".join(["# TYPE up unknown", *up]))
    text = text.replace("# EOF\n", f"# TYPE my_calls counter\n{count}\n")
    text += "\n".join(line for line in ours.splitlines() if not line.startswith("up{") and line != "# TYPE up gauge")
    with server_with_history("prometheus", tmp_path_factory.mktemp("foreign"), text + "\n") as running:
        yield running.url


def read(url: str, *sources: str) -> UsageHistory:
    """Return the history that some sources tell."""
    return Prometheus(url, clock=Clock(wall=lambda: END), days=40, sources=sources).load_usage()


def totals(history: UsageHistory, column: str = "requests") -> dict[str, float]:
    """Return the sum of a column by model."""
    return dict(zip(history.models, history.total(column).tolist(), strict=True))


def cleanup(history: UsageHistory) -> dict[str, tuple[object, float]]:
    """Return priority and confidence of cleanup by model."""
    advice = advise(history, ["cleanup"], AdviceSettings()).recommendations
    return {entry.model: (entry.priority, entry.confidence) for entry in advice}


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.name)
def test_the_advice_is_that_of_our_own_names(url, server):
    """The same calls: the same totals, models, priorities, and probabilities within 0.01."""
    ours, theirs = read(url, "genotel"), read(url, server.name)
    assert totals(theirs) == totals(ours)
    tells_failures = any(calls.outcome == ERROR for calls in server.calls)
    assert totals(theirs, "failed") == (totals(ours, "failed") if tells_failures else dict.fromkeys(ours.models, 0.0))
    if server.durations is not None:
        # Triton counts the calls that succeeded beside the time.
        failing = {"org/model-4"} if server.name == "triton" else set()
        for column in ("timed", "duration_seconds"):
            expected = {model: value for model, value in totals(ours, column).items() if model not in failing}
            assert totals(theirs, column) == pytest.approx(expected | dict.fromkeys(failing, 0.0))
    assert set(theirs.measured_by) == {server.name}
    expected, got = cleanup(ours), cleanup(theirs)
    assert len(expected) > 1
    # Where failures are not told, a model that only fails is like any other.
    for advice in (expected, got):
        advice.pop("org/model-4", None)
    assert got.keys() == expected.keys()
    for model, (priority, confidence) in got.items():
        assert priority == expected[model][0]
        assert confidence == pytest.approx(expected[model][1], abs=0.01)


def test_what_all_of_them_counted_is_counted_once(url):
    """Thirteen sources, one call: ours tells of it, and the evidence says so."""
    together = read(url)
    assert totals(together) == totals(read(url, "genotel"))
    assert set(together.measured_by) == {"genotel"}
    (first, *_) = advise(together, ["cleanup"], AdviceSettings()).recommendations
    assert first.evidence["measured_by"] == "genotel"


def test_a_query_of_the_user_counts_too(url):
    """A counter with its matchers, and a query with a window, tell the same."""
    for requests in ('my_calls_total{job="own"}', "sum by (which) (increase(my_calls_total[$window]))"):
        own = own_source(requests, None, None, None, "which")
        history = Prometheus(
            url, clock=Clock(wall=lambda: END), days=40, sources=["own", "genotel"], own=own
        ).load_usage()
        assert totals(history)["org/own"] == 20
        assert history.measured_by[history.index("org/own")] == "own"


def test_every_source_has_a_name():
    """As many as there are rows, and ours."""
    assert [source.name for source in SOURCES] == ["genotel", *(server.name for server in SERVERS)]
