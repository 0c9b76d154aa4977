"""What alerts call the dashboards, so that a link leads to a panel that exists."""

from __future__ import annotations

import zlib

OVERVIEW = "genotel-overview"
MODEL = "genotel-model"
SLO = "genotel-slo"
HOST = "genotel-host"
BATCHES = "genotel-batches"
GPU = "genotel-gpu"
ITSELF = "genotel-itself"
EXPERIMENTS = "genotel-experiments"
ADVICE = "genotel-advice"
VRAM = "genotel-vram"
SERVERS = "genotel-servers"
TAG = "genotel"


def panel_number(title: str) -> int:
    """Return the id of a panel, which stays when panels are added before it or moved.

    Example:
        >>> panel_number("Calls") == panel_number("Calls") != panel_number("Failures")
        True
    """
    # Grafana wants a small positive whole number; a test finds two titles with one id.
    return zlib.crc32(title.encode()) % 1_000_000 + 1
