"""Real processes in every way that they begin and end, on one exact page."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

import pytest

from genotel.exposition.page import Page
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.spool.folder import SpoolFolder
from genotel.spool.spool import Spool
from tests.servers import fetch, free_port, wait_for

OK = re.compile(r'^genotel_generation_requests_total\{.*genotel_outcome="ok".*\} (\d+)$', re.MULTILINE)
DURATIONS = re.compile(r"^gen_ai_client_operation_duration_seconds_count\{.*\} (\d+)$", re.MULTILINE)
STARTED = re.compile(r"^genotel_generation_started_total\{.*\} (\d+)$", re.MULTILINE)
ACTIVE = re.compile(r"^genotel_generation_active\{.*\} (\d+)$", re.MULTILINE)
MODEL = re.compile('gen_ai_request_model="([^"]*)"')
LIVE = re.compile(r'^genotel_spool_workers\{genotel_worker_state="live"\} (\d+)$', re.MULTILINE)

PREAMBLE = """
import multiprocessing, os, signal, sys, threading, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import genotel

@genotel.measure(model="sdxl")
def paint(number):
    return number

def paint_many(count):
    for number in range(count):
        paint(number)

def looked():
    # Longer than the interval at which values are looked at.
    time.sleep(1.6)

"""


def total(pattern: re.Pattern[str], page: str) -> int:
    """Return the sum over all series."""
    return sum(map(int, pattern.findall(page)))


def by_model(pattern: re.Pattern[str], page: str) -> dict[str, int]:
    """Return the value of each model's series."""
    found = (pattern.match(line) for line in page.splitlines())
    return {MODEL.search(each[0])[1]: int(each[1]) for each in found if each}  # type: ignore[index]  # all have one


def page_of(spool: Path) -> str:
    """Return the page of a spool, read by this process."""
    page = Page()
    page.join(Spool(spool, page).join)
    return page.render(TEXT_0_0_4).decode()


