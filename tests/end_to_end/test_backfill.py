"""From what ``genotel backfill`` puts into a server ``genotel recommend`` draws the journal's own advice."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time

import pytest

from genotel.clock import Clock
from genotel.journal.rows import CallRow
from genotel.journal.writer import JournalWriter
from genotel.semconv import attributes as a
from tests.servers import RealPrometheus, RealVictoriaMetrics, every_server, fetch, program

pytestmark = pytest.mark.real_servers

DAY = 86_400.0
END = time.time() // 3600 * 3600


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    command = [sys.executable, "-m", "genotel", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, env=os.environ, check=True)


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Return a journal of 35 days: models in use, models that nobody uses any more, one that fails."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    writer = JournalWriter(path, clock=Clock(wall=lambda: END))
    rng = random.Random(7)
    start = END - 35 * DAY
    key = 0
    for number in range(12):
        last = start + 35 * DAY * rng.uniform(0.1, 1.0)
        for _ in range(4 + number * 3):
            outcome = a.OUTCOME_ERROR if number == 4 else a.OUTCOME_OK
            at = rng.uniform(start + 7200, last) - 60
            row = CallRow(at, f"model-{number:02d}", "generate_content", "test", outcome=outcome, duration_seconds=3.0)
            writer.finish(key, row)
            key += 1
    writer.watched(start, END)
    assert writer.flush()
    writer.close()
    return path


def advice(*source: object) -> dict[tuple[str, str], dict]:
    """Return the recommendations by kind and model."""
    told = json.loads(
        run("recommend", *source, "--kind", "cleanup", "--kind", "performance", "--format", "json").stdout
    )
    return {(entry["kind"], entry["model"]): entry for entry in told["recommendations"]}


@every_server
def test_the_advice_after_a_backfill_is_that_of_the_journal(tmp_path, journal, kind):
    """The same models and priorities, and probabilities within 0.01."""
    options = ("--journal", journal, "--interval", "30m")
    if kind == "victoria-metrics":
        with RealVictoriaMetrics(tmp_path, retention="1000d", newer=True) as server:
            run("backfill", *options, "--victoria-metrics", server.url)
            fetch(f"{server.url}/internal/force_flush")
            backfilled = advice("--prometheus", server.url)
    else:
        is_newer = kind == "prometheus-3"
        promtool = program("promtool", newer=is_newer)
        said = run("backfill", *options, "--data-folder", tmp_path / "data", "--promtool", promtool).stderr
        assert "--storage.tsdb.retention.time=90d" in said
        with RealPrometheus(tmp_path, retention="90d", newer=is_newer) as server:
            backfilled = advice("--prometheus", server.url)
    written = advice("--journal", journal)
    assert len(written) > 2
    assert backfilled.keys() == written.keys()
    for key, entry in written.items():
        assert backfilled[key]["priority"] == entry["priority"]
        assert backfilled[key]["confidence"] == pytest.approx(entry["confidence"], abs=0.01)
