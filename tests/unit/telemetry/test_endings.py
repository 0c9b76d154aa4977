"""What can be done before a process ends is done, whoever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from genotel import guard
from genotel.telemetry import endings


@pytest.fixture(autouse=True)
def untouched() -> Iterator[None]:
    """Leave SIGTERM as it was."""
    before = signal.getsignal(signal.SIGTERM)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGTERM, before)
    endings._chained = None


def test_sigterm_flushes_and_then_does_what_it_did() -> None:
    """A handler of the program's own comes after the flush."""
    log: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: log.append("program"))
    endings.before_sigterm(lambda: log.append("flush"))
    signal.raise_signal(signal.SIGTERM)
    assert log == ["flush", "program"]


def test_an_ignored_sigterm_stays_ignored() -> None:
    """The program goes on, flushed."""
    log: list[str] = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    endings.before_sigterm(lambda: log.append("flush"))
    signal.raise_signal(signal.SIGTERM)
    assert log == ["flush"]


def test_a_program_without_a_handler_dies_of_the_signal() -> None:
    """Its parent sees that, as it would have seen it without us."""
    child = os.fork()
    if child == 0:
        endings.before_sigterm(lambda: os.write(1, b""))  # type: ignore[arg-type,return-value]  # its result is nobody's
        signal.raise_signal(signal.SIGTERM)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM


def test_chaining_again_is_harmless() -> None:
    """A hundred configure() calls flush once."""
    log: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: log.append("program"))
    for _ in range(100):
        endings.before_sigterm(lambda: log.append("flush"))
    signal.raise_signal(signal.SIGTERM)
    assert log == ["flush", "program"]


def test_leaving_puts_back_what_was_there() -> None:
    """Unless somebody else has set a handler since: that one stays."""
    before = signal.getsignal(signal.SIGTERM)
    endings.leave_sigterm()
    endings.before_sigterm(lambda: None)
    endings.leave_sigterm()
    assert signal.getsignal(signal.SIGTERM) == before
    endings.before_sigterm(lambda: None)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    endings.leave_sigterm()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN


def test_only_the_main_thread_can_chain(caplog: pytest.LogCaptureFixture) -> None:
    """Python allows no other; said once, and nothing is changed."""
    guard.reset()
    thread = threading.Thread(target=lambda: (endings.before_sigterm(lambda: None), endings.leave_sigterm()))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert [record.getMessage() for record in caplog.records] == [
        "genotel: handle_signals needs configure() to be called in the main thread; SIGTERM is left alone"
    ]


def test_a_flush_that_waits_for_the_interrupted_thread_does_not_hold_the_end_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The signal came while the main thread had the very lock that flushing needs."""
    monkeypatch.setattr(endings, "FLUSH_SECONDS", 0.05)
    log: list[str] = []
    lock = threading.Lock()
    signal.signal(signal.SIGTERM, lambda *_: log.append("program"))

    def flush() -> None:
        with lock:
            log.append("flush")

    endings.before_sigterm(flush)
    with lock:
        signal.raise_signal(signal.SIGTERM)
        assert log == ["program"]


def test_where_no_thread_can_be_had_it_flushes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interpreter that is ending starts none."""

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    log: list[str] = []
    endings._in_thread(lambda: log.append("flush"))
    assert log == ["flush"]


CHILDREN = """
import multiprocessing.util, sys
from genotel.telemetry import endings

def flush():
    print("flush", flush=True)

def work():
    endings.before_multiprocessing_ends(flush)

def nothing():
    pass

if __name__ == "__main__":
    if sys.argv[1] == "before":
        endings.before_multiprocessing_ends(flush)
    context = multiprocessing.get_context(sys.argv[2])
    child = context.Process(target=nothing if sys.argv[1] == "before" else work)
    child.start()
    child.join()
    print("parent ends", flush=True)
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_flushes_though_it_leaves_by_exit(method: str, tmp_path: object) -> None:
    """Asked for in the child itself, by any way of starting it; the parent has its own exit functions."""
    script = os.path.join(str(tmp_path), "program.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(CHILDREN)
    done = subprocess.run(
        [sys.executable, script, "in child", method], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["flush", "parent ends"]


def test_a_forked_child_inherits_the_wish(tmp_path: object) -> None:
    """Asked for before the fork, it is not forgotten with the parent's finalizers."""
    script = os.path.join(str(tmp_path), "program.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(CHILDREN)
    done = subprocess.run(
        [sys.executable, script, "before", "fork"], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == ["flush", "parent ends"]


def test_a_program_without_multiprocessing_does_not_load_it() -> None:
    """It costs those nothing who do not use it."""
    code = (
        "import sys; before = 'multiprocessing.util' in sys.modules; from genotel.telemetry import endings; "
        "endings.before_multiprocessing_ends(print); print(('multiprocessing.util' in sys.modules) == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"
