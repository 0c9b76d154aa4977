"""NVIDIA's driver library, by way of ``pynvml``: the only file that knows it.

Each question is asked of the newest function first and of its forerunners where the driver lacks it.
What a card does not support is None. Loaded by :mod:`genotel.collectors.nvml_child` alone: a call may
hang for ever and a bad driver may end the process that asks.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, cast

import pynvml

from genotel.collectors.gpu_reading import GpuInstance, GpuMemory, GpuReading, ProcessMemory
from genotel.semconv import gpu_metrics as m

# How long names, limits and retired pages count as known.
_SLOW_SECONDS = 60.0
_CLOCKS = {"graphics": 0, "sm": 1, "memory": 2, "video": 3}
_TEMPERATURE_LIMITS = {"shutdown": 0, "slowdown": 1}
_ECC = {m.ECC_CORRECTED: 0, m.ECC_UNCORRECTED: 1}
_RETIRED = {"single_bit": 0, "double_bit": 1}
# Field numbers of nvml.h; older releases of pynvml lack some of the names.
_MEMORY_TEMPERATURE, _RECOVERY_ACTION = 82, 230
_NVLINK_SENT, _NVLINK_RECEIVED, _PCIE_SENT, _PCIE_RECEIVED = 138, 139, 197, 198
_ALL_LINKS = 0xFFFFFFFF
_FIELD_VALUES = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
_KIB = 1024

_FATAL = {
    pynvml.NVML_ERROR_GPU_IS_LOST: m.LOST,
    pynvml.NVML_ERROR_RESET_REQUIRED: m.RESET_REQUIRED,
    pynvml.NVML_ERROR_UNINITIALIZED: m.DRIVER,
}
_UNSUPPORTED = frozenset({pynvml.NVML_ERROR_NOT_SUPPORTED, pynvml.NVML_ERROR_FUNCTION_NOT_FOUND})
# The driver does not know this function, or not this version of its structure; 25 and 26 are a
# mismatch of versions and "deprecated", which older releases of pynvml do not name.
_TRY_OLDER = _UNSUPPORTED | {pynvml.NVML_ERROR_INVALID_ARGUMENT, 25, 26}

_Function = Callable[..., Any]
_TEMPERATURE = "nvmlDeviceGetTemperatureV nvmlDeviceGetTemperature"
_THROTTLE = "nvmlDeviceGetCurrentClocksEventReasons nvmlDeviceGetCurrentClocksThrottleReasons"
_PROCESSES = (
    "nvmlDeviceGetComputeRunningProcesses_v3 nvmlDeviceGetComputeRunningProcesses_v2",
    "nvmlDeviceGetGraphicsRunningProcesses_v3 nvmlDeviceGetGraphicsRunningProcesses_v2",
    "nvmlDeviceGetMPSComputeRunningProcesses_v3",
)


@cache
def _functions(names: str) -> tuple[_Function, ...]:
    return tuple(getattr(pynvml, name) for name in names.split() if hasattr(pynvml, name))


class DriverAbsentError(Exception):
    """Say that there is no driver to talk to; the text is NVML's name of the reason."""


