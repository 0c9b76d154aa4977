"""Count, for the page itself, what its web configuration does: handshakes, passwords, files read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.semconv.attributes import HANDSHAKE_RESULTS
from genotel.semconv.self_metrics import (
    PASSWORDS_HASHED,
    TLS_CERTIFICATE_EXPIRY,
    TLS_HANDSHAKES,
    WEB_CONFIG_LAST_SUCCESS,
    WEB_CONFIG_SUCCESS,
)
from genotel.semconv.spec import unit_suffix

_SUCCESS = Family(WEB_CONFIG_SUCCESS.family, "gauge", WEB_CONFIG_SUCCESS.help)
_LAST_SUCCESS = Family(
    WEB_CONFIG_LAST_SUCCESS.family,
    "gauge",
    WEB_CONFIG_LAST_SUCCESS.help,
    unit_suffix(WEB_CONFIG_LAST_SUCCESS.unit),
)
_EXPIRY = Family(
    TLS_CERTIFICATE_EXPIRY.family,
    "gauge",
    TLS_CERTIFICATE_EXPIRY.help,
    unit_suffix(TLS_CERTIFICATE_EXPIRY.unit),
)
_HANDSHAKES = Family(TLS_HANDSHAKES.family, "counter", TLS_HANDSHAKES.help)
_PASSWORDS = Family(PASSWORDS_HASHED.family, "counter", PASSWORDS_HASHED.help)


class FileState(NamedTuple):
    """Say whether a file's last version is in force, and, in Unix seconds, when what is in force was read and ends.

    ``expires_at`` is that of the certificate, where there is one that tells.
    """

    is_good: bool
    loaded_at: float
    expires_at: float | None = None


class WebMetrics:
    """Be a source of the numbers of a web configuration file.

    Args:
        state: tells of the file; asked at each scrape.
        is_tls: whether there are handshakes to count.

    Example:
        >>> metrics = WebMetrics(lambda: FileState(True, 5.0), is_tls=False)
        >>> metrics.count_password()
        >>> [value for block in metrics.blocks() for _, value in block.rows]
        [1, 5.0, 1]
    """

    def __init__(self, state: Callable[[], FileState], *, is_tls: bool, clock: Clock = SYSTEM_CLOCK) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._success = NumberSeries()
        self._last_success = NumberSeries()
        self._expiry = NumberSeries()
        self._password = NumberSeries(created=clock.wall())
        self._passwords = 0
        label = TLS_HANDSHAKES.prometheus_labels[0]
        results = HANDSHAKE_RESULTS if is_tls else ()
        self._series = {result: NumberSeries({label: result}, clock.wall()) for result in results}
        self._counts = dict.fromkeys(results, 0)

    def count_handshake(self, result: str) -> None:
        """Count a handshake by one of HANDSHAKE_RESULTS."""
        with self._lock:
            self._counts[result] += 1

    def count_password(self) -> None:
        """Count a password that was compared by bcrypt."""
        with self._lock:
            self._passwords += 1

    def blocks(self) -> list[Block]:
        """Return the numbers so far."""
        state = self._state()
        with self._lock:
            blocks = [
                Block(_SUCCESS, [(self._success, int(state.is_good))]),
                Block(_LAST_SUCCESS, [(self._last_success, state.loaded_at)]),
                Block(_PASSWORDS, [(self._password, self._passwords)]),
            ]
            if state.expires_at is not None:
                blocks.append(Block(_EXPIRY, [(self._expiry, state.expires_at)]))
            if self._counts:
                blocks.append(
                    Block(_HANDSHAKES, [(self._series[result], count) for result, count in self._counts.items()])
                )
            return blocks
