"""What a collector is: a name and a function that reads a source once.

Guarding, timing and bounding are not its business; :mod:`genotel.collectors.scrape` does that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from genotel.semconv.spec import MetricSpec
from genotel.settings import Settings

# The metric, the values of its labels in the order of ``spec.labels``, and the value in the spec's
# unit. A plain tuple, since a scrape makes hundreds of them.
Reading = tuple[MetricSpec, tuple[str, ...], float]


class NoData(Exception):  # noqa: N818  (nothing went wrong)
    """Say that there is nothing to measure here: no such source, no such hardware."""


class IncompleteError(Exception):
    """Say, after the readings, that they are right but that part of the source could not be read.

    They are on the page, and success is 0.
    """


class Collector(Protocol):
    """Read one source of the machine."""

    @property
    def name(self) -> str:
        """Return the name of the file, of the flag and of the label value."""
        ...

    def collect(self) -> Iterable[Reading]:
        """Return the current readings; called for every scrape, never by two threads at once.

        What is unknown is left out. Counters never go back while the source runs. A collector of
        much that seldom changes returns the same tuple again, which is not looked at twice.

        Raises:
            NoData: if there is nothing to measure here.
            IncompleteError: what was yielded counts, but something is missing.
            Exception: anything else is a failed run: no values, success 0.
        """
        ...


@runtime_checkable
class Closable(Protocol):
    """Be a collector that holds threads, files or a child process."""

    def close(self) -> None:
        """Let go of them; nobody collects any more."""
        ...


@runtime_checkable
class Configurable(Protocol):
    """Be a collector that has settings of its own."""

    def configure(self, settings: Settings) -> None:
        """Take them; before the first run."""
        ...
