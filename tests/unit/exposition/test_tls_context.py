"""The context of a TLS section: its files, and which of them is wrong."""

from __future__ import annotations

import os
import ssl

import pytest

from genotel.errors import SettingsError
from genotel.exposition.tls_context import has_allowed_san, make_context
from genotel.exposition.tls_settings import read_tls
from genotel.exposition.yaml_tables import Mistakes, read_table
from tests.certificates import encrypted

PAIR = "cert_file: server.crt\nkey_file: server.key\n"


@pytest.fixture
def make(tmp_path, authority):
    """Return a maker of contexts of a section's text: the context, or the text of the refusal."""
    pair = authority.issue("localhost")
    pair.write(tmp_path)
    encrypted(pair, b"passphrase").write(tmp_path, "encrypted")
    authority.issue("localhost").write(tmp_path, "other")
    (tmp_path / "ca.crt").write_text(authority.certificate, encoding="ascii")
    (tmp_path / "empty.crt").write_text("", encoding="ascii")
    broken = pair.certificate.replace("M", "N", 3)
    (tmp_path / "broken.crt").write_text(broken, encoding="ascii")

    def read(text):
        path = tmp_path / "web.yml"
        path.write_text(text, encoding="utf-8")
        mistakes = Mistakes("web.yml")
        table = read_table(path, mistakes)
        settings = read_tls(table, tmp_path)
        assert settings is not None
        made = make_context(settings, table)
        try:
            mistakes.refuse()
        except SettingsError as error:
            return str(error)
        assert made is not None
        return made.context

    return read


def test_a_context_has_what_the_section_says(make):
    """Versions, suites, client certificates; and no renegotiation, which a client could ask for without end."""
    context = make(
        PAIR + "client_ca_file: ca.crt\nclient_auth_type: RequireAndVerifyClientCert\nmin_version: TLS12\n"
        "max_version: TLS12\ncipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\ncurve_preferences: [CurveP256]\n"
        "prefer_server_cipher_suites: false\n"
    )
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is context.maximum_version is ssl.TLSVersion.TLSv1_2
    older = [cipher["name"] for cipher in context.get_ciphers() if not cipher["name"].startswith("TLS_")]
    assert older == ["ECDHE-ECDSA-AES128-GCM-SHA256"]
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert make(PAIR).options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_pem_may_be_written_into_the_file(make, authority):
    """All three of it, and nothing of it is left in a file or a descriptor."""
    pair = authority.issue("localhost")
    before = len(os.listdir("/proc/self/fd"))
    lines = {"cert": pair.certificate, "key": pair.key, "client_ca": authority.certificate}
    text = "".join(f"{key}: |\n" + "".join(f"  {line}\n" for line in pem.split("\n")) for key, pem in lines.items())
    assert isinstance(make(text + "client_auth_type: VerifyClientCertIfGiven\n"), ssl.SSLContext)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cert_file: nowhere.crt\nkey_file: server.key\n", "web.yml:1: cert_file: "),
        ("cert_file: nowhere.crt\nkey_file: server.key\n", "nowhere.crt: No such file or directory"),
        ("cert_file: server.crt\nkey_file: .\n", "it is not a regular file"),
        ("cert_file: empty.crt\nkey_file: server.key\n", "cert_file: has no certificate in PEM"),
        ("cert_file: server.crt\nkey_file: server.crt\n", "web.yml:2: key_file: has no private key in PEM"),
        ("cert_file: server.crt\nkey_file: other.key\n", "key_file: does not belong to the certificate of cert_file"),
        ("cert_file: server.crt\nkey_file: encrypted.key\n", "key_file: is encrypted"),
        ("cert_file: broken.crt\nkey_file: server.key\n", "cert_file: and key_file: OpenSSL cannot load them"),
        (PAIR + "client_ca_file: broken.crt\nclient_auth_type: VerifyClientCertIfGiven", "client_ca_file: has a cert"),
        (PAIR + "client_ca_file: empty.crt\nclient_auth_type: VerifyClientCertIfGiven", "client_ca_file: has no cert"),
    ],
)
def test_a_wrong_file_is_named(make, text, says):
    """By its key; nobody is asked for a passphrase, and nothing waits."""
    assert says in make(text)


def test_what_this_machine_forbids_is_named(make, monkeypatch):
    """A policy of the system may offer less than OpenSSL knows."""

    def no_suites(*_):
        raise ssl.SSLError("no cipher match")

    def no_curve(*_):
        raise ValueError("unknown curve")

    monkeypatch.setattr(ssl.SSLContext, "set_ciphers", no_suites)
    monkeypatch.setattr(ssl.SSLContext, "set_ecdh_curve", no_curve)
    text = "cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]\ncurve_preferences: [X25519]\n"
    refused = make(PAIR + text)
    assert "cipher_suites: has none that this machine's OpenSSL offers" in refused
    assert "curve_preferences: has a curve that this machine's OpenSSL does not offer" in refused


@pytest.mark.parametrize(
    ("kind", "given", "allowed"),
    [
        ("DNS", "prometheus.example", "prometheus.example"),
        ("IP Address", "10.1.2.3", "10.1.2.3"),
        ("IP Address", "FE80:0:0:0:0:0:0:1\n", "fe80::1"),
        ("email", "ops@example.org", "ops@example.org"),
        ("URI", "spiffe://box/prometheus", "spiffe://box/prometheus"),
    ],
)
def test_a_name_of_any_kind_may_be_allowed(kind, given, allowed):
    """In the spelling of people; what OpenSSL makes of an address is put right."""
    certificate = {"subjectAltName": (("DNS", "first.example"), (kind, given))}
    assert has_allowed_san(certificate, ("nobody.example", allowed))
    assert not has_allowed_san(certificate, ("nobody.example",))


def test_without_a_list_any_certificate_will_do():
    """And with one, no certificate will not; nor does a common name count."""
    assert has_allowed_san(None, ())
    assert not has_allowed_san(None, ("a",))
    assert not has_allowed_san({"subject": ((("commonName", "a"),),)}, ("a",))
    assert not has_allowed_san({"subjectAltName": (("IP Address", "<invalid>"),)}, ("a",))
