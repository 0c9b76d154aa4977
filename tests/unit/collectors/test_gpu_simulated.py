"""Cards that do not exist: they say so, and only their name asks for them."""

from __future__ import annotations

import pytest

from genotel.collectors.gpu_simulated import GpuSimulatedCollector
from genotel.collectors.registry import collectors_named
from genotel.semconv import gpu_metrics as m


class StoppedClock:
    """Be a clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def test_only_its_name_asks_for_it() -> None:
    """Nobody who wants everything of the machine gets what it has not."""
    assert "gpu_simulated" not in {collector.name for collector in collectors_named(["all"])}
    assert [collector.name for collector in collectors_named(["gpu_simulated", "cpu"])] == ["cpu", "gpu_simulated"]
    assert collectors_named(["gpu_simulated", "all"])[-1].name == "gpu_simulated"


def test_every_card_says_that_it_is_simulated() -> None:
    """In the series that tell of its hardware, and in the id that all others have."""
    readings = [*GpuSimulatedCollector(StoppedClock()).collect()]
    cards = [labels for spec, labels, _ in readings if spec is m.INFO]
    assert len(cards) == 2
    assert all("Simulated GPU" in labels and "simulated" in labels for labels in cards)
    ids = {label for spec, labels, _ in readings for label in labels if spec is m.POWER}
    assert {"simulated-0", "simulated-1"} <= ids


@pytest.mark.parametrize("card", [0, 1])
def test_figures_move_within_the_card_s_limits_and_counters_never_fall(card: int) -> None:
    """For a whole hour, minute by minute."""
    clock = StoppedClock()
    collector = GpuSimulatedCollector(clock)
    energies, powers = [], []
    for _ in range(60):
        values = {spec.name: value for spec, labels, value in collector.collect() if f"simulated-{card}" in labels}
        assert 0 <= values[m.POWER.name] <= 350
        assert values[m.MEMORY_USAGE.name] <= values[m.MEMORY_LIMIT.name]
        energies.append(values[m.ENERGY.name])
        powers.append(values[m.POWER.name])
        clock.now += 60
    assert energies == sorted(energies)
    # The energy is that of the power.
    assert energies[-1] == pytest.approx(sum(powers) * 60, rel=0.05)
    assert max(powers) > 4 * min(powers)
