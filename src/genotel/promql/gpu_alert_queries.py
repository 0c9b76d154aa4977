"""What the alerts ask about GPUs: their memory, their errors, their heat.

Margins go by each card's own limits; no temperature or power stands here as a number.
"""

from __future__ import annotations

from genotel.promql.alert_queries import beyond
from genotel.promql.expression import sum_by
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import gpu_metrics as g
from genotel.semconv import recorded_series as r
from genotel.semconv.spec import MetricSpec, label_name

UUID = label_name(a.HARDWARE_ID)
CARD = ("job", "instance", UUID)
BOX = ("job", "instance")
# NVIDIA's guide "XID Errors": these ask for a reset, a reboot or another card.
FATAL_XIDS = (48, 62, 64, 74, 79, 95, 119, 120)
# Faults of a program, not of the card: 13, 31, 43, 45; and 94, which ended one program and no more.
PROGRAM_XIDS = (13, 31, 43, 45, 94)


def _codes(codes: tuple[int, ...]) -> str:
    return "|".join(f"{g.XID_PREFIX}{code}" for code in codes)


def _most(spec: MetricSpec, by: tuple[str, ...] = CARD, *matchers: tuple[str, str, str]) -> str:
    return f"max by ({', '.join(by)}) ({ours(spec, *matchers)})"


def _errors(*matchers: tuple[str, str, str], window: str = "10m") -> str:
    return sum_by((*CARD, label_name(a.ERROR_TYPE)), f"increase({ours(g.ERRORS, *matchers)}[{window}])")


XID_FATAL = f"{_errors(label(a.ERROR_TYPE, '=~', _codes(FATAL_XIDS)))} > 0"
_XID = label(a.ERROR_TYPE, "=~", f"{g.XID_PREFIX}.*")
_NEITHER = label(a.ERROR_TYPE, "!~", _codes(FATAL_XIDS + PROGRAM_XIDS))
XID_OTHER = f"{_errors(_XID, _NEITHER)} > 0"
ECC_UNCORRECTED = f"{_errors(label(a.ERROR_TYPE, '=', g.ECC_UNCORRECTED))} > 0"
RECOVERY_ACTION = f"{_most(g.RECOVERY_ACTION)} > 0"
ROW_REMAP_FAILED = f"{_most(g.ROWS_FAILED)} > 0"
ROW_REMAP_PENDING = f"{_most(g.ROWS_PENDING)} > 0"
LOST = f"{_most(g.SEEN, BOX)} < {_most(g.EXPECTED, BOX)}"
METRICS_ABSENT = f"({_most(g.EXPECTED, BOX)} > 0) unless on (job, instance) {ours(g.INFO)}"
READINGS_OLD = beyond(_most(g.AGE), r.READINGS_AGE)
_HEAT = label(a.REASON, "=~", "|".join(reason for reason in g.THROTTLE_REASONS if "thermal" in reason))
THERMAL_THROTTLE = beyond(f"max by ({', '.join(CARD)}) (rate({ours(g.THROTTLE_TIME, _HEAT)}[10m]))", r.THROTTLED)
_SENSOR = label(a.SENSOR_LOCATION, "=", "gpu")
TEMPERATURE_MARGIN = beyond(
    f"({_most(g.TEMPERATURE_LIMIT, CARD, label(a.KIND, '=', 'slowdown'))} - {_most(g.TEMPERATURE, CARD, _SENSOR)})",
    r.MARGIN,
    "<",
)
_BUSY = f"max by ({', '.join(CARD)}) (avg_over_time({ours(g.UTILIZATION, label(a.GPU_TASK, '=', 'general'))}[30m]))"
_CAP = label(a.REASON, "=", "sw_power_cap")
_CAPPED = f"max by ({', '.join(CARD)}) (rate({ours(g.THROTTLE_TIME, _CAP)}[30m]))"
POWER_CAPPED = f"({beyond(_CAPPED, r.CAPPED)}) and {_BUSY} > 0.5"
_SHARE = _most(g.MEMORY_UTILIZATION)
VRAM_SOON = (
    f"({beyond(_SHARE, r.VRAM)})"
    f" and max by ({', '.join(CARD)}) (predict_linear({ours(g.MEMORY_USAGE)}[30m], 1800)) > {_most(g.MEMORY_LIMIT)}"
)
VRAM_UNKNOWN = beyond(_most(g.MEMORY_UNATTRIBUTED), r.VRAM_UNKNOWN)
IDLE_ALLOCATED = f"({_SHARE} > 0.5) and {_BUSY} < 0.02"
