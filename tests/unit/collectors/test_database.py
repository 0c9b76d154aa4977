"""Catalogues of servers: asked seldom, each by itself, and never waited for."""

from __future__ import annotations

import threading

import pytest

from genotel.collectors.collector import IncompleteError, NoData
from genotel.collectors.database import DatabaseCollector
from genotel.semconv import database_metrics as m
from tests.servers import wait_for


class Clock:
    """Tell the time that a test sets."""

    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        """Return it."""
        return self.now

    wall = monotonic


class FakeCatalogue:
    """Answer as it is told to, and count the questions."""

    def __init__(self, name="app", answers=()):
        self.name = name
        self.answers = list(answers)
        self.asked = 0

    def read(self):
        """Return or raise the next answer; the last one for ever."""
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


SIZE = [(m.DATABASE_SIZE, ("app",), 7)]


@pytest.fixture
def clock():
    """Stand still."""
    return Clock()


@pytest.fixture
def collector(clock):
    """Ask every 15 s."""
    collector = DatabaseCollector(15, clock=clock)
    yield collector
    collector.close()


def read(collector):
    """Return the readings, and whether they are complete."""
    readings = []
    try:
        # An error at its end leaves in the list what was yielded before.
        readings.extend(collector.collect())
    except IncompleteError:
        return readings, False
    return readings, True


def test_without_a_database_there_is_nothing_to_measure(collector):
    """Nobody handed one over, or it was taken back."""
    with pytest.raises(NoData):
        list(collector.collect())
    collector.add(FakeCatalogue(answers=[(SIZE, True)]))
    collector.remove("app")
    collector.remove("app")
    with pytest.raises(NoData):
        list(collector.collect())


def test_a_server_is_asked_once_an_interval(collector, clock):
    """However often a page is."""
    catalogue = FakeCatalogue(answers=[(SIZE, True)])
    collector.add(catalogue)
    for seconds in (0, 5, 9.9):
        clock.now += seconds
        assert read(collector) == (SIZE, True)
    assert catalogue.asked == 1
    clock.now += 0.1
    read(collector)
    assert catalogue.asked == 2


def test_a_part_that_is_missing_is_told(collector):
    """What there is counts."""
    collector.add(FakeCatalogue(answers=[(SIZE, False)]))
    assert read(collector) == (SIZE, False)


def test_a_server_that_fails_takes_its_own_values_only(collector, clock):
    """And it is asked again an interval later."""
    collector.add(FakeCatalogue("other", answers=[([(m.DATABASE_SIZE, ("other",), 1)], True)]))
    collector.add(FakeCatalogue(answers=[(SIZE, True), OSError("down"), (SIZE, True)]))
    assert len(read(collector)[0]) == 2
    clock.now += 15
    assert read(collector) == ([(m.DATABASE_SIZE, ("other",), 1)], False)
    clock.now += 14
    assert read(collector)[1] is False
    clock.now += 1
    readings, complete = read(collector)
    assert (len(readings), complete) == (2, True)


def test_a_server_that_hangs_is_on_the_page_after_it_came_back(clock, monkeypatch):
    """The page does not wait; the answer that was late is not lost."""
    monkeypatch.setattr("genotel.collectors.database._LIMIT_SECONDS", 0.05)
    comes_back = threading.Event()

    class Hanging(FakeCatalogue):
        def read(self):
            comes_back.wait(30)
            return super().read()

    collector = DatabaseCollector(15)
    collector.add(Hanging(answers=[(SIZE, True)]))
    assert read(collector) == ([], False)
    comes_back.set()
    wait_for("the late answer", lambda: read(collector) == (SIZE, True))
    collector.close()
