"""The compressed page and its reuse."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from genotel.exposition.compression import Compressor


def test_equal_pages_are_compressed_once() -> None:
    """The same bytes give the same object, new bytes a new one."""
    compressor = Compressor()
    first = compressor.gzip(b"calls_total 1\n" * 100)
    assert compressor.gzip(b"calls_total 1\n" * 100) is first
    second = compressor.gzip(b"calls_total 2\n" * 100)
    assert zlib.decompress(second, 31) == b"calls_total 2\n" * 100


@given(st.lists(st.binary(max_size=100), max_size=5))
def test_what_is_compressed_comes_back(pages: list[bytes]) -> None:
    """Whatever came before, a page is itself."""
    compressor = Compressor()
    for page in pages:
        assert zlib.decompress(compressor.gzip(page), 31) == page
