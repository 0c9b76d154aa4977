"""Folders are opened without following links, and nothing is replaced."""

from __future__ import annotations

import errno
import os

import pytest

from genotel.actions import beneath
from genotel.actions.beneath import opened, rename_without_replacing, split, state


@pytest.mark.parametrize("path", ["", "/etc", "a/../b", "..", "a//b", "./a", "a/", "a\0b"])
def test_paths_that_lead_elsewhere_are_refused(path):
    """An undo file may be anybody's."""
    with pytest.raises(ValueError, match="plain parts"):
        split(path)


def test_a_link_is_not_opened(tmp_path):
    """Wherever it leads, and whether the folder may be created or not."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for create in (False, True):
        with pytest.raises(OSError, match="link"), opened(str(tmp_path), ("link",), create=create):
            pass


def test_missing_folders_are_made_when_asked(tmp_path):
    """For this user only."""
    with opened(str(tmp_path), ("a", "b"), create=True) as folder:
        assert state(folder, "none") is None
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileNotFoundError), opened(str(tmp_path), ("a", "c")):
        pass


@pytest.mark.parametrize("has_links", [True, False])
def test_a_rename_replaces_nothing(tmp_path, monkeypatch, has_links):
    """A file, a link and a folder go; where something is, they stay. Also without hard links."""
    if not has_links:

        def no_links(*_arguments, **_options):
            raise OSError(errno.EPERM, "no links here")

        monkeypatch.setattr(beneath.os, "link", no_links)
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    (tmp_path / "taken").write_text("new")
    with opened(str(tmp_path), ()) as here, opened(str(tmp_path), ("to",), create=True) as there:
        for name in ("file", "link", "folder"):
            with pytest.raises(FileExistsError):
                rename_without_replacing(here, name, here, "taken")
            rename_without_replacing(here, name, there, name)
    assert sorted(os.listdir(tmp_path)) == ["taken", "to"]
    assert (tmp_path / "taken").read_text() == "new"
    assert (tmp_path / "to" / "file").read_text() == "old"
    assert os.readlink(tmp_path / "to" / "link") == "nowhere"


def test_other_errors_of_a_link_are_told(tmp_path):
    """Only what a filesystem cannot do is done in another way."""
    (tmp_path / "file").write_text("old")
    with opened(str(tmp_path), ()) as here, pytest.raises(OSError, match="too long"):
        rename_without_replacing(here, "file", here, "x" * 5000)
