"""Cases of the alerts on the alerting itself."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import recorded_series as r
from tools.alert_cases.case import Case


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    every = [threshold.name for threshold in r.THRESHOLDS]
    there = dict.fromkeys(every, "1x17")
    yield Case(
        "GenotelThresholdsMissing",
        {},
        dict.fromkeys(every[1:], "1x17"),
        7,
        there,
        dict.fromkeys(every, "_x7 1x10"),
        12,
        30,
        gone_fires=True,
    )
