"""Users and their bcrypt hashes: who is let in, with each good password hashed only once.

A hash of cost 12 takes about half a second of a core, so an answer is kept, by a keyed hash of
everything that it depends on; what is kept is bounded, and wrong passwords never push out right ones.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import NamedTuple

import bcrypt

from genotel.exposition.yaml_tables import Table

# Answers kept, of each kind.
MAX_KEPT = 128
# Above it one check takes longer than a scrape waits.
MAX_COST = 16
# bcrypt looks at no more: https://www.usenix.org/legacy/events/usenix99/provos/provos_html/node4.html
_MAX_PASSWORD_BYTES = 72

_HASH = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{53}")
_BASIC = re.compile(r"basic +([A-Za-z0-9+/=]+)", re.IGNORECASE)


class Credentials(NamedTuple):
    """Hold what a client says it is."""

    user: str
    password: bytes


class PasswordChecks:
    """Compare passwords with bcrypt hashes, and remember what came of it; for any thread.

    Example:
        >>> checks = PasswordChecks()
        >>> users = {"alice": "$2b$04$AAAAAAAAAAAAAAAAAAAAA.t1Mn6Mt9eWGvQ7OPeLVtHAHEnNTCIMK"}
        >>> checks.known(users, Credentials("alice", b"wrong")) is None
        True
        >>> checks.is_right(users, Credentials("alice", b"wrong"))
        False
        >>> checks.known(users, Credentials("alice", b"wrong"))
        False
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secret = os.urandom(32)
        self._kept: dict[bool, OrderedDict[bytes, None]] = {True: OrderedDict(), False: OrderedDict()}

    def known(self, users: Mapping[str, str], credentials: Credentials) -> bool | None:
        """Return what an earlier check of the same came to; None where there was none."""
        key = self._key(users, credentials)
        with self._lock:
            for answer, kept in self._kept.items():
                if key in kept:
                    kept.move_to_end(key)
                    return answer
        return None

    def is_right(self, users: Mapping[str, str], credentials: Credentials) -> bool:
        """Return whether the user has this password; takes as long as the hash's cost wants.

        A user that is not there costs as much as one that is, so that nobody learns who is.
        """
        known = self.known(users, credentials)
        if known is not None:
            return known
        password = credentials.password[:_MAX_PASSWORD_BYTES]
        try:
            same = bcrypt.checkpw(password, self._hash(users, credentials.user).encode())
        except ValueError:
            # A salt with bits that no writer sets: nobody has its password.
            same = False
        right = same and credentials.user in users
        kept = self._kept[right]
        key = self._key(users, credentials)
        with self._lock:
            kept[key] = None
            while len(kept) > MAX_KEPT:
                kept.popitem(last=False)
        return right

    def _key(self, users: Mapping[str, str], credentials: Credentials) -> bytes:
        digest = hashlib.blake2b(key=self._secret, digest_size=32)
        for part in (credentials.user.encode(), self._hash(users, credentials.user).encode(), credentials.password):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
        return digest.digest()

    def _hash(self, users: Mapping[str, str], user: str) -> str:
        found = users.get(user)
        if found is not None:
            return found
        # Nobody's, of the same cost as the others'; that of the first, since most files have one cost.
        cost = next(iter(users.values()))[4:6]
        return f"$2b${cost}${'.' * 53}"


def read_credentials(header: str) -> Credentials | None:
    """Return what an Authorization header says; None where it is no basic authentication.

    Example:
        >>> read_credentials("Basic YWxpY2U6cGFzczp3b3Jk")
        Credentials(user='alice', password=b'pass:word')
        >>> read_credentials("Bearer abc") is None
        True
    """
    match = _BASIC.fullmatch(header)
    if match is None:
        return None
    try:
        user, colon, password = base64.b64decode(match[1], validate=True).partition(b":")
        return Credentials(user.decode("utf-8"), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def read_users(table: Table) -> Mapping[str, str]:
    """Return names and hashes of the section ``basic_auth_users``."""
    users: dict[str, str] = {}
    for user in table.keys:
        hashed = table.text(user)
        match = _HASH.fullmatch(hashed or "")
        if match is None:
            table.wrong(user, "is no bcrypt hash, such as `htpasswd -nBC 10 '' | tr -d ':\\n'` makes", hidden=True)
        elif not 4 <= int(match[1]) <= MAX_COST:
            table.wrong(
                user, f"has cost {int(match[1])}: expected 4 to {MAX_COST}, since a client waits for it", hidden=True
            )
        elif ":" in user:
            table.wrong(user, "has a colon, which no user of basic authentication can have", hidden=True)
        else:
            users[user] = match[0]
    return users
