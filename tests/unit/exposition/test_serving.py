"""The page of a user's program is served where that is possible."""

from __future__ import annotations

import socket
import urllib.request

import pytest

from genotel.exposition.page import Page
from genotel.exposition.serving import serve_if_free
from genotel.settings import PageSettings


def test_a_page_is_served_with_its_own_numbers():
    """The scrapes of it are on it."""
    server = serve_if_free(Page(), PageSettings(port=0))
    try:
        with urllib.request.urlopen(server.url, timeout=10) as answer:
            assert b"genotel_scrapes_total" in answer.read()
    finally:
        server.close()


@pytest.mark.parametrize("quiet", [False, True])
def test_a_taken_port_is_one_warning_unless_it_is_nothing_to_speak_of(quiet, caplog):
    """With a spool, whoever has the port shows this process too."""
    page = Page()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert serve_if_free(page, PageSettings(port=port), quiet=quiet) is None
    assert len(caplog.records) == (0 if quiet else 1)
    assert quiet or f"127.0.0.1:{port}: Address already in use; the program goes on" in caplog.text
