"""Render ``grafana/`` from ``genotel.dashboards``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from genotel.dashboards.building import dashboard_file
from genotel.dashboards.registry import DASHBOARDS

FOLDER = "grafana/dashboards"


def dashboard_files() -> dict[str, Callable[[], str]]:
    """Return the path of each file and the function that makes its text."""
    return {f"{FOLDER}/{board.uid}.json": partial(dashboard_file, board) for board in DASHBOARDS}
