"""When each alert must fire and when not: the cases from which promtool's tests are written.

Series are written as promtool writes them: ``0+1x30`` counts up for 30 minutes, ``_x5`` is silent for 5.
Times are minutes. A case is checked four ways: it fires; just below its threshold it does not; it ends
when all is well again; and what it does when its series are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from genotel.semconv import attributes as a
from genotel.semconv import batch_metrics as b
from genotel.semconv import container_metrics as c
from genotel.semconv import generation_metrics as g
from genotel.semconv import gpu_metrics as gpu
from genotel.semconv import host_metrics as h
from genotel.semconv import model_metrics as m
from genotel.semconv import recorded_series as r
from genotel.semconv import self_metrics as s
from genotel.semconv.spec import MetricSpec, label_name

INSTANCE = "gpu-1:9464"
WHERE = {"job": "genotel", "instance": INSTANCE}
MODEL = label_name(a.MODEL)
Series = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """Say when one alert fires and when it does not.

    Attributes:
        alert: its name.
        labels: what the firing alert carries beside severity and component.
        fires: series and values under which it does, up to ``at``.
        at: minute at which it fires.
        below: series and values just short of it, checked at the same minute.
        well: series and values that turn good after ``at``.
        well_at: minute at which it is over.
        gone_at: minute at which the series of ``fires``, cut off at ``at``, are forgotten.
        gone_fires: whether it fires then: the guards of absence do.
        extra: labels that tell alerts of one name apart.
        step: minutes between evaluations.
    """

    alert: str
    labels: dict[str, str]
    fires: Series
    at: int
    below: Series
    well: Series
    well_at: int
    gone_at: int
    gone_fires: bool = False
    extra: tuple[tuple[str, str], ...] = ()
    step: int = 1


def series(spec: MetricSpec | str, suffix: str = "", **labels: str) -> str:
    """Return a series of one machine in PromQL's spelling; keywords are words of ``semconv.attributes``."""
    name = spec if isinstance(spec, str) else spec.prometheus_name + suffix
    scope = {} if isinstance(spec, str) or spec in s.SELF_METRICS else {label_name(a.SCOPE_NAME): a.SCOPE}
    own = {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    inside = ",".join(f'{key}="{value}"' for key, value in (WHERE | scope | own).items())
    return f"{name}{{{inside}}}"


def calls(outcome: str) -> str:
    """Return the series of calls of the model sdxl with an outcome."""
    return series(g.REQUESTS, MODEL="sdxl", OUTCOME=outcome)


def simple(
    alert: str, one: str, bad: str, below: str, good: str, at: int, well_at: int, gone_at: int, **labels: str
) -> Case:
    """Return the case of an alert on one series of a machine."""
    kept = WHERE | {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    fires = {one: bad.format(n=at)}
    well = {one: f"{bad.format(n=at)} {good}"}
    return Case(alert, kept, fires, at, {one: below}, well, well_at, gone_at)


def counted(alert: str, one: str, at: int, well_at: int, gone_at: int, **labels: str) -> Case:
    """Return the case of an alert on any increase of a counter that is born at 0."""
    kept = WHERE | {label_name(getattr(a, key, key)): value for key, value in labels.items()}
    flat = {one: f"0x{at}"}
    fires = {one: f"0 0 1x{at - 2}"}
    return Case(alert, kept, fires, at, flat, {one: f"0 0 1x{well_at}"}, well_at, gone_at)


OF_MODEL = {"job": "genotel", MODEL: "sdxl"}
OK, ERROR, MEMORY = calls("ok"), calls("error"), calls("out_of_memory")
LOADED = series(m.EVENTS, MODEL="sdxl", EVENT="load", OUTCOME="ok")
NOT_LOADED = series(m.EVENTS, MODEL="sdxl", EVENT="load", OUTCOME="error")
TEN = "1 2 3 4 5 6 7 8 9 10"


def bucket(bound: str) -> str:
    """Return a bucket of the durations of sdxl."""
    return series(g.DURATION, "_bucket", MODEL="sdxl", le=bound)


def _availability() -> Iterator[Case]:
    up = series("up")
    yield Case(
        "GenotelTargetDown", WHERE, {up: "0x5"}, 5, {up: "1x3 0 0"}, {up: "0x5 1x10"}, 10, 11
    )  # fmt: skip
    yield Case(
        "GenotelNoSuccess",
        OF_MODEL,
        {ERROR: "0+1x15", OK: "0x15"},
        15,
        {ERROR: "0 0 1 2x12", OK: "0x15"},
        {ERROR: "0+1x15 15x5", OK: "0x15 1+1x5"},
        18,
        35,
    )
    yield Case(
        "GenotelLowVolumeErrors",
        OF_MODEL,
        {ERROR: f"0x300 {TEN} 10x44", OK: "0+0.1x355"},
        355,
        {ERROR: "0x300 1 2 3 4x51", OK: "0x355"},
        {ERROR: f"0x300 {TEN} 10x470", OK: "0+0.1x780"},
        780,
        780,
        step=5,
    )
    yield Case(
        "GenotelTrafficStopped",
        OF_MODEL,
        {OK: "0+1x1440 1440x90"},
        1530,
        {OK: "0+0.25x1440 360x90"},
        {OK: "0+1x1440 1440x90 1441+1x60"},
        1560,
        1560,
        step=5,
    )
    slow = {bucket("1.28"): "0x{n}", bucket("2.56"): "0x{n}", bucket("5.12"): "0+1x{n}", bucket("+Inf"): "0+1x{n}"}
    good = "0x25 1+1x40"
    yield Case(
        "GenotelResponseSlow",
        OF_MODEL,
        {one: values.format(n=25) for one, values in slow.items()},
        25,
        {bucket("1.28"): "0+0.94x25", bucket("2.56"): "0+1x25", bucket("+Inf"): "0+1x25"},
        {bucket("1.28"): good, bucket("2.56"): good, bucket("5.12"): "0+1x65", bucket("+Inf"): "0+1x65"},
        50,
        60,
    )


def _burn() -> Iterator[Case]:
    # Long window, share that fires, share that does not, minute, minutes until the short window is clean.
    for window, bad, below, at, clean in (
        ("1h", 0.15, 0.14, 70, 10),
        ("6h", 0.061, 0.059, 400, 45),
        ("1d", 0.031, 0.029, 400, 140),
        ("3d", 0.011, 0.009, 600, 380),
    ):
        values = {ERROR: f"0+{bad:g}x{at}", OK: f"0+{1 - bad:g}x{at}"}
        end = bad * at
        yield Case(
            "GenotelErrorBudgetBurn",
            OF_MODEL | {"window": window},
            values,
            at,
            {ERROR: f"0+{below:g}x{at}", OK: f"0+{1 - below:g}x{at}"},
            {ERROR: f"{values[ERROR]} {end:g}x{clean}", OK: f"0+{1 - bad:g}x{at + clean}"},
            at + clean,
            at + clean,
            extra=(("window", window),),
            step=1 if window == "1h" else 5,
        )


def _models() -> Iterator[Case]:
    yield Case(
        "GenotelOutOfMemory", OF_MODEL, {MEMORY: "0 0 0 1x2"}, 5, {MEMORY: "0x5"}, {MEMORY: "0 0 0 1x20"}, 20, 25
    )
    yield Case(
        "GenotelOutOfMemoryRepeatedly",
        OF_MODEL,
        {MEMORY: "0 0 0 1 2 3 4x2"},
        8,
        {MEMORY: "0 0 0 1 2x4"},
        {MEMORY: "0 0 0 1 2 3 4x30"},
        30,
        35,
    )
    yield simple("GenotelModelThrashing", LOADED, "0+1x{n}", "0+0.2x20", "20x40", 20, 58, 60, MODEL="sdxl")
    yield Case(
        "GenotelModelLoadFails",
        OF_MODEL,
        {NOT_LOADED: "0 0 1x3"},
        5,
        {NOT_LOADED: "0x5"},
        {NOT_LOADED: "0 0 1x20"},
        20,
        25,
    )


def _host() -> Iterator[Case]:
    cpu, memory = series(h.CPU_UTILIZATION), series(h.MEMORY_UTILIZATION)
    yield simple("GenotelCpuHigh", cpu, "0.81x{n}", "0.799x16", "0.1x30", 16, 45, 45)
    yield simple("GenotelMemoryHigh", memory, "0.86x{n}", "0.849x16", "0.1x30", 16, 45, 45)
    waits = series(c.SYSTEM_PRESSURE, PRESSURE_RESOURCE="memory", KIND="some")
    yield simple("GenotelMemoryPressure", waits, "0+13x{n}", "0+11x20", "260x30", 20, 40, 45)
    held, most = series(c.MEMORY_WORKING_SET), series(c.MEMORY_LIMIT)
    yield Case(
        "GenotelContainerMemoryHigh",
        WHERE,
        {held: "86x8", most: "100x8"},
        8,
        {held: "84x8", most: "100x8"},
        {held: "86x8 20x10", most: "100x18"},
        11,
        16,
    )
    yield counted("GenotelOomKill", series(c.OOM_KILLS), 5, 15, 20)
    swapped = series(h.PAGING_IO, PAGING_DIRECTION="in")
    yield simple("GenotelSwapping", swapped, "0+66000000x{n}", "0+59000000x20", "1320000000x30", 20, 45, 45)
    disk = {"DEVICE": "/dev/sda", "MOUNTPOINT": "/models", "FILESYSTEM_TYPE": "ext4"}
    full = series(h.FILESYSTEM_UTILIZATION, **disk)
    yield simple("GenotelDiskHigh", full, "0.91x{n}", "0.899x20", "0.5x20", 20, 25, 35, MOUNTPOINT="/models")
    yield simple("GenotelDiskAlmostFull", full, "0.96x{n}", "0.949x10", "0.5x20", 10, 13, 20, MOUNTPOINT="/models")
    used = series(h.FILESYSTEM_USAGE, **disk, FILESYSTEM_STATE="used")
    limit = series(h.FILESYSTEM_LIMIT, **disk)
    yield Case(
        "GenotelDiskFillsSoon",
        WHERE | {label_name(a.MOUNTPOINT): "/models"},
        {full: "0.85x80", used: "850+0.15x80", limit: "1000x80"},
        80,
        {full: "0.85x80", used: "850+0.08x80", limit: "1000x80"},
        {full: "0.85x80 0.5x20", used: "850+0.15x80 500x20", limit: "1000x100"},
        90,
        90,
    )
    errors = series(h.NETWORK_ERRORS, NETWORK_INTERFACE="eth0", NETWORK_DIRECTION="receive")
    yield simple("GenotelNetworkErrors", errors, "0+66x{n}", "0+54x20", "1320x30", 20, 40, 45, NETWORK_INTERFACE="eth0")


def _itself() -> Iterator[Case]:
    success = series(s.COLLECTOR_SUCCESS, COLLECTOR="cpu")
    yield simple("GenotelCollectorFails", success, "0x{n}", "0x8 1 0x6", "1x10", 15, 18, 25, COLLECTOR="cpu")
    last = series(s.COLLECTOR_LAST_SUCCESS, COLLECTOR="cpu")
    yield simple("GenotelCollectorStale", last, "0x{n}", "-290+60x13", "840+60x20", 13, 16, 25, COLLECTOR="cpu")
    yield counted("GenotelCollectorTimesOut", series(s.COLLECTOR_TIMEOUTS, COLLECTOR="cpu"), 5, 25, 30, COLLECTOR="cpu")
    scrape = series("scrape_duration_seconds")
    yield simple("GenotelScrapeNearTimeout", scrape, "8.1x{n}", "7.9x7", "1x20", 7, 10, 15)
    dropped = series(s.SERIES_DROPPED, METRIC="outputs")
    yield counted("GenotelSeriesOverflow", dropped, 5, 35, 40, METRIC="outputs")
    yield counted("GenotelInternalFaults", series(s.INTERNAL_ERRORS, PLACE="page"), 5, 35, 40, PLACE="page")
    yield counted("GenotelJournalDrops", series(s.JOURNAL_DROPPED), 5, 25, 30)
    yield simple("GenotelSpoolSilent", series(s.SPOOL_AGE), "61x{n}", "59x7", "1x20", 7, 10, 15)
    build = series(s.BUILD_INFO, BUILD_VERSION="0.1.0", PYTHON_VERSION="3.11")
    yield Case(
        "GenotelDataMissing",
        WHERE,
        {build: "1x30"},
        52,
        {build: "1x52"},
        {build: "1x30 _x25 1x20"},
        60,
        1500,
        step=1,
    )


def _meta() -> Iterator[Case]:
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


def _card(spec: MetricSpec, **labels: str) -> str:
    typed = {"HARDWARE_TYPE": gpu.GPU} if a.HARDWARE_TYPE in spec.labels else {}
    return series(spec, HARDWARE_ID="GPU-1", **typed, **labels)


def _gpu() -> Iterator[Case]:
    xid = _card(gpu.ERRORS, ERROR_TYPE="xid:79")
    yield counted("GenotelGpuXidFatal", xid, 5, 15, 20, HARDWARE_ID="GPU-1", ERROR_TYPE="xid:79")
    other = _card(gpu.ERRORS, ERROR_TYPE="xid:92")
    yield counted("GenotelGpuXidOther", other, 5, 15, 20, HARDWARE_ID="GPU-1", ERROR_TYPE="xid:92")
    ecc = _card(gpu.ERRORS, ERROR_TYPE="ecc_uncorrected")
    yield counted("GenotelGpuEccUncorrected", ecc, 5, 15, 20, HARDWARE_ID="GPU-1", ERROR_TYPE="ecc_uncorrected")
    for alert, spec in (
        ("GenotelGpuRecoveryAction", gpu.RECOVERY_ACTION),
        ("GenotelGpuRowRemapFailed", gpu.ROWS_FAILED),
        ("GenotelGpuRowRemapPending", gpu.ROWS_PENDING),
    ):
        yield simple(alert, _card(spec), "1x{n}", "0x8", "0x10", 8, 11, 16, HARDWARE_ID="GPU-1")
    seen, expected = series(gpu.SEEN, HARDWARE_VENDOR="nvidia"), series(gpu.EXPECTED, HARDWARE_VENDOR="nvidia")
    yield Case(
        "GenotelGpuLost",
        WHERE,
        {seen: "2x2 1x6", expected: "2x8"},
        8,
        {seen: "2x8", expected: "2x8"},
        {seen: "2x2 1x6 2x6", expected: "2x14"},
        11,
        16,
    )
    info = _card(gpu.INFO, GPU_INDEX="0")
    yield Case(
        "GenotelGpuMetricsAbsent",
        WHERE,
        {expected: "2x12"},
        12,
        {expected: "2x12", info: "1x12"},
        {expected: "2x20", info: "_x13 1x6"},
        15,
        25,
    )
    yield simple("GenotelGpuReadingsOld", _card(gpu.AGE), "61x{n}", "59x6", "1x10", 6, 9, 14, HARDWARE_ID="GPU-1")
    hot = _card(gpu.THROTTLE_TIME, REASON="hw_thermal_slowdown")
    yield simple("GenotelGpuThermalThrottle", hot, "0+6.6x{n}", "0+5.4x20", "132x40", 20, 42, 45, HARDWARE_ID="GPU-1")
    limit = _card(gpu.TEMPERATURE_LIMIT, KIND="slowdown")
    heat = _card(gpu.TEMPERATURE, SENSOR_LOCATION="gpu")
    yield Case(
        "GenotelGpuTemperatureMargin",
        OF_CARD,
        {limit: "93x15", heat: "91x15"},
        15,
        # 87 degrees all day are nothing to a card that may have 93.
        {limit: "93x15", heat: "87x10 90x5"},
        {limit: "93x35", heat: "91x15 80x20"},
        25,
        30,
    )
    cap = _card(gpu.THROTTLE_TIME, REASON="sw_power_cap")
    busy = _card(gpu.UTILIZATION, GPU_TASK="general")
    yield Case(
        "GenotelGpuPowerCapped",
        OF_CARD,
        {cap: "0+51x65", busy: "0.9x65"},
        65,
        {cap: "0+45x65", busy: "0.9x65"},
        {cap: "0+51x65 3315x30", busy: "0.9x95"},
        90,
        100,
    )
    share, used, most = _card(gpu.MEMORY_UTILIZATION), _card(gpu.MEMORY_USAGE), _card(gpu.MEMORY_LIMIT)
    yield Case(
        "GenotelVramExhaustionSoon",
        OF_CARD,
        {share: "0.9x30", used: "800+5x30", most: "1000x30"},
        30,
        {share: "0.9x30", used: "800+1x30", most: "1000x30"},
        {share: "0.9x30 0.3x10", used: "800+5x30 300x10", most: "1000x40"},
        33,
        40,
    )
    nobody = _card(gpu.MEMORY_UNATTRIBUTED)
    yield simple("GenotelVramUnattributed", nobody, "1.1e9x{n}", "1.0e9x20", "0x10", 20, 23, 30, HARDWARE_ID="GPU-1")
    yield Case(
        "GenotelGpuIdleAllocated",
        OF_CARD,
        {share: "0.6x125", busy: "0.01x125"},
        125,
        {share: "0.6x125", busy: "0.03x125"},
        {share: "0.6x135", busy: "0.01x125 0.9x10"},
        130,
        135,
    )


def _queues() -> Iterator[Case]:
    kept = {"QUEUE_NAME": "intake"}
    of_queue = WHERE | {label_name(a.QUEUE_NAME): "intake"}
    age = series(b.QUEUE_OLDEST_AGE, **kept)
    yield simple("GenotelQueueOld", age, "301x{n}", "299x8", "1x10", 8, 11, 16, **kept)
    length, limit = series(b.QUEUE_LENGTH, **kept), series(b.QUEUE_LIMIT, **kept)
    yield Case(
        "GenotelQueueFull",
        of_queue,
        {length: "91x8", limit: "100x8"},
        8,
        {length: "89x8", limit: "100x8"},
        {length: "91x8 10x10", limit: "100x18"},
        11,
        16,
    )
    yield Case(
        "GenotelQueueGrowing",
        of_queue,
        {length: "0+3x30", limit: "100x30"},
        30,
        {length: "0+1.5x30", limit: "100x30"},
        {length: "0+3x30 20x20", limit: "100x50"},
        50,
        40,
    )
    refused = series(b.QUEUE_REFUSED, **kept, REASON="full")
    yield counted("GenotelQueueRefusing", refused, 5, 15, 20, **kept)
    good = series(b.BATCHES, BATCH_NAME="nightly", OUTCOME="ok")
    bad = series(b.BATCHES, BATCH_NAME="nightly", OUTCOME="error")
    yield Case(
        "GenotelBatchesFail",
        WHERE | {label_name(a.BATCH_NAME): "nightly"},
        {good: "0+1x60", bad: "0+0.3x60"},
        60,
        {good: "0+1x60", bad: "0+0.2x60"},
        {good: "0+1x160", bad: "0+0.3x60 18x100"},
        140,
        140,
    )


OF_CARD = WHERE | {label_name(a.HARDWARE_ID): "GPU-1"}
# The heartbeat has no condition: it fires, whatever there is.
ALWAYS = "GenotelWatchdog"
CASES = (*_availability(), *_burn(), *_models(), *_queues(), *_gpu(), *_host(), *_itself(), *_meta())
