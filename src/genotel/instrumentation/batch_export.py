"""The statistics of windows as text, for people without OpenTelemetry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genotel.exposition.page import Page
from genotel.exposition.series import Block, Family, NumberSeries
from genotel.exposition.text_format import TEXT_0_0_4
from genotel.instrumentation.batch_alerts import Thresholds, alerts_of, status_of
from genotel.semconv.batch_metrics import PLAIN_EXPORT, PLAIN_LABEL

FORMATS = ("json", "prometheus")

Named = Sequence[tuple[str, Mapping[str, Any]]]


def dashboard_data(stats: Mapping[str, Any], thresholds: Thresholds, timestamp: float) -> dict[str, Any]:
    """Return a window's statistics with their time (Unix seconds) and the status that they mean."""
    status = status_of(alerts_of(stats, thresholds))
    return {"timestamp": timestamp, "metrics": dict(stats), "status": status}


def export(format: str, windows: Named, timestamp: float) -> str:
    """Return the comprehensive statistics of named windows in one of :data:`FORMATS`."""
    if format == "json":
        document = {"timestamp": timestamp, "windows": {name: dict(stats) for name, stats in windows}}
        return json.dumps(document, allow_nan=False)
    return Page([_Windows(windows)]).render(TEXT_0_0_4).decode("utf-8")


class _Windows:
    """Give the blocks of a page; a figure that is unknown has no line."""

    def __init__(self, windows: Named) -> None:
        self._windows = windows

    def blocks(self) -> Iterable[Block]:
        for name, kind, help, key in PLAIN_EXPORT:
            rows = [
                (NumberSeries({PLAIN_LABEL: window}), stats[key])
                for window, stats in self._windows
                if stats.get(key) is not None
            ]
            yield Block(Family(name, kind, help), rows)
