"""What a page says about itself and the machine."""

from __future__ import annotations

from genotel.collectors.registry import collectors_named
from genotel.collectors.scrape import Scrape
from genotel.demo.page_figures import figures_of, read_page
from genotel.exposition.page import Page
from genotel.exposition.server import PageServer


def test_a_real_page_is_read():
    """Size, samples, and the shares of the machine once they are known."""
    scrape = Scrape(collectors_named(["cpu", "memory"]))
    with PageServer(Page([scrape]), port=0) as server:
        read_page(server.url)
        figures = read_page(server.url)
    scrape.close()
    assert figures.size > 1000
    assert figures.samples > 10
    assert 0 < figures.memory_utilization < 1
    assert figures.cpu_utilization is None or 0 <= figures.cpu_utilization <= 1


def test_what_is_not_on_the_page_is_not_known():
    """Absent, never 0."""
    assert figures_of(b"up 1\n").cpu_utilization is None
