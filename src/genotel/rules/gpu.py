"""Alerts on GPUs: errors, lost cards, heat by each card's own limits, and memory that runs out."""

from __future__ import annotations

from genotel.promql import gpu_alert_queries as q
from genotel.rules.rule import Alert, Group, Severity
from genotel.semconv import dashboard_names as d

_XID_STEPS = (
    "`dmesg -T | grep -i xid`: which code, which program?",
    'look the code up in NVIDIA\'s guide "XID Errors": reset, reboot or replace?',
    "drain the machine, then `nvidia-smi --gpu-reset -i INDEX`, else reboot.",
)
_MEMORY_STEPS = (
    "`nvidia-smi`: which programs hold the memory?",
    "`genotel recommend`: which models need not stay?",
    "unload one, or make requests smaller, before a call runs out of memory.",
)
_ERROR_PANEL = (d.GPU, "Errors")
_MEMORY_PANEL = (d.GPU, "GPU memory in use")


def _card(
    name: str,
    query: str,
    severity: Severity,
    summary: str,
    description: str,
    first: tuple[str, ...],
    impact: str,
    panel: tuple[str, str],
    hold: str = "0m",
    keep: str = "",
) -> Alert:
    return Alert(
        name, query, severity, summary, description, first, impact, panel, hold, keep, variables=("instance", "gpu")
    )


def _machine(
    name: str, query: str, severity: Severity, summary: str, description: str, first: tuple[str, ...], impact: str
) -> Alert:
    return Alert(name, query, severity, summary, description, first, impact, (d.GPU, "GPUs that answer"), hold="5m")


