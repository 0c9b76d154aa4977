"""Which model a process has loaded, by what it says in the spool."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from genotel.clock import Clock
from genotel.collectors.proc_files import ProcFiles
from genotel.collectors.resident_models import ResidentModels
from tests.loaded_worker import loaded

# Another process that has loaded a model.
WORKER = """
import sys
from pathlib import Path
from tests.loaded_worker import loaded
worker = loaded(Path(sys.argv[1]), {"flux": 1})
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def time_now():
    """Return a clock that stands until it is moved."""
    now = [0.0]
    return now, Clock(monotonic=lambda: now[0])


@pytest.fixture
def spool(tmp_path, time_now):
    """Return a spool and who reads it, with the kernel's own list of locks."""
    return tmp_path / "spool", ResidentModels(tmp_path / "spool", ProcFiles(), time_now[1])


def test_a_process_is_known_by_the_lock_that_it_holds(spool):
    """Not by the number that it has where it lives, which may be another's here."""
    folder, models = spool
    worker = loaded(folder, {'wan "2.2"\\n': 1, "gone": 0})
    assert models.of(os.getpid()) == 'wan "2.2"\\n'
    assert models.of(1) == ""
    worker.close()


def test_another_process_is_known_too(spool, time_now):
    """And forgotten when it has ended."""
    folder, models = spool
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout.readline() == b"ready\n"
    assert models.of(process.pid) == "flux"
    process.communicate()
    assert models.of(process.pid) == "flux"
    time_now[0][0] = 5.0
    assert models.of(process.pid) == ""


def test_of_several_models_none_is_the_one(spool):
    """The memory of a process is not divided between them."""
    folder, models = spool
    worker = loaded(folder, {"sdxl": 1, "wan": 2})
    assert models.of(os.getpid()) == ""
    worker.close()


def test_without_a_folder_or_locks_nothing_is_known(tmp_path, time_now):
    """Neither is a fault here: whoever keeps the spool says so."""
    assert ResidentModels(tmp_path / "nowhere", ProcFiles(), time_now[1]).of(1) == ""
    worker = loaded(tmp_path / "spool", {"sdxl": 1})
    assert ResidentModels(tmp_path / "spool", ProcFiles("/nowhere"), time_now[1]).of(os.getpid()) == ""
    worker.close()


def test_a_file_that_cannot_be_read_says_nothing(spool):
    """A newer genotel may have written it."""
    folder, models = spool
    worker = loaded(folder, {"sdxl": 1})
    (folder / worker.name).write_bytes(b"nonsense")
    assert models.of(os.getpid()) == ""
    worker.close()
