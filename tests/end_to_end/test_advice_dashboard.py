"""The dashboard of recommendations shows what the watching recommender really serves."""

from __future__ import annotations

import re
from math import isnan

import pytest

from genotel.dashboards.advice import DASHBOARD
from genotel.dashboards.dashboard import Look
from tests.end_to_end.test_live_queries import asked
from tests.end_to_end.test_watch import SECONDS, events, watching
from tests.query_proof import selector_of
from tests.servers import RealPrometheus, fetch, wait_for

__all__ = ["events"]
# Panel or series -> why the first minute of a recommender has nothing for it; test_panels.py has a history of them.
LATER = {
    "Claimed and right": "no advice was judged yet",
    "Brier score": "no advice was judged yet",
    "Error of the forecast": "no forecast's hour is over yet",
    "Held by the band": "no forecast's hour is over yet",
    "Brier score of use": "no forecast's hour is over yet",
    "{{gen_ai_request_model}} came": "recorded from calls",
    "question p95 {{instance}}": "an event list is no server",
    "Messages": "no webhook",
}


@pytest.mark.real_servers
def test_every_panel_finds_what_the_recommender_serves(tmp_path, events):
    """Every query but those of what needs days, and the variables."""
    with watching(tmp_path, "--events", str(events)) as (_, address):
        wait_for("the first run", lambda: fetch(f"{address}/-/ready"), SECONDS)
        target = {"genotel-advice": address.removeprefix("http://")}
        with RealPrometheus(tmp_path / "prometheus", target) as prometheus:
            wait_for("some scrapes", lambda: prometheus.query("sum_over_time(up[1m]) >= 4"), SECONDS)
            empty: set[str] = set()
            for panel in DASHBOARD.panels():
                for query in panel.queries:
                    rows = prometheus.query(asked(query.text))
                    assert not any(isnan(value) for _, value in rows), panel.title
                    wanted = set(re.findall(r"{{(\w+)}}", query.name)) if panel.look is not Look.TABLE else set()
                    if not any(wanted <= labels.keys() for labels, _ in rows):
                        empty.add(query.name if query.name in LATER else panel.title)
            lists = [DASHBOARD.jobs, DASHBOARD.instances]
            assert [query for query in lists if not prometheus.query(asked(selector_of(query)))] == []
    assert empty <= LATER.keys()
