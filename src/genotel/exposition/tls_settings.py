"""The ``tls_server_config`` section: which certificate, which versions, and whose certificates are asked for.

What Python's ``ssl`` cannot do is refused by its name: a server that quietly does less than its file says
is worse than one that does not start.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from genotel.exposition.cipher_suites import ALWAYS_OFFERED, OPENSSL_NAMES
from genotel.exposition.yaml_tables import Table, shown

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS = frozenset({"TLS10", "TLS11"})
_VERIFY_MODES = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
# ssl verifies whatever certificate it asks for.
_UNVERIFIED = frozenset({"RequestClientCert", "RequireAnyClientCert", "RequireClientCert"})
# RFC 8422 §5.1.1, RFC 8446 §4.2.7, by Go's names.
_CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


@dataclass(frozen=True, slots=True)
class Pem:
    """Hold what is PEM: the path of its file, or the text itself; ``key`` says where it was given."""

    key: str
    path: Path | None = None
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Hold a section that was read and found right; its files have not been opened yet."""

    certificate: Pem
    key: Pem
    client_ca: Pem | None = None
    verify_mode: ssl.VerifyMode = ssl.CERT_NONE
    allowed_sans: tuple[str, ...] = ()
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    curve: str | None = None
    prefer_server_ciphers: bool = True

    @property
    def files(self) -> tuple[Path, ...]:
        """Return the files that this depends on."""
        return tuple(pem.path for pem in (self.certificate, self.key, self.client_ca) if pem and pem.path)


def read_tls(table: Table, folder: Path) -> TlsSettings | None:
    """Return what a section says; None where it is empty, or wrong, which its table has noted then.

    Args:
        table: the section.
        folder: where relative paths begin: that of the web configuration file.
    """
    if not table.keys:
        return None
    certificate = _pem(table, "cert", folder)
    key = _pem(table, "key", folder)
    client_ca = _pem(table, "client_ca", folder)
    verify_mode = _verify_mode(table, client_ca)
    allowed_sans = table.texts("client_allowed_sans")
    if allowed_sans and verify_mode is not ssl.CERT_REQUIRED:
        table.wrong("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
    minimum = _version(table, "min_version", ssl.TLSVersion.TLSv1_2)
    maximum = _version(table, "max_version", ssl.TLSVersion.TLSv1_3)
    if minimum > maximum:
        table.wrong("min_version", "is above max_version")
    prefers = table.boolean("prefer_server_cipher_suites")
    ciphers = _ciphers(table, minimum)
    curve = _curve(table)
    table.refuse_the_rest()
    for name, pem in (("cert", certificate), ("key", key)):
        if pem is None:
            table.wrong("", f"needs {name}_file (or {name})")
    if certificate is None or key is None:
        return None
    return TlsSettings(
        certificate=certificate,
        key=key,
        client_ca=client_ca,
        verify_mode=verify_mode,
        allowed_sans=allowed_sans,
        minimum=minimum,
        maximum=maximum,
        ciphers=ciphers,
        curve=curve,
        prefer_server_ciphers=prefers is not False,
    )


def _pem(table: Table, name: str, folder: Path) -> Pem | None:
    text, path = table.text(name), table.text(f"{name}_file")
    if text is not None and path is not None:
        table.wrong(name, f"is given beside {name}_file: leave one of them out")
    if path is not None:
        if "\0" in path:
            table.wrong(f"{name}_file", "is no path")
        return Pem(f"{name}_file", path=folder / path)
    return None if text is None else Pem(name, text=text)


def _verify_mode(table: Table, client_ca: Pem | None) -> ssl.VerifyMode:
    name = table.text("client_auth_type") or "NoClientCert"
    mode = _VERIFY_MODES.get(name)
    known = ", ".join(_VERIFY_MODES)
    if mode is None:
        if name in _UNVERIFIED:
            says = "Python's ssl verifies every certificate that it asks for, so use one of"
        else:
            says = "expected one of"
        table.wrong("client_auth_type", f"is {shown(name)}: {says} {known}")
        return ssl.CERT_REQUIRED
    if mode is ssl.CERT_NONE and client_ca is not None:
        table.wrong(client_ca.key, "has no effect without client_auth_type: RequireAndVerifyClientCert")
    if mode is not ssl.CERT_NONE and client_ca is None:
        table.wrong("client_auth_type", f"is {name}: it needs client_ca_file (or client_ca)")
    return mode


def _version(table: Table, key: str, default: ssl.TLSVersion) -> ssl.TLSVersion:
    name = table.text(key)
    if name is None or name in _VERSIONS:
        return default if name is None else _VERSIONS[name]
    if name in _OLD_VERSIONS:
        table.wrong(key, f"is {name}: OpenSSL does not speak it at its usual level of security, so use TLS12 or TLS13")
    else:
        table.wrong(key, f"is {shown(name)}: expected TLS12 or TLS13")
    return default


def _ciphers(table: Table, minimum: ssl.TLSVersion) -> tuple[str, ...]:
    names = table.texts("cipher_suites")
    for name in names:
        if name not in OPENSSL_NAMES and name not in ALWAYS_OFFERED:
            table.wrong("cipher_suites", f"has {shown(name)}: expected Go's name of a secure suite")
            return ()
    chosen = tuple(OPENSSL_NAMES[name] for name in names if name in OPENSSL_NAMES)
    if names and not chosen and minimum is ssl.TLSVersion.TLSv1_2:
        table.wrong("cipher_suites", "leaves none for TLS 1.2: name one that it has, or set min_version: TLS13")
    return chosen


def _curve(table: Table) -> str | None:
    names = table.texts("curve_preferences")
    if len(names) > 1:
        table.wrong("curve_preferences", "has several curves: Python's ssl takes one, so name one or leave the key out")
    for name in names:
        if name not in _CURVES:
            table.wrong("curve_preferences", f"has {shown(name)}: expected one of {', '.join(_CURVES)}")
            return None
    return _CURVES[names[0]] if names else None
