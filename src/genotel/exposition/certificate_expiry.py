"""When a certificate expires, read from its own bytes: ``ssl`` tells that of other people's only."""

from __future__ import annotations

import calendar
import re
import ssl
import time

# X.690 §8.1: the tags that lie on the way.
_SEQUENCE = 0x30
_VERSION = 0xA0
_UTC_TIME = 0x17
_GENERALIZED_TIME = 0x18
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def earliest_expiry(pem: str) -> float | None:
    """Return the Unix time at which the first of the certificates of a PEM text expires; None if none can be read.

    RFC 5280 §4.1: a certificate is a sequence whose first part has, after an optional version, a serial number, an
    algorithm and an issuer, the validity: two times.
    """
    times = [found for block in _PEM.findall(pem) if (found := _expiry(block)) is not None]
    return min(times, default=None)


def _expiry(block: str) -> float | None:
    try:
        certificate = _content(ssl.PEM_cert_to_DER_cert(block), 0, _SEQUENCE)
        signed = _content(certificate, 0, _SEQUENCE)
        at = _end(signed, 0) if signed[0] == _VERSION else 0
        for _ in ("serial number", "algorithm", "issuer"):
            at = _end(signed, at)
        validity = _content(signed, at, _SEQUENCE)
        after = _end(validity, 0)
        return _time(validity[after], validity[_start(validity, after) : _end(validity, after)].decode("ascii"))
    except (ValueError, IndexError):
        return None


def _content(data: bytes, at: int, tag: int) -> bytes:
    if data[at] != tag:
        raise ValueError("another tag")
    return data[_start(data, at) : _end(data, at)]


def _start(data: bytes, at: int) -> int:
    """Return where the content of the value at ``at`` begins: after its tag and its length."""
    length = data[at + 1]
    return at + 2 + (length & 0x7F if length & 0x80 else 0)


def _end(data: bytes, at: int) -> int:
    """Return where the value at ``at`` ends."""
    start = _start(data, at)
    length = int.from_bytes(data[at + 2 : start], "big") if start > at + 2 else data[at + 1]
    if start + length > len(data):
        raise ValueError("cut short")
    return start + length


def _time(tag: int, text: str) -> float:
    # RFC 5280 §4.1.2.5: always in UTC and with seconds; two digits of a year below 50 are of this century.
    if tag not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("no time")
    if tag == _UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    return float(calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ")))
