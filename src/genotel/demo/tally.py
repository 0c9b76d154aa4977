"""The program's own count of its calls, kept apart from all telemetry, to hold the telemetry against."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field


def quantile(values: Iterable[float], ratio: float) -> float | None:
    """Return the smallest value that ``ratio`` of the values do not exceed; None for no values.

    Example:
        >>> quantile([3.0, 1.0, 2.0, 4.0], 0.5), quantile([], 0.5)
        (2.0, None)
    """
    ordered = sorted(values)
    return ordered[max(0, math.ceil(ratio * len(ordered)) - 1)] if ordered else None


@dataclass(slots=True)
class ModelTally:
    """Count what one model did; times are seconds."""

    running: int = 0
    calls: int = 0
    refused: int = 0
    failed: int = 0
    steps: int = 0
    seconds: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


class Tally:
    """Count calls by model; any thread may.

    Example:
        >>> tally = Tally(["small"])
        >>> tally.begin("small", waited=0.1)
        >>> tally.end("small", seconds=0.5, steps=20)
        >>> tally.calls, tally.p95()
        (1, 0.5)
    """

    def __init__(self, models: Iterable[str]) -> None:
        self.models = {name: ModelTally() for name in models}
        self._lock = threading.Lock()

    @property
    def calls(self) -> int:
        """Return the calls that ended, of all models."""
        return sum(model.calls for model in self.models.values())

    @property
    def failures(self) -> int:
        """Return the calls that ended without a picture, of all models."""
        return sum(model.refused + model.failed for model in self.models.values())

    @property
    def running(self) -> int:
        """Return the calls that run now, of all models."""
        return sum(model.running for model in self.models.values())

    def p95(self, name: str | None = None) -> float | None:
        """Return the duration that 95 % of a model's calls (of all calls) did not exceed, in seconds."""
        with self._lock:
            chosen = self.models.values() if name is None else (self.models[name],)
            return quantile([seconds for model in chosen for seconds in model.seconds], 0.95)

    def begin(self, name: str, *, waited: float) -> None:
        """Count a call that begins after having waited so many seconds."""
        with self._lock:
            self.models[name].running += 1
            self.models[name].waited.append(waited)

    def end(self, name: str, *, seconds: float, steps: int, refused: bool = False, failed: bool = False) -> None:
        """Count a call that ended; ``refused`` for want of memory, ``failed`` for another reason."""
        with self._lock:
            model = self.models[name]
            model.running -= 1
            model.calls += 1
            model.refused += refused
            model.failed += failed
            model.steps += steps
            model.seconds.append(seconds)
