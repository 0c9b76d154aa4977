"""Who shares a page, who gets a late one, and what happens when there is none."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.openmetrics import OPENMETRICS_1_0_0
from genotel.exposition.rendering import MAX_LATE_SECONDS, Rendering, RenderThread
from genotel.exposition.scrape_request import Scrape
from genotel.exposition.text_format import TEXT_0_0_4
from tests.unit.exposition.conftest import until

if TYPE_CHECKING:
    from tests.unit.exposition.conftest import FakePage


class Renders:
    """Drive a render thread and collect what it delivers."""

    def __init__(self, page: FakePage, max_scrapes: int = 10, clock: Clock = SYSTEM_CLOCK) -> None:
        self.delivered: SimpleQueue[tuple[Scrape, Rendering | None]] = SimpleQueue()
        self.thread = RenderThread(
            page, lambda *delivery: self.delivered.put(delivery), max_scrapes=max_scrapes, clock=clock
        )

    def take(self) -> tuple[Scrape, Rendering | None]:
        """Return the next delivery."""
        return self.delivered.get(timeout=5)


def test_scrapes_that_wait_share_a_page(page: FakePage) -> None:
    """Those that came while a page was made get the next one together; other formats their own."""
    page.gate.clear()
    renders = Renders(page)
    first, second, third = Scrape(TEXT_0_0_4), Scrape(TEXT_0_0_4), Scrape(TEXT_0_0_4)
    other, filtered = Scrape(OPENMETRICS_1_0_0), Scrape(TEXT_0_0_4, frozenset({"up"}))
    assert renders.thread.submit(first)
    assert page.entered.wait(5)
    for scrape in (second, other, filtered, third):
        assert renders.thread.submit(scrape)
    page.gate.set()
    assert [renders.take()[0] for _ in range(5)] == [first, second, third, other, filtered]
    assert page.asked == [("text", None), ("text", None), ("openmetrics", None), ("text", frozenset({"up"}))]
    renders.thread.stop(5)


def test_both_codings_come_from_one_page(page: FakePage) -> None:
    """One page serves who wants it compressed and who wants it plain."""
    page.body = b"calls_total 1\n" * 100
    page.gate.clear()
    renders = Renders(page)
    renders.thread.submit(Scrape(OPENMETRICS_1_0_0))
    assert page.entered.wait(5)
    for gzip in (True, False, True):
        renders.thread.submit(Scrape(TEXT_0_0_4, gzip=gzip))
    page.gate.set()
    renders.take()
    packed, plain, again = (renders.take()[1] for _ in range(3))
    assert packed is not None
    assert plain is not None
    assert again is not None
    assert (packed.compressed, plain.compressed) == (True, False)
    assert packed.body is again.body
    assert packed.page_bytes == plain.page_bytes == len(plain.body) == 1400
    renders.thread.stop(5)


def test_too_many_are_refused(page: FakePage) -> None:
    """Waiting scrapes and those under way count together."""
    page.gate.clear()
    renders = Renders(page, max_scrapes=2)
    assert renders.thread.submit(Scrape(TEXT_0_0_4))
    assert page.entered.wait(5)
    waiting = Scrape(TEXT_0_0_4)
    assert renders.thread.submit(waiting)
    assert not renders.thread.submit(Scrape(TEXT_0_0_4))
    renders.thread.withdraw(waiting)
    renders.thread.withdraw(waiting)
    assert renders.thread.submit(Scrape(TEXT_0_0_4))
    page.gate.set()
    renders.thread.stop(5)


def test_late_page_goes_to_the_next_scrape(page: FakePage) -> None:
    """What nobody waited for is not made twice; it serves once."""
    page.gate.clear()
    renders = Renders(page)
    gone = Scrape(TEXT_0_0_4)
    renders.thread.submit(gone)
    assert page.entered.wait(5)
    renders.thread.withdraw(gone)
    page.gate.set()
    until(lambda: renders.thread._late is not None)
    for format in (OPENMETRICS_1_0_0, TEXT_0_0_4, TEXT_0_0_4):
        renders.thread.submit(Scrape(format))
        renders.take()
    assert [name for name, _ in page.asked] == ["text", "openmetrics", "text"]
    renders.thread.stop(5)


def test_stale_page_is_made_again(page: FakePage) -> None:
    """A late page is not served when it is too old to be called fresh."""
    now = [0.0]
    page.gate.clear()
    renders = Renders(page, clock=Clock(monotonic=lambda: now[0]))
    gone = Scrape(TEXT_0_0_4)
    renders.thread.submit(gone)
    assert page.entered.wait(5)
    renders.thread.withdraw(gone)
    page.gate.set()
    until(lambda: renders.thread._late is not None)
    now[0] = MAX_LATE_SECONDS + 1
    renders.thread.submit(Scrape(TEXT_0_0_4))
    renders.take()
    assert len(page.asked) == 2
    renders.thread.stop(5)


def test_newcomer_joins_the_page_that_was_given_up(page: FakePage) -> None:
    """A slow page whose scraper has gone goes to the one that comes before it is done."""
    page.gate.clear()
    renders = Renders(page)
    gone, newcomer = Scrape(TEXT_0_0_4), Scrape(TEXT_0_0_4)
    renders.thread.submit(gone)
    assert page.entered.wait(5)
    renders.thread.withdraw(gone)
    renders.thread.submit(newcomer)
    page.gate.set()
    assert renders.take()[0] is newcomer
    assert len(page.asked) == 1
    renders.thread.stop(5)


def test_fault_is_delivered_and_counted(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that raises gives every scrape None, nobody a late page, and the thread goes on."""
    monkeypatch.setattr(guard, "_strict", False)
    page.fault = LookupError("secret")
    renders = Renders(page)
    scrape = Scrape(TEXT_0_0_4)
    renders.thread.submit(scrape)
    assert renders.take() == (scrape, None)
    until(lambda: guard.internal_errors() == {"exposition.page": 1})
    page.fault = None
    renders.thread.submit(scrape)
    assert renders.take()[1] is not None
    renders.thread.stop(5)


def test_stopped_thread_takes_nothing(page: FakePage) -> None:
    """After the end every scrape is refused; an end before the beginning is fine."""
    renders = Renders(page)
    renders.thread.stop(5)
    assert not renders.thread.submit(Scrape(TEXT_0_0_4))


def test_process_without_threads_refuses(page: FakePage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started a scrape is refused, and served once one can."""
    renders = Renders(page)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert not renders.thread.submit(Scrape(TEXT_0_0_4))
    assert renders.thread.submit(Scrape(TEXT_0_0_4))
    assert renders.take()[1] is not None
    renders.thread.stop(5)
