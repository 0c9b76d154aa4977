"""Asking a server on this machine."""

from __future__ import annotations

import socket

import pytest

from genotel.demo.local_http import get
from genotel.errors import ServerError
from genotel.exposition.page import Page
from genotel.exposition.server import PageServer


def test_a_body_comes_back_past_any_proxy(monkeypatch):
    """A proxy of the environment is for the world outside."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with PageServer(Page(), port=0) as server:
        assert get(server.url.replace("/metrics", "/-/healthy?a=b"))


def test_another_status_is_an_error():
    """With the address in its text."""
    with PageServer(Page(), port=0) as server:
        url = server.url.replace("/metrics", "/nowhere")
        with pytest.raises(ServerError, match=f"^{url}: status 404$"):
            get(url)


def test_nobody_there_is_an_error():
    """And so is somebody who does not speak HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(ServerError, match=r"no answer \(TimeoutError\)$"):
            get(f"http://127.0.0.1:{port}/", timeout_seconds=0.05)
    with pytest.raises(ServerError, match=r"no answer \(ConnectionRefusedError\)$"):
        get(f"http://127.0.0.1:{port}/")