@contextmanager
def serving(spool: Path, *options: str) -> Iterator[str]:
    """Serve a spool and give the address of its page."""
    process = subprocess.Popen(
        [sys.executable, "-m", "genotel", "serve", "--port", "0", "--collectors", "none", "--spool", spool, *options],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        yield said.split()[-1]
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


def get(url: str) -> str:
    """Return the page."""
    return fetch(url).decode()


def run(program: str, folder: Path, *, spool: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program from a file, as multiprocessing needs it."""
    path = folder / "program.py"
    path.write_text(PREAMBLE + program)
    variables = {"GENOTEL_SPOOL": str(spool), "GENOTEL_PAGE": "false"}
    return subprocess.run(
        [sys.executable, path],
        env={**os.environ, **variables, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# How a process begins: what has `work(name)` run in such a process, and notes how to wait for its end.
BEGINNINGS = {
    "itself": "work('itself')",
    "os.fork": "if (pid := os.fork()) == 0:\n        work('os.fork')\n        sys.exit(0)\n"
    "    waits.append(lambda: os.waitpid(pid, 0))",
    **{
        method: f"child = multiprocessing.get_context({method!r}).Process(target=work, args=({method!r},))\n"
        "    child.start()\n    waits.append(child.join)"
        for method in ("fork", "spawn", "forkserver")
    },
}
# How it ends after its last call; what ends without our code running has been looked at before.
ENDS = {
    "returns": "pass",
    "sys.exit": "sys.exit(0)",
    "an error": "sys.stderr = open(os.devnull, 'w')\n    raise ValueError('the end')",
    "SIGTERM, handled": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "os._exit": "looked(); os._exit(0)",
    "SIGKILL": "looked(); os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "beginnings", [["itself"], ["os.fork", "fork", "spawn", "forkserver"]], ids=["itself", "children"]
)
def test_every_call_is_counted_however_a_process_begins_and_ends(
    tmp_path: Path, beginnings: list[str], end: str
) -> None:
    """Three calls before, five in each process; counters and histograms, whole and once, and nothing runs any more."""
    spool = tmp_path / "spool"
    children = "\n    ".join(BEGINNINGS[beginning] for beginning in beginnings)
    program = f"""
def work(name):
    for _ in range(5):
        with genotel.generation(name):
            pass
    {ENDS[end]}

genotel.configure()
if __name__ == "__main__":
    paint_many(3)
    waits = []
    {children}
    for wait in waits:
        wait()
"""
    run(program, tmp_path, spool=spool, GENOTEL_HANDLE_SIGNALS="true")
    page = page_of(spool)
    counts = dict.fromkeys(beginnings, 5) | {"sdxl": 3}
    assert by_model(OK, page) == counts
    assert by_model(DURATIONS, page) == counts
    assert total(ACTIVE, page) == 0


def test_pools_of_threads_and_processes_are_counted(tmp_path: Path) -> None:
    """Threads are the process's own; each process of a pool has its file."""
    program = """
genotel.configure()
if __name__ == "__main__":
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(paint, range(100)))
    for method in ("fork", "spawn", "forkserver"):
        with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            list(pool.map(paint, range(20)))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(paint, range(20))
        pool.close()
        pool.join()
"""
    ended = run(program, tmp_path, spool=tmp_path / "spool")
    assert (ended.returncode, ended.stderr) == (0, "")
    page = page_of(tmp_path / "spool")
    assert (total(OK, page), total(DURATIONS, page)) == (180, 180)


def test_short_jobs_are_counted_although_nobody_scraped_them(tmp_path: Path) -> None:
    """As cron starts them; they leave one file behind, and when the model was last used."""
    spool = tmp_path / "spool"
    job = PREAMBLE + "genotel.configure()\npaint_many(2)\n"
    environment = {**os.environ, "GENOTEL_SPOOL": str(spool), "GENOTEL_PAGE": "false"}
    before = time.time()
    for _ in range(5):
        subprocess.run([sys.executable, "-c", job], env=environment, check=True, timeout=60)
    with serving(spool) as url:
        page = get(url)
        assert total(OK, page) == 10
        used = re.search(r"^genotel_model_last_used_timestamp_seconds\{.*\} (\S+)$", page, re.MULTILINE)
        assert used is not None
        assert before < float(used[1]) < time.time()
        wait_for("the jobs to be folded", lambda: len(SpoolFolder(spool).read().workers) == 1)
        assert total(OK, get(url)) == 10


def test_a_program_that_keeps_its_own_provider_is_counted_in_its_children_too(tmp_path: Path) -> None:
    """A child's copy of the provider still holds its parent's counts, so ours begin anew beside it."""
    program = """
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
if __name__ == "__main__":
    metrics.set_meter_provider(MeterProvider())
    genotel.configure()
    metrics.get_meter("app").create_counter("app_jobs").add(4)
    paint_many(3)
    child = multiprocessing.get_context("fork").Process(target=paint_many, args=(5,))
    child.start()
    child.join()
"""
    ended = run(program, tmp_path, spool=tmp_path / "spool")
    assert (ended.returncode, ended.stderr) == (0, "")
    page = page_of(tmp_path / "spool")
    assert (total(OK, page), total(DURATIONS, page)) == (8, 8)
    assert re.search(r"^app_jobs_total\{.*\} 4$", page, re.MULTILINE)


def test_a_program_that_begins_again_is_counted_once(tmp_path: Path) -> None:
    """Its first life is that of an ended process."""
    program = """
for count in (3, 5):
    handle = genotel.configure()
    paint_many(count)
    handle.shutdown()
"""
    ended = run(program, tmp_path, spool=tmp_path / "spool")
    assert (ended.returncode, ended.stderr) == (0, "")
    page = page_of(tmp_path / "spool")
    assert (total(OK, page), total(DURATIONS, page)) == (8, 8)


@pytest.mark.parametrize("end", ["SIGKILL", "_exit"])
def test_exact_counts_lose_nothing_to_a_kill(tmp_path: Path, end: str) -> None:
    """Not the last call, nor a model that was first used after the last look, nor the call under way."""
    program = f"""
genotel.configure(models=["sdxl"])
if __name__ == "__main__":
    paint_many(500)
    if (pid := os.fork()) == 0:
        paint_many(50)
        for name in ("new", "sdxl"):
            with genotel.generation(name):
                if name == "sdxl":
                    os.{"kill(os.getpid(), signal.SIGKILL)" if end == "SIGKILL" else "_exit(0)"}
    os.waitpid(pid, 0)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    run(program, tmp_path, spool=tmp_path / "spool", GENOTEL_SPOOL_EXACT="true")
    page = page_of(tmp_path / "spool")
    assert by_model(OK, page) == {"sdxl": 550, "new": 1}
    assert by_model(STARTED, page) == {"sdxl": 551, "new": 1}
    assert by_model(DURATIONS, page).get("sdxl", 0) < 550


SERVER = """
import genotel, os, socket, sys

@genotel.measure(model="sdxl")
def paint():
    pass

def serve(listener):
    genotel.configure()
    while True:
        connection, _ = listener.accept()
        with connection:
            for _ in range(int(connection.recv(16))):
                paint()
            connection.sendall(b"%d" % os.getpid())

listener = socket.create_server(("127.0.0.1", 0))
if sys.argv[1] == "preload":
    genotel.configure()

def spawn():
    pid = os.fork()
    if pid == 0:
        serve(listener)

print(listener.getsockname()[1], flush=True)
for _ in range(3):
    spawn()
while True:
    os.wait()
    spawn()
"""


@contextmanager
def prefork(spool: Path, port: int, style: str) -> Iterator[int]:
    """Run a pre-fork server of three workers that replaces the dead; give the port of its work."""
    environment = {
        **os.environ,
        "GENOTEL_SPOOL": str(spool),
        "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
        "GENOTEL_HANDLE_SIGNALS": "true",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, style], env=environment, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def ask(port: int, calls: int) -> int:
    """Have some worker make so many calls; return its pid."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"%d" % calls)
        return int(connection.recv(16))


def written(spool: Path) -> int:
    """Return the finished calls that are in the folder, whoever made them."""
    contents = SpoolFolder(spool).read()
    return sum(
        row[1]
        for reading in (contents.ended, *contents.workers)
        if reading is not None and reading.snapshot is not None
        for shared in reading.snapshot.families
        if shared.family.name == "genotel_generation_requests"
        for row in shared.rows
    )


@pytest.mark.parametrize("style", ["preload", "in workers"])
def test_a_prefork_server_has_one_page_that_survives_its_workers(tmp_path: Path, style: str) -> None:
    """Each worker is killed in turn, the one that serves the page among them; no call is lost and none doubled."""
    spool, port = tmp_path / "spool", free_port()
    url = f"http://127.0.0.1:{port}/metrics"
    calls = 0
    with prefork(spool, port, style) as work:
        for number in range(6):
            pid = ask(work, 7)
            calls += 7
            wait_for("the calls to be written", lambda: written(spool) == calls)  # noqa: B023  (read at once)
            assert wait_for("a page", lambda: total(OK, get(url)) == calls)  # noqa: B023  (as above)
            os.kill(pid, signal.SIGKILL if number % 2 else signal.SIGTERM)
            wait_for("the worker to be gone", lambda: not Path(f"/proc/{pid}").exists())  # noqa: B023  (as above)
        page = wait_for("three workers", lambda: (found := get(url)) and total(LIVE, found) >= 3 and found)
    assert (total(OK, page), total(DURATIONS, page)) == (calls, calls)


def test_no_page_ever_shows_less_than_before(tmp_path: Path) -> None:
    """Two pages are read while workers work, are killed at any moment and are folded."""
    spool, port = tmp_path / "spool", free_port()
    urls = [f"http://127.0.0.1:{port}/metrics"]
    seen: dict[str, float] = {}
    rounds = 0
    rng = random.Random(7)
    with serving(spool) as url, prefork(spool, port, "in workers") as work:
        urls.append(url)
        end = time.monotonic() + 6
        while time.monotonic() < end:
            try:
                pid = ask(work, rng.randrange(1, 200))
            except (OSError, ValueError):
                # It was killed at that moment: the connection was reset, or ended without an answer.
                continue
            for address in urls:
                try:
                    page = get(address)
                except (OSError, HTTPException):
                    # Its worker was killed, before or within its answer; another one takes the port over.
                    continue
                rounds += 1
                for name, value in re.findall(r"^(gen[a-z_]+_(?:total|bucket|sum|count)\{.*\}) (\S+)$", page, re.M):
                    # One truth for both pages: what one of them has shown, the other one knows.
                    assert float(value) >= seen.get(name, 0)
                    seen[name] = float(value)
            if rng.random() < 0.2:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
    assert rounds > 20
