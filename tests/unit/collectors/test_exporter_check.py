"""Everything that is wrong with what would be served, at once, and nothing is started or made."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.collectors.exporter_check import check
from genotel.collectors.registry import COLLECTORS
from genotel.journal import location
from genotel.journal.writer import JournalWriter
from tests.certificates import Authority

NOTHING_WRONG = {"port": 0, "collectors": "none"}


@pytest.fixture(autouse=True)
def working_folder(tmp_path, monkeypatch):
    """Keep a genotel.toml of the developer's out of it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mistakes(**arguments):
    """Return what is wrong with these arguments alone."""
    return check(NOTHING_WRONG | arguments, environ={}).mistakes


def test_what_would_be_served_is_summed_up(tmp_path):
    """Where, what, and from which file."""
    (tmp_path / "genotel.toml").write_text('[page]\nhost = "::1"\n[inventory]\nmodel_folders = ["all=/"]\n')
    found = check({"port": "0", "spool": str(tmp_path / "spool")}, environ={"GENOTEL_JOURNAL": str(tmp_path / "j.db")})
    assert found.mistakes == ()
    assert dict(found.summary) == {
        "settings": "genotel.toml",
        "page": "http://[::1]:(any free port)/metrics",
        "web configuration": "none",
        "collectors": ", ".join(COLLECTORS),
        "spool": str(tmp_path / "spool"),
        "journal": str(tmp_path / "j.db"),
        "model folders": "all=/",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["genotel.toml"]


def test_little_to_serve_is_said_too():
    """An exporter of a spool alone, say."""
    assert dict(check(NOTHING_WRONG, environ={}).summary) == {
        "settings": "no genotel.toml",
        "page": "http://127.0.0.1:(any free port)/metrics",
        "web configuration": "none",
        "collectors": "none",
        "spool": "none",
        "journal": "none",
    }


def test_a_web_configuration_file_is_read(tmp_path):
    """Each of its mistakes, or that TLS is spoken."""
    path = tmp_path / "web.yml"
    path.write_text("http_server_config: {http2: true}\nmore: 1\n", encoding="utf-8")
    (mistake,) = mistakes(web_config_file=path)
    assert mistake.startswith(f"argument web_config_file: {path}:1: http_server_config.http2: is true")
    assert f"{path}:2: more: unknown key" in mistake
    Authority().issue("localhost").write(tmp_path)
    path.write_text("tls_server_config: {cert_file: server.crt, key_file: server.key}", encoding="utf-8")
    found = check(NOTHING_WRONG | {"web_config_file": path}, environ={})
    assert found.mistakes == ()
    assert dict(found.summary)["page"] == "https://127.0.0.1:(any free port)/metrics"
    assert dict(found.summary)["web configuration"] == str(path)


def test_a_path_to_serve_on_is_looked_at_and_not_made(tmp_path):
    """Its folder has to be there; what systemd will hand over cannot be looked at."""
    assert mistakes(host=f"unix:{tmp_path}/page.sock") == ()
    (tmp_path / "file").touch()
    assert "is not a folder" in mistakes(host=f"unix:{tmp_path}/file/page.sock")[0]
    found = check(NOTHING_WRONG | {"host": f"unix:{tmp_path}/page.sock"}, environ={})
    assert dict(found.summary)["page"] == f"unix:{tmp_path}/page.sock"
    found = check(NOTHING_WRONG | {"web_systemd_socket": True, "host": "256.0.0.1"}, environ={})
    assert dict(found.summary)["page"] == "the sockets that systemd hands over"
    assert not (tmp_path / "page.sock").exists()


def test_every_mistake_is_listed_with_its_place(tmp_path):
    """Those of reading and those of the values; what could not be read is not judged twice."""
    config = tmp_path / "here.toml"
    config.write_text(
        '[page]\nprot = 1\nport = 70000\n[inventory]\nmodel_folders = ["nas=/nowhere"]\n'
        '[collectors]\ncollectors = "dsk"\n'
    )
    environ = {"GENOTEL_CONFIG": str(config), "GENOTEL_COLECTORS": "cpu", "GENOTEL_SPOOL": str(config)}
    assert check({}, environ=environ).mistakes == (
        f"{config}:3: page.port is 70000: expected a whole number from 0 to 65535",
        f"{config}:2: unknown key page.prot; did you mean port?",
        "variable GENOTEL_COLECTORS is none of genotel's; did you mean GENOTEL_COLLECTORS?",
        f"{config}:7: collectors.collectors: no collector named dsk; did you mean disk?",
        f"variable GENOTEL_SPOOL: {config} is not a folder",
        f"{config}:5: inventory.model_folders: /nowhere is not a folder",
    )


def test_a_collector_that_is_like_none_is_told_which_there_are():
    """Every unknown one by itself."""
    first, second = mistakes(collectors="zzz,cpu,qqq")
    assert first.startswith("argument collectors: no collector named zzz; known are cpu, memory, ")
    assert "named qqq" in second


def test_a_taken_port_and_a_foreign_address_are_found():
    """Nothing listens afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (mistake,) = mistakes(port=port)
        assert mistake.startswith(f"argument port: port {port} of 127.0.0.1 is taken; ")
    assert mistakes(port=port) == ()
    (mistake,) = mistakes(host="192.0.2.1")
    assert mistake.startswith("argument port and argument host: cannot serve on 192.0.2.1 port 0 (")
    (mistake,) = mistakes(host="no such host")
    assert "cannot serve on no such host port 0 (" in mistake
    (mistake,) = mistakes(host="a" * 70)
    assert "which is no name of a machine" in mistake


@given(
    st.dictionaries(
        st.sampled_from(["spool", "spool_targets_file", "journal", "model_folders", "collectors", "web_config_file"]),
        st.text() | st.lists(st.text(), max_size=3) | st.integers() | st.booleans() | st.floats() | st.none(),
    )
)
@settings(max_examples=40)
def test_whatever_is_given_there_are_mistakes_or_there_are_none(arguments):
    """Never anything else, and each is a line."""
    found = check({"port": 0, **arguments}, environ={})
    assert all(isinstance(mistake, str) for mistake in found.mistakes)


def test_the_defaults_are_checked_too(monkeypatch):
    """Nobody named the port that is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [(socket.AF_INET, 1, 6, "", taken.getsockname())])
        (mistake,) = check({"collectors": "none"}, environ={}).mistakes
    assert mistake.startswith("default port: port 9464 of 127.0.0.1 is taken; ")