GROUP = Group(
    "gpu",
    "gpu",
    "The GPUs: errors, lost cards, heat, memory.",
    (
        _card(
            "GenotelGpuXidFatal",
            q.XID_FATAL,
            Severity.CRITICAL,
            "A GPU reported an error that needs a reset or a repair.",
            "The GPU <gpu> of <instance> reported <error>.",
            _XID_STEPS,
            "Programs on this GPU fail or hang until it is reset.",
            _ERROR_PANEL,
        ),
        _card(
            "GenotelGpuXidOther",
            q.XID_OTHER,
            Severity.WARNING,
            "A GPU reported an error.",
            "The GPU <gpu> of <instance> reported <error>.",
            _XID_STEPS,
            "A program may have failed; more may follow.",
            _ERROR_PANEL,
        ),
        _card(
            "GenotelGpuRecoveryAction",
            q.RECOVERY_ACTION,
            Severity.CRITICAL,
            "The driver asks for a recovery of a GPU.",
            "The driver asks for action <number> on <gpu> of <instance>: 1 reset, 2 reboot, 3 and 4 drain.",
            _XID_STEPS,
            "New programs cannot use the GPU until that is done.",
            _ERROR_PANEL,
            hold="1m",
        ),
        _card(
            "GenotelGpuEccUncorrected",
            q.ECC_UNCORRECTED,
            Severity.CRITICAL,
            "A GPU met memory errors that it could not correct.",
            "<number> uncorrectable memory errors on <gpu> of <instance> in 10 minutes.",
            (
                "`nvidia-smi -q -d ECC,ROW_REMAPPER`: are rows waiting to be replaced?",
                "drain the machine and reset the GPU, so that the rows are replaced.",
                "again within days: have the card replaced.",
            ),
            "The program on it was ended; results near that time may be wrong.",
            _ERROR_PANEL,
        ),
        _card(
            "GenotelGpuRowRemapFailed",
            q.ROW_REMAP_FAILED,
            Severity.CRITICAL,
            "A GPU has no spare memory rows left.",
            "A row of the memory of <gpu> on <instance> could not be replaced.",
            (
                "`nvidia-smi -q -d ROW_REMAPPER`.",
                "drain the machine.",
                "have the card replaced: this does not heal.",
            ),
            "Errors in its memory will come back.",
            _ERROR_PANEL,
        ),
        _card(
            "GenotelGpuRowRemapPending",
            q.ROW_REMAP_PENDING,
            Severity.WARNING,
            "A GPU waits for a reset to replace a memory row.",
            "A row of the memory of <gpu> on <instance> waits for a reset.",
            (
                "choose a time without calls.",
                "`nvidia-smi --gpu-reset -i INDEX`, or reboot.",
                "`nvidia-smi -q -d ROW_REMAPPER`: is nothing pending any more?",
            ),
            "None yet; the bad row stays in use until then.",
            _ERROR_PANEL,
            hold="5m",
        ),
        _machine(
            "GenotelGpuLost",
            q.LOST,
            Severity.CRITICAL,
            "A machine has lost a GPU.",
            "Only <number> GPUs of <instance> answer: fewer than were there.",
            (
                "`nvidia-smi -L` and `lspci | grep -i nvidia`: is the card on the bus?",
                "`dmesg -T | grep -i -E 'xid|fallen off'`.",
                "reboot; when it is gone again: power cable, slot, card.",
            ),
            "Models on that GPU answer nobody.",
        ),
        _machine(
            "GenotelGpuMetricsAbsent",
            q.METRICS_ABSENT,
            Severity.WARNING,
            "A machine with GPUs has no values of them.",
            "<instance> should have <number> GPUs and shows none: every alert on GPUs there is silent.",
            (
                "`nvidia-smi`: does the driver answer?",
                "the log of genotel on that machine.",
                "a driver that was updated without a reboot? Then reboot.",
            ),
            "Faults of the GPUs go unseen.",
        ),
        _card(
            "GenotelGpuReadingsOld",
            q.READINGS_OLD,
            Severity.WARNING,
            "The values of a GPU are old.",
            "The driver last answered for <gpu> of <instance> <duration> ago.",
            (
                "`timeout 10 nvidia-smi`: does it hang?",
                "`dmesg -T | tail -50`.",
                "`ps -eo pid,stat,cmd | awk '$2 ~ /D/'`: programs that hang in the driver.",
            ),
            "The driver may hang; programs on the GPU may too.",
            (d.GPU, "Age of readings"),
            hold="2m",
        ),
        _card(
            "GenotelGpuThermalThrottle",
            q.THERMAL_THROTTLE,
            Severity.WARNING,
            "Heat slows a GPU down.",
            "<percent> of 10 minutes heat kept the clocks of <gpu> on <instance> down.",
            (
                "fans and filters; the inlet's temperature; is the neighbour blocked?",
                "`nvidia-smi -q -d TEMPERATURE,PERFORMANCE`.",
                "a lower power limit until then: `nvidia-smi -i INDEX -pl WATTS`.",
            ),
            "Calls take longer.",
            (d.GPU, "Throttling"),
            hold="5m",
            keep="5m",
        ),
        _card(
            "GenotelGpuTemperatureMargin",
            q.TEMPERATURE_MARGIN,
            Severity.WARNING,
            "A GPU is about to slow down for heat.",
            "The GPU <gpu> of <instance> is <number> degrees below the temperature at which it slows down.",
            (
                "fans and filters; the inlet's temperature.",
                "`nvidia-smi -q -d TEMPERATURE`.",
                "move load to a cooler card.",
            ),
            "Calls will take longer soon.",
            (d.GPU, "Temperature margin"),
            hold="10m",
            keep="5m",
        ),
        _card(
            "GenotelGpuPowerCapped",
            q.POWER_CAPPED,
            Severity.INFO,
            "A busy GPU runs at its power limit.",
            "<percent> of 30 minutes the power limit kept the clocks of <gpu> on <instance> down.",
            (
                "is the limit meant? `nvidia-smi -q -d POWER`.",
                "is the card faster with more? Raise it, when power and cooling allow.",
                "otherwise nothing: many cards are most efficient there.",
            ),
            "Calls take somewhat longer than the card could.",
            (d.GPU, "Power share"),
            hold="30m",
        ),
        _card(
            "GenotelVramExhaustionSoon",
            q.VRAM_SOON,
            Severity.WARNING,
            "The memory of a GPU will be full within half an hour.",
            "<percent> of the memory of <gpu> on <instance> is in use, and rising.",
            _MEMORY_STEPS,
            "Calls will run out of memory.",
            _MEMORY_PANEL,
            hold="5m",
        ),
        _card(
            "GenotelVramUnattributed",
            q.VRAM_UNKNOWN,
            Severity.INFO,
            "Memory of a GPU belongs to no program that is seen.",
            "<bytes>B of <gpu> on <instance> belong to nobody.",
            (
                "`fuser -v /dev/nvidia*`: programs of other users or containers?",
                "a program that was killed and hangs in the driver?",
                "reset the GPU when nothing runs on it.",
            ),
            "Less fits than it seems.",
            (d.GPU, "Unattributed memory"),
            hold="15m",
        ),
        _card(
            "GenotelGpuIdleAllocated",
            q.IDLE_ALLOCATED,
            Severity.INFO,
            "A GPU is full and does nothing.",
            "<percent> of the memory of <gpu> on <instance> is held for hours without work.",
            _MEMORY_STEPS,
            "Other models could use it.",
            _MEMORY_PANEL,
            hold="2h",
        ),
    ),
)
