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
LONG_WINDOWS = ("12h", "1d", "3d", "30d")
SLO_ERRORS = {window: _share(window) for window in (*SHORT_WINDOWS, *LONG_WINDOWS)}
SLO_CALLS = {window: _calls(window) for window in (*SHORT_WINDOWS, *LONG_WINDOWS)}
SLO_FAILURES_HOUR = Recorded("genotel_slo:failures:increase1h", "Failed calls of a model in the last 1h.", _MODEL)
MODEL_OBJECTIVE = Recorded(
    "genotel_slo:model_objective:ratio", "Share of a model's calls that must succeed over 30 days.", _MODEL, ratio=True
)

REQUEST_RATE = Recorded("genotel_model:requests:rate5m", "Calls of a model that end each second.", _MODEL)
DURATION_P95 = Recorded(
    "genotel_model:duration_seconds:p95_10m", "Seconds that 95 % of a model's calls did not exceed.", _MODEL
)

# --- what is usual: from the hours of the last week ----------------------------------------------
_CARD = ("job", "instance", label_name(a.HARDWARE_ID))
DEMAND_UPPER = Recorded("genotel_usual:requests_increase1h:upper", "Calls in 1h that are more than usual.", _MODEL)
DEMAND_LOWER = Recorded("genotel_usual:requests_increase1h:lower", "Calls in 1h that are fewer than usual.", _MODEL)
DURATION_UPPER = Recorded("genotel_usual:duration_seconds:upper", "Seconds of a call that are more than usual.", _MODEL)
VRAM_UPPER = Recorded("genotel_usual:vram_bytes:upper", "GPU memory in use that is more than usual.", _CARD)
USUAL = (DEMAND_UPPER, DEMAND_LOWER, DURATION_UPPER, VRAM_UPPER)

RECORDED = (
    REQUEST_RATE,
    DURATION_P95,
    SLO_FAILURES_HOUR,
    MODEL_OBJECTIVE,
    *USUAL,
    *SLO_CALLS.values(),
    *SLO_ERRORS.values(),
)

# --- what genotel.toml promises of single models: recorded only where it does --------------------
_OWN = (label_name(a.MODEL),)
OWN_OBJECTIVE = Recorded(
    "genotel_slo:own_objective:ratio", "Share of this model's calls that must succeed.", _OWN, True
)
DURATION_OBJECTIVE = Recorded(
    "genotel_slo:duration_objective:ratio", "Share of this model's good calls that must be fast enough.", _OWN, True
)
SLO_SLOW = {
    window: Recorded(
        f"genotel_slo:slow:ratio_rate{window}",
        f"Share of good calls that were too slow in the last {window}.",
        _MODEL,
        True,
    )
    for window in (*SHORT_WINDOWS, *LONG_WINDOWS)
}
SLO_TIMED = {
    window: Recorded(f"genotel_slo:timed:increase{window}", f"Good calls of a model in the last {window}.", _MODEL)
    for window in (*SHORT_WINDOWS, *LONG_WINDOWS)
}
SLO_SLOW_HOUR = Recorded("genotel_slo:slow:increase1h", "Good calls that were too slow in the last 1h.", _MODEL)
PROMISED = (OWN_OBJECTIVE, DURATION_OBJECTIVE, SLO_SLOW_HOUR, *SLO_SLOW.values(), *SLO_TIMED.values())

