"""What clients may take: how many of them, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bound what clients may take: counts, and seconds from a state's begin to its end.

    ``idle_seconds`` is longer than Prometheus keeps an idle connection (5 minutes), so that the
    client closes first and never sends a scrape into a closing connection.
    """

    connections: int = 256
    handshake_seconds: float = 10.0
    read_seconds: float = 10.0
    examine_seconds: float = 30.0
    write_seconds: float = 30.0
    idle_seconds: float = 330.0
    drain_seconds: float = 5.0
