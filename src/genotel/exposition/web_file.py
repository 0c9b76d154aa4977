"""A web configuration file that is in force: read again once it, or a file it names, has changed.

A new version that is wrong changes nothing but is told of once, in the log and on the page; the one
before stays in force. Whether TLS is served at all is decided at the start.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

from genotel import guard
from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.errors import GenotelError, SettingsError
from genotel.exposition.web_config import WebConfig, load_web_config

logger = logging.getLogger("genotel")

# A second change within one tick of the filesystem's clock leaves the same times; so what changed is read
# once more after this, which is far longer than a tick.
_SETTLED_SECONDS = 0.1
# A version that is wrong may become right by a file that it names and that is not there yet.
_RETRY_SECONDS = 1.0

_Signature = tuple[tuple[int, ...] | None, ...]


class WebFile:
    """Hold the configuration in force; for any thread.

    Args:
        path: the file.
        clock: tells when a change has settled, and when the file was last read.

    Attributes:
        config: what is in force.
        is_good: whether that is what the file says now.
        loaded_at: Unix seconds at which it was read.

    Raises:
        SettingsError: it is wrong.
    """

    def __init__(self, path: Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path.absolute()
        self._clock = clock
        self._lock = threading.Lock()
        # Before it is read: what changes meanwhile is read again.
        signature = _signature((self.path,))
        self.config = load_web_config(self.path)
        self.is_good = True
        self.loaded_at = clock.wall()
        self._files = (self.path, *self.config.files)
        self._signature = signature + _signature(self.config.files)
        self._again_at: float | None = clock.monotonic() + _SETTLED_SECONDS
        self._complaint = ""

    @property
    def is_current(self) -> bool:
        """Return whether nothing has changed since it was read; costs a look at each file."""
        if self._again_at is not None and self._clock.monotonic() >= self._again_at:
            return False
        return _signature(self._files) == self._signature

    def refresh(self) -> WebConfig:
        """Read again what has changed; return what is in force then."""
        with self._lock:
            if not self.is_current:
                changed = _signature(self._files) != self._signature
                self._read()
                seconds = _SETTLED_SECONDS if changed else None if self.is_good else _RETRY_SECONDS
                self._again_at = None if seconds is None else self._clock.monotonic() + seconds
            return self.config

    def _read(self) -> None:
        self._signature = _signature(self._files)
        try:
            config = load_web_config(self.path)
            if (config.context is None) != (self.config.context is None):
                raise SettingsError(f"{self.path}: tls_server_config: TLS is turned on or off by a restart only")
        except GenotelError as error:
            self._complain(str(error))
            return
        except Exception as error:
            guard.report("exposition.web_file", error)
            self._complain(f"{self.path}: cannot be read")
            return
        self._files = (self.path, *config.files)
        self._signature = self._signature[:1] + _signature(config.files)
        self.config = config
        self.loaded_at = self._clock.wall()
        self.is_good = True
        if self._complaint:
            self._complaint = ""
            logger.warning("genotel: %s: the web configuration is right again and in force", self.path)

    def _complain(self, text: str) -> None:
        self.is_good = False
        if text != self._complaint:
            self._complaint = text
            logger.warning("genotel: %s; the web configuration before stays in force", text)


def _signature(paths: tuple[Path, ...]) -> _Signature:
    """Return what changes with a file, through every way of replacing it; None for one that is not there."""
    return tuple(_look(path) for path in paths)


def _look(path: Path) -> tuple[int, ...] | None:
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return None
    return about.st_mtime_ns, about.st_ctime_ns, about.st_size, about.st_ino, about.st_dev
