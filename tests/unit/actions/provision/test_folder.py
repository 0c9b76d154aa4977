"""A folder is brought to what it should hold, and what somebody changed is never lost."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.actions.provision.folder import RECORD, State, compared, left_over, write
from genotel.errors import InputError

FILES = {"a.yml": "one\n", "b/c.yml": "two\n"}


def states(folder, files=FILES):
    """Return the state of each file."""
    return {change.path: change.state for change in compared(folder, files)}


def test_a_new_folder_is_filled(tmp_path):
    """Everything is new, then everything is the same."""
    folder = tmp_path / "new"
    assert set(states(folder).values()) == {State.NEW}
    assert write(folder, compared(folder, FILES)) == []
    assert set(states(folder).values()) == {State.SAME}
    assert (folder / "b" / "c.yml").read_text() == "two\n"


def test_what_we_wrote_is_brought_up_to_date(tmp_path):
    """A newer genotel, or other options, write their text over ours."""
    write(tmp_path, compared(tmp_path, FILES))
    newer = {**FILES, "a.yml": "three\n"}
    assert states(tmp_path, newer) == {"a.yml": State.OLD, "b/c.yml": State.SAME}
    assert write(tmp_path, compared(tmp_path, newer)) == []
    assert (tmp_path / "a.yml").read_text() == "three\n"


def test_what_somebody_changed_is_kept_and_shown(tmp_path):
    """The rest is written."""
    write(tmp_path, compared(tmp_path, FILES))
    (tmp_path / "a.yml").write_text("mine\n")
    [kept] = write(tmp_path, compared(tmp_path, {"a.yml": "three\n", "b/c.yml": "four\n"}))
    assert kept.difference() == "--- a.yml\n+++ a.yml (provisioned)\n@@ -1 +1 @@\n-mine\n+three\n"
    assert (tmp_path / "a.yml").read_text() == "mine\n"
    assert (tmp_path / "b" / "c.yml").read_text() == "four\n"
    assert states(tmp_path)["a.yml"] is State.CHANGED


def test_a_file_that_was_there_before_us_is_kept(tmp_path):
    """It counts as changed."""
    (tmp_path / "a.yml").write_text("theirs\n")
    [kept] = write(tmp_path, compared(tmp_path, FILES))
    assert kept.path == "a.yml"


def test_force_writes_over_it(tmp_path):
    """When that is asked."""
    (tmp_path / "a.yml").write_text("theirs\n")
    assert write(tmp_path, compared(tmp_path, FILES), force=True) == []
    assert (tmp_path / "a.yml").read_text() == "one\n"


def test_a_file_that_was_taken_out_is_written_again(tmp_path):
    """Deleting is no change that could be lost."""
    write(tmp_path, compared(tmp_path, FILES))
    (tmp_path / "a.yml").unlink()
    assert states(tmp_path)["a.yml"] is State.NEW


def test_what_is_not_part_of_it_any_more_is_named(tmp_path):
    """And left where it is."""
    write(tmp_path, compared(tmp_path, FILES))
    assert left_over(tmp_path, {"a.yml": ""}) == ["b/c.yml"]
    (tmp_path / "b" / "c.yml").unlink()
    assert left_over(tmp_path, {"a.yml": ""}) == []


def test_a_difference_tells_of_a_missing_line_end(tmp_path):
    """As diff does."""
    (tmp_path / "a.yml").write_text("one")
    [change] = compared(tmp_path, {"a.yml": "one\n"})
    assert "\\ No newline at end of file" in change.difference()


def test_a_new_file_s_difference_is_all_of_it(tmp_path):
    """Against nothing."""
    [change] = compared(tmp_path, {"a.yml": "one\n"})
    assert change.difference().startswith("--- /dev/null\n")


def test_a_link_stays_a_link(tmp_path):
    """What it leads to is written."""
    (tmp_path / "real.yml").write_text("one\n")
    (tmp_path / "a.yml").symlink_to("real.yml")
    write(tmp_path, compared(tmp_path, {"a.yml": "two\n"}), force=True)
    assert (tmp_path / "a.yml").is_symlink()
    assert (tmp_path / "real.yml").read_text() == "two\n"


def _file_instead_of_folder(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_file_instead_of_folder, "is no folder"),
        (lambda folder: (folder / "a.yml").mkdir(), "cannot be read"),
        (lambda folder: (folder / "a.yml").write_bytes(b"\xff\xfe"), "is no text"),
        (lambda folder: (folder / RECORD).write_text("[]"), "is not what provision wrote"),
        (lambda folder: (folder / RECORD).write_text("{"), "is not what provision wrote"),
        (lambda folder: (folder / "b").write_text(""), "cannot be"),
    ],
)
def test_what_is_in_the_way_is_named(tmp_path, spoil, said):
    """One line with the path."""
    folder = tmp_path / "stack"
    folder.mkdir()
    spoil(folder)
    with pytest.raises(InputError, match=said) as caught:
        write(folder, compared(folder, FILES))
    assert str(folder) in str(caught.value)


def test_nothing_half_written_is_left(tmp_path, monkeypatch):
    """A full disk leaves the old text and no other file."""
    write(tmp_path, compared(tmp_path, {"a.yml": "one\n"}))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left"):
        write(tmp_path, compared(tmp_path, {"a.yml": "two\n"}))
    assert (tmp_path / "a.yml").read_text() == "one\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD, "a.yml"]


@given(st.lists(st.tuples(st.sampled_from(["ours", "theirs", "gone"]), st.sampled_from("xyz")), max_size=8))
def test_no_order_of_changes_loses_a_user_s_text(tmp_path_factory, steps):
    """A text is written over only where it is the one that we wrote last."""
    folder = tmp_path_factory.mktemp("stack")
    file = folder / "a"
    disk = written = None
    for who, text in steps:
        if who == "theirs":
            file.write_text(text)
            disk = text
        elif who == "gone":
            file.unlink(missing_ok=True)
            disk = None
        else:
            write(folder, compared(folder, {"a": text}))
            if disk in (None, text, written):
                disk = written = text
        assert (file.read_text() if file.exists() else None) == disk
