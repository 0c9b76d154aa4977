"""Which GPUs there should be, which of them answer, and why the others do not.

A GPU is its UUID: numbers change when one falls off the bus. Once seen, it is expected until genotel
ends, so that a lost one is a fact on the page and not a gap.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from genotel.collectors.collector import Reading
from genotel.collectors.gpu_figures import is_degraded
from genotel.collectors.gpu_reading import GpuReading
from genotel.semconv import gpu_metrics as m


@dataclass(slots=True)
class KnownGpu:
    """Hold the last reading of a GPU, when it was read (monotonic seconds), and its fault if it has one."""

    reading: GpuReading
    read_at: float
    fault: str | None = None


class GpuRoster:
    """Keep the GPUs of one vendor.

    Args:
        vendor: the value of ``hw.vendor``.
        expected: how many there should be at least.
        longest_age_seconds: after which values count as unknown.

    Example:
        >>> roster = GpuRoster("NVIDIA", expected=2, longest_age_seconds=15)
        >>> roster.update([(0, 5.0, GpuReading(0, "GPU-1", "Fake"), None)])
        >>> roster.judge(6.0)
        >>> [value for spec, labels, value in roster.counts()]
        [2, 1]
    """

    def __init__(self, vendor: str, *, expected: int, longest_age_seconds: float) -> None:
        self.known: dict[str, KnownGpu] = {}
        self._vendor = vendor
        self._expected = expected
        self._longest_age = longest_age_seconds
        # GPUs that never said who they are.
        self._nameless = 0

    def update(self, seen: Sequence[tuple[int, float, GpuReading | None, str | None]]) -> None:
        """Take in one look at all GPUs.

        Args:
            seen: number, when it was read, and the reading or the fault, of each.
        """
        faults: dict[int, str] = {}
        answered: set[str] = set()
        for number, read_at, reading, fault in seen:
            if reading is not None:
                self.known[reading.uuid] = KnownGpu(reading, read_at)
                answered.add(reading.uuid)
            else:
                faults[number] = fault or m.UNREADABLE
        silent = [gpu for uuid, gpu in self.known.items() if uuid not in answered]
        # Of two that had the same number, the one that was read last has it still.
        for gpu in sorted(silent, key=lambda gpu: gpu.read_at, reverse=True):
            gpu.fault = faults.pop(gpu.reading.ordinal, m.MISSING)
        self._nameless = len(faults)

    def judge(self, now: float) -> None:
        """Call those without a fault of their own that were not read for too long faults of the driver."""
        for gpu in self.known.values():
            if gpu.fault is None and now - gpu.read_at > self._longest_age:
                gpu.fault = m.DRIVER

    @property
    def is_empty(self) -> bool:
        """Return whether no GPU was ever there."""
        return not self.known and not self._nameless

    @property
    def faults(self) -> tuple[str | None, ...]:
        """Return the fault of each known GPU."""
        return tuple(gpu.fault for gpu in self.known.values())

    @property
    def is_complete(self) -> bool:
        """Return whether every GPU that should be there answers."""
        return self._seen() >= self._should_be()

    def counts(self) -> Iterator[Reading]:
        """Yield how many GPUs should be there and how many answer."""
        yield m.EXPECTED, (self._vendor,), self._should_be()
        yield m.SEEN, (self._vendor,), self._seen()

    def ages(self, now: float) -> Iterator[Reading]:
        """Yield how old the last values of each GPU are, in seconds, also while they are left out."""
        for uuid, gpu in self.known.items():
            yield m.AGE, (uuid,), max(now - gpu.read_at, 0.0)

    def answering(self) -> Iterator[GpuReading]:
        """Yield the readings that hold now."""
        return (gpu.reading for gpu in self.known.values() if gpu.fault is None)

    def facts(self, driver: str) -> Iterator[Reading]:
        """Yield what each known GPU is called and how it fares.

        Args:
            driver: version of the driver.
        """
        for uuid, gpu in self.known.items():
            yield from self._names(gpu.reading, driver)
            state = m.FAILED if gpu.fault else m.DEGRADED if is_degraded(gpu.reading) else m.OK
            yield from ((m.STATUS, (uuid, m.GPU, one), int(one == state)) for one in m.STATES)
            yield from ((m.FAULT, (uuid, reason), int(reason == gpu.fault)) for reason in m.FAULTS)

    def _names(self, reading: GpuReading, driver: str) -> Iterator[Reading]:
        number, bus = str(reading.ordinal), reading.bus or ""
        yield m.INFO, (reading.uuid, number, reading.name, self._vendor, driver, bus, "", ""), 1
        for instance in reading.instances:
            labels = (instance.uuid, number, instance.name, self._vendor, driver, bus, reading.uuid, instance.profile)
            yield m.INFO, labels, 1

    def _seen(self) -> int:
        return sum(gpu.fault is None for gpu in self.known.values())

    def _should_be(self) -> int:
        return max(self._expected, len(self.known) + self._nameless)


def has_fault(roster: GpuRoster, reasons: Iterable[str]) -> bool:
    """Return whether a known GPU has one of these faults."""
    return not set(roster.faults).isdisjoint(reasons)
