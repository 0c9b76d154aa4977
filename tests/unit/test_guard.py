"""Faults of ours are counted and logged once per place, never raised into the user's program."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator

import pytest

from genotel import guard


@pytest.fixture(autouse=True)
def lenient() -> Iterator[None]:
    """Swallow faults as in a user's program, where other tests let them fail."""
    before, guard._strict = guard._strict, False
    yield
    guard._strict = before


def _fault() -> Exception:
    try:
        raise ValueError("a prompt of the user")
    except ValueError as error:
        return error


def test_a_fault_is_counted_by_place() -> None:
    """``genotel.internal.errors`` reads these counts."""
    guard.report("a", _fault())
    guard.report("a", _fault())
    guard.report("b", _fault())
    assert guard.internal_errors() == {"a": 2, "b": 1}


def test_a_place_is_logged_once_and_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    """The text of an exception may hold a prompt or a path; its type and origin are enough."""
    guard.report("a", _fault())
    guard.report("a", _fault())
    assert len(caplog.records) == 1
    assert "fault at a (ValueError in _fault:" in caplog.text
    assert "prompt" not in caplog.text


def test_a_filter_that_raises_stops_nothing() -> None:
    """Logging calls filters without a guard of its own."""

    def broken(record: logging.LogRecord) -> bool:
        raise RuntimeError("broken")

    logger = logging.getLogger("genotel")
    logger.addFilter(broken)
    try:
        guard.report("a", _fault())
        guard.warn_once("b", "said")
    finally:
        logger.removeFilter(broken)
    assert guard.internal_errors() == {"a": 1}


def test_a_fault_that_was_never_raised_has_no_origin(caplog: pytest.LogCaptureFixture) -> None:
    """Such a fault is reported all the same."""
    guard.report("a", ValueError("never raised"))
    assert "ValueError in unknown place" in caplog.text


def test_places_are_bounded() -> None:
    """Past the cap every new place counts as other; known ones go on."""
    for number in range(guard.MAX_PLACES + 5):
        guard.report(f"place {number}", _fault())
    guard.report("place 0", _fault())
    counts = guard.internal_errors()
    assert len(counts) == guard.MAX_PLACES + 1
    assert (counts["other"], counts["place 0"]) == (5, 2)


def test_warnings_are_said_once_and_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """The same place warns once; past the cap nothing new does."""
    for number in range(guard.MAX_PLACES + 5):
        guard.warn_once(f"place {number}", "said by %s", number)
    guard.warn_once("place 0", "again")
    assert len(caplog.records) == guard.MAX_PLACES
    assert caplog.records[0].getMessage() == "said by 0"


def test_guarded_swallows_exceptions_only() -> None:
    """Ctrl-C and cancellation are the user's and pass through."""
    with guard.guarded("a"):
        raise KeyError("ours")
    with pytest.raises(KeyboardInterrupt), guard.guarded("a"):
        raise KeyboardInterrupt
    assert guard.internal_errors() == {"a": 1}


def test_strict_raises_the_fault_and_ends_with_the_block() -> None:
    """Our own tests must see what users must not."""
    with guard.strict(), pytest.raises(ValueError, match="prompt"), guard.guarded("a"):
        raise ValueError("a prompt of the user")
    guard.report("b", _fault())
    assert guard.internal_errors() == {"b": 1}


def test_threads_lose_no_count() -> None:
    """Each fault of each thread is counted."""
    logging.getLogger("genotel").setLevel(logging.CRITICAL)
    try:
        threads = [
            threading.Thread(target=lambda: [guard.report("a", ValueError()) for _ in range(500)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        logging.getLogger("genotel").setLevel(logging.NOTSET)
    assert guard.internal_errors() == {"a": 2000}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # Python 3.12 warns of threads; they are the point
def test_a_child_forked_under_the_lock_can_count_again() -> None:
    """``reset`` makes a new lock, since the thread that held the old one is not in the child."""
    with guard._lock:
        child = os.fork()
        if child == 0:
            guard.reset()
            guard.report("a", ValueError())
            os._exit(guard.internal_errors().get("a", 0) + 6)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
