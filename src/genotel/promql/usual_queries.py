"""What the rules ask about what is unlike its last week: demand, durations, memory of GPUs.

What is usual is what 98 % of the hours of the last week had. Idle hours are data. An hour that is unlike the others is
among the few that do not count, so that a band does not follow what it is to find.
"""

from __future__ import annotations

from genotel.promql.alert_queries import beyond
from genotel.promql.gpu_alert_queries import CARD
from genotel.promql.selecting import ours
from genotel.semconv import recorded_series as r
from genotel.semconv.gpu_metrics import MEMORY_USAGE
from genotel.semconv.recorded_series import Recorded, Threshold

_CALLS = r.SLO_CALLS["1h"].name
_SECONDS = r.DURATION_P95.name
_VRAM = f"max by ({', '.join(CARD)}) ({ours(MEMORY_USAGE)})"


def _quantile(ratio: float, level: str) -> str:
    return f"quantile_over_time({ratio:g}, {level}[7d:1h])"


def _times(expression: str, factor: Threshold, operator: str = "*") -> str:
    return f"{expression} {operator} on () group_left () {factor.name}"


def _known(expression: str, level: str) -> str:
    return f"({expression}) and ({beyond(f'count_over_time({level}[7d:1h])', r.USUAL_HOURS, '>=')})"


def recorded_usual() -> tuple[tuple[Recorded, str], ...]:
    """Return what is recorded of what is usual; nothing before enough hours are known."""
    most = _times(_quantile(0.98, _CALLS), r.UNUSUAL)
    fewest = _times(_quantile(0.02, _CALLS), r.UNUSUAL, "/")
    return (
        (r.DEMAND_UPPER, _known(_times(f"({most})", r.UNUSUAL_CALLS, "+"), _CALLS)),
        (r.DEMAND_LOWER, _known(_times(f"({fewest})", r.UNUSUAL_CALLS, "-"), _CALLS)),
        (r.DURATION_UPPER, _known(_times(_quantile(0.98, _SECONDS), r.UNUSUAL_DURATION), _SECONDS)),
        (r.VRAM_UPPER, _known(_times(_quantile(0.98, f"({_VRAM})"), r.UNUSUAL), f"({_VRAM})")),
    )


DEMAND_HIGH = f"{_CALLS} > {r.DEMAND_UPPER.name}"
DEMAND_LOW = f"{_CALLS} < {r.DEMAND_LOWER.name}"
# Of a handful of calls there is no quantile worth the name.
DURATION_HIGH = f"({_SECONDS} > {r.DURATION_UPPER.name}) and ({beyond(_CALLS, r.UNUSUAL_CALLS)})"
VRAM_HIGH = f"{_VRAM} > {r.VRAM_UPPER.name}"
