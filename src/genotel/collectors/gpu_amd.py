"""AMD's GPUs, by the files of the kernel's driver: no library, no other process.

The files are those of https://docs.kernel.org/gpu/amdgpu/driver-misc.html and of hwmon. Which processes
hold memory, and why clocks are down, they do not say in a form that does not change from card to card.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.collector import IncompleteError, NoData, Reading
from genotel.collectors.gpu_figures import figures
from genotel.collectors.gpu_reading import GpuMemory, GpuReading
from genotel.collectors.gpu_roster import GpuRoster, has_fault
from genotel.collectors.proc_files import ProcFiles
from genotel.semconv import gpu_metrics as m
from genotel.settings import Settings

_VENDOR = "AMD"
_DRIVER = "amdgpu"
_CARDS = "class/drm"
_CARD = re.compile(r"card(\d+)")
_PCI_VENDOR = b"0x1002"
# The kernel's names of sensors -> ours; "junction" is the hottest spot.
_SENSORS = {"edge": "gpu", "junction": "junction", "mem": "memory"}
_CLOCKS = {"sclk": "graphics", "mclk": "memory"}
_PWM_MAX = 255
_MEGAHERTZ = re.compile(rb":\s*(\d+)\s*Mhz", re.IGNORECASE)
_ECC = {b"ce": m.ECC_CORRECTED, b"ue": m.ECC_UNCORRECTED}
_SLEEPS = b"suspended"
# A sensor has as many numbers as the card has sensors of its kind.
_MOST_SENSORS = 9


class GpuAmdCollector:
    """Read /sys/class/drm."""

    name = "gpu_amd"

    def __init__(self, files: ProcFiles | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._files = files or ProcFiles()
        self._monotonic = clock.monotonic
        self._roster = GpuRoster(_VENDOR, expected=0, longest_age_seconds=0)

    def configure(self, settings: Settings) -> None:
        """Take how many GPUs there should be, unless NVIDIA's are meant."""
        if settings.gpu.gpu_expected and self._cards():
            self._roster = GpuRoster(_VENDOR, expected=settings.gpu.gpu_expected, longest_age_seconds=0)

    def collect(self) -> Iterator[Reading]:
        """Yield what the driver says of each card; a card that sleeps is left to sleep.

        Raises:
            NoData: there is no such card.
            IncompleteError: a card cannot be read.
        """
        now = self._monotonic()
        seen: list[tuple[int, float, GpuReading | None, str | None]] = []
        for number, folder in self._cards():
            reading = self._read(number, folder)
            seen.append((number, now, reading, None if reading else m.UNREADABLE))
        self._roster.update(seen)
        if self._roster.is_empty:
            raise NoData("no GPU of AMD")
        for answering in self._roster.answering():
            yield from figures(answering)
        version = self._text(f"module/{_DRIVER}/version")
        yield from self._roster.facts(version)
        yield from self._roster.counts()
        yield from self._roster.ages(now)
        if has_fault(self._roster, {m.UNREADABLE}):
            raise IncompleteError(_VENDOR)

    def _cards(self) -> list[tuple[int, str]]:
        try:
            names = self._files.sys_names(_CARDS)
        except NoData:
            return []
        numbers = sorted(int(card[1]) for name in names if (card := _CARD.fullmatch(name)))
        folders = [(number, f"{_CARDS}/card{number}/device") for number in numbers]
        return [
            (number, folder)
            for number, folder in folders
            if (self._files.sys_find(f"{folder}/vendor") or b"").strip() == _PCI_VENDOR
            # A card that was given to a virtual machine is not ours to read.
            and self._files.sys_link(f"{folder}/driver") in (None, _DRIVER)
        ]

    def _read(self, number: int, folder: str) -> GpuReading | None:
        sleeps = (self._files.sys_find(f"{folder}/power/runtime_status") or b"").strip() == _SLEEPS
        named = self._named(number, folder)
        if sleeps:
            return named
        sensors = self._sensors(folder)
        total, used = self._number(f"{folder}/mem_info_vram_total"), self._number(f"{folder}/mem_info_vram_used")
        shares = {
            "general": self._number(f"{folder}/gpu_busy_percent"),
            "memory": self._number(f"{folder}/mem_busy_percent"),
        }
        if not total and not sensors and shares["general"] is None:
            return None
        return named._replace(
            memory=GpuMemory(total, used, None, None) if total and used is not None else None,
            utilization={task: min(share / 100, 1.0) for task, share in shares.items() if share is not None},
            temperatures={_SENSORS[kind]: value for kind, value in self._labelled(sensors, "temp", _SENSORS, 1000)},
            temperature_limits=self._temperature_limits(sensors),
            power=self._scaled(sensors, "power1_average", 1e6) or self._scaled(sensors, "power1_input", 1e6),
            power_limit=self._scaled(sensors, "power1_cap", 1e6),
            fan_speed=self._fan_speed(sensors),
            clocks={_CLOCKS[kind]: value for kind, value in self._labelled(sensors, "freq", _CLOCKS, 1)},
            clock_limits={
                domain: limit
                for kind, domain in _CLOCKS.items()
                if (limit := self._highest_clock(f"{folder}/pp_dpm_{kind}")) is not None
            },
            ecc_errors=self._ecc_errors(f"{folder}/ras/umc_err_count"),
        )

    def _named(self, number: int, folder: str) -> GpuReading:
        bus = next(
            (line.partition("=")[2] for line in self._lines(f"{folder}/uevent") if line.startswith("PCI_SLOT_NAME=")),
            "",
        )
        unique = self._text(f"{folder}/unique_id")
        name = self._text(f"{folder}/product_name") or f"{_VENDOR} {self._text(f'{folder}/device')}".strip()
        # Only some cards have a number of their own; the slot is the next best that does not move.
        uuid = f"{_DRIVER}-{unique}" if unique else f"pci-{bus}" if bus else f"card{number}"
        return GpuReading(number, uuid, name, bus.lower() or None)

    def _sensors(self, folder: str) -> str:
        """Return the folder of the card's sensors, empty if it has none."""
        try:
            found = self._files.sys_names(f"{folder}/hwmon")
        except NoData:
            return ""
        return f"{folder}/hwmon/{found[0]}" if found else ""

    def _labelled(self, sensors: str, kind: str, wanted: dict[str, str], scale: float) -> Iterator[tuple[str, float]]:
        for number in range(1, _MOST_SENSORS if sensors else 0):
            label = self._text(f"{sensors}/{kind}{number}_label")
            if not label:
                return
            value = self._scaled(sensors, f"{kind}{number}_input", scale)
            if label in wanted and value is not None:
                yield label, value

    def _temperature_limits(self, sensors: str) -> dict[str, float]:
        limits = {"slowdown": "temp1_crit", "shutdown": "temp1_emergency"}
        return {
            kind: value for kind, name in limits.items() if (value := self._scaled(sensors, name, 1000)) is not None
        }

    def _fan_speed(self, sensors: str) -> float | None:
        turns, most = self._scaled(sensors, "fan1_input", 1), self._scaled(sensors, "fan1_max", 1)
        if turns is not None and most:
            return min(turns / most, 1.0)
        pulse = self._scaled(sensors, "pwm1", _PWM_MAX)
        return None if pulse is None else min(pulse, 1.0)

    def _highest_clock(self, name: str) -> float | None:
        found = _MEGAHERTZ.findall(self._files.sys_find(name) or b"")
        return max(int(megahertz) for megahertz in found) * 1e6 if found else None

    def _ecc_errors(self, name: str) -> dict[str, int]:
        counts = {}
        for line in (self._files.sys_find(name) or b"").splitlines():
            kind, _, count = line.partition(b":")
            if kind in _ECC and count.strip().isdigit():
                counts[_ECC[kind]] = int(count)
        return counts

    def _scaled(self, sensors: str, name: str, scale: float) -> float | None:
        value = self._number(f"{sensors}/{name}") if sensors else None
        return None if value is None else value / scale

    def _number(self, name: str) -> int | None:
        text = (self._files.sys_find(name) or b"").strip()
        return int(text) if text.isdigit() else None

    def _text(self, name: str) -> str:
        return (self._files.sys_find(name) or b"").decode("utf-8", "replace").strip()

    def _lines(self, name: str) -> list[str]:
        return self._text(name).splitlines()
