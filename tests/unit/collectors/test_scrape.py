"""Running the collectors for a page."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest

from genotel.clock import Clock
from genotel.collectors.collector import IncompleteError, NoData
from genotel.collectors.scrape import Scrape
from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.semconv.host_metrics import LOAD, UPTIME


class FakeCollector:
    """Do what the test says at each run."""

    def __init__(self, name, spec=UPTIME, labels=()):
        self.name = name
        self.reading = (spec, labels, 1.0)
        self.error = None
        self.after = None
        self.release = None

    def collect(self):
        if self.release is not None:
            self.release.wait(60)
        if self.error is not None:
            raise self.error
        yield self.reading
        if self.after is not None:
            raise self.after


class MovingClock:
    """Tell wall time in steps of one second a call; monotonic time is real."""

    def __init__(self):
        self.now = 1000.0

    def clock(self):
        return Clock(wall=self._tick, monotonic=time.monotonic)

    def _tick(self):
        self.now += 1
        return self.now


def values(scrape):
    """Return the page's values by series text."""
    page = Page([scrape]).render(TEXT_0_0_4).decode()
    rows = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {
        name.replace('otel_scope_name="genotel"', "").replace(",}", "}").replace("{}", ""): float(value)
        for name, _, value in rows
    }


def own(name, collector="first"):
    """Return the series text of one of genotel's own metrics."""
    return f'genotel_collector_{name}{{genotel_collector="{collector}"}}'


@pytest.fixture
def scraped():
    """Return a maker of scrapes that are closed after the test."""
    made = []

    def make(*collectors, **options):
        made.append(Scrape(collectors, **options))
        return made[-1]

    yield make
    for scrape in made:
        scrape.close()


def test_values_and_how_each_collector_fared(scraped):
    """Success, duration, last success and a timeout counter born at 0."""
    page = values(scraped(FakeCollector("first"), FakeCollector("second", LOAD, ("1m",)), clock=MovingClock().clock()))
    assert page["system_uptime_seconds"] == 1.0
    assert page['genotel_system_load{genotel_window="1m"}'] == 1.0
    for name in ("first", "second"):
        assert page[own("success", name)] == 1
        assert 0 <= page[own("duration_seconds", name)] < 1
        assert page[own("last_success_timestamp_seconds", name)] == 1001
        assert page[own("timeouts_total", name)] == 0


def test_a_collector_that_fails_costs_only_itself(scraped, caplog):
    """Its values are absent, its success 0, its last success stays; the text of the fault is nowhere."""
    first = FakeCollector("first")
    scrape = scraped(first, FakeCollector("second", LOAD, ("1m",)), clock=MovingClock().clock())
    values(scrape)
    first.error = OSError("/secret/path")
    with caplog.at_level(logging.WARNING):
        page = values(scrape)
        values(scrape)
    assert "system_uptime_seconds" not in page
    assert page[own("success")] == 0
    assert page[own("last_success_timestamp_seconds")] == 1001
    assert page[own("last_success_timestamp_seconds", "second")] == 1002
    assert page['genotel_system_load{genotel_window="1m"}'] == 1.0
    assert caplog.text.count("collector first failed (OSError)") == 1
    assert "secret" not in caplog.text
    first.error = None
    assert values(scrape)[own("success")] == 1


def test_a_collector_that_fails_half_way_has_no_values(scraped):
    """Half of a source is not a reading of it."""

    class HalfCollector:
        name = "first"

        def collect(self):
            yield UPTIME, (), 1.0
            raise ValueError

    assert "system_uptime_seconds" not in values(scraped(HalfCollector()))


def test_nothing_to_measure_is_not_a_fault(scraped, caplog):
    """No values, no success of 1 and none of 0, no log line."""
    first = FakeCollector("first")
    first.error = NoData("no such card")
    page = values(scraped(first))
    assert own("success") not in page
    assert own("last_success_timestamp_seconds") not in page
    assert own("duration_seconds") in page
    assert caplog.text == ""


