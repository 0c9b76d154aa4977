"""The page's own counts."""

from __future__ import annotations

from genotel.clock import Clock
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.page import Page
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.text_format import TEXT_0_0_4


def test_counts_are_born_at_zero() -> None:
    """Every format has its 200 and its 503 at 0 from the start; there is no size before a page."""
    lines = Page([ScrapeMetrics()]).render(TEXT_0_0_4).decode().splitlines()
    values = [line for line in lines if not line.startswith("#")]
    assert len(values) == 8
    assert all(line.startswith("genotel_scrapes_total{") and line.endswith(" 0") for line in values)


def test_scrapes_are_counted_by_format_and_code() -> None:
    """Each answer counts once; the size is that of the last page, not of a refusal."""
    metrics = ScrapeMetrics()
    metrics.count("text", 200, page_bytes=100)
    metrics.count("text", 200, page_bytes=50)
    metrics.count("text", 503)
    metrics.count("openmetrics", 500)
    page = Page([metrics]).render(TEXT_0_0_4).decode()
    assert 'genotel_scrapes_total{genotel_code="200",genotel_format="text"} 2\n' in page
    assert 'genotel_scrapes_total{genotel_code="503",genotel_format="text"} 1\n' in page
    assert 'genotel_scrapes_total{genotel_code="500",genotel_format="openmetrics"} 1\n' in page
    assert "genotel_page_size_bytes 50\n" in page


def test_openmetrics_tells_when_counting_began() -> None:
    """The counters carry their time of birth, and the size its unit."""
    metrics = ScrapeMetrics(Clock(wall=lambda: 1.5))
    metrics.count("text", 200, page_bytes=1)
    page = Page([metrics]).render(OPENMETRICS_1_0_0).decode()
    assert 'genotel_scrapes_created{genotel_code="200",genotel_format="text"} 1.5\n' in page
    assert "# UNIT genotel_page_size_bytes bytes\n" in page
