"""Numbers in words stay true at the seams between their units."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.report.wording import date, duration, percent, size, timestamp


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999.4, "999 B"),
        (999.5, "1.00 kB"),
        (9_994, "9.99 kB"),
        (9_996, "10.0 kB"),
        (99_949, "99.9 kB"),
        (99_951, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.00 MB"),
        (68e9, "68.0 GB"),
        (2.5e21, "2500 EB"),
    ],
)
def test_sizes_have_three_digits(count: float, text: str) -> None:
    """Never 1000 of a unit that has a larger one."""
    assert size(count) == text


@given(count=st.floats(0, 1e20))
def test_a_size_is_read_back_to_three_digits(count: float) -> None:
    """What is written is what was meant, within half of the last digit."""
    number, unit = size(count).split()
    meant = float(number) * 1000.0 ** ("B", "kB", "MB", "GB", "TB", "PB", "EB").index(unit)
    assert meant == pytest.approx(count, rel=0.0051, abs=0.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.001, "0.001 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "120 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
        (5e6, "57.9 d"),
    ],
)
def test_durations_are_told_in_the_largest_unit_that_fits_twice(seconds: float, text: str) -> None:
    """Ninety seconds are ninety seconds."""
    assert duration(seconds) == text


def test_nothing_but_certainty_is_a_hundred_percent() -> None:
    """Rounding must not turn likely into sure."""
    assert [percent(ratio) for ratio in (0.0, 0.4949, 0.9949, 0.995, 0.99999, 1.0)] == [
        "0 %",
        "49 %",
        "99 %",
        ">99 %",
        ">99 %",
        "100 %",
    ]


def test_times_are_utc() -> None:
    """Whatever the machine's own time zone is."""
    assert timestamp(0.9) == "1970-01-01T00:00:00Z"
    assert date(86_399) == "1970-01-01"
