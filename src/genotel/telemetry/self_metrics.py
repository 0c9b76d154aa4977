"""The journal's own numbers, as observable instruments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from opentelemetry.metrics import CallbackOptions, MeterProvider, Observation

from genotel.semconv import attributes as a
from genotel.semconv import self_metrics as sm
from genotel.version import __version__


class JournalNumbers(Protocol):
    """What a journal writer tells of itself."""

    @property
    def rows_written(self) -> int:
        """Return the rows that reached the file."""
        ...

    @property
    def rows_dropped(self) -> int:
        """Return the rows that did not."""
        ...

    def size_bytes(self) -> int:
        """Return the size of the journal's files."""
        ...


def observe_journal(meter_provider: MeterProvider, journal: JournalNumbers) -> None:
    """Export how many rows a journal wrote and dropped, and how large it is."""
    meter = meter_provider.get_meter(a.SCOPE, __version__, schema_url=a.SCHEMA_URL)

    def reading(read: Callable[[], int]) -> Callable[[CallbackOptions], Iterable[Observation]]:
        return lambda _: [Observation(read())]

    for spec, read in (
        (sm.JOURNAL_ROWS, lambda: journal.rows_written),
        (sm.JOURNAL_DROPPED, lambda: journal.rows_dropped),
    ):
        meter.create_observable_counter(spec.name, [reading(read)], spec.unit, spec.help)
    size = sm.JOURNAL_SIZE
    meter.create_observable_gauge(size.name, [reading(journal.size_bytes)], size.unit, size.help)
