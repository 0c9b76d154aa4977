"""Three servers answer every query of the dashboards where everything happens, and where nothing does."""

from __future__ import annotations

import re
import time
from math import isnan

import pytest

from genotel.dashboards.dashboard import Look
from genotel.dashboards.registry import DASHBOARDS
from tests.query_proof import for_prometheus, selector_of
from tests.servers import every_server, server_with_history
from tests.whole_catalogue import SAMPLES, STEP, history

pytestmark = pytest.mark.real_servers
NAMES = ["job", "instance", "model", "experiment", "gpu"]
QUERIES = [
    (f"{board.uid}: {panel.title}", panel, query)
    for board in DASHBOARDS
    for panel in board.panels()
    for query in panel.queries
]


def asked(text: str) -> str:
    """Return a query as Grafana sends it with everything chosen and half an hour shown."""
    return for_prometheus(text.replace("$__range", "30m"), NAMES)


@pytest.fixture(scope="module")
def now() -> int:
    """Return a time that lies in the past for every server."""
    return int(time.time()) // STEP * STEP - STEP


@every_server
def test_every_panel_has_an_answer(tmp_path, kind, now):
    """At least one series each, numbers all, with the labels that the legend names."""
    wrong: list[str] = []
    with server_with_history(kind, tmp_path, history(now, busy=True)) as server:
        for title, panel, query in QUERIES:
            rows = server.query(asked(query.text), now)
            wanted = set(re.findall(r"{{(\w+)}}", query.name)) if panel.look is not Look.TABLE else set()
            if not rows:
                wrong.append(f"{title} has no answer: {asked(query.text)}")
            elif any(isnan(value) for _, value in rows):
                wrong.append(f"{title} is no number: {rows}")
            elif not any(wanted <= labels.keys() for labels, _ in rows):
                wrong.append(f"{title} lacks {wanted - rows[0][0].keys()}: {rows[0]}")
        for board in DASHBOARDS:
            variables = (board.jobs, board.instances, *(variable.query for variable in board.variables))
            empty = [query for query in variables if not server.query(asked(selector_of(query)), now)]
            wrong += [f"{board.uid}: {query} has no values" for query in empty]
    assert not wrong, "\n".join(wrong)


@every_server
def test_an_idle_machine_shows_no_panel_that_is_no_number(tmp_path, kind, now):
    """Of nothing there is no share, no mean, no quantile: the panel's text stands there instead."""
    with server_with_history(kind, tmp_path, history(now, busy=False)) as server:
        answers = {title: server.query(asked(query.text), now) for title, _, query in QUERIES}
    wrong = {title: rows for title, rows in answers.items() if any(isnan(value) for _, value in rows)}
    assert wrong == {}
    # The history was there: what is counted stands at 0.
    assert answers["genotel-overview: Calls"] == [({}, 0.0)]


def test_a_history_is_long_enough_for_the_windows():
    """A rate of a quarter of an hour, and a range of half of one."""
    assert STEP * SAMPLES > 1800