class GpuFaultError(Exception):
    """Say why a GPU cannot be read: a value of ``gpu_metrics.FAULTS``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Nvml:
    """Talk to the driver library of this process.

    Args:
        library: where it is; loaded first, so that ``pynvml``, which knows a name only, gets this one.

    Raises:
        DriverAbsentError: it cannot be loaded or has no driver under it.
    """

    def __init__(self, library: str) -> None:
        try:
            ctypes.CDLL(library)
            pynvml.nvmlInit()
        except OSError:
            raise DriverAbsentError("library") from None
        except pynvml.NVMLError as error:
            raise _absent(error) from None
        self._known: dict[str, Gpu] = {}

    def driver_version(self) -> str:
        """Return the version of the driver, empty if it does not say."""
        try:
            return _text(pynvml.nvmlSystemGetDriverVersion())
        except pynvml.NVMLError:
            return ""

    def count(self) -> int:
        """Return how many GPUs the driver knows; raise DriverAbsentError if it does not say."""
        try:
            return int(pynvml.nvmlDeviceGetCount())
        except pynvml.NVMLError as error:
            raise _absent(error) from None

    def gpu(self, ordinal: int) -> Gpu:
        """Return the GPU that has this index now.

        Raises:
            GpuFaultError: it does not even say who it is.
        """
        try:
            handle = pynvml.nvmlDeviceGetHandleByIndex(ordinal)
            uuid = _text(pynvml.nvmlDeviceGetUUID(handle))
        except pynvml.NVMLError as error:
            raise GpuFaultError(_FATAL.get(error.value, m.UNREADABLE)) from None
        known = self._known.get(uuid)
        if known is None or known.ordinal != ordinal or _address(known.handle) != _address(handle):
            known = self._known[uuid] = Gpu(ordinal, uuid, handle)
        return known


class Gpu:
    """Ask one GPU; not by two threads at once."""

    def __init__(self, ordinal: int, uuid: str, handle: object) -> None:
        self.ordinal = ordinal
        self.uuid = uuid
        self.handle = handle
        self._slow: dict[str, Any] = {}
        self._slow_until = 0.0
        self._failed = self._answered = False
        # Bytes over PCIe by sampling, for drivers that do not count them, and when.
        self._pcie: tuple[int, int] = (0, 0)
        self._pcie_at: float | None = None

    def throttle_bits(self) -> int | None:
        """Return why the clocks are down, a bit a reason; raise GpuFaultError if the GPU is lost."""
        return cast("int | None", self._ask(_THROTTLE))

    def read(self, *, links: bool = False) -> GpuReading:
        """Return everything that the GPU says now.

        Args:
            links: whether to read PCIe and NVLink too, which may take 40 ms.

        Raises:
            GpuFaultError: the GPU is lost, or every question failed.
        """
        self._failed = self._answered = False
        now = time.monotonic()
        instances = [*self._instances()]
        fields = self._fields(links)
        rows = self._ask("nvmlDeviceGetRemappedRows")
        power, energy = self._ask("nvmlDeviceGetPowerUsage"), self._ask("nvmlDeviceGetTotalEnergyConsumption")
        fan, state = self._ask("nvmlDeviceGetFanSpeed"), self._ask("nvmlDeviceGetPerformanceState")
        reading = GpuReading(
            ordinal=self.ordinal,
            uuid=self.uuid,
            name="",
            memory=self._memory(self.handle),
            utilization=self._utilization(),
            temperatures=_known({"gpu": self._ask(_TEMPERATURE, 0), "memory": fields.get(_MEMORY_TEMPERATURE)}),
            power=None if power is None else power / 1000,
            energy=None if energy is None else energy / 1000,
            # A fan may be told to turn faster than its nominal speed.
            fan_speed=None if fan is None else min(fan / 100, 1.0),
            clocks=self._each("nvmlDeviceGetClockInfo", _CLOCKS, scale=1e6),
            # 32 is "unknown".
            performance_state=state if state is not None and 0 <= state <= 15 else None,
            ecc_errors=self._each("nvmlDeviceGetTotalEccErrors", _ECC, pynvml.NVML_AGGREGATE_ECC),
            rows_remapped={} if rows is None else {"correctable": rows[0], "uncorrectable": rows[1]},
            row_remap_pending=None if rows is None else bool(rows[2]),
            row_remap_failed=None if rows is None else bool(rows[3]),
            recovery_action=fields.get(_RECOVERY_ACTION),
            pcie=self._pcie_bytes(fields, now) if links else None,
            nvlink=_pair(fields.get(_NVLINK_SENT), fields.get(_NVLINK_RECEIVED), _KIB),
            instances=instances,
        )
        if self._failed and not self._answered:
            raise GpuFaultError(m.UNREADABLE)
        if now >= self._slow_until:
            self._slow, self._slow_until = self._slowly_changing(), now + _SLOW_SECONDS
        return reading._replace(**self._slow)

    def _ask(self, names: str, *arguments: object, handle: object = None) -> Any:
        """Return what the first of the functions that the driver has says; None if none does."""
        for function in _functions(names):
            try:
                value = function(handle or self.handle, *arguments)
            except pynvml.NVMLError as error:
                if error.value in _FATAL:
                    raise GpuFaultError(_FATAL[error.value]) from None
                self._failed = self._failed or error.value not in _UNSUPPORTED
                if error.value not in _TRY_OLDER:
                    return None
            else:
                self._answered = True
                return value
        return None

    def _each(self, names: str, numbers: dict[str, int], *arguments: object, scale: float = 1) -> dict[str, Any]:
        return _known({name: self._ask(names, number, *arguments) for name, number in numbers.items()}, scale)

    def _slowly_changing(self) -> dict[str, Any]:
        limit = self._ask("nvmlDeviceGetEnforcedPowerLimit")
        bus = self._ask("nvmlDeviceGetPciInfo")
        return {
            "name": _text(self._ask("nvmlDeviceGetName") or ""),
            "bus": None if bus is None else _text(bus.busId).lower(),
            "power_limit": None if limit is None else limit / 1000,
            "temperature_limits": self._each("nvmlDeviceGetTemperatureThreshold", _TEMPERATURE_LIMITS),
            "clock_limits": self._each("nvmlDeviceGetMaxClockInfo", _CLOCKS, scale=1e6),
            "pages_retired": {
                kind: len(pages) for kind, pages in self._each("nvmlDeviceGetRetiredPages", _RETIRED).items()
            },
        }

    def _memory(self, handle: object) -> GpuMemory | None:
        memory = self._ask("nvmlDeviceGetMemoryInfo", pynvml.nvmlMemory_v2, handle=handle)
        if memory is None:
            memory = self._ask("nvmlDeviceGetMemoryInfo", handle=handle)
        if memory is None or not memory.total:
            return None
        reserved = getattr(memory, "reserved", None)
        return GpuMemory(int(memory.total), int(memory.used), reserved, self._processes(handle))

    def _processes(self, handle: object) -> list[ProcessMemory] | None:
        lists = [self._ask(names, handle=handle) for names in _PROCESSES]
        if not any(found is not None for found in lists):
            return None
        # A process that computes and draws is on two lists, with the same memory on both.
        used: dict[int, int | None] = {}
        for process in (process for found in lists for process in found or ()):
            pid, size = int(process.pid), process.usedGpuMemory
            used[pid] = max(used.get(pid) or 0, int(size)) if size is not None else used.get(pid)
        return [*used.items()]

    def _utilization(self) -> dict[str, float]:
        rates = self._ask("nvmlDeviceGetUtilizationRates")
        encoder = self._ask("nvmlDeviceGetEncoderUtilization")
        decoder = self._ask("nvmlDeviceGetDecoderUtilization")
        percent = {
            "general": None if rates is None else rates.gpu,
            "memory": None if rates is None else rates.memory,
            "encoder": None if encoder is None else encoder[0],
            "decoder": None if decoder is None else decoder[0],
        }
        return {task: min(share / 100, 1.0) for task, share in _known(percent).items()}

    def _fields(self, links: bool) -> dict[int, Any]:
        wanted: list[object] = [_MEMORY_TEMPERATURE, _RECOVERY_ACTION]
        if links:
            wanted += [_PCIE_SENT, _PCIE_RECEIVED, (_NVLINK_SENT, _ALL_LINKS), (_NVLINK_RECEIVED, _ALL_LINKS)]
        values = self._ask("nvmlDeviceGetFieldValues", wanted) or ()
        return {
            int(field.fieldId): getattr(field.value, _FIELD_VALUES[field.valueType])
            for field in values
            if field.nvmlReturn == pynvml.NVML_SUCCESS and field.valueType < len(_FIELD_VALUES)
        }

    def _pcie_bytes(self, fields: dict[int, Any], now: float) -> tuple[int, int] | None:
        counted = _pair(fields.get(_PCIE_SENT), fields.get(_PCIE_RECEIVED))
        if counted is not None:
            return counted
        # Kilobytes a second over 20 ms each; taken for the whole time since the sample before.
        rates = [self._ask("nvmlDeviceGetPcieThroughput", direction) for direction in (0, 1)]
        if None in rates:
            return None
        seconds = 0.0 if self._pcie_at is None else now - self._pcie_at
        self._pcie_at = now
        sent, received = (done + int(rate * 1000 * seconds) for done, rate in zip(self._pcie, rates, strict=True))
        self._pcie = sent, received
        return self._pcie

    def _instances(self) -> Iterator[GpuInstance]:
        mode = self._ask("nvmlDeviceGetMigMode")
        if not mode or not mode[0]:
            return
        for number in range(self._ask("nvmlDeviceGetMaxMigDeviceCount") or 0):
            try:
                handle = pynvml.nvmlDeviceGetMigDeviceHandleByIndex(self.handle, number)
            except pynvml.NVMLError:
                # Instances need not be numbered without a gap.
                continue
            uuid, name = (
                self._ask("nvmlDeviceGetUUID", handle=handle),
                _text(self._ask("nvmlDeviceGetName", handle=handle) or ""),
            )
            if uuid is not None:
                profile = name.rpartition(" MIG ")[2]
                yield GpuInstance(_text(uuid), name, profile, self._memory(handle))


class XidEvents:
    """Wait for the XIDs of some GPUs; to be used by one thread, and made anew for other GPUs."""

    def __init__(self, gpus: list[Gpu]) -> None:
        self._set = pynvml.nvmlEventSetCreate()
        # By address, since a GPU that fell off the bus does not say its name any more.
        self._uuids: dict[int | None, str] = {}
        for gpu in gpus:
            try:
                pynvml.nvmlDeviceRegisterEvents(gpu.handle, pynvml.nvmlEventTypeXidCriticalError, self._set)
            except pynvml.NVMLError:
                continue
            self._uuids[_address(gpu.handle)] = gpu.uuid

    @property
    def uuids(self) -> frozenset[str]:
        """Return the GPUs whose events are waited for."""
        return frozenset(self._uuids.values())

    def wait(self, seconds: float) -> tuple[str, int] | None:
        """Return UUID and code of the next XID, or None if there was none in this time."""
        try:
            event = pynvml.nvmlEventSetWait(self._set, int(seconds * 1000))
        except pynvml.NVMLError as error:
            if error.value != pynvml.NVML_ERROR_TIMEOUT:
                # Lost GPUs make the wait fail at once; a loop around it must not spin.
                time.sleep(seconds)
            return None
        uuid = self._uuids.get(_address(event.device))
        return None if uuid is None else (uuid, int(event.eventData))

    def close(self) -> None:
        """Stop the driver from keeping events for nobody."""
        try:
            pynvml.nvmlEventSetFree(self._set)
        except pynvml.NVMLError:
            return


def _address(handle: object) -> int | None:
    return ctypes.cast(handle, ctypes.c_void_p).value  # type: ignore[arg-type]  # a pointer


def _absent(error: Exception) -> DriverAbsentError:
    return DriverAbsentError(type(error).__name__.removeprefix("NVMLError_").lower())


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _known(values: dict[str, Any], scale: float = 1) -> dict[str, Any]:
    return {name: value if scale == 1 else value * scale for name, value in values.items() if value is not None}


def _pair(sent: int | None, received: int | None, scale: int = 1) -> tuple[int, int] | None:
    return None if sent is None or received is None else (sent * scale, received * scale)
