"""The metrics of GPUs: METRICS.md, "GPU"."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.spec import Kind, Merge, MetricSpec

# The value of ``hw.type``.
GPU = "gpu"

OK = "ok"
DEGRADED = "degraded"
FAILED = "failed"
STATES = (OK, DEGRADED, FAILED)

# Why a GPU has no values.
LOST = "lost"
MISSING = "missing"
HUNG = "hung"
RESET_REQUIRED = "reset_required"
UNREADABLE = "unreadable"
DRIVER = "driver"
FAULTS = (LOST, MISSING, HUNG, RESET_REQUIRED, UNREADABLE, DRIVER)

# Why clocks are lower than they could be, in the order of NVML's bits from the second one on; the
# first bit says that the GPU is idle, which slows nothing down.
THROTTLE_REASONS = (
    "applications_clocks_setting",
    "sw_power_cap",
    "hw_slowdown",
    "sync_boost",
    "sw_thermal_slowdown",
    "hw_thermal_slowdown",
    "hw_power_brake_slowdown",
    "display_clock_setting",
    "board_limit",
    "reliability",
)

# Values of ``error.type``.
ECC_CORRECTED = "ecc_corrected"
ECC_UNCORRECTED = "ecc_uncorrected"
XID_PREFIX = "xid:"
# Codes whose series are born at 0: those for which NVIDIA's "XID Errors" guide names something to do.
XIDS = (13, 31, 43, 45, 48, 61, 62, 63, 64, 74, 79, 92, 94, 95, 109, 119, 120, 137, 140, 143, 149, 154)


def _gpu(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    # Every worker of a box sees the same cards, so their values are never summed over workers.
    return MetricSpec(name, kind, unit, help, labels=(a.HARDWARE_ID, *labels), merge=Merge.LAST)


def _hardware(name: str, kind: Kind, unit: str, help: str, *labels: str) -> MetricSpec:
    # Names that other hardware may have too carry the type.
    return _gpu(name, kind, unit, help, a.HARDWARE_TYPE, *labels)


INFO = _gpu(
    "genotel.gpu.info",
    Kind.GAUGE,
    "{gpu}",
    "What a GPU is called; always 1, to be joined on hw_id.",
    a.GPU_INDEX,
    a.HARDWARE_NAME,
    a.HARDWARE_VENDOR,
    a.HARDWARE_DRIVER,
    a.GPU_BUS,
    a.HARDWARE_PARENT,
    a.GPU_PROFILE,
)
EXPECTED = MetricSpec(
    "genotel.gpu.expected",
    Kind.GAUGE,
    "{gpu}",
    "GPUs that should be there: as many as were ever seen since the start, or as genotel.toml says.",
    labels=(a.HARDWARE_VENDOR,),
    merge=Merge.LAST,
)
SEEN = MetricSpec(
    "genotel.gpu.seen",
    Kind.GAUGE,
    "{gpu}",
    "GPUs that answer.",
    labels=(a.HARDWARE_VENDOR,),
    merge=Merge.LAST,
)
STATUS = MetricSpec(
    "hw.status",
    Kind.UP_DOWN_COUNTER,
    "1",
    "Whether a GPU is in this state: 1 or 0.",
    labels=(a.HARDWARE_ID, a.HARDWARE_TYPE, a.HARDWARE_STATE),
    closed=((a.HARDWARE_STATE, STATES),),
    merge=Merge.LAST,
)
FAULT = MetricSpec(
    "genotel.gpu.fault",
    Kind.GAUGE,
    "{gpu}",
    "Whether a GPU has no values for this reason: 1 or 0.",
    labels=(a.HARDWARE_ID, a.REASON),
    closed=((a.REASON, FAULTS),),
    merge=Merge.LAST,
)
AGE = _gpu("genotel.gpu.readings.age", Kind.GAUGE, "s", "Time since the values of a GPU were read.")

UTILIZATION = _gpu(
    "hw.gpu.utilization",
    Kind.GAUGE,
    "1",
    "Share of time in which a task kept the GPU busy; memory is the time that its memory was read or written.",
    a.GPU_TASK,
)
MEMORY_USAGE = _gpu(
    "hw.gpu.memory.usage", Kind.UP_DOWN_COUNTER, "By", "Memory of a GPU in use, without what the driver keeps."
)
MEMORY_LIMIT = _gpu("hw.gpu.memory.limit", Kind.UP_DOWN_COUNTER, "By", "Memory of a GPU in all.")
MEMORY_UTILIZATION = _gpu("hw.gpu.memory.utilization", Kind.GAUGE, "1", "Share of a GPU's memory that is in use.")
MEMORY_RESERVED = _gpu("genotel.gpu.memory.reserved", Kind.GAUGE, "By", "Memory that the driver keeps for itself.")
MEMORY_UNATTRIBUTED = _gpu(
    "genotel.gpu.memory.unattributed", Kind.GAUGE, "By", "Memory in use that belongs to no process that is seen."
)
PROCESS_MEMORY = _gpu(
    "genotel.gpu.process.memory",
    Kind.GAUGE,
    "By",
    "Memory of a GPU by program, container, systemd unit and, where known, model; the pid is opt-in.",
    a.PROCESS_NAME,
    a.CONTAINER_ID,
    a.SYSTEMD_UNIT,
    a.MODEL,
    a.PROCESS_ID,
)

TEMPERATURE = _hardware("hw.temperature", Kind.GAUGE, "Cel", "Temperature by sensor.", a.SENSOR_LOCATION)
TEMPERATURE_LIMIT = _gpu(
    "genotel.gpu.temperature.limit",
    Kind.GAUGE,
    "Cel",
    "Temperature of the GPU at which it slows down or shuts down.",
    a.KIND,
)
POWER = _hardware("hw.power", Kind.GAUGE, "W", "Power that a GPU draws.")
POWER_LIMIT = _gpu("genotel.gpu.power.limit", Kind.GAUGE, "W", "Power that a GPU may draw.")
ENERGY = _hardware("hw.energy", Kind.COUNTER, "J", "Energy that a GPU took since its driver was loaded.")
FAN_SPEED = _hardware(
    "hw.fan.speed_ratio", Kind.GAUGE, "1", "Speed of a GPU's fan as a share of its greatest; absent without a fan."
)
# Not "clock.limit": no name is the namespace of another.
CLOCK = _gpu("genotel.gpu.clock", Kind.GAUGE, "Hz", "Clock of a GPU by domain.", a.GPU_CLOCK)
CLOCK_LIMIT = _gpu("genotel.gpu.clock_limit", Kind.GAUGE, "Hz", "Highest clock of a GPU by domain.", a.GPU_CLOCK)
THROTTLE_TIME = MetricSpec(
    "genotel.gpu.throttle.time",
    Kind.COUNTER,
    "s",
    "Time in which a reason kept a GPU's clocks down, sampled every second; reasons may hold at once.",
    labels=(a.HARDWARE_ID, a.REASON),
    closed=((a.REASON, THROTTLE_REASONS),),
    merge=Merge.LAST,
)
PERFORMANCE_STATE = _gpu(
    "genotel.gpu.performance_state", Kind.GAUGE, "{state}", "Performance state: 0 is the fastest, 15 the slowest."
)

ERRORS = _hardware(
    "hw.errors",
    Kind.COUNTER,
    "{error}",
    "Errors of a GPU: by XID code since the start, by ECC over its life.",
    a.ERROR_TYPE,
)
XID_TIMESTAMP = _gpu(
    "genotel.gpu.xid.timestamp", Kind.GAUGE, "s", "Unix time at which an XID code was last reported.", a.CODE
)
RECOVERY_ACTION = _gpu(
    "genotel.gpu.recovery_action",
    Kind.GAUGE,
    "{action}",
    "What the driver asks for: 0 nothing, 1 reset, 2 reboot, 3 drain peers, 4 drain and reset, above 4 see NVML.",
)
ROWS_REMAPPED = _gpu(
    "genotel.gpu.rows.remapped", Kind.GAUGE, "{row}", "Memory rows replaced, by kind of error.", a.KIND
)
ROWS_PENDING = _gpu(
    "genotel.gpu.rows.remap_pending", Kind.GAUGE, "{gpu}", "Whether a row waits for a reset to be replaced: 1 or 0."
)
ROWS_FAILED = _gpu(
    "genotel.gpu.rows.remap_failed",
    Kind.GAUGE,
    "{gpu}",
    "Whether a row could not be replaced: 1 or 0; replace the GPU.",
)
PAGES_RETIRED = _gpu(
    "genotel.gpu.pages.retired", Kind.GAUGE, "{page}", "Memory pages taken out of use, by kind of error.", a.KIND
)

PCIE_IO = _gpu("genotel.gpu.pcie.io", Kind.COUNTER, "By", "Bytes over PCIe by direction; opt-in.", a.NETWORK_DIRECTION)
NVLINK_IO = _gpu(
    "genotel.gpu.nvlink.io", Kind.COUNTER, "By", "Bytes over all NVLinks by direction; opt-in.", a.NETWORK_DIRECTION
)

GPU_METRICS = (
    INFO,
    EXPECTED,
    SEEN,
    STATUS,
    FAULT,
    AGE,
    UTILIZATION,
    MEMORY_USAGE,
    MEMORY_LIMIT,
    MEMORY_UTILIZATION,
    MEMORY_RESERVED,
    MEMORY_UNATTRIBUTED,
    PROCESS_MEMORY,
    TEMPERATURE,
    TEMPERATURE_LIMIT,
    POWER,
    POWER_LIMIT,
    ENERGY,
    FAN_SPEED,
    CLOCK,
    CLOCK_LIMIT,
    THROTTLE_TIME,
    PERFORMANCE_STATE,
    ERRORS,
    XID_TIMESTAMP,
    RECOVERY_ACTION,
    ROWS_REMAPPED,
    ROWS_PENDING,
    ROWS_FAILED,
    PAGES_RETIRED,
    PCIE_IO,
    NVLINK_IO,
)
