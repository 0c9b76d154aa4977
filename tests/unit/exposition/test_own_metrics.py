"""What a page tells of itself."""

from __future__ import annotations

from genotel import guard
from genotel.clock import Clock
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.own_metrics import OwnMetrics
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.version import __version__


def test_a_page_tells_its_versions_and_the_series_of_the_scrape_before():
    """The count is known only when a page is done."""
    page = Page()
    page.add_source(OwnMetrics(page))
    first = page.render(TEXT_0_0_4).decode()
    assert f'genotel_version="{__version__}"' in first
    assert "genotel_page_series 0" in first
    assert "genotel_page_series 2" in page.render(TEXT_0_0_4).decode()


def test_swallowed_faults_are_told_by_place_where_asked(monkeypatch):
    """One counter per place, born when it is first seen."""
    monkeypatch.setattr(guard, "internal_errors", lambda: {"here": 2})
    page = Page()
    page.add_source(OwnMetrics(page, internal_errors=True, clock=Clock(wall=lambda: 5.0)))
    text = page.render(OPENMETRICS_1_0_0).decode()
    assert 'genotel_internal_errors_total{genotel_place="here"} 2' in text
    assert 'genotel_internal_errors_created{genotel_place="here"} 5.0' in text
    assert page.render(OPENMETRICS_1_0_0).decode().count("genotel_internal_errors_total{") == 1
