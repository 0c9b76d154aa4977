"""Cards that do not exist, to try dashboards and alerts without one; never part of ``all``.

Everything of them says so: their vendor, their name, their id and their driver are called simulated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from genotel.clock import SYSTEM_CLOCK, Clock
from genotel.collectors.collector import Reading
from genotel.collectors.gpu_figures import figures
from genotel.collectors.gpu_reading import GpuMemory, GpuReading
from genotel.collectors.gpu_roster import GpuRoster

_VENDOR = "simulated"
_CARDS = 2
_MEMORY = 24 * 2**30
_RESERVED = 512 * 2**20
_POWER_LIMIT = 350.0
_IDLE_POWER = 25.0
# A wave of load, so that an alert on a card that idles and one on a card that is full can both be seen.
_WAVE_SECONDS = 600.0
_AGE_SECONDS = 60.0


class GpuSimulatedCollector:
    """Make up two cards whose load rises and falls every ten minutes.

    Example:
        >>> values = {spec.prometheus_name for spec, labels, value in GpuSimulatedCollector().collect()}
        >>> "hw_power_watts" in values
        True
    """

    name = "gpu_simulated"

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._began = clock.monotonic()
        self._roster = GpuRoster(_VENDOR, expected=_CARDS, longest_age_seconds=_AGE_SECONDS)

    def collect(self) -> Iterator[Reading]:
        """Yield what the cards would say now."""
        now = self._clock.monotonic()
        self._roster.update([(number, now, self._card(number, now - self._began), None) for number in range(_CARDS)])
        for reading in self._roster.answering():
            yield from figures(reading)
        yield from self._roster.facts(driver=_VENDOR)
        yield from self._roster.counts()

    def _card(self, number: int, seconds: float) -> GpuReading:
        # The second card is half a wave behind the first one.
        turn = 2 * math.pi * (seconds / _WAVE_SECONDS + number / _CARDS)
        load = (1 - math.cos(turn)) / 2
        # The integral of the load, so that the energy is that of the power and never falls.
        loaded_seconds = seconds / 2 - (math.sin(turn) - math.sin(math.pi * number)) * _WAVE_SECONDS / (4 * math.pi)
        power = _IDLE_POWER + 0.9 * (_POWER_LIMIT - _IDLE_POWER) * load
        return GpuReading(
            ordinal=number,
            uuid=f"simulated-{number}",
            name="Simulated GPU",
            memory=GpuMemory(_MEMORY, int(_MEMORY * (0.1 + 0.8 * load)), _RESERVED, ()),
            utilization={"general": load},
            temperatures={"gpu": 35 + 45 * load},
            temperature_limits={"slowdown": 90.0, "shutdown": 95.0},
            power=power,
            power_limit=_POWER_LIMIT,
            energy=_IDLE_POWER * seconds + 0.9 * (_POWER_LIMIT - _IDLE_POWER) * max(loaded_seconds, 0.0),
            fan_speed=0.3 + 0.6 * load,
            clocks={"graphics": 0.3e9 + 1.5e9 * load},
        )
