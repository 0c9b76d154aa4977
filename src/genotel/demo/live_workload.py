"""What the demo watches: a workload that answers requests until it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genotel.demo.denoiser import Floats
from genotel.demo.tally import Tally


@dataclass(frozen=True, slots=True)
class Glimpse:
    """Hold a picture that is being made: ``picture`` has the shape (side * side,), mostly from -1 to 1."""

    model: str
    step: int
    steps: int
    side: int
    picture: Floats


class LiveWorkload(Protocol):
    """Answer requests and keep a count of its own of them."""

    @property
    def tally(self) -> Tally:
        """Return the program's own count."""

    @property
    def glimpse(self) -> Glimpse | None:
        """Return the picture that is being made, or the last one."""

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""

    @property
    def in_memory(self) -> tuple[str, ...]:
        """Return the models that are in memory."""

    def start(self) -> None:
        """Let requests come."""

    def stop(self, timeout_seconds: float = 10.0) -> None:
        """Finish the calls that run; may be called again."""