def test_folders_that_cannot_be_written_are_found(tmp_path, monkeypatch):
    """Those that are there, and those that could not be made."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    spool = tmp_path / "spool"
    spool.mkdir()
    assert mistakes(spool=spool) == (f"argument spool: {spool}: files in it cannot be made by this user",)
    spool.rmdir()
    assert mistakes(spool=spool) == (f"argument spool: {spool}: it cannot be made in {tmp_path} by this user",)
    journal = tmp_path / "state" / "journal.db"
    assert mistakes(journal=journal) == (
        f"argument journal: {journal.parent}: it cannot be made in {tmp_path} by this user",
    )
    assert mistakes(model_folders=str(tmp_path)) == (f"argument model_folders: {tmp_path} cannot be read by this user",)


def test_a_folder_below_a_file_is_found(tmp_path):
    """It could never be made."""
    (tmp_path / "file").touch()
    spool = tmp_path / "file" / "spool"
    assert mistakes(spool=spool) == (f"argument spool: {spool} cannot be made: {tmp_path / 'file'} is not a folder",)


def test_a_file_of_targets_needs_a_spool_and_its_ending(tmp_path):
    """And a folder to be written in."""
    assert mistakes(spool=tmp_path, spool_targets_file=tmp_path / "genotel.json") == ()
    place = "argument spool_targets_file"
    assert mistakes(spool_targets_file=tmp_path) == (
        f"{place}: there are no processes to list without a spool",
        f"{place}: {tmp_path} does not end in .json, as Prometheus wants it",
        f"{place}: {tmp_path} is not a file",
    )
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "genotel.json"
    assert mistakes(spool=tmp_path, spool_targets_file=file) == (f"{place}: {tmp_path / 'file'} is not a folder",)


def test_a_journal_must_be_one(tmp_path, monkeypatch):
    """A real one, or one that can be begun; not a folder, not another file, not on a share."""
    path = tmp_path / "journal.db"
    assert mistakes(journal=path) == ()
    writer = JournalWriter(path)
    writer.watch()
    writer.close()
    assert path.is_file()
    assert mistakes(journal=path) == ()
    assert mistakes(journal=tmp_path) == (f"argument journal: {tmp_path} is not a file",)
    other = tmp_path / "other"
    other.write_text("no database " * 100)
    (mistake,) = mistakes(journal=other)
    assert mistake.startswith(f"argument journal: {other}: cannot be read as a journal")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert mistakes(journal=path) == (f"argument journal: {path} cannot be read and written by this user",)


def test_a_journal_on_a_share_is_found(tmp_path, monkeypatch):
    """Before it is begun."""
    mounts = tmp_path / "mounts"
    mounts.write_text(f"nas:/ {tmp_path} nfs4 rw 0 0\n")
    original = location.refuse_network_filesystem
    monkeypatch.setattr(
        "genotel.collectors.exporter_check.refuse_network_filesystem", lambda path: original(path, mounts)
    )
    (mistake,) = mistakes(journal=tmp_path / "journal.db")
    assert "a network filesystem (nfs4)" in mistake


def test_a_name_that_is_too_long_is_a_mistake_like_any_other(tmp_path):
    """The system refuses even to look for it."""
    path = tmp_path / ("a" * 300)
    assert mistakes(journal=path / "journal.db", spool=path) == (
        f"argument spool: {path}: File name too long",
        f"argument journal: {path}: File name too long",
    )
    assert mistakes(model_folders=str(path)) == (f"argument model_folders: {path} is not a folder",)


def test_a_relative_path_is_judged_from_the_working_folder(working_folder: Path):
    """As the exporter would."""
    assert mistakes(spool="run/genotel") == ()
    (working_folder / "run").touch()
    assert mistakes(spool="run/genotel") == (
        f"argument spool: run/genotel cannot be made: {working_folder / 'run'} is not a folder",
    )
