"""Messages on a pipe."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.collectors.framing import MOST_BYTES, FrameReader, packed

MESSAGES = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=20) | st.none(), max_size=5)


@given(messages=st.lists(MESSAGES, max_size=5), size=st.integers(1, 50))
def test_messages_come_out_as_they_went_in_however_they_are_cut(messages, size):
    """A pipe gives what it has, not what was written at once."""
    wire = b"".join(map(packed, messages))
    reader = FrameReader()
    pieces = [wire[start : start + size] for start in range(0, len(wire), size)]
    assert [message for piece in pieces for message in reader.messages(piece)] == messages


@pytest.mark.parametrize(
    "wire",
    [
        (MOST_BYTES + 1).to_bytes(4, "big"),
        b"\0\0\0\2[]",
        b"\0\0\0\2}{",
        b"\0\0\0\1\xff",
    ],
    ids=["too long", "no object", "no JSON", "no text"],
)
def test_what_is_no_such_stream_is_refused(wire):
    """A library that writes into the pipe puts it out of step."""
    with pytest.raises(ValueError, match=r".*"):
        list(FrameReader().messages(wire))


def test_a_message_is_compact_json():
    """It is made every few seconds for as long as the exporter runs."""
    assert packed({"a": [1, 2]})[4:] == json.dumps({"a": [1, 2]}, separators=(",", ":")).encode()
