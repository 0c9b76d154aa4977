"""A child that answers, is late, ends, or says nothing: always somebody else's trouble."""

from __future__ import annotations

import os
import signal
import time

import pytest

from genotel.clock import Clock
from genotel.collectors.child_process import ChildProcess

# Answers each question with its own words; what it does before is up to the test.
CHILD = """
import os, sys, time
from genotel.collectors.framing import FrameReader, packed
frames, number = FrameReader(), 0
while piece := os.read(0, 4096):
    for question in frames.messages(piece):
        number += 1
        exec(sys.argv[1])
        os.write(1, packed({"seq": number, "path0": sys.path[0], **question}))
"""


class MovingClock:
    """Be the real clock and what the test adds to it."""

    def __init__(self):
        self.added = 0.0

    def clock(self):
        return Clock(monotonic=lambda: time.monotonic() + self.added)


@pytest.fixture
def moving():
    """Return a clock to turn."""
    return MovingClock()


@pytest.fixture
def child(monkeypatch, tmp_path, moving):
    """Return a maker of children that end with the test."""
    (tmp_path / "answering_child.py").write_text(CHILD)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    made = []

    def make(deed="", **options):
        made.append(ChildProcess("answering_child", [deed], clock=moving.clock(), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def running(pid):
    """Return whether a process is there and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def until(condition, seconds=10.0):
    """Wait for other processes; return whether the condition came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_nothing_is_started_before_the_first_question(child):
    """Making one costs nothing."""
    one = child()
    assert (one.pid, one.starts) == (None, 0)


def test_a_question_is_answered(child):
    """By one process for all of them, which finds genotel where we do and nothing in the working folder."""
    one = child()
    [first] = one.ask({"a": 1}, 10)
    [second] = one.ask({"a": 2}, 10)
    assert (first["seq"], second["seq"], second["a"], one.starts) == (1, 2, 2, 1)
    assert first["path0"] not in ("", os.getcwd())


def test_what_a_child_says_unasked_comes_with_the_answer(child):
    """In the order in which it was said."""
    one = child("os.write(1, packed({'event': number}))")
    assert [*map(sorted, one.ask({}, 10))] == [["event"], ["path0", "seq"]]


def test_a_late_answer_is_taken_at_the_next_question(child, moving):
    """The page does not wait, and no second question piles up."""
    one = child("time.sleep(0.2)")
    assert one.ask({"a": 1}, 0) == []
    assert one.ask({"a": 2}, 0) == []
    assert [answer["a"] for answer in one.ask({"a": 3}, 10)] == [1]
    assert one.starts == 1


def test_a_child_that_ends_is_started_again_after_a_while(child, moving):
    """After 1 s, then 2 s, 4 s …, so that a driver that crashes at once is not crashed in a loop."""
    one = child("os._exit(1)")
    for delay in (1, 2, 4):
        assert one.ask({}, 10) == []
        starts = one.starts
        moving.added += delay - 0.5
        assert one.ask({}, 10) == []
        assert (one.starts, one.pid) == (starts, None)
        moving.added += 0.5
    assert starts == 3


def test_what_was_said_before_the_end_is_heard(child):
    """The last words before a crash are the ones that matter."""
    one = child("os.write(1, packed({'event': 1})); os._exit(1)")
    assert one.ask({}, 10) == [{"event": 1}]


def test_what_was_said_between_two_questions_before_the_end_is_heard(child):
    """The question goes nowhere, and the words are there."""
    words = "os.write(1, packed({'seq': 0})); time.sleep(0.2); os.write(1, packed({'event': 1})); os._exit(1)"
    one = child(words)
    assert one.ask({}, 10) == [{"seq": 0}]
    pid = one.pid
    assert until(lambda: not running(pid))
    assert one.ask({}, 10) == [{"event": 1}]


def test_the_wait_is_short_again_after_a_good_minute(child, moving):
    """One crash a day is no reason to be slow."""
    one = child("number == 3 and os._exit(1)")
    for _ in range(2):
        for _ in range(2):
            assert one.ask({}, 10)
            moving.added += 61
        assert one.ask({}, 10) == []
        moving.added += 1
    assert one.ask({}, 10)
    assert one.starts == 3


def test_a_silent_child_is_killed_and_replaced(child, moving):
    """It may hang in the kernel, so nobody waits for its end."""
    one = child("number == 2 and time.sleep(60)")
    one.ask({}, 10)
    pid = one.pid
    assert one.ask({}, 0) == []
    moving.added += 10
    assert one.ask({}, 0) == []
    assert one.pid is None
    moving.added += 1
    assert one.ask({}, 10)
    assert one.pid != pid
    assert until(lambda: not running(pid))


def test_a_killed_child_is_collected(child, moving):
    """No zombie stays for the life of the exporter."""
    one = child()
    one.ask({}, 10)
    pid = one.pid
    os.kill(pid, signal.SIGKILL)
    assert one.ask({}, 10) == []
    moving.added += 1
    assert until(lambda: one.ask({}, 1) and not os.path.exists(f"/proc/{pid}"))


def test_nonsense_on_the_pipe_costs_the_child(child):
    """A library that prints puts the stream out of step."""
    one = child("os.write(1, b'x' * 100)")
    assert one.ask({}, 10) == []
    assert one.pid is None


def test_a_replacement_may_be_wanted_at_once(child):
    """A GPU that came back is seen by a new process only."""
    one = child()
    one.ask({}, 10)
    pid = one.pid
    one.replace(at_once=True)
    assert one.ask({}, 10)
    assert one.pid != pid


def test_closing_ends_the_child_for_good(child):
    """Nothing is started any more."""
    one = child()
    one.ask({}, 10)
    pid = one.pid
    one.close()
    assert not running(pid)
    assert one.ask({}, 10) == []
    one.close()


def test_an_interpreter_that_is_not_there_is_a_child_that_ends(child, monkeypatch):
    """An embedding server may call itself the executable."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    one = child()
    assert one.ask({}, 10) == []
    assert one.pid is None


def test_a_fork_has_a_child_of_its_own(child):
    """Two processes that read one pipe would take each other's answers."""
    one = child()
    one.ask({}, 10)
    pid = one.pid
    read, write = os.pipe()
    forked = os.fork()
    if forked == 0:
        try:
            [answer] = one.ask({"a": 5}, 10)
            os.write(write, b"own" if answer["a"] == 5 and one.pid != pid else b"same")
            one.close()
        finally:
            os._exit(0)
    os.waitpid(forked, 0)
    assert os.read(read, 10) == b"own"
    os.close(read)
    os.close(write)
    assert one.ask({}, 10)
    assert one.pid == pid


def test_closing_in_a_fork_leaves_the_child_to_its_parent(child):
    """A worker's end must not blind its parent."""
    one = child()
    one.ask({}, 10)
    forked = os.fork()
    if forked == 0:
        one.close()
        os._exit(0)
    os.waitpid(forked, 0)
    assert one.ask({}, 10)


def test_descriptors_do_not_grow_with_replacements(child):
    """Each child has two pipes, and takes them with it."""
    one = child()
    one.ask({}, 10)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        one.replace(at_once=True)
        one.ask({}, 10)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_child_of_another_process_is_let_go(child, monkeypatch):
    """As a fork sees it, looked at without one: its pipes are closed, its process is not ours to end."""
    one = child()
    one.ask({}, 10)
    pid = one.pid
    own = os.getpid()
    monkeypatch.setattr("genotel.collectors.child_process.os.getpid", lambda: own + 1)
    one.close()
    assert running(pid)
    assert one.ask({}, 10)
    assert one.pid != pid
    # Its input has ended.
    assert until(lambda: not running(pid))
