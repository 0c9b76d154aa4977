"""``genotel run SCRIPT``: the script as Python would have run it, measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.journal.reader import JournalReader
from tests.stand_ins import LIBRARIES

GENOTEL = Path(sys.executable).with_name("genotel")
JOB = """
import sys
from diffusers.pipelines.kinds import FakeImagePipeline
assert "typer" not in sys.modules
FakeImagePipeline()("a cat", num_inference_steps=3)
print(__name__, sys.argv[1:], sys.path[0])
if "--fail" in sys.argv:
    raise ValueError("told to")
sys.exit(7)
"""


def run(folder: Path, *words: str, job: str = JOB) -> subprocess.CompletedProcess[str]:
    """Run a job in a folder of its own."""
    (folder / "job.py").write_text(job)
    return subprocess.run(
        [GENOTEL, "run", "--port", "0", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{LIBRARIES}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_script_is_run_and_measured(tmp_path: Path) -> None:
    """Its name, arguments (options too), path and exit code are what they would have been; its calls are kept."""
    journal = tmp_path / "calls.db"
    done = run(tmp_path, "--journal", str(journal), "job.py", "--steps", "3")
    assert done.returncode == 7
    assert done.stdout == f"__main__ ['--steps', '3'] {tmp_path}\n"
    assert done.stderr.splitlines()[-1].startswith("genotel: the metrics of this program are on http://127.0.0.1:")
    with JournalReader(journal) as reader:
        (known,) = reader.label_sets(since=0, limit=10)
    assert (known.provider, known.model) == ("diffusers", "FakeImagePipeline")


def test_a_module_is_run(tmp_path: Path) -> None:
    """As ``python -m`` runs it."""
    done = run(tmp_path, "-m", "job", "a")
    assert (done.returncode, done.stdout) == (7, f"__main__ ['a'] {tmp_path}\n")


def test_an_exception_is_the_scripts_own(tmp_path: Path) -> None:
    """Traceback on stderr, exit code 1, no word of ours behind it."""
    done = run(tmp_path, "job.py", "--fail")
    assert done.returncode == 1
    assert done.stderr.endswith("ValueError: told to\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [(("nowhere.py",), "nowhere.py: no such file"), (("--host", "", "job.py"), "argument host is ''")],
)
def test_what_cannot_be_run_is_one_line(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    """Exit code 2 and what is wrong."""
    done = run(tmp_path, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_was_measured_is_kept_on_sigterm(tmp_path: Path) -> None:
    """A script that is told to end dies of the signal, and its journal has what it did."""
    job = JOB.replace("sys.exit(7)", "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(30)")
    journal = tmp_path / "calls.db"
    done = run(tmp_path, "--journal", str(journal), "job.py", job=job)
    assert done.returncode == -signal.SIGTERM
    with JournalReader(journal) as reader:
        assert len(list(reader.label_sets(since=0, limit=10))) == 1
