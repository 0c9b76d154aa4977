"""Cases of the alerts on GPUs."""

from __future__ import annotations

from collections.abc import Iterator

from genotel.semconv import attributes as a
from genotel.semconv import gpu_metrics as gpu
from genotel.semconv.spec import MetricSpec, label_name
from tools.alert_cases.case import WHERE, Case, counted, series, simple

OF_CARD = WHERE | {label_name(a.HARDWARE_ID): "GPU-1"}


def _card(spec: MetricSpec, **labels: str) -> str:
    typed = {"HARDWARE_TYPE": gpu.GPU} if a.HARDWARE_TYPE in spec.labels else {}
    return series(spec, HARDWARE_ID="GPU-1", **typed, **labels)


def cases() -> Iterator[Case]:
    """Yield a case for each alert of the group."""
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
        step=5,
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
        step=5,
    )
