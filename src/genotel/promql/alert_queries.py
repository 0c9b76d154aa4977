"""What the alerts ask about calls, models, the host and genotel itself.

Each is a condition: it has a series while the alert holds. Thresholds are series too, recorded once.
"""

from __future__ import annotations

from genotel.promql.expression import Selector, sum_by
from genotel.promql.recorded_queries import MODEL, PER_MODEL, failures, increase, successes
from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv import container_metrics as container
from genotel.semconv import host_metrics as host
from genotel.semconv import recorded_series as r
from genotel.semconv import self_metrics as itself
from genotel.semconv.generation_metrics import REQUESTS
from genotel.semconv.model_metrics import EVENTS
from genotel.semconv.recorded_series import Threshold
from genotel.semconv.spec import label_name

# Every job of genotel's bears its name: the one thing that rules must know of a scrape configuration.
JOB = ("job", "=~", "genotel.*")
FILESYSTEM = ("job", "instance", label_name(a.MOUNTPOINT))
COLLECTOR = ("job", "instance", label_name(a.COLLECTOR))


def beyond(expression: str, threshold: Threshold, operator: str = ">") -> str:
    """Return the condition that an expression is over (or, by the operator, under) a recorded constant.

    Example:
        >>> from genotel.semconv.recorded_series import CPU
        >>> beyond("busy", CPU)
        'busy > on () group_left () genotel_threshold:cpu:ratio'
    """
    return f"{expression} {operator} on () group_left () {threshold.name}"


def _mean(selector: Selector, window: str) -> str:
    # Over a restart of the program there may be two series of one machine for a while.
    return f"max by (job, instance) (avg_over_time({selector}[{window}]))"


# --- availability --------------------------------------------------------------------------------
TARGET_DOWN = f"{Selector('up', (JOB,))} == 0"
NONE_OF_MANY = f"({beyond(failures('15m'), r.FAILED_CALLS)}) and {successes('15m')} == 0"
_CALLS = ours(REQUESTS)
TRAFFIC_STOPPED = (
    f"({beyond(sum_by(PER_MODEL, f'rate({_CALLS}[1h] offset 1d)'), r.USUAL_RATE)})"
    f" and {sum_by(PER_MODEL, f'rate({_CALLS}[15m])')} == 0"
)
SLOW_RESPONSES = beyond(r.DURATION_P95.name, r.RESPONSE)

# --- models --------------------------------------------------------------------------------------
_OUT_OF_MEMORY = increase(ours(REQUESTS, label(a.OUTCOME, "=", a.OUTCOME_OUT_OF_MEMORY)), "10m")
OUT_OF_MEMORY = f"{_OUT_OF_MEMORY} > 0"
OUT_OF_MEMORY_OFTEN = beyond(_OUT_OF_MEMORY, r.MEMORY_FAULTS, ">=")
_LOADS = ours(EVENTS, label(a.EVENT, "=", a.EVENT_LOAD))
THRASHING = beyond(increase(_LOADS, "30m", ("job", "instance", MODEL)), r.LOADS)
LOADS_FAIL = (
    f"{increase(ours(EVENTS, label(a.EVENT, '=', a.EVENT_LOAD), label(a.OUTCOME, '=', a.OUTCOME_ERROR)), '10m')} > 0"
)

