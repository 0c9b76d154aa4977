"""What the demo must know of where it runs: settings to leave alone, ports that are taken, a browser."""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_OURS = ("GENOTEL_", "OTEL_")


@contextmanager
def without_settings() -> Iterator[None]:
    """Hide this user's telemetry variables: demo calls must not reach a real journal or Collector."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_OURS)}
    try:
        yield
    finally:
        os.environ.update(hidden)


def is_taken(host: str, port: int) -> bool:
    """Return whether somebody serves on a port already; 0 stands for any free one and never is."""
    if port == 0:
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the page's server does, so that old connections' TIME_WAIT is no obstacle here either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def has_display(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Return whether a browser has somewhere to open a window.

    Example:
        >>> has_display({"DISPLAY": ":0"}, "linux"), has_display({}, "linux"), has_display({}, "darwin")
        (True, False, True)
    """
    return platform == "darwin" or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def open_browser(url: str) -> None:
    """Open a page in the user's browser, which may take its time and may fail unseen."""
    threading.Thread(target=webbrowser.open, args=(url,), name="demo-browser", daemon=True).start()
