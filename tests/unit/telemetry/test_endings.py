"""What is done before a process ends by SIGTERM or as a child of multiprocessing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from genotel.telemetry.endings import before_multiprocessing_ends, before_sigterm


@pytest.fixture(autouse=True)
def handler():
    """Put the handler back that was there before."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def test_a_programs_own_handler_comes_after(handler):
    """With the arguments that it would have had."""
    done = []
    signal.signal(signal.SIGTERM, lambda number, frame: done.append((number, frame is not None)))
    before_sigterm(lambda: done.append("flushed"))
    signal.raise_signal(signal.SIGTERM)
    assert done == ["flushed", (signal.SIGTERM, True)]


def test_a_signal_that_was_ignored_stays_so(handler):
    """The program goes on."""
    done = []
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    before_sigterm(lambda: done.append("flushed"))
    signal.raise_signal(signal.SIGTERM)
    assert done == ["flushed"]


def test_a_program_without_a_handler_dies_of_the_signal():
    """Its parent sees what it would have seen without us."""
    program = (
        "import os, signal\n"
        "from genotel.telemetry.endings import before_sigterm\n"
        "before_sigterm(lambda: print('flushed', flush=True))\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "flushed\n")


def test_outside_of_the_main_thread_nothing_can_be_chained(caplog):
    """Python allows handlers there only; one warning says so."""
    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=before_sigterm, args=(os.getpid,))
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is before
    assert "main thread" in caplog.text


def test_a_program_without_multiprocessing_does_not_load_it():
    """Its modules take their time."""
    program = (
        "import os, sys\n"
        "from genotel.telemetry.endings import before_multiprocessing_ends\n"
        "before_multiprocessing_ends(os.getpid)\n"
        "assert not [name for name in sys.modules if name.startswith('multiprocessing')]\n"
    )
    subprocess.run([sys.executable, "-c", program], timeout=60, check=True)


PROGRAM = """
import multiprocessing, os, sys
from genotel.telemetry.endings import before_multiprocessing_ends

def flush():
    os.write(1, b"flushed by parent\\n" if os.getpid() == PARENT else b"flushed by child\\n")

def work():
    {early}

def late():
    before_multiprocessing_ends(flush)

PARENT = int(os.environ.setdefault("PARENT", str(os.getpid())))
{at_import}
if __name__ == "__main__":
    child = multiprocessing.get_context({method!r}).Process(target=work)
    child.start()
    child.join()
"""


@pytest.mark.parametrize(
    ("method", "when"),
    # What is asked for before a fork, configure() asks for again in the child; a spawned child that
    # asks at import ends as any program does.
    [("fork", "in the child"), ("spawn", "in the child"), ("forkserver", "in the child"), ("forkserver", "at import")],
)
def test_a_child_of_multiprocessing_flushes(method, when, tmp_path):
    """However it was started, whether the program or its work asked for it; the parent does not."""
    texts = {"early": "pass" if when == "at import" else "late()", "at_import": "late()" if when == "at import" else ""}
    (tmp_path / "program.py").write_text(PROGRAM.format(method=method, **texts))
    ended = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.stderr, ended.returncode) == ("", 0)
    assert set(ended.stdout.splitlines()) == {"flushed by child"}


def test_a_process_that_multiprocessing_did_not_start_is_left_alone():
    """Its exit functions run at its end."""
    from multiprocessing import util

    before = len(util._finalizer_registry)
    before_multiprocessing_ends(os.getpid)
    assert len(util._finalizer_registry) == before
