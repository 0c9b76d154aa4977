"""The servers of the tests are there, in both generations, and answer alike."""

from __future__ import annotations

import json

import pytest

from tests.servers import (
    RealPrometheus,
    RealVictoriaMetrics,
    every_server,
    fetch,
    server_with_history,
    wait_for,
)

START = 1_790_000_000
TEXT = "\n".join(
    [
        "# TYPE calls counter",
        *(f'calls_total{{model="a"}} {hour} {START + 3600 * hour}' for hour in range(48)),
        "# TYPE up gauge",
        *(f"up {hour % 2} {START + 3600 * hour}" for hour in range(48)),
        "# EOF\n",
    ]
)


@pytest.mark.real_servers
@every_server
def test_a_history_can_be_asked(tmp_path, kind):
    """What was loaded comes back, value by value."""
    with server_with_history(kind, tmp_path, TEXT) as server:
        assert server.query('calls_total{model="a"}', START + 3600 * 40) == [
            ({"__name__": "calls_total", "model": "a"}, 40.0)
        ]
        assert server.query("count_over_time(up[2d])", START + 3600 * 47) == [({}, 48.0)]


@pytest.mark.real_servers
@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("server", [RealPrometheus, RealVictoriaMetrics])
def test_both_generations_run_and_scrape(tmp_path, server, newer):
    """The newer Prometheus is 3.5 or later: what it does otherwise is what we want to see."""
    with server(tmp_path, {"itself": "127.0.0.1:9"}, newer=newer) as running:
        wait_for("a scrape", lambda: running.query('up{job="itself"} == 0'))
        if server is RealPrometheus:
            version = json.loads(fetch(f"{running.url}/api/v1/status/buildinfo"))["data"]["version"]
            assert (tuple(map(int, version.split(".")[:2])) >= (3, 5)) is newer
