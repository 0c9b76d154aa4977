"""The series that Prometheus records from ours: names, labels, and the thresholds of the alerts.

Names are those of the mixins, ``level:metric:operation``; a colon cannot stand in a name that a program
emits, so nothing here can be taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass

from genotel.semconv import attributes as a
from genotel.semconv.spec import label_name


@dataclass(frozen=True, slots=True)
class Recorded:
    """Describe a series that a recording rule makes.

    Attributes:
        name: what queries call it.
        help: one sentence.
        labels: Prometheus label names that it keeps.
        ratio: whether its values are shares, which must never be summed.
    """

    name: str
    help: str
    labels: tuple[str, ...] = ()
    ratio: bool = False


@dataclass(frozen=True, slots=True)
class Threshold:
    """Name a constant that Prometheus records, so that a user changes it in one line of one file.

    Attributes:
        name: what alerts compare with.
        value: in base units.
        help: one sentence.
    """

    name: str
    value: float
    help: str


_MODEL = ("job", label_name(a.MODEL))


def _share(window: str) -> Recorded:
    name = f"genotel_slo:errors:ratio_rate{window}"
    return Recorded(name, f"Share of a model's calls that failed in the last {window}.", _MODEL, ratio=True)


def _calls(window: str) -> Recorded:
    return Recorded(f"genotel_slo:requests:increase{window}", f"Calls of a model in the last {window}.", _MODEL)


SHORT_WINDOWS = ("5m", "30m", "1h", "2h", "6h")
# These are read from the recorded increases of an hour: a raw window of days costs seconds a rule.
LONG_WINDOWS = ("1d", "3d", "30d")
SLO_ERRORS = {window: _share(window) for window in (*SHORT_WINDOWS, *LONG_WINDOWS)}
SLO_CALLS = {window: _calls(window) for window in (*SHORT_WINDOWS, *LONG_WINDOWS)}
SLO_FAILURES_HOUR = Recorded("genotel_slo:failures:increase1h", "Failed calls of a model in the last 1h.", _MODEL)

REQUEST_RATE = Recorded("genotel_model:requests:rate5m", "Calls of a model that end each second.", _MODEL)
DURATION_P95 = Recorded(
    "genotel_model:duration_seconds:p95_10m", "Seconds that 95 % of a model's calls did not exceed.", _MODEL
)
RECORDED = (
    REQUEST_RATE,
    DURATION_P95,
    SLO_FAILURES_HOUR,
    *SLO_CALLS.values(),
    *SLO_ERRORS.values(),
)

# --- what alerts compare with --------------------------------------------------------------------
CPU = Threshold("genotel_threshold:cpu:ratio", 0.80, "Share of busy processors; [alerts] cpu.")
MEMORY = Threshold("genotel_threshold:memory:ratio", 0.85, "Share of memory in use; [alerts] memory.")
DISK = Threshold("genotel_threshold:disk:ratio", 0.90, "Share of a filesystem in use; [alerts] disk.")
DISK_FULL = Threshold("genotel_threshold:disk_full:ratio", 0.95, "Share of a filesystem in use that wakes somebody.")
SWAP = Threshold("genotel_threshold:swap:bytes_per_second", 1e6, "Bytes swapped in each second.")
RESPONSE = Threshold("genotel_threshold:response:seconds", 2.0, "Seconds of a call; [alerts] response_seconds.")
FAILED_CALLS = Threshold("genotel_threshold:failed_calls:count", 3, "Failures without a success that are a breakdown.")
FEW_ERRORS = Threshold("genotel_threshold:few_errors:count", 5, "Failures in 6 h that are worth a look.")
FEW_ERRORS_SHARE = Threshold("genotel_threshold:few_errors:ratio", 0.20, "Share of failures in 6 h with it.")
USUAL_RATE = Threshold("genotel_threshold:usual:per_second", 0.005, "Calls each second at this hour yesterday.")
OBJECTIVE = Threshold("genotel_slo:objective:ratio", 0.99, "Share of calls that must succeed over 30 days.")
SLO_MINIMUM = Threshold("genotel_slo:minimum_requests:count", 20, "Calls below which a burn rate is noise.")
MEMORY_FAULTS = Threshold(
    "genotel_threshold:out_of_memory:count", 3, "Calls out of memory in 10 min that wake somebody."
)
LOADS = Threshold("genotel_threshold:loads:count", 6, "Loads of one model in 30 min.")
COLLECTOR_AGE = Threshold("genotel_threshold:collector_age:seconds", 300, "Seconds since a collector succeeded.")
SCRAPE = Threshold("genotel_threshold:scrape:seconds", 8, "Seconds of a scrape; Prometheus gives up after 10.")
SPOOL_AGE = Threshold("genotel_threshold:spool_age:seconds", 60, "Seconds that a worker was silent.")
VRAM = Threshold("genotel_threshold:vram:ratio", 0.85, "Share of a GPU's memory from which a forecast counts.")
VRAM_UNKNOWN = Threshold("genotel_threshold:vram_unattributed:bytes", 2**30, "GPU memory that nobody is seen to hold.")
THROTTLED = Threshold("genotel_threshold:throttled:ratio", 0.10, "Share of time that heat slows a GPU down.")
CAPPED = Threshold("genotel_threshold:power_capped:ratio", 0.80, "Share of time at the power limit.")
MARGIN = Threshold("genotel_threshold:temperature_margin:celsius", 3, "Degrees below the card's own slowdown.")
READINGS_AGE = Threshold("genotel_threshold:gpu_readings_age:seconds", 60, "Seconds since a GPU was read.")
PRESSED = Threshold("genotel_threshold:memory_pressure:ratio", 0.20, "Share of time that programs wait for memory.")
QUEUE_AGE = Threshold("genotel_threshold:queue_age:seconds", 300, "Seconds that the oldest item of a queue waited.")
QUEUE_FILLED = Threshold("genotel_threshold:queue_filled:ratio", 0.90, "Share of a queue's limit that is taken.")
THRESHOLDS = (
    CPU,
    MEMORY,
    DISK,
    DISK_FULL,
    SWAP,
    RESPONSE,
    FAILED_CALLS,
    FEW_ERRORS,
    FEW_ERRORS_SHARE,
    USUAL_RATE,
    OBJECTIVE,
    SLO_MINIMUM,
    MEMORY_FAULTS,
    LOADS,
    COLLECTOR_AGE,
    SCRAPE,
    SPOOL_AGE,
    VRAM,
    VRAM_UNKNOWN,
    THROTTLED,
    CAPPED,
    MARGIN,
    READINGS_AGE,
    PRESSED,
    QUEUE_AGE,
    QUEUE_FILLED,
)
