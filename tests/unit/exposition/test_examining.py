"""The thread that settles what takes time."""

from __future__ import annotations

import threading
from http import HTTPStatus

import pytest

from genotel import guard
from genotel.exposition.answer import plain
from genotel.exposition.examining import ExaminingThread
from genotel.exposition.gate import Examination
from genotel.exposition.request import Request
from tests.unit.exposition.conftest import until


class FakeGate:
    """Settle by path, once the gate is open."""

    def __init__(self):
        self.open = threading.Event()
        self.settled = []

    def settle(self, examination):
        """Refuse ``/no``, fail at ``/fault``."""
        assert self.open.wait(10)
        path = examination.request.path
        self.settled.append(path)
        if path == "/fault":
            raise ZeroDivisionError
        return plain(HTTPStatus.UNAUTHORIZED) if path == "/no" else None


@pytest.fixture
def gate():
    """Give a gate that is open at the end."""
    fake = FakeGate()
    yield fake
    fake.open.set()


@pytest.fixture
def verdicts():
    """Collect what is delivered."""
    return {}


@pytest.fixture
def thread(gate, verdicts):
    """Give a thread that lets two wait."""

    def deliver(examination, refusal):
        verdicts[examination.request.path] = refusal

    examiner = ExaminingThread(gate, deliver, max_waiting=2)
    yield examiner
    gate.open.set()
    examiner.stop(5)


def ask(path, *, urgent=False):
    """Return an examination."""
    return Examination(Request("GET", path, "", {}, True), urgent=urgent)


def test_verdicts_are_delivered(thread, gate, verdicts):
    """A refusal, or None for who may pass."""
    gate.open.set()
    assert thread.submit(ask("/yes"))
    assert thread.submit(ask("/no"))
    until(lambda: len(verdicts) == 2)
    assert verdicts["/yes"] is None
    assert verdicts["/no"].status == 401


def test_urgent_ones_go_first_and_are_not_bounded(thread, gate, verdicts):
    """They are of clients that are known; the others may be guesses."""
    assert thread.submit(ask("/first"))
    until(lambda: not thread._waiting)
    assert [thread.submit(ask(path)) for path in ("/a", "/b", "/c")] == [True, True, False]
    assert all(thread.submit(ask(f"/urgent{number}", urgent=True)) for number in range(5))
    gate.open.set()
    until(lambda: len(verdicts) == 8)
    assert gate.settled == ["/first", *(f"/urgent{number}" for number in range(5)), "/a", "/b"]


def test_what_nobody_waits_for_is_not_settled(thread, gate, verdicts):
    """A client that has gone costs no hash."""
    thread.submit(ask("/first"))
    until(lambda: not thread._waiting)
    gone, urgent = ask("/gone"), ask("/gone too", urgent=True)
    thread.submit(gone)
    thread.submit(urgent)
    for examination in (gone, urgent, ask("/never")):
        thread.withdraw(examination)
    gate.open.set()
    until(lambda: bool(verdicts))
    assert gate.settled == ["/first"]


def test_a_fault_lets_nobody_in(thread, gate, verdicts, monkeypatch):
    """It is counted, and the thread goes on."""
    monkeypatch.setattr(guard, "_strict", False)
    gate.open.set()
    thread.submit(ask("/fault"))
    thread.submit(ask("/yes"))
    until(lambda: len(verdicts) == 2)
    assert verdicts["/fault"].status == 503
    assert guard.internal_errors() == {"exposition.users": 1}


def test_after_the_end_nothing_is_taken(thread, gate):
    """And a thread that never began ends at once."""
    gate.open.set()
    thread.stop(5)
    assert not thread.submit(ask("/yes"))
    thread.stop(5)


def test_a_process_without_threads_turns_away(thread, monkeypatch):
    """It may have some again later."""

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert not thread.submit(ask("/yes"))
    assert thread._thread is None
