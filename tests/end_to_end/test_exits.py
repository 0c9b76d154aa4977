"""Nothing is lost, however a process and its children come to their end: cases × exits × pages.

Counts are exact in the journal and on the parent's page; a child begins at zero. What cannot be exact,
since nothing of ours runs any more (``os._exit``, SIGKILL), loses at most what is younger than one
flush of the journal (0.25 s) or one look of the spool (1 s), and there is a test that says so.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from genotel.journal.reader import JournalReader
from genotel.journal.rows import KILLED
from tests.leftovers import ended_with_test

# Longer than a flush of the journal and a look of the spool take on a busy machine.
SETTLED_SECONDS = 3.0
# No run takes more than a few; one that hangs is a deadlock.
TIMEOUT_SECONDS = 60.0

PROGRAM = '''
import json, multiprocessing, os, signal, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
import genotel
from genotel.exposition.text_format import TEXT_0_0_4

plan = json.loads(os.environ["PLAN"])
handle = genotel.configure(port=0, handle_signals=True, models=["m"])

@genotel.measure(model="m")
def generate():
    pass

def shown(page):
    """Return the calls that a page counts."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.render(TEXT_0_0_4).decode().splitlines()
        if line.startswith("genotel_generation_requests_total{")
    )

def say(**facts):
    """Write one line at once: several processes share the pipe."""
    os.write(1, (json.dumps(facts) + "\\n").encode())

def leave():
    how = plan["exit"]
    if plan["settled"]:
        time.sleep(plan["settled"])
    if how == "return":
        return
    if how == "sys.exit":
        sys.exit(3)
    if how == "exception":
        raise RuntimeError("told to")
    if how == "SIGTERM":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
    if how == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(0)

def work():
    """Be a child: begin at zero, make calls, leave as planned."""
    from genotel import startup
    own = startup._handle
    for _ in range(plan["calls"]):
        generate()
    say(child=accumulated(), shown=None if plan["spool"] else shown(own.page))
    leave()

def accumulated():
    from genotel.instrumentation import accumulators
    return sum(sum(totals.finished) for totals in accumulators.all_calls())

def fork_some():
    children = []
    for _ in range(plan["children"]):
        child = os.fork()
        if child == 0:
            sys.stderr = open(os.devnull, "w")
            work()
            sys.exit(0)
        children.append(child)
    if plan["case"] == "prefork":
        for _ in range(plan["calls"]):
            generate()
        time.sleep(0.1)
    for child in children:
        os.waitpid(child, 0)

def main():
    for _ in range(plan["calls"]):
        generate()
    case = plan["case"]
    if case == "alone":
        say(parent=shown(handle.page))
        leave()
        return
    if case == "pool":
        with ThreadPoolExecutor(4) as pool:
            [*pool.map(lambda _: generate(), range(plan["children"] * plan["calls"]))]
        say(parent=shown(handle.page))
        leave()
        return
    if case == "pool at exit":
        pool = ThreadPoolExecutor(2)
        for _ in range(plan["children"] * plan["calls"]):
            pool.submit(generate)
        say(parent=None)
        leave()
        return
    if case in ("os.fork", "prefork", "fork in a call", "fork beside threads"):
        stop = threading.Event()
        if case == "fork beside threads":
            def spin():
                while not stop.is_set():
                    with genotel.generation("other") as call:
                        call.step()
                        call.outputs()
            spinning = [threading.Thread(target=spin) for _ in range(3)]
            for thread in spinning:
                thread.start()
        if case == "fork in a call":
            with genotel.generation("m"):
                fork_some()
        else:
            fork_some()
        if case == "fork beside threads":
            stop.set()
            for thread in spinning:
                thread.join()
    else:
        context = multiprocessing.get_context(case)
        children = [context.Process(target=work) for _ in range(plan["children"])]
        for child in children:
            child.start()
        for child in children:
            child.join()
    say(parent=shown(handle.page))

if __name__ == "__main__":
    main()
