"""A report in a file is whole, or what was there before."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genotel.errors import InputError
from genotel.report.writing import write_report


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """What was read before goes on to be readable by whoever has it open."""
    file = tmp_path / "advice.csv"
    file.write_text("old")
    with file.open() as still_open:
        write_report("a\r\nb\n", file)
        assert still_open.read() == "old"
    assert file.read_bytes() == b"a\r\nb\n"
    assert [entry.name for entry in tmp_path.iterdir()] == ["advice.csv"]


def test_half_a_character_does_not_lose_the_report(tmp_path: Path) -> None:
    """A name may hold what no file takes."""
    write_report("sdxl\ud800", tmp_path / "advice.txt")
    assert (tmp_path / "advice.txt").read_text() == "sdxl?"


def test_a_link_is_followed(tmp_path: Path) -> None:
    """The file that it points to is replaced, not the link."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "latest.html"
    link.symlink_to(tmp_path / "real" / "advice.html")
    write_report("x", link)
    assert link.is_symlink()
    assert (tmp_path / "real" / "advice.html").read_text() == "x"


@pytest.mark.parametrize("place", [".", "no/such/folder/advice.html", "/dev/full"])
def test_what_cannot_be_written_is_one_clear_line(tmp_path: Path, place: str) -> None:
    """A folder, a place that is not there, a device."""
    with pytest.raises(InputError, match="the report cannot be written"):
        write_report("x", tmp_path / place)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The half-written file is taken away again."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "advice.csv"
    file.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_report("new", file)
    assert file.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1
