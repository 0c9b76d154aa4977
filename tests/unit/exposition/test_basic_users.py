"""Users: hashes that are right, passwords that are hashed once, and what is kept of them."""

from __future__ import annotations

import base64

import bcrypt
import pytest

from genotel.errors import SettingsError
from genotel.exposition import basic_users
from genotel.exposition.basic_users import MAX_KEPT, Credentials, PasswordChecks, read_credentials, read_users
from genotel.exposition.yaml_tables import Mistakes, read_table

# The same in every process, since the names of tests have it.
HASH = bcrypt.hashpw(b"secret", b"$2b$04$abcdefghijklmnopqrstuu").decode()
USERS = {"alice": HASH, "bob": HASH.replace("$2b$", "$2y$")}


@pytest.fixture
def hashed(monkeypatch):
    """Return the passwords that were really compared."""
    seen = []
    real = bcrypt.checkpw

    def checkpw(password, against):
        seen.append(password)
        return real(password, against)

    monkeypatch.setattr(basic_users.bcrypt, "checkpw", checkpw)
    return seen


def header(text):
    """Return the header of a user and a password."""
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


@pytest.mark.parametrize("user", ["alice", "bob"])
def test_a_password_is_right_by_either_spelling_of_bcrypt(user):
    """htpasswd writes $2y$, Python $2b$."""
    checks = PasswordChecks()
    assert checks.is_right(USERS, Credentials(user, b"secret"))
    assert not checks.is_right(USERS, Credentials(user, b"Secret"))


def test_an_answer_is_kept(hashed):
    """Right or wrong, the same question is hashed once; a new hash of the same user is a new question."""
    checks = PasswordChecks()
    for _ in range(3):
        assert checks.is_right(USERS, Credentials("alice", b"secret"))
        assert not checks.is_right(USERS, Credentials("alice", b"wrong"))
    assert hashed == [b"secret", b"wrong"]
    changed = {"alice": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()}
    assert checks.known(changed, Credentials("alice", b"secret")) is None
    assert not checks.is_right(changed, Credentials("alice", b"secret"))


def test_a_user_that_is_removed_is_not_let_in():
    """What was kept of it is of no use."""
    checks = PasswordChecks()
    assert checks.is_right(USERS, Credentials("alice", b"secret"))
    assert not checks.is_right({"bob": HASH}, Credentials("alice", b"secret"))


def test_an_unknown_user_costs_a_hash_too(hashed, monkeypatch):
    """Of the same cost as the others', or its time would tell that it is unknown."""
    asked = []
    monkeypatch.setattr(basic_users.bcrypt, "checkpw", lambda _, against: asked.append(against) or True)
    assert not PasswordChecks().is_right(USERS, Credentials("mallory", b"secret"))
    assert len(asked) == 1
    assert asked[0][:7] == HASH.encode()[:7]


def test_wrong_passwords_never_push_out_right_ones(hashed):
    """Both are bounded, each by itself."""
    checks = PasswordChecks()
    assert checks.is_right(USERS, Credentials("alice", b"secret"))
    for number in range(MAX_KEPT + 5):
        checks.is_right(USERS, Credentials("alice", str(number).encode()))
    assert checks.known(USERS, Credentials("alice", b"secret")) is True
    assert checks.known(USERS, Credentials("alice", b"0")) is None
    assert len(checks._kept[False]) == MAX_KEPT


def test_neither_passwords_nor_users_are_kept_as_they_are():
    """What is kept is a keyed hash, with a key of this process."""
    checks, others = PasswordChecks(), PasswordChecks()
    for each in (checks, others):
        each.is_right(USERS, Credentials("alice", b"secret"))
    assert checks._kept[True].keys() != others._kept[True].keys()
    assert b"secret" not in b"".join(checks._kept[True])


@pytest.mark.parametrize("password", [b"", b"\0", b"secret\0", b"x" * 73, b"\xff\xfe", b"y" * 10_000])
def test_odd_passwords_are_only_wrong(password):
    """Of any length and bytes."""
    assert not PasswordChecks().is_right(USERS, Credentials("alice", password))


def test_a_long_password_counts_as_far_as_bcrypt_looks():
    """72 bytes, as for htpasswd and Go."""
    users = {"alice": bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()}
    assert PasswordChecks().is_right(users, Credentials("alice", b"x" * 80))


def test_a_salt_that_no_writer_makes_matches_nothing():
    """The library refuses it; nobody has such a password."""
    assert not PasswordChecks().is_right({"alice": "$2y$04$" + "a" * 53}, Credentials("alice", b"x"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (header("alice:se:cret"), Credentials("alice", b"se:cret")),
        (header("alice:").replace("Basic", "bAsIc"), Credentials("alice", b"")),
        (header("jürgen:straße"), Credentials("jürgen", "straße".encode())),
        (header(b"alice:\xff"), Credentials("alice", b"\xff")),
        (header("alice"), None),
        (header(b"\xff:x"), None),
        ("Basic !!!", None),
        ("Basic YWx", None),
        ("Basic", None),
        ("Bearer YWxpY2U6eA==", None),
        ("", None),
    ],
)
def test_credentials_are_read(text, found):
    """Or there are none."""
    assert read_credentials(text) == found


@pytest.fixture
def read(tmp_path):
    """Return a reader of sections: the users, or the text of the refusal."""

    def parse(text):
        path = tmp_path / "web.yml"
        path.write_text(text, encoding="utf-8")
        mistakes = Mistakes("web.yml")
        users = read_users(read_table(path, mistakes))
        try:
            mistakes.refuse()
        except SettingsError as error:
            return str(error)
        return users

    return parse


def test_users_are_read(read):
    """In any spelling of bcrypt."""
    assert read(f"alice: {HASH}\nbob: '{USERS['bob']}'\n") == USERS


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("alice: hunter2", "alice: is no bcrypt hash"),
        ("alice:", "alice: is no bcrypt hash"),
        (f"alice: {HASH}x", "alice: is no bcrypt hash"),
        (f"alice: [{HASH}]", "alice: expected a text"),
        ("alice: $2y$03$" + "a" * 53, "alice: has cost 3: expected 4 to 16"),
        ("alice: $2y$31$" + "a" * 53, "alice: has cost 31"),
        (f"'a:b': {HASH}", "web.yml:1: has a colon"),
        ("{alice hunter2}", "web.yml:1: is no bcrypt hash"),
    ],
)
def test_a_wrong_user_is_refused_without_its_secret(read, text, says):
    """Neither the hash nor what stands in its place is repeated."""
    refused = read(text)
    assert says in refused
    assert "hunter2" not in refused
    assert "aaaa" not in refused