# --- what alerts compare with --------------------------------------------------------------------
CPU = Threshold("genotel_threshold:cpu:ratio", 0.80, "Share of busy processors; [alerts] cpu.")
MEMORY = Threshold("genotel_threshold:memory:ratio", 0.85, "Share of memory in use; [alerts] memory.")
DISK = Threshold("genotel_threshold:disk:ratio", 0.90, "Share of a filesystem in use; [alerts] disk.")
DISK_FULL = Threshold("genotel_threshold:disk_full:ratio", 0.95, "Share of a filesystem in use that wakes somebody.")
SWAP = Threshold("genotel_threshold:swap:bytes_per_second", 1e6, "Bytes swapped in each second.")
RESPONSE = Threshold("genotel_threshold:response:seconds", 2.0, "Seconds of a call; [alerts] response_seconds.")
FAILED_CALLS = Threshold("genotel_threshold:failed_calls:count", 3, "Failures without a success that are a breakdown.")
FEW_ERRORS = Threshold("genotel_threshold:few_errors:count", 4, "Failures in 6 h to 3 d that are worth a look.")
FEW_ERRORS_SHARE = Threshold("genotel_threshold:few_errors:ratio", 0.20, "Share of failures with it.")
USUAL_RATE = Threshold("genotel_threshold:usual:per_second", 0.005, "Calls each second at this hour yesterday.")
OBJECTIVE = Threshold("genotel_slo:objective:ratio", 0.99, "Share of calls that must succeed over 30 days.")
SLO_MINIMUM = Threshold("genotel_slo:minimum_failures:count", 3, "Failures below which a burn rate is noise.")
MEMORY_FAULTS = Threshold(
    "genotel_threshold:out_of_memory:count", 3, "Calls out of memory in 10 min that wake somebody."
)
LOADS = Threshold("genotel_threshold:loads:count", 6, "Loads of one model in 30 min.")
COLLECTOR_AGE = Threshold("genotel_threshold:collector_age:seconds", 300, "Seconds since a collector succeeded.")
SCRAPE = Threshold("genotel_threshold:scrape:seconds", 8, "Seconds of a scrape; Prometheus gives up after 10.")
SPOOL_AGE = Threshold("genotel_threshold:spool_age:seconds", 60, "Seconds that a worker was silent.")
CERTIFICATE = Threshold("genotel_threshold:certificate:seconds", 604_800, "Seconds that a certificate is still good.")
VRAM = Threshold("genotel_threshold:vram:ratio", 0.85, "Share of a GPU's memory from which a forecast counts.")
VRAM_UNKNOWN = Threshold("genotel_threshold:vram_unattributed:bytes", 2**30, "GPU memory that nobody is seen to hold.")
THROTTLED = Threshold("genotel_threshold:throttled:ratio", 0.10, "Share of time that heat slows a GPU down.")
CAPPED = Threshold("genotel_threshold:power_capped:ratio", 0.80, "Share of time at the power limit.")
MARGIN = Threshold("genotel_threshold:temperature_margin:celsius", 3, "Degrees below the card's own slowdown.")
READINGS_AGE = Threshold("genotel_threshold:gpu_readings_age:seconds", 60, "Seconds since a GPU was read.")
PRESSED = Threshold("genotel_threshold:memory_pressure:ratio", 0.20, "Share of time that programs wait for memory.")
QUEUE_AGE = Threshold("genotel_threshold:queue_age:seconds", 300, "Seconds that the oldest item of a queue waited.")
QUEUE_FILLED = Threshold("genotel_threshold:queue_filled:ratio", 0.90, "Share of a queue's limit that is taken.")
UNUSUAL = Threshold("genotel_threshold:unusual:times", 1.5, "Times what 98 % of the hours of the last week had.")
# Buckets of durations double: within one of them a quantile is a guess.
UNUSUAL_DURATION = Threshold("genotel_threshold:unusual_duration:times", 2, "The same of durations.")
UNUSUAL_CALLS = Threshold("genotel_threshold:unusual:count", 10, "Calls in 1h beside that are no news.")
USUAL_HOURS = Threshold("genotel_threshold:usual:hours", 72, "Hours that must be known of what is usual.")
RUN_AGE = Threshold(
    "genotel_threshold:recommender_age:seconds", 7200, "Seconds since the recommender read the history."
)
HISTORY = Threshold("genotel_threshold:history:seconds", 3 * 86400, "Length of a history that advice needs.")
ADVICE_AGE = Threshold("genotel_threshold:advice_age:seconds", 86400, "Seconds that advice stood without an answer.")
THRESHOLDS = (
    UNUSUAL,
    UNUSUAL_DURATION,
    UNUSUAL_CALLS,
    USUAL_HOURS,
    RUN_AGE,
    HISTORY,
    ADVICE_AGE,
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
    CERTIFICATE,
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
