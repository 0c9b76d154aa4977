"""Cases of the alerts on what is unlike its last week: three days as usual, and then not."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import attributes as a
from genotel.semconv import gpu_metrics as gpu
from genotel.semconv import recorded_series as r
from genotel.semconv.spec import label_name
from tools.alert_cases.calls import OF_MODEL, recorded
from tools.alert_cases.case import WHERE, Case, Series, series

_DAYS, _AT, _WELL, _GONE = 4400, 4440, 4500, 4470


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
    calls = recorded(r.SLO_CALLS["1h"])
    yield _case("GenotelDemandUnusuallyHigh", OF_MODEL, calls, 20, 41, 39)
    yield _case("GenotelDemandUnusuallyLow", OF_MODEL, calls, 60, 29, 31)
    yield _case("GenotelDurationUnusual", OF_MODEL, recorded(r.DURATION_P95), 10, 20.1, 19.9, {calls: f"100x{_WELL}"})
    card = WHERE | {label_name(a.HARDWARE_ID): "GPU-1"}
    yield _case("GenotelVramUnusual", card, series(gpu.MEMORY_USAGE, HARDWARE_ID="GPU-1"), 100, 151, 149)


def _case(
    alert: str, labels: dict[str, str], one: str, usual: float, bad: float, below: float, others: Series | None = None
) -> Case:
    def values(then: str) -> Series:
        return {one: f"{usual}x{_DAYS} {then}"} | (others or {})

    return Case(
        alert,
        labels,
        values(f"{bad}x{_AT - _DAYS}"),
        _AT,
        values(f"{below}x{_AT - _DAYS}"),
        values(f"{bad}x{_AT - _DAYS} {usual}x{_WELL - _AT}"),
        _WELL,
        _GONE,
        step=30,
    )
