"""The text goes where it was sent, whole, or one line says why not."""

from __future__ import annotations

import pytest

from genotel.actions.backfill import loading
from genotel.actions.backfill.loading import load_into_victoria_metrics, load_with_promtool, write_text
from genotel.errors import InputError, ServerError, SettingsError
from genotel.prometheus_api.access import ServerAccess
from tests.answering import Said, answering
from tests.servers import free_port

PIECES = ["a 1 1\n", "a 2 2\n", "# EOF\n"]


def tool(tmp_path, script):
    """Write a program that stands for promtool."""
    path = tmp_path / "promtool"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_file_is_whole_or_as_it_was(tmp_path):
    """A writer that fails leaves the older text."""
    file = tmp_path / "history.txt"
    assert write_text(PIECES, file) == 18
    assert file.read_text() == "".join(PIECES)
    with pytest.raises(InputError, match="cannot be written"):
        write_text(PIECES, tmp_path / "none" / "history.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_text(PIECES, tmp_path / "folder")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "history.txt"]


def test_promtool_is_given_long_blocks(tmp_path):
    """Else it reads the text again for every two hours."""
    log = tmp_path / "log"
    load_with_promtool(PIECES, tool(tmp_path, f'echo "$1 $2 $3 $4" > {log}; cat "$5" >> {log}'), tmp_path / "data")
    assert log.read_text() == "tsdb create-blocks-from --max-block-duration=744h openmetrics\n" + "".join(PIECES)


@pytest.mark.parametrize(
    ("script", "said"), [("echo 'out of order' >&2; exit 1", "out of order"), ("exit 7", "exit code 7")]
)
def test_what_promtool_refuses_is_told(tmp_path, script, said):
    """In its words."""
    with pytest.raises(ServerError, match=f"promtool refused the history: {said}"):
        load_with_promtool(PIECES, tool(tmp_path, script), tmp_path / "data")


def test_a_promtool_that_cannot_be_started_is_told(tmp_path):
    """With the option that names another."""
    (tmp_path / "promtool").write_text("")
    with pytest.raises(SettingsError, match="give --promtool its path"):
        load_with_promtool(PIECES, str(tmp_path / "promtool"), tmp_path / "data")


def test_a_folder_that_cannot_be_is_told(tmp_path):
    """A file is in the way."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        load_with_promtool(PIECES, tool(tmp_path, ""), tmp_path / "file" / "data")


def test_victoria_metrics_gets_pieces_of_whole_lines(monkeypatch):
    """With the token, and all of it."""
    monkeypatch.setattr(loading, "_PIECE_BYTES", 7)
    taken = []

    def answer(path, form, headers):
        taken.append((path, headers.get("Content-Length")))
        return Said(204, b"")

    with answering(answer) as url:
        load_into_victoria_metrics(PIECES, ServerAccess(url=url))
    assert taken == [("/api/v1/import/prometheus", "12"), ("/api/v1/import/prometheus", "6")]


def test_a_server_that_refuses_or_is_not_there_is_told():
    """One line with what to look at."""
    with (
        answering(lambda *_: Said(400, b"no such path")) as url,
        pytest.raises(ServerError, match="400 no such path; is it VictoriaMetrics"),
    ):
        load_into_victoria_metrics(PIECES, ServerAccess(url=url))
    with pytest.raises(ServerError, match="nothing answers there"):
        load_into_victoria_metrics(PIECES, ServerAccess(url=f"http://127.0.0.1:{free_port()}"))