# --- host ----------------------------------------------------------------------------------------
CPU_HIGH = beyond(_mean(ours(host.CPU_UTILIZATION), "10m"), r.CPU)
MEMORY_HIGH = beyond(_mean(ours(host.MEMORY_UTILIZATION), "10m"), r.MEMORY)
_FULL = f"max by ({', '.join(FILESYSTEM)}) ({ours(host.FILESYSTEM_UTILIZATION)})"
DISK_HIGH = beyond(_FULL, r.DISK)
DISK_ALMOST_FULL = beyond(_FULL, r.DISK_FULL)
_USED = ours(host.FILESYSTEM_USAGE, label(a.FILESYSTEM_STATE, "=", "used"))
_LIMIT = f"max by ({', '.join(FILESYSTEM)}) ({ours(host.FILESYSTEM_LIMIT)})"
DISK_FILLS_SOON = (
    f"({_FULL} > 0.8) and max by ({', '.join(FILESYSTEM)}) (predict_linear({_USED}[6h], 86400)) > {_LIMIT}"
)
SWAPPING = beyond(
    sum_by(("job", "instance"), f"rate({ours(host.PAGING_IO, label(a.PAGING_DIRECTION, '=', 'in'))}[10m])"), r.SWAP
)
NETWORK_ERRORS = (
    f"{sum_by(('job', 'instance', label_name(a.NETWORK_INTERFACE)), f'rate({ours(host.NETWORK_ERRORS)}[10m])')} > 1"
)

_MEMORY_WAITS = ours(container.SYSTEM_PRESSURE, label(a.PRESSURE_RESOURCE, "=", "memory"), label(a.KIND, "=", "some"))
MEMORY_PRESSURE = beyond(f"max by (job, instance) (rate({_MEMORY_WAITS}[10m]))", r.PRESSED)
_WORKING_SET = f"max by (job, instance) ({ours(container.MEMORY_WORKING_SET)})"
CONTAINER_FULL = beyond(f"({_WORKING_SET} / (max by (job, instance) ({ours(container.MEMORY_LIMIT)}) > 0))", r.MEMORY)
OOM_KILLS = f"{increase(ours(container.OOM_KILLS), '10m', ('job', 'instance'))} > 0"

# --- genotel itself ------------------------------------------------------------------------------
COLLECTOR_FAILS = f"max by ({', '.join(COLLECTOR)}) ({ours(itself.COLLECTOR_SUCCESS)}) == 0"
COLLECTOR_STALE = beyond(
    f"time() - max by ({', '.join(COLLECTOR)}) ({ours(itself.COLLECTOR_LAST_SUCCESS)})", r.COLLECTOR_AGE
)
COLLECTOR_TIMES_OUT = f"{increase(ours(itself.COLLECTOR_TIMEOUTS), '15m', COLLECTOR)} > 0"
SCRAPE_NEAR_TIMEOUT = beyond(str(Selector("scrape_duration_seconds", (JOB,))), r.SCRAPE)
SERIES_OVERFLOW = f"{increase(ours(itself.SERIES_DROPPED), '15m', ('job', 'instance', label_name(a.METRIC)))} > 0"
INTERNAL_FAULTS = f"{increase(ours(itself.INTERNAL_ERRORS), '15m', ('job', 'instance', label_name(a.PLACE)))} > 0"
JOURNAL_DROPS = f"{increase(ours(itself.JOURNAL_DROPPED), '15m', ('job', 'instance'))} > 0"
SPOOL_SILENT = beyond(f"max by (job, instance) ({ours(itself.SPOOL_AGE)})", r.SPOOL_AGE)
WEB_CONFIG_REFUSED = f"max by (job, instance) ({ours(itself.WEB_CONFIG_SUCCESS)}) == 0"
CERTIFICATE_EXPIRES = beyond(
    f"min by (job, instance) ({ours(itself.TLS_CERTIFICATE_EXPIRY)}) - time()", r.CERTIFICATE, "<"
)
_BUILD = ours(itself.BUILD_INFO)
DATA_MISSING = (
    f"max by (job, instance) (present_over_time({_BUILD}[1d]))"
    f" unless max by (job, instance) (present_over_time({_BUILD}[10m]))"
)

# --- the alerting itself -------------------------------------------------------------------------
WATCHDOG = "vector(1)"
THRESHOLDS_MISSING = " or ".join(f"absent({threshold.name})" for threshold in r.THRESHOLDS)


def constant(value: float) -> str:
    """Return the query for a series without labels that always has this value.

    Example:
        >>> constant(0.8)
        'vector(0.8)'
    """
    return f"vector({value:.12g})"