'''

CALLS, CHILDREN = 20, 2
FORKS = ("os.fork", "prefork", "fork in a call", "fork", "spawn", "forkserver")
ORDERLY = ("return", "sys.exit", "exception", "SIGTERM")
# What starts an interpreter for each child takes its time; how it ends by itself makes no difference there.
SLOW = ("spawn", "forkserver")


class Run:
    """Run the program to its end and read what it left.

    Args:
        folder: for the program, its journal and spool.
        case: who makes calls.
        exit: how those leave.
        settled: seconds between the last call and the exit.
        spool: whether the processes share a page.
    """

    def __init__(self, folder: Path, case: str, exit: str, *, settled: float = 0.0, spool: bool = False) -> None:
        program, self.journal = folder / "program.py", folder / "journal.db"
        program.write_text(PROGRAM, encoding="utf-8")
        plan = {
            "case": case,
            "exit": exit,
            "calls": CALLS,
            "children": CHILDREN,
            "settled": settled,
            "spool": spool,
        }
        environment = {**os.environ, "PLAN": json.dumps(plan), "GENOTEL_JOURNAL": str(self.journal)}
        if spool:
            environment["GENOTEL_SPOOL"] = str(folder / "spool")
        if case == "fork beside threads":
            # It hung twice in a whole run, never without: perhaps in locks of the tool that measures coverage.
            environment = {key: value for key, value in environment.items() if not key.startswith("COV")}
        process = subprocess.Popen(
            [sys.executable, str(program)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder,
            start_new_session=True,
        )
        try:
            said, self.errors = process.communicate(timeout=TIMEOUT_SECONDS)
        finally:
            # A child that hangs holds the pipes open; none may outlive the test.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        self.code = process.returncode
        self.said: list[dict[str, Any]] = [json.loads(line) for line in said.splitlines()]

    @property
    def parent(self) -> float:
        """Return what the parent's page counted at the end."""
        (found,) = [line["parent"] for line in self.said if "parent" in line]
        return float(found)

    def calls(self, model: str = "m") -> dict[str, int]:
        """Return the calls in the journal by outcome."""
        found: dict[str, int] = {}
        with JournalReader(self.journal) as reader:
            for call in reader.calls(model=model):
                outcome = str(call.outcome)
                found[outcome] = found.get(outcome, 0) + 1
        return found


@pytest.mark.parametrize("exit", ORDERLY)
@pytest.mark.parametrize("case", ["alone", "pool", "pool at exit"])
def test_a_process_that_ends_in_order_loses_nothing(tmp_path: Path, case: str, exit: str) -> None:
    """By itself or by SIGTERM; tasks that a pool still has are done first, unless a signal ends it."""
    run = Run(tmp_path, case, exit)
    made = CALLS if case == "alone" else CALLS + CHILDREN * CALLS
    if case == "pool at exit" and exit == "SIGTERM":
        # The tasks that were not begun yet are not calls.
        assert CALLS <= run.calls()["ok"] <= made
        assert {*run.calls()} <= {"ok", KILLED}
    else:
        assert run.calls() == {"ok": made}
    if case != "pool at exit":
        assert run.parent == made
    assert run.code == {"return": 0, "sys.exit": 3, "exception": 1, "SIGTERM": -signal.SIGTERM}[exit]


@pytest.mark.parametrize(
    ("case", "exit"),
    [(case, exit) for case in FORKS for exit in ORDERLY if case not in SLOW or exit in ("return", "SIGTERM")],
)
def test_children_that_end_in_order_lose_nothing(tmp_path: Path, case: str, exit: str) -> None:
    """The journal has every call; each child counted its own from zero, the parent its own only."""
    run = Run(tmp_path, case, exit)
    children = [line for line in run.said if "child" in line]
    assert [(line["child"], line["shown"]) for line in children] == [(CALLS, CALLS)] * CHILDREN
    own = CALLS + (CALLS if case == "prefork" else 0) + (1 if case == "fork in a call" else 0)
    assert run.parent == own
    assert run.calls() == {"ok": own + CHILDREN * CALLS}
    assert run.code == 0


@pytest.mark.parametrize(
    ("case", "exit"),
    [*((case, "return") for case in FORKS), ("prefork", "SIGTERM"), ("fork", "SIGTERM")],
)
def test_with_a_spool_the_parents_page_counts_its_children(tmp_path: Path, case: str, exit: str) -> None:
    """One page for all processes, exact after the children's end."""
    run = Run(tmp_path, case, exit, spool=True)
    made = CALLS + CHILDREN * CALLS + (CALLS if case == "prefork" else 0) + (1 if case == "fork in a call" else 0)
    assert [line["child"] for line in run.said if "child" in line] == [CALLS] * CHILDREN
    assert run.parent == made
    assert run.calls() == {"ok": made}


@pytest.mark.parametrize(("case", "exit"), [("os.fork", "os._exit"), ("fork", "SIGKILL"), ("spawn", "SIGKILL")])
def test_children_that_just_stop_lose_only_the_last_moment(tmp_path: Path, case: str, exit: str) -> None:
    """Nothing of ours runs then; what was made a little before is in the journal and in the spool."""
    run = Run(tmp_path, case, exit, settled=SETTLED_SECONDS, spool=True)
    assert run.parent == CALLS + CHILDREN * CALLS
    assert run.calls() == {"ok": CALLS + CHILDREN * CALLS}


@pytest.mark.parametrize("exit", ["os._exit", "SIGKILL"])
def test_a_child_that_stops_at_once_does_not_harm_its_parent(tmp_path: Path, exit: str) -> None:
    """What it made in its last moment may be lost; what its parent made is not, and nothing hangs."""
    run = Run(tmp_path, "os.fork", exit)
    assert run.parent == CALLS
    found = run.calls()
    assert CALLS <= found["ok"] <= CALLS + CHILDREN * CALLS
    assert {*found} <= {"ok", KILLED}


@pytest.mark.parametrize("exit", ["return", "os._exit"])
def test_a_fork_beside_busy_threads_hangs_nobody(tmp_path: Path, exit: str) -> None:
    """The locks that those threads hold at that moment are held by nobody in the child."""
    run = Run(tmp_path, "fork beside threads", exit)
    children = [line for line in run.said if "child" in line]
    assert [line["child"] for line in children] == [CALLS] * CHILDREN
    assert {*run.calls("other")} == {"ok"}
    if exit == "return":
        assert run.calls() == {"ok": CALLS + CHILDREN * CALLS}


TOGETHER_PROGRAM = """
import sys, time
import genotel
print("ready", flush=True)
sys.stdin.readline()
genotel.configure(port=0, journal=sys.argv[1])
with genotel.generation("m"):
    pass
genotel.shutdown()
"""


def test_workers_that_start_at_the_same_moment_all_keep_the_journal(tmp_path: Path) -> None:
    """One of them makes the file while the others look at it; none takes it for another program's."""
    journal = tmp_path / "journal.db"
    workers = [
        ended_with_test(
            subprocess.Popen(
                [sys.executable, "-c", TOGETHER_PROGRAM, str(journal)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    assert [worker.communicate(timeout=TIMEOUT_SECONDS)[1] for worker in workers] == [""] * 4
    with JournalReader(journal) as reader:
        assert [call.outcome for call in reader.calls(model="m")] == ["ok"] * 4


KILLED_PROGRAM = """
import sys, time
import genotel
genotel.configure(port=0, journal=sys.argv[1])
with genotel.generation("m"):
    time.sleep(0.8)
    print("running", flush=True)
    time.sleep(30)
"""


def test_a_call_that_dies_with_its_process_is_seen(tmp_path: Path) -> None:
    """It was written at its start, so its end is known to be missing."""
    journal = tmp_path / "journal.db"
    process = subprocess.Popen([sys.executable, "-c", KILLED_PROGRAM, str(journal)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    deadline = time.monotonic() + 20
    while not journal.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    process.stdout.close()
    with JournalReader(journal) as reader:
        (call,) = reader.calls(model="m")
    assert call.outcome == KILLED
