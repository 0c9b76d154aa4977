"""What a format of a report has to do, and what it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genotel.recommenders.advice import Advice


@dataclass(frozen=True, slots=True)
class Page:
    """Say what a report is written on: columns of text, whether colours are shown, and the Unix time."""

    generated_at: float
    width: int = 100
    has_color: bool = False


class Report(Protocol):
    """Write advice down in one format."""

    @property
    def name(self) -> str:
        """Return the format's name: that of its file and of ``--format``."""
        ...

    def render(self, advice: Advice, page: Page) -> str:
        """Return the report; it ends with a line break."""
        ...
