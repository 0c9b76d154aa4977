"""A page in a file: whole, as node_exporter's textfile collector wants it, and never an error."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from genotel.exposition.page import Page
from genotel.exposition.scrape_metrics import ScrapeMetrics
from genotel.exposition.textfile import write_textfile
from tests.conftest import require


def test_a_page_is_written_as_a_whole(tmp_path):
    """It replaces the one of the run before, and promtool finds nothing to say about it."""
    path = tmp_path / "nightly.prom"
    path.write_text("old")
    assert write_textfile(Page([ScrapeMetrics()]), path)
    assert os.listdir(tmp_path) == ["nightly.prom"]
    assert path.read_text().startswith("# HELP genotel_scrapes_total ")
    promtool = require(shutil.which("promtool"), "promtool")
    checked = subprocess.run([promtool, "check", "metrics"], input=path.read_bytes(), capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_a_folder_that_is_not_there_is_one_warning(tmp_path, caplog):
    """The program goes on."""
    assert [write_textfile(Page(), tmp_path / "none" / "x.prom") for _ in range(2)] == [False, False]
    assert [record.args for record in caplog.records] == [("No such file or directory",)]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("of ours")])
def test_a_fault_leaves_the_file_of_before(tmp_path, error, monkeypatch):
    """And nothing half written beside it."""
    path = tmp_path / "nightly.prom"
    path.write_text("old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    assert not write_textfile(Page(), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]
