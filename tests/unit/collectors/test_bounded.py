"""Calls that may hang."""

from __future__ import annotations

import os
import threading
import time

import pytest

from genotel.collectors.bounded import BoundedRunner, Call, Done, Failed, Hung


@pytest.fixture
def runner():
    """Return a runner with short limits; its threads end with the test."""
    made = BoundedRunner("test", limit_seconds=0.1, patience_seconds=0.01)
    yield made
    made.close()
    _wait_for(lambda: not _names())


def _names():
    return [thread.name for thread in threading.enumerate() if thread.name == "genotel-test"]


def _wait_for(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_values_errors_and_times_by_key(runner):
    """Each call has its own outcome; one that raises costs the others nothing."""

    def fails():
        raise ValueError("broken")

    outcomes = runner.run([Call("one", lambda: 1), Call("two", fails), Call("three", lambda: 3)])
    assert list(outcomes) == ["one", "two", "three"]
    assert isinstance(outcomes["one"], Done)
    assert outcomes["one"].value == 1
    assert 0 <= outcomes["one"].seconds < 10
    assert isinstance(outcomes["two"], Failed)
    assert isinstance(outcomes["two"].error, ValueError)
    assert outcomes["three"].value == 3


def test_no_call_is_no_outcome(runner):
    """And needs no thread."""
    assert runner.run([]) == {}
    assert _names() == []


def test_the_thread_is_kept_from_run_to_run(runner):
    """Making a thread for each scrape would cost more than the scrape."""
    threads = set()
    for _ in range(50):
        runner.run([Call("a", lambda: threads.add(threading.get_ident())), Call("b", lambda: None)])
    assert len(threads) == 1
    assert len(_names()) == 1


def test_a_call_that_hangs_is_given_up_and_skipped_until_it_comes_back(runner):
    """Its thread is the only one lost, and after its return it is measured again."""
    release = threading.Event()
    calls = [Call("stuck", lambda: release.wait(60)), Call("other", lambda: 2)]
    first = runner.run(calls)
    assert first["stuck"] == Hung(still=False)
    assert first["other"].value == 2
    for _ in range(20):
        again = runner.run(calls)
        assert again["stuck"] == Hung(still=True)
        assert again["other"].value == 2
        assert len(_names()) == 2
    release.set()
    _wait_for(lambda: len(_names()) == 1)
    assert runner.run(calls)["stuck"].value is True


def test_many_calls_that_hang_together_take_one_limit(runner):
    """Ten dead mounts must not take ten limits."""
    release = threading.Event()
    calls = [Call(str(number), lambda: release.wait(60)) for number in range(10)] + [Call("last", lambda: "there")]
    begun = time.monotonic()
    outcomes = runner.run(calls)
    assert time.monotonic() - begun < 0.8
    assert outcomes.pop("last").value == "there"
    assert set(outcomes.values()) == {Hung(still=False)}
    release.set()
    _wait_for(lambda: len(_names()) == 1)


def test_a_slow_call_within_its_limit_counts(runner):
    """Over the patience the others move on; the slow one's value is still taken."""
    outcomes = runner.run([Call("slow", lambda: time.sleep(0.03) or "slow"), Call("fast", lambda: "fast")])
    assert [outcomes[key].value for key in ("slow", "fast")] == ["slow", "fast"]
    assert outcomes["slow"].seconds >= 0.03
    for _ in range(5):
        runner.run([Call("slow", lambda: time.sleep(0.03)), Call("fast", lambda: "fast")])
    assert len(_names()) == 2, "the second thread is kept too"


def test_whatever_a_call_raises_does_not_end_the_thread(runner):
    """Even an exit: the next run would wait for a thread that is gone."""

    def leaves():
        raise SystemExit

    assert isinstance(runner.run([Call("leaves", leaves)])["leaves"].error, SystemExit)
    assert runner.run([Call("next", lambda: 1)])["next"].value == 1


def test_close_ends_the_waiting_threads(runner):
    """Nothing is left behind."""
    runner.run([Call("a", lambda: time.sleep(0.03)), Call("b", lambda: None)])
    runner.close()
    _wait_for(lambda: _names() == [])


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_makes_threads_of_its_own(runner):
    """The parent's threads, and what hung in them, are not there after a fork."""
    release = threading.Event()
    runner.run([Call("stuck", lambda: release.wait(60)), Call("a", lambda: 1)])
    child = os.fork()
    if child == 0:
        outcomes = runner.run([Call("stuck", lambda: "free"), Call("a", lambda: 1)])
        os._exit(0 if [outcomes[key].value for key in ("stuck", "a")] == ["free", 1] else 1)
    _, status = os.waitpid(child, 0)
    release.set()
    assert os.waitstatus_to_exitcode(status) == 0
