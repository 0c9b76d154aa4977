"""To the trash and back: nothing is lost, whenever the process is killed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from genotel.actions import trash
from genotel.actions.removal import TRASH, Obstacle, RefusedError
from genotel.actions.trash import empty, finish_emptying, move_to_trash, restore, trashed_in
from genotel.clock import Clock
from genotel.errors import InputError
from tests.conftest import require
from tests.model_trees import cached_repository, weigh
from tests.unit.actions.shelves import MIB, models, places, planned, shape

ROOT = Path(__file__).parents[3]
CLOCK = Clock(wall=lambda: 1_700_000_000.0, monotonic=lambda: 0.0)

# Children of it kill themselves before the k-th system call that changes anything, for every k.
KILLED = """
import os, signal, sys
from pathlib import Path
from genotel.actions import trash
from tests.unit.actions.shelves import models, places, planned

root = Path(sys.argv[1])

def child(limit, act):
    pid = os.fork()
    if pid:
        _, status = os.waitpid(pid, 0)
        assert status in (0, signal.SIGKILL), status
        return status != 0
    calls = 0
    def counted(real):
        def call(*arguments, **options):
            nonlocal calls
            calls += 1
            if calls == limit:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)
        return call
    for name in ("mkdir", "rename", "link", "unlink", "rmdir", "fsync"):
        setattr(os, name, counted(getattr(os, name)))
    act()
    os._exit(0)

def restore_all():
    for entry in trash.trashed_in(root):
        trash.restore(entry.undo_file)

before = models(root)
there = back = 0
while True:
    there += 1
    removal = planned("org/a", places(root))
    died = child(there, lambda: trash.move_to_trash(removal))
    if not trash.trashed_in(root):
        assert models(root) == before, there  # nothing moves before it is written down
    elif died:
        child(1 + there % 9, restore_all)
    restore_all()
    assert models(root) == before, there
    if not died:
        break
while True:
    back += 1
    trash.move_to_trash(planned("org/a", places(root)))
    died = child(back, restore_all)
    restore_all()
    assert models(root) == before, back
    if not died:
        break
