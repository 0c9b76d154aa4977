"""A journal's own numbers are on the page."""

from __future__ import annotations

from genotel.telemetry.self_metrics import observe_journal
from tests.observed import Observed, observing


class Numbers:
    """Be a journal that tells what it is told to."""

    rows_written = 3
    rows_dropped = 0

    def size_bytes(self) -> int:
        """Return the size."""
        return 4096


def test_rows_and_size_of_a_journal_are_on_the_page() -> None:
    """As they are at the scrape; dropped rows are born at 0."""
    numbers = Numbers()
    observed: Observed
    with observing() as observed:
        observe_journal(observed.meter_provider, numbers)
        assert observed.value("genotel_journal_rows_total") == 3
        assert [sample.value for sample in observed.samples("genotel_journal_dropped_total")] == [0]
        assert observed.value("genotel_journal_size_bytes") == 4096
        numbers.rows_written = 7
        assert observed.value("genotel_journal_rows_total") == 7
