"""A web configuration file that changes while it is in force."""

from __future__ import annotations

import os

import bcrypt
import pytest

from genotel import guard
from genotel.clock import Clock
from genotel.errors import SettingsError
from genotel.exposition import web_file as under_test
from genotel.exposition.web_file import WebFile

# The same in every process, since the names of tests have it.
HASH = bcrypt.hashpw(b"secret", b"$2b$04$abcdefghijklmnopqrstuu").decode()
TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"


class Time:
    """Stand still until told otherwise."""

    def __init__(self) -> None:
        self.now = 100.0
        self.clock = Clock(wall=lambda: self.now + 1e9, monotonic=lambda: self.now)


@pytest.fixture
def time():
    """Give a clock that stands still."""
    return Time()


def users(file):
    """Return the names of the users in force."""
    return set(file.refresh().users)


def test_a_wrong_file_is_refused_at_the_start(web_file):
    """Nothing is served by it."""
    with pytest.raises(SettingsError, match="nonsense: unknown key"):
        WebFile(web_file("nonsense: 1"))


def test_a_file_that_stays_is_read_once_more_when_it_has_settled(web_file, time, monkeypatch):
    """And then never again: looking whether it changed costs no reading."""
    file = WebFile(web_file(f"basic_auth_users: {{alice: {HASH}}}"), clock=time.clock)
    read = []
    real = under_test.load_web_config
    monkeypatch.setattr(under_test, "load_web_config", lambda path: read.append(path) or real(path))
    for _ in range(10):
        assert users(file) == {"alice"}
        time.now += 1
    assert len(read) == 1
    assert file.is_current


def test_a_change_is_in_force_at_once(web_file, time):
    """A user more, a user less, by a renamed file or one written in place."""
    path = web_file(f"basic_auth_users: {{alice: {HASH}}}")
    file = WebFile(path, clock=time.clock)
    web_file(f"basic_auth_users: {{alice: {HASH}, bob: {HASH}}}")
    assert not file.is_current
    assert users(file) == {"alice", "bob"}
    path.write_text(f"basic_auth_users: {{bob: {HASH}}}")
    assert users(file) == {"bob"}
    assert file.loaded_at == time.now + 1e9


def test_a_second_change_within_one_tick_is_seen_when_it_has_settled(web_file, time):
    """Filesystems count time in ticks: two changes in one leave the same times and may leave the same size."""
    path = web_file(f"basic_auth_users: {{alice: {HASH}}}")
    file = WebFile(path, clock=time.clock)
    signature = file._signature
    path.write_text(f"basic_auth_users: {{carol: {HASH}}}")
    file._signature = under_test._signature((path,))
    assert signature != file._signature
    assert users(file) == {"alice"}
    time.now += 0.2
    assert users(file) == {"carol"}


def test_a_new_certificate_is_in_force_at_once(web_file, authority, tmp_path, time):
    """Though the file that names it is the same."""
    file = WebFile(web_file(TLS), clock=time.clock)
    before = file.refresh().context
    authority.issue("localhost", "127.0.0.1").write(tmp_path)
    assert file.refresh().context is not before


def test_a_wrong_change_leaves_the_old_one_in_force_and_is_told_once(web_file, time, caplog):
    """With its mistake, but never with a secret; and so is that it is right again."""
    file = WebFile(web_file(f"basic_auth_users: {{alice: {HASH}}}"), clock=time.clock)
    web_file("basic_auth_users: {alice: hunter2}")
    for _ in range(5):
        assert users(file) == {"alice"}
        time.now += 0.7
    assert not file.is_good
    assert [record.message for record in caplog.records] == [
        f"genotel: {file.path}:1: basic_auth_users.alice: is no bcrypt hash, such as `htpasswd -nBC 10 '' | "
        r"tr -d ':\n'` makes; the web configuration before stays in force"
    ]
    web_file("basic_auth_users: {alice: hunter3")
    users(file)
    assert len(caplog.records) == 2
    web_file(f"basic_auth_users: {{bob: {HASH}}}")
    assert users(file) == {"bob"}
    assert file.is_good
    assert caplog.records[2].message.endswith("is right again and in force")
    assert "hunter" not in caplog.text


def test_a_file_that_is_taken_away_leaves_what_was_in_force(web_file, time, caplog):
    """Nobody is let in by a missing file."""
    path = web_file(f"basic_auth_users: {{alice: {HASH}}}")
    file = WebFile(path, clock=time.clock)
    path.unlink()
    assert users(file) == {"alice"}
    assert "No such file or directory" in caplog.text


def test_a_certificate_that_comes_later_than_the_file_that_names_it_is_found(web_file, authority, tmp_path, time):
    """The file is the same by then, so a wrong one is tried again."""
    file = WebFile(web_file(TLS), clock=time.clock)
    web_file(TLS.replace("server.", "new."))
    file.refresh()
    assert not file.is_good
    authority.issue("localhost").write(tmp_path, "new")
    time.now += 0.2
    file.refresh()
    time.now += 1.0
    file.refresh()
    assert file.is_good
    assert [path.name for path in file.config.files] == ["new.crt", "new.key"]


@pytest.mark.parametrize(("before", "after"), [(TLS, "# plain\n"), ("# plain\n", TLS + "# server.crt\n")])
def test_tls_is_not_turned_on_or_off_by_a_change(web_file, time, caplog, before, after):
    """A page does not fall back to plain HTTP because somebody lost a section."""
    file = WebFile(web_file(before), clock=time.clock)
    web_file(after)
    assert (file.refresh().context is None) == ("server.crt" not in before)
    assert "TLS is turned on or off by a restart only" in caplog.text


def test_a_fault_of_ours_changes_nothing(web_file, time, monkeypatch, caplog):
    """It is counted, and what was in force stays so."""
    monkeypatch.setattr(guard, "_strict", False)
    file = WebFile(web_file(f"basic_auth_users: {{alice: {HASH}}}"), clock=time.clock)

    def fail(_):
        raise ZeroDivisionError

    monkeypatch.setattr(under_test, "load_web_config", fail)
    web_file("")
    assert users(file) == {"alice"}
    assert guard.internal_errors() == {"exposition.web_file": 1}
    assert "cannot be read" in caplog.text


def test_a_relative_path_stays_the_same_file(web_file, monkeypatch, tmp_path):
    """Wherever the program goes."""
    web_file(f"basic_auth_users: {{alice: {HASH}}}")
    monkeypatch.chdir(tmp_path)
    file = WebFile(under_test.Path("web.yml"))
    os.chdir("/")
    web_file(f"basic_auth_users: {{bob: {HASH}}}")
    assert users(file) == {"bob"}