def test_a_collector_that_hangs_is_left_behind(scraped, caplog):
    """The others are fresh within its limit, it is counted once, and it comes back."""
    first = FakeCollector("first")
    scrape = scraped(first, FakeCollector("second", LOAD, ("1m",)), limit_seconds=0.1, clock=MovingClock().clock())
    values(scrape)
    release = first.release = threading.Event()
    begun = time.monotonic()
    with caplog.at_level(logging.WARNING):
        pages = [values(scrape) for _ in range(5)]
    assert time.monotonic() - begun < 2
    for seconds, page in enumerate(pages):
        assert "system_uptime_seconds" not in page
        assert own("duration_seconds") not in page
        assert page[own("success")] == 0
        assert page[own("timeouts_total")] == 1
        assert page[own("last_success_timestamp_seconds")] == 1001
        assert page[own("last_success_timestamp_seconds", "second")] == 1002 + seconds
    assert caplog.text.count("hangs for more than 0.1 s") == 1
    first.release = None
    release.set()
    end = time.monotonic() + 10
    while values(scrape)[own("success")] != 1:
        assert time.monotonic() < end
    assert values(scrape)[own("timeouts_total")] == 1


def test_a_thousand_scrapes_with_hangs_keep_threads_and_descriptors(scraped):
    """One thread a hung collector is all that is lost."""
    release = threading.Event()
    hung = [FakeCollector(f"hung{number}") for number in range(3)]
    for collector in hung:
        collector.release = release
    scrape = scraped(FakeCollector("first"), *hung, limit_seconds=0.05)
    for _ in range(2):
        scrape.blocks()
    before = threading.active_count(), len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        scrape.blocks()
    assert (threading.active_count(), len(os.listdir("/proc/self/fd"))) == before
    release.set()


def test_no_collector_is_an_empty_source(scraped):
    """``--collectors none`` is allowed."""
    assert scraped().blocks() == []


def test_closing_ends_threads_and_closes_collectors(scraped):
    """Those that hold something are told; nothing of the scrape is left."""

    class HoldingCollector(FakeCollector):
        closed = 0

        def close(self):
            self.closed += 1

    holding = HoldingCollector("holding")
    scrape = scraped(holding, FakeCollector("first"))
    before = threading.active_count()
    scrape.blocks()
    scrape.close()
    assert holding.closed == 1
    end = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.001)


def test_an_incomplete_run_keeps_its_values_and_is_no_success(scraped):
    """Raised after the readings, or before there are any."""
    first, second = FakeCollector("first"), FakeCollector("second", LOAD, ("1m",))
    first.after = IncompleteError("one of two")
    second.error = IncompleteError("all")
    found = values(scraped(first, second))
    assert found["system_uptime_seconds"] == 1
    assert (found[own("success")], found[own("success", "second")]) == (0, 0)
    assert own("last_success_timestamp_seconds") not in found


def test_an_incomplete_run_is_said_once(scraped, caplog):
    """And the page goes on as soon as all can be read."""
    first = FakeCollector("first")
    first.after = IncompleteError("one of two")
    scrape = scraped(first)
    with caplog.at_level(logging.WARNING):
        values(scrape)
        values(scrape)
    assert len(caplog.records) == 1
    first.after = None
    assert values(scrape)[own("success")] == 1


def test_a_tuple_goes_on_as_it_is(scraped):
    """A collector of much that seldom changes returns it again."""

    class Unchanged:
        name = "first"
        readings = ((UPTIME, (), 5.0),)

        def collect(self):
            return self.readings

    scrape = scraped(Unchanged())
    first, second = scrape.blocks()[0], scrape.blocks()[0]
    assert first is second


def test_a_collector_that_raises_at_once_may_be_incomplete_too(scraped):
    """Before it returns anything."""

    class Empty:
        name = "first"

        def collect(self):
            raise IncompleteError("all")

    assert values(scraped(Empty()))[own("success")] == 0
