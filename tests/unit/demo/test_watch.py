"""Following a run: live or in lines, with a Prometheus or without, to its end or until stopped."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from genotel.clock import Clock
from genotel.demo.loaded_models import ModelSize
from genotel.demo.prometheus_process import Sample
from genotel.demo.watch import Watch
from genotel.demo.workload import LiveModel, Workload
from genotel.errors import ServerError

TINY = (LiveModel("tiny", ModelSize(8, 20), (3,), 1),)
NOBODY = "http://127.0.0.1:1/metrics"


class SteppedTime:
    """Let time pass by sleeping only."""

    def __init__(self):
        self.now = 100.0
        self.slept = 0

    def sleep(self, seconds):
        """Let seconds pass at once."""
        self.now += seconds
        self.slept += 1

    @property
    def clock(self):
        """Return a clock that tells this time."""
        return Clock(wall=lambda: self.now, monotonic=lambda: self.now)


class FakePrometheus:
    """Answer with a count from a list, its last one for ever; None is no answer."""

    url = "http://127.0.0.1:2/"

    def __init__(self, counts, failure=None):
        self.counts = list(counts)
        self.failure = failure

    def query(self, promql):
        """Give the count where it is asked for, nothing else."""
        if "histogram" in promql:
            return []
        count = self.counts[0] if len(self.counts) == 1 else self.counts.pop(0)
        if count is None:
            raise ServerError("not ready")
        return [Sample({}, float(count() if callable(count) else count))]


def make(time, *, prometheus=None, seconds=10.0, is_stopped=lambda: False):
    """Return a watch on a tiny workload."""
    return Watch(Workload(TINY), NOBODY, prometheus, seconds, is_stopped, clock=time.clock, sleep=time.sleep)


def console(*, is_live=False, height=40, width=100):
    """Return a terminal, or a pipe."""
    return Console(file=io.StringIO(), width=width, height=height, force_terminal=is_live, color_system=None)


def test_a_pipe_gets_a_line_every_three_seconds():
    """And at the end the whole view."""
    time = SteppedTime()
    out = console()
    make(time).follow(out)
    text = out.file.getvalue()
    assert [line[:6] for line in text.splitlines()[:3]] == ["   3 s", "   6 s", "   9 s"]
    assert "10 s of 10 s" in text
    assert "none runs beside this demo" in text
    assert time.now == pytest.approx(110, abs=0.5)


def test_a_terminal_gets_one_screen_that_changes():
    """Frame over frame, the last one stays."""
    time = SteppedTime()
    out = console(is_live=True)
    make(time, seconds=2.0).follow(out)
    frames = out.file.getvalue()
    assert frames.count("genotel demo") > 8
    assert "2 s of 2 s" in frames
    assert "\x1b[" in frames


def test_a_dumb_terminal_is_a_pipe(monkeypatch):
    """It cannot go back up to draw over what it has shown."""
    monkeypatch.setenv("TERM", "dumb")
    out = console(is_live=True)
    make(SteppedTime(), seconds=4.0).follow(out)
    assert out.file.getvalue().startswith("   3 s  real calls")


def test_it_ends_when_it_is_stopped():
    """At the next frame, without waiting for anything."""
    time = SteppedTime()
    make(time, seconds=None, is_stopped=lambda: time.now > 101).follow(console())
    assert time.now == pytest.approx(101, abs=0.6)


def test_the_time_begins_with_the_first_scrape():
    """Until then the workload warms up; what Prometheus has not seen its rates do not know."""
    time = SteppedTime()
    watch = make(
        time, prometheus=FakePrometheus([None, None, None, 0]), seconds=5.0, is_stopped=lambda: time.now > 108.5
    )
    out = console(is_live=True)
    watch.follow(out)
    text = out.file.getvalue()
    assert "warms up until the first scrape" in text
    assert "does not answer yet" in text
    assert "5 s of 5 s" in text
    assert time.now > 107.5


@pytest.mark.parametrize(
    ("prometheus", "begins_after"),
    [(FakePrometheus([None]), 15.0), (FakePrometheus([None], failure="no space left"), 0.0)],
)
def test_a_prometheus_that_never_answers_stops_nothing(prometheus, begins_after):
    """It is waited for a while, not at all once it has ended."""
    time = SteppedTime()
    out = console()
    make(time, prometheus=prometheus, seconds=5.0).follow(out)
    assert time.now - 100 == pytest.approx(begins_after + 5.0, abs=1.0)
    assert ("has ended: no space left" in out.file.getvalue()) is (begins_after == 0.0)


def test_the_end_waits_for_the_scrape_that_saw_the_last_call():
    """So that both counts can be held against each other."""
    time = SteppedTime()
    watch = make(time, seconds=1.0)
    watch.prometheus = FakePrometheus([0, 0, 0, -1, -1, lambda: watch.workload.tally.calls])
    out = console()
    watch.follow(out)
    assert "by PromQL: equal" in out.file.getvalue()


def test_the_end_does_not_wait_for_ever():
    """A count that never agrees is said as it is."""
    time = SteppedTime()
    out = console()
    make(time, prometheus=FakePrometheus([10**6]), seconds=1.0).follow(out)
    assert "by PromQL: unequal" in out.file.getvalue()
    assert time.now < 110


def test_the_workload_is_stopped_whatever_happens():
    """A closed pipe, for one."""
    watch = make(SteppedTime())
    out = console()
    out.file.close()
    with pytest.raises(ValueError, match="closed file"):
        watch.follow(out)
    assert watch.workload.tally.running == 0
