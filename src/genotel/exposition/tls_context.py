"""Make the ``ssl`` context of a TLS section: open its files, and say which of them is wrong."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

from genotel.exposition.certificate_expiry import earliest_expiry
from genotel.exposition.tls_settings import Pem, TlsSettings
from genotel.exposition.yaml_tables import Table, read_file

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_KEY = b"PRIVATE KEY-----"


class _EncryptedKeyError(Exception):
    """Be raised where OpenSSL would ask for a passphrase on the terminal."""


class ServerTls(NamedTuple):
    """Hold a context, and the Unix time at which its certificate expires, where that can be read."""

    context: ssl.SSLContext
    expires_at: float | None


def make_context(settings: TlsSettings, table: Table) -> ServerTls | None:
    """Return a server's context, or None where a file is wrong, which the table has noted then.

    Args:
        settings: what the section says.
        table: the section, to which mistakes belong.
    """
    certificate = _read(settings.certificate, table, _CERTIFICATE, "no certificate")
    key = _read(settings.key, table, _KEY, "no private key")
    ca = settings.client_ca
    client_ca = None if ca is None else _read(ca, table, _CERTIFICATE, "no certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None and key is not None:
        _load_pair(context, certificate, key, settings, table)
    if ca is not None and client_ca is not None:
        try:
            context.load_verify_locations(cadata=client_ca.decode("ascii", "replace"))
        except (ssl.SSLError, ValueError):
            table.wrong(ca.key, "has a certificate that cannot be read")
    context.verify_mode = settings.verify_mode
    context.minimum_version = settings.minimum
    context.maximum_version = settings.maximum
    # A client must not make us do the costly part over and over on one connection.
    context.options |= ssl.OP_NO_RENEGOTIATION
    if settings.prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _choose(context, settings, table)
    context.set_alpn_protocols(["http/1.1"])
    if certificate is None or key is None:
        return None
    return ServerTls(context, earliest_expiry(certificate.decode("ascii", "replace")))


def has_allowed_san(certificate: Mapping[str, object] | None, allowed: tuple[str, ...]) -> bool:
    """Return whether a verified certificate carries one of the names: DNS, IP address, e-mail or URI.

    Args:
        certificate: as ``SSLSocket.getpeercert()`` returns it.
        allowed: the names; any certificate will do where there are none.

    Example:
        >>> has_allowed_san({"subjectAltName": (("DNS", "prometheus.example"),)}, ("prometheus.example",))
        True
        >>> has_allowed_san({"subjectAltName": (("IP Address", "0:0:0:0:0:0:0:1"),)}, ("::1",))
        True
    """
    if not allowed:
        return True
    names = (certificate or {}).get("subjectAltName", ())
    assert isinstance(names, tuple)
    return any((_address(value) if kind == "IP Address" else value) in allowed for kind, value in names)


def _address(text: str) -> str:
    """Return an address as people write it: OpenSSL spells IPv6 in full."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(text.strip()))
    return text


def _read(pem: Pem, table: Table, marker: bytes, otherwise: str) -> bytes | None:
    if pem.path is None:
        content = (pem.text or "").encode()
    else:
        try:
            content = read_file(pem.path)
        except (OSError, ValueError) as error:
            table.wrong(pem.key, f"{pem.path}: {getattr(error, 'strerror', None) or error}")
            return None
    if marker not in content:
        table.wrong(pem.key, f"has {otherwise} in PEM")
        return None
    return content


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes, settings: TlsSettings, table: Table) -> None:
    def refuse() -> str:
        raise _EncryptedKeyError

    try:
        # What was read is what is loaded, even if the files change meanwhile.
        with _in_memory(certificate) as certificate_path, _in_memory(key) as key_path:
            context.load_cert_chain(certificate_path, key_path, password=refuse)
    except _EncryptedKeyError:
        table.wrong(settings.key.key, "is encrypted: a server cannot ask for its passphrase, so store it without")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            table.wrong(settings.key.key, f"does not belong to the certificate of {settings.certificate.key}")
        else:
            table.wrong(settings.certificate.key, f"and {settings.key.key}: OpenSSL cannot load them ({error.reason})")


def _choose(context: ssl.SSLContext, settings: TlsSettings, table: Table) -> None:
    """Take the suites and the curve; a policy of the machine may forbid what the file names."""
    try:
        if settings.ciphers:
            context.set_ciphers(":".join(settings.ciphers))
    except ssl.SSLError:
        table.wrong("cipher_suites", "has none that this machine's OpenSSL offers")
    try:
        if settings.curve is not None:
            context.set_ecdh_curve(settings.curve)
    except (ssl.SSLError, ValueError):
        table.wrong("curve_preferences", "has a curve that this machine's OpenSSL does not offer")


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Give a path to bytes that are on no disk: ``ssl`` loads certificates from files only."""
    descriptor = os.memfd_create("genotel")
    try:
        os.write(descriptor, content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
