"""What a TLS section may say, and what is refused by its name."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from genotel.errors import SettingsError
from genotel.exposition.cipher_suites import ALWAYS_OFFERED, OPENSSL_NAMES
from genotel.exposition.tls_settings import read_tls
from genotel.exposition.yaml_tables import Mistakes, read_table

PAIR = "cert_file: a.crt\nkey_file: /b.key\n"


@pytest.fixture
def read(tmp_path):
    """Return a reader of sections: the settings, or the text of the refusal."""

    def parse(text, pair=PAIR):
        path = tmp_path / "web.yml"
        path.write_text(pair + text, encoding="utf-8")
        mistakes = Mistakes("web.yml")
        settings = read_tls(read_table(path, mistakes), Path("/etc/exporter"))
        try:
            mistakes.refuse()
        except SettingsError as error:
            return str(error)
        return settings

    return parse


def test_paths_begin_at_the_folder_of_the_file(read):
    """Unless they are absolute; both are watched."""
    settings = read("client_ca_file: ca/ca.crt\nclient_auth_type: RequireAndVerifyClientCert")
    assert settings.files == (Path("/etc/exporter/a.crt"), Path("/b.key"), Path("/etc/exporter/ca/ca.crt"))
    assert settings.verify_mode is ssl.CERT_REQUIRED


def test_what_nobody_says_is_as_with_prometheus(read):
    """TLS 1.2 and 1.3, no client certificates, the server's own preference."""
    settings = read("")
    assert (settings.minimum, settings.maximum) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert (settings.verify_mode, settings.ciphers, settings.curve) == (ssl.CERT_NONE, (), None)
    assert settings.prefer_server_ciphers is True


def test_inline_pem_is_of_no_file_and_in_no_repr(read):
    """A key that is written into the file stays out of every text about it."""
    settings = read("", pair="cert: CERTIFICATE\nkey: SECRET\n")
    assert settings.files == ()
    assert "SECRET" not in repr(settings)


def test_an_empty_section_is_no_tls(read):
    """Plain HTTP, as with Prometheus."""
    assert read("", pair="{}") is None


def test_everything_can_be_chosen(read):
    """By Go's names."""
    settings = read(
        "client_ca: CA\nclient_auth_type: RequireAndVerifyClientCert\nclient_allowed_sans: [a.example, '::1']\n"
        "min_version: TLS12\nmax_version: TLS12\nprefer_server_cipher_suites: false\ncurve_preferences: [CurveP384]\n"
        "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]"
    )
    assert settings.allowed_sans == ("a.example", "::1")
    assert settings.ciphers == ("ECDHE-RSA-AES256-GCM-SHA384",)
    assert (settings.curve, settings.prefer_server_ciphers) == ("secp384r1", False)
    assert settings.maximum is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "client_auth_type: RequireAnyClientCert",
            "client_auth_type: is 'RequireAnyClientCert': Python's ssl verifies",
        ),
        ("client_auth_type: RequireClientCert", "client_auth_type: is 'RequireClientCert'"),
        ("client_auth_type: RequestClientCert", "client_auth_type: is 'RequestClientCert'"),
        ("client_auth_type: Sometimes", "client_auth_type: is 'Sometimes': expected one of NoClientCert,"),
        ("client_auth_type: VerifyClientCertIfGiven", "it needs client_ca_file (or client_ca)"),
        ("client_ca_file: ca.crt", "client_ca_file: has no effect without client_auth_type"),
        ("client_ca: PEM", "client_ca: has no effect without client_auth_type"),
        ("client_allowed_sans: [a]", "client_allowed_sans: needs client_auth_type: RequireAndVerifyClientCert"),
        ("curve_preferences: [CurveP256, X25519]", "curve_preferences: has several curves"),
        ("curve_preferences: [CurveP224]", "curve_preferences: has 'CurveP224': expected one of CurveP256"),
        ("min_version: TLS10", "min_version: is TLS10: OpenSSL does not"),
        ("max_version: TLS11", "max_version: is TLS11"),
        ("min_version: SSL30", "min_version: is 'SSL30': expected TLS12 or TLS13"),
        ("min_version: TLS13\nmax_version: TLS12", "min_version: is above max_version"),
        ("cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", "cipher_suites: has 'TLS_RSA_WITH_RC4_128_SHA'"),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", "cipher_suites: leaves none for TLS 1.2"),
        ("cert: PEM", "cert: is given beside cert_file"),
        ("prefer_server_cipher_suites: perhaps", "prefer_server_cipher_suites: is 'perhaps'"),
        ("session_tickets: true", "session_tickets: unknown key"),
        ('client_ca_file: "a\\0b"', "client_ca_file: is no path"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_name(read, text, says):
    """With the file, the line and what to write instead; nothing is ignored."""
    assert says in read(text)


@pytest.mark.parametrize("pair", ["cert_file: a\n", "key_file: a\n", "min_version: TLS13\n"])
def test_half_a_pair_is_refused(read, pair):
    """A section that names no certificate is no way to serve without one."""
    assert "needs " in read("", pair=pair)


def test_tls_1_3_alone_needs_no_older_suite(read):
    """Its suites are always offered."""
    assert read("min_version: TLS13\ncipher_suites: [TLS_AES_128_GCM_SHA256]").ciphers == ()


def test_every_suite_is_known_to_openssl():
    """The names on the right are OpenSSL's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(":".join(OPENSSL_NAMES.values()))
    offered = {cipher["name"] for cipher in context.get_ciphers()}
    assert set(OPENSSL_NAMES.values()) <= offered
    assert {name for name in offered if name.startswith("TLS_")} == ALWAYS_OFFERED
