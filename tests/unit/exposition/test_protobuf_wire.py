"""Numbers and fields as Google's library reads them."""

from __future__ import annotations

import pytest
from google.protobuf.internal import decoder, encoder, wire_format
from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition import protobuf_wire as wire


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_read_back(number: int) -> None:
    """Whatever its length."""
    assert decoder._DecodeVarint(wire.varint(number), 0) == (number, len(wire.varint(number)))


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_signed_number_is_read_back(number: int) -> None:
    """Zigzag, as Google's does it."""
    assert wire.zigzag(number) == wire_format.ZigZagEncode(number)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (wire.integer(1, 300), encoder.UInt64Encoder(1, False, False)),
        (wire.signed(5, -3), encoder.SInt32Encoder(5, False, False)),
        (wire.double(16, 0.1), encoder.DoubleEncoder(16, False, False)),
        (wire.text(2, "é"), encoder.StringEncoder(2, False, False)),
    ],
)
def test_a_field_is_written_as_google_writes_it(ours: bytes, theirs: object) -> None:
    """Number, type, content."""
    value = {1: 300, 5: -3, 16: 0.1, 2: "é"}[{0x08: 1, 0x28: 5, 0x81: 16, 0x12: 2}[ours[0]]]
    written: list[bytes] = []
    theirs(written.append, value, True)  # type: ignore[operator]
    assert b"".join(written) == ours


def test_a_text_that_is_none_is_written_all_the_same() -> None:
    """A file name that could not be decoded."""
    assert wire.text(1, "a\udce4") == b"\x0a\x02a?"
