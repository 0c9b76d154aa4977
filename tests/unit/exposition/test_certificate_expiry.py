"""When certificates expire, against what the library that makes them says."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.certificate_expiry import earliest_expiry

KEY = ec.generate_private_key(ec.SECP256R1())
NAME = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "box")])


def certificate(end, *names):
    """Return a certificate that ends at a time, in PEM."""
    builder = x509.CertificateBuilder().subject_name(NAME).issuer_name(NAME).public_key(KEY.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(datetime.datetime(1960, 1, 1)).not_valid_after(end)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode("ascii")


@given(st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(9999, 12, 31)))
def test_the_end_is_that_of_the_certificate(end):
    """In both forms of a time: two digits of a year to 2049, four from 2050."""
    end = end.replace(microsecond=0)
    assert earliest_expiry(certificate(end)) == end.replace(tzinfo=datetime.UTC).timestamp()


def test_of_a_chain_the_first_end_counts():
    """Whatever stands between; large certificates have long lengths."""
    soon, later = datetime.datetime(2030, 1, 1), datetime.datetime(2040, 1, 1)
    many = [f"machine-{number}.example.org" for number in range(300)]
    chain = f"Subject: box\n{certificate(later, *many)}\nissuer\n{certificate(soon)}"
    assert earliest_expiry(chain) == soon.replace(tzinfo=datetime.UTC).timestamp()


@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_what_cannot_be_read_is_unknown(junk, place, value):
    """Never a fault: the certificate was loaded by OpenSSL, which knows better."""
    import ssl

    assert earliest_expiry("") is None
    earliest_expiry(ssl.DER_cert_to_PEM_cert(junk))
    broken = bytearray(ssl.PEM_cert_to_DER_cert(GOOD))
    broken[place % len(broken)] = value
    earliest_expiry(ssl.DER_cert_to_PEM_cert(bytes(broken)))
    earliest_expiry(ssl.DER_cert_to_PEM_cert(bytes(broken[:place])))


GOOD = certificate(datetime.datetime(2030, 1, 1))


@pytest.mark.parametrize("text", ["-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----", "\x00", "é"])
def test_what_is_no_pem_is_unknown(text):
    """So it is absent on the page."""
    assert earliest_expiry(text) is None