print(there, back)
"""


@pytest.fixture
def store(tmp_path):
    """Return a store of a model that shares a blob, so that it goes in several parts."""
    home = cached_repository(tmp_path / "hub", "org/a", {"config.json": 7, "model.safetensors": MIB})
    other = cached_repository(tmp_path / "hub", "org/b", {"config.json": 9})
    (other / "snapshots" / f"{0:040x}" / "w").symlink_to(home / "blobs" / f"{0:064x}")
    (home / "blobs" / "odd\udcff\n'name").symlink_to("nowhere")
    return tmp_path / "hub"


def test_a_model_goes_and_comes_back(store):
    """To the byte, links as links; what another model needs was never gone."""
    before = models(store)
    undo_file = move_to_trash(planned("org/a", places(store)), CLOCK)
    gone = models(store)
    assert f"models--org--a/blobs/{0:064x}" in gone
    assert f"models--org--a/blobs/{1:064x}" not in gone
    assert {path for path in gone if path.startswith("models--org--b")} == {
        path for path in before if path.startswith("models--org--b")
    }
    (entry,) = trashed_in(store)
    assert (entry.undo_file, entry.undo.model, entry.undo.moved_at) == (undo_file, "org/a", 1_700_000_000.0)
    restored = restore(undo_file)
    assert (restored.model, restored.in_the_way) == ("org/a", ())
    assert shape(store) == before


def test_names_in_the_trash_are_numbers(store):
    """No program takes them for models."""
    undo_file = move_to_trash(planned("org/a", places(store)), CLOCK)
    assert all(name.isdigit() for name in os.listdir(undo_file.parent / "files"))
    assert {place.model for place in places(store)} == {"org/a", "org/b"}  # what is kept of it


def test_what_changed_meanwhile_stays(store):
    """And what had been moved before that is back."""
    removal = planned("org/a", places(store))
    (store / "models--org--a" / "refs" / "main").write_text("another")
    before = models(store)
    with pytest.raises(RefusedError) as caught:
        move_to_trash(removal)
    assert caught.value.obstacle is Obstacle.CHANGED
    assert shape(store) == before


def test_what_is_gone_meanwhile_stays_gone(store):
    """The rest is back, and the undo file stays since it names what nobody has."""
    removal = planned("org/a", places(store))
    (store / "models--org--a" / "refs" / "main").unlink()
    (store / "models--org--a" / "refs").rmdir()
    before = models(store)
    with pytest.raises((RefusedError, InputError)):
        move_to_trash(removal)
    assert models(store) == before


@pytest.mark.parametrize("call", ["rename", "fsync", "mkdir"])
def test_a_failing_disk_loses_nothing(store, monkeypatch, call):
    """Every call fails once, one after the other; then all is where it was."""
    before = models(store)
    removal = planned("org/a", places(store))
    real = getattr(os, call)
    for limit in range(1, 30):
        calls = 0

        def failing(*arguments, limit=limit, **options):
            nonlocal calls
            calls += 1
            if calls == limit:
                raise OSError(errno.ENOSPC, "no room")
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(trash.os, call, failing)
            obstacle = None
            try:
                undo_file = move_to_trash(removal)
            except RefusedError as error:
                obstacle = error.obstacle
        if obstacle is not None:
            assert obstacle is Obstacle.NO_ACCESS
            assert models(store) == before
            continue
        assert calls < limit
        restore(undo_file)
        assert models(store) == before
        return
    raise AssertionError("it never came to an end")


def test_a_kill_at_any_moment_loses_nothing(store):
    """Of the way there and of the way back: what was begun can be undone, and nothing is in no place."""
    require(getattr(os, "fork", None) and "fork", "fork")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(store)], capture_output=True, text=True, cwd=ROOT, timeout=120
    )
    assert done.returncode == 0, done.stderr
    there, back = map(int, done.stdout.split())
    assert min(there, back) > 15


def test_what_came_meanwhile_is_not_replaced(store):
    """A model that was fetched again stays, and the old one stays in the trash."""
    undo_file = move_to_trash(planned("org/a", places(store)))
    new = weigh(store / "models--org--a" / "refs" / "main", 3)
    restored = restore(undo_file)
    assert restored.in_the_way == ("models--org--a/refs",)
    assert new.stat().st_size == 3
    assert len(trashed_in(store)) == 1
    new.unlink()
    new.parent.rmdir()
    assert restore(undo_file).in_the_way == ()
    assert trashed_in(store) == []


def test_a_folder_that_went_meanwhile_is_made_again(tmp_path):
    """Somebody tidied up."""
    weigh(tmp_path / "loras" / "a.safetensors", MIB)
    undo_file = move_to_trash(planned("a.safetensors", places(tmp_path)))
    (tmp_path / "loras").rmdir()
    restore(undo_file)
    assert (tmp_path / "loras" / "a.safetensors").stat().st_size == MIB


def test_a_link_in_the_way_is_not_followed(tmp_path):
    """Somebody put a link where the folder was: nothing goes through it."""
    weigh(tmp_path / "s" / "loras" / "a.safetensors", MIB)
    undo_file = move_to_trash(planned("a.safetensors", places(tmp_path / "s")))
    (tmp_path / "s" / "loras").rmdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "s" / "loras").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match=r"directory|link"):
        restore(undo_file)
    assert os.listdir(tmp_path / "outside") == []
    assert len(trashed_in(tmp_path / "s")) == 1


def test_a_file_that_is_nowhere_is_said(store):
    """Somebody deleted it from the trash."""
    undo_file = move_to_trash(planned("org/a", places(store)))
    (undo_file.parent / "files" / "0").unlink()
    with pytest.raises(InputError, match="neither there nor in the trash"):
        restore(undo_file)


def test_other_errors_of_the_way_back_are_told(store, monkeypatch):
    """Such as a disk that is read-only by now."""
    undo_file = move_to_trash(planned("org/a", places(store)))

    def refused(*_arguments, **_options):
        raise OSError(errno.EROFS, "read-only")

    with monkeypatch.context() as patch:
        patch.setattr(trash.os, "link", refused)
        patch.setattr(trash.os, "rename", refused)
        with pytest.raises(OSError, match="read-only"):
            restore(undo_file)
    assert restore(undo_file).in_the_way == ()


def test_emptying_deletes_for_good(store):
    """The trash, and nothing that a link in it leads to."""
    kept = models(store)
    undo_file = move_to_trash(planned("org/a", places(store)))
    gone = models(store)
    (entry,) = trashed_in(store)
    empty(entry)
    assert not undo_file.exists()
    assert not (store / TRASH).exists()
    assert models(store) == gone
    assert len(gone) < len(kept)


def test_a_killed_emptying_is_finished_and_never_undone(store):
    """Half of a model must not come back as a whole one."""
    undo_file = move_to_trash(planned("org/a", places(store)))
    folder = undo_file.parent
    folder.rename(folder.with_name(f"{folder.name}.emptied"))
    finish_emptying(store)
    assert not (store / TRASH).exists()


def test_a_broken_undo_file_is_left_out_of_the_list(store):
    """The others are there."""
    move_to_trash(planned("org/a", places(store)))
    weigh(store / TRASH / "broken" / "undo.json", 3)
    assert [entry.undo.model for entry in trashed_in(store)] == ["org/a"]
