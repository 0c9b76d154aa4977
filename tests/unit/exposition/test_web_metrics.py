"""What a page tells of its web configuration file."""

from __future__ import annotations

from genotel.clock import Clock
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.web_metrics import FileState, WebMetrics


def test_counters_are_born_at_zero():
    """The first failure is an increase; each has the time of its birth."""
    metrics = WebMetrics(lambda: FileState(True, 5.5), is_tls=True, clock=Clock(wall=lambda: 1000.0))
    page = Page([metrics]).render(OPENMETRICS_1_0_0).decode()
    assert 'genotel_tls_handshakes_total{genotel_tls_result="failed"} 0' in page
    assert 'genotel_tls_handshakes_created{genotel_tls_result="failed"} 1000' in page
    assert "genotel_passwords_hashed_total 0" in page
    assert "genotel_web_config_last_success_timestamp_seconds 5.5" in page


def test_what_is_counted_is_told():
    """And whether the file is good is asked at each scrape."""
    state = [FileState(True, 5.5)]
    metrics = WebMetrics(lambda: state[0], is_tls=True)
    metrics.count_handshake("done")
    metrics.count_password()
    state[0] = FileState(False, 5.5)
    values = {block.family.name: [value for _, value in block.rows] for block in metrics.blocks()}
    assert values == {
        "genotel_web_config_success": [0],
        "genotel_web_config_last_success_timestamp_seconds": [5.5],
        "genotel_passwords_hashed": [1],
        "genotel_tls_handshakes": [1, 0, 0, 0, 0],
    }


def test_the_end_of_a_certificate_is_told():
    """Where it is known."""
    page = Page([WebMetrics(lambda: FileState(True, 5.5, 2e9), is_tls=True)]).render(OPENMETRICS_1_0_0).decode()
    assert "genotel_tls_certificate_expiry_timestamp_seconds 2000000000" in page


def test_without_tls_there_are_no_handshakes():
    """Unknown is absent."""
    assert len(WebMetrics(lambda: FileState(True, 0.0), is_tls=False).blocks()) == 3
