"""Pressure stall information."""

from __future__ import annotations

from genotel.collectors.stall_time import stall_times


def test_totals_become_seconds():
    """The averages are left: Prometheus makes its own from the total."""
    text = b"some avg10=1.50 avg60=0.80 avg300=0.10 total=12500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    assert dict(stall_times(text)) == {"some": 12.5, "full": 0.0}


def test_lines_without_a_total_are_none():
    """Kernels before 5.13 have no line for all tasks of the processors."""
    assert list(stall_times(b"some avg10=0.00\n\n")) == []
