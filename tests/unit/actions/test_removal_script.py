"""The script that removes models: it tells before it does, and no name makes it do anything else."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.actions.apply import plan
from genotel.actions.removal_script import in_a_comment, removal_script
from tests.conftest import require
from tests.model_trees import cached_repository, weigh
from tests.unit.actions.shelves import MIB, START, cleanup, machine, shape

SHELLS = [shell for shell in ("dash", "bash", "busybox") if shutil.which(shell)] or ["sh"]
HOSTILE = [
    "it's $(touch owned)",
    "a\nrm -rf other\n",
    "-rf",
    "`touch owned`;*?[a]",
    'q"uo\\te',
    "odd\udcff",
    "  ",
    "#x",
]


@pytest.fixture
def store(tmp_path):
    """Return a store of hostile names beside a model that must stay."""
    weigh(tmp_path / "store" / "stays.safetensors", MIB)
    for number, name in enumerate(HOSTILE):
        weigh(tmp_path / "store" / f"folder{number} {name}" / f"{name}.safetensors", MIB)
    cached_repository(tmp_path / "store" / "hub", "org/a", {"model.safetensors": MIB})
    return tmp_path / "store"


def script_of(store, *models, reason="Not used."):
    """Return the text of the script for models."""
    planned = plan([cleanup(model, reason=reason) for model in models], START, machine(store))
    return removal_script(planned, "events\nx.csv", 1_700_000_000.0)


def run(file: Path, shell: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script from a folder of its own."""
    words = [shell, "sh"] if shell == "busybox" else [shell]
    return subprocess.run([*words, str(file), *arguments], capture_output=True, cwd=file.parent)


@pytest.mark.parametrize("shell", SHELLS)
def test_it_tells_and_then_does(store, tmp_path, shell):
    """Names are names, whatever is in them; what it was not asked to remove stays."""
    models = [*(f"{name}.safetensors" for name in HOSTILE), "org/a"]
    file = tmp_path / "remove.sh"
    file.write_bytes(os.fsencode(script_of(store, *models)))
    assert subprocess.run([shell, "-n", str(file)] if shell != "busybox" else ["true"]).returncode == 0
    before = shape(store)
    told = run(file, shell)
    assert (told.returncode, told.stderr) == (0, b"")
    assert told.stdout.count(b"would remove ") == len(models)
    assert b"Nothing was removed" in told.stdout
    assert shape(store) == before
    done = run(file, shell, "--yes")
    assert (done.returncode, done.stderr) == (0, b"")
    assert {path for path in shape(store) if "." in os.path.basename(path)} == {"stays.safetensors"}
    assert sorted(os.listdir(tmp_path)) == ["remove.sh", "store"]


def test_it_is_clean_to_its_checker(store, tmp_path):
    """Shellcheck has nothing to say."""
    checker = require(shutil.which("shellcheck"), "shellcheck")
    file = tmp_path / "remove.sh"
    file.write_bytes(os.fsencode(script_of(store, "stays.safetensors", "org/a")))
    done = subprocess.run([checker, str(file)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_another_file_of_that_name_stays(store, tmp_path):
    """And so does what lies in a folder that is another by now."""
    file = tmp_path / "remove.sh"
    file.write_text(script_of(store, "stays.safetensors", "org/a"))
    new = weigh(tmp_path / "new", 5)
    os.replace(new, store / "stays.safetensors")
    done = run(file, SHELLS[0], "--yes")
    assert done.returncode == 1
    assert b"gone or another" in done.stderr
    assert (store / "stays.safetensors").stat().st_size == 5
    assert not (store / "hub" / "models--org--a").exists()
    store.rename(tmp_path / "moved")
    store.symlink_to(tmp_path / "moved")
    assert b"its folder is gone or another" in run(file, SHELLS[0]).stderr


def test_what_is_open_stays(store, tmp_path):
    """Where fuser is there to tell."""
    require(shutil.which("fuser"), "fuser")
    file = tmp_path / "remove.sh"
    file.write_text(script_of(store, "stays.safetensors"))
    with (store / "stays.safetensors").open("rb"):
        assert b"a process has it open" in run(file, SHELLS[0], "--yes").stderr
    assert (store / "stays.safetensors").exists()


def test_what_stays_has_its_reason(store, tmp_path):
    """As a comment that ends where it should, and nothing else of it runs."""
    text = script_of(store, "no\nsuch; touch owned", "stays.safetensors", reason="Odd.\ntouch owned")
    assert "# no?such; touch owned stays: it is in no store of this machine." in text
    assert "events?x.csv" in text
    file = tmp_path / "remove.sh"
    file.write_text(text)
    run(file, SHELLS[0])
    assert not (tmp_path / "owned").exists()


def test_a_wrong_argument_does_nothing(store, tmp_path):
    """A typo of --yes is no yes."""
    file = tmp_path / "remove.sh"
    file.write_text(script_of(store, "stays.safetensors"))
    done = run(file, SHELLS[0], "--yess")
    assert done.returncode == 2
    assert b"usage" in done.stderr
    assert (store / "stays.safetensors").exists()


@settings(max_examples=200)
@given(st.text())
def test_a_comment_is_one_line(text):
    """Of any text, as shells and editors see lines."""
    assert len(f"# {in_a_comment(text)}".splitlines()) == 1
