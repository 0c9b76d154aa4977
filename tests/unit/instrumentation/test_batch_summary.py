"""Every figure of a window, against numpy and against its definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genotel.instrumentation.batch_arrays import arrays_of
from genotel.instrumentation.batch_figures import Record, columns_of
from genotel.instrumentation.batch_state import EVERYTHING, Interval, state_of
from genotel.instrumentation.batch_summary import MEASURES, TIMES, percentile, summarize, throughputs, wall_time
from genotel.instrumentation.batch_window import BatchWindow

KEYS = {f"{measure}_{name}" for measure in MEASURES for name in TIMES} | {
    "throughput",
    "peak_throughput",
    "avg_queue_length",
    "max_queue_length",
    "avg_batch_size",
    "error_rate",
    "total_errors",
    "total_processed",
    "total_batches",
}


def window_of(*records: Record, size: int = 10_000) -> BatchWindow:
    """Return a window of these batches."""
    window = BatchWindow(size)
    if records:
        window.enter(columns_of(records))
    return window


def summary(*records: Record, interval: Interval = EVERYTHING) -> dict[str, float | int | None]:
    """Return the statistics of these batches."""
    return summarize(state_of(window_of(*records)), interval)


figures = st.floats(0, 1e6)
records = st.lists(
    st.tuples(
        figures,
        st.integers(0, 1000),
        figures,
        st.one_of(st.none(), figures),
        st.one_of(st.none(), st.integers(0, 500)),
        st.booleans(),
        st.floats(0, 1e6),
    ),
    min_size=1,
    max_size=200,
)


def test_the_keys_are_exactly_these() -> None:
    """With and without batches."""
    assert len(KEYS) == 30
    assert set(summary()) == set(summary((0.5, 8, 0.0, None, 3, False, 1.0))) == KEYS


def test_nothing_is_known_of_an_empty_window() -> None:
    """But that there were no batches."""
    known = {key: value for key, value in summary().items() if value is not None}
    assert known == {"total_errors": 0, "total_processed": 0, "total_batches": 0}


@given(records)
def test_measures_are_those_of_numpy(given_records: list[Record]) -> None:
    """Percentiles to the last digits, as numpy.percentile gives them."""
    stats = summary(*given_records)
    columns = {
        "processing_time": [record[0] for record in given_records],
        "queue_time": [record[2] for record in given_records],
        "latency": [record[0] + record[2] if record[3] is None else record[3] for record in given_records],
    }
    for name, values in columns.items():
        expected = {
            "avg": np.mean(values),
            "median": np.median(values),
            "p95": np.percentile(values, 95),
            "p99": np.percentile(values, 99),
            "min": np.min(values),
            "max": np.max(values),
            "std": np.std(values),
        }
        for measure, value in expected.items():
            assert stats[f"{measure}_{name}"] == pytest.approx(
                value, rel=1e-12, abs=1e-9 if measure == "std" else 1e-12
            )


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=100), st.floats(0, 1))
def test_a_percentile_is_that_of_numpy(values: list[float], share: float) -> None:
    """At any share."""
    assert percentile(sorted(values), share) == pytest.approx(np.percentile(values, share * 100), rel=1e-12, abs=1e-6)


@given(records)
def test_laws_of_the_summary(given_records: list[Record]) -> None:
    """Order of measures, shares, sums, and a peak that is never below the throughput."""
    stats = summary(*given_records)
    for name in TIMES:
        ordered = [stats[f"{measure}_{name}"] for measure in ("min", "median", "p95", "p99", "max")]
        assert ordered == sorted(ordered)
        assert ordered[0] <= stats[f"avg_{name}"] * (1 + 1e-9) + 1e-12
        assert stats[f"avg_{name}"] <= ordered[-1] * (1 + 1e-9) + 1e-12
        assert stats[f"std_{name}"] >= 0
    assert stats["error_rate"] == sum(record[5] for record in given_records) / len(given_records)
    assert stats["total_processed"] == sum(record[1] for record in given_records)
    lengths = [record[4] for record in given_records if record[4] is not None]
    assert stats["max_queue_length"] == max(lengths, default=None)
    if stats["throughput"] is not None:
        assert stats["peak_throughput"] >= stats["throughput"] >= 0
        begin = min(record[6] - record[0] for record in given_records)
        end = max(record[6] for record in given_records)
        assert stats["throughput"] * (end - begin) == pytest.approx(stats["total_processed"])


def test_throughput_is_over_wall_time_and_not_the_mean_of_ratios() -> None:
    """Two workers at once: twice the items in the same wall time; a pause counts."""
    pair = summary(*[(1.0, 10, 0.0, None, None, False, 1.0)] * 2)
    assert pair["throughput"] == 20.0
    paused = summary((1.0, 10, 0.0, None, None, False, 1.0), (1.0, 10, 0.0, None, None, False, 10.0))
    assert paused["throughput"] == 2.0


def test_the_peak_is_that_of_the_busiest_tenth() -> None:
    """A burst of a tenth of the time at ten times the rate."""
    slow = [(0.01, 1, 0.0, None, None, False, float(second)) for second in range(1, 101)]
    burst = [(0.01, 1, 0.0, None, None, False, 50.0 + number / 10) for number in range(100)]
    stats = summary(*slow, *burst)
    assert stats["throughput"] == pytest.approx(200 / 99.01)
    assert stats["peak_throughput"] == pytest.approx(11.0, rel=0.1)


def test_a_single_batch_peaks_at_its_own_throughput() -> None:
    """Its items count at one instant; a shorter span would make a rate of nothing."""
    stats = summary((2.0, 10, 0.0, None, None, False, 5.0))
    assert (stats["throughput"], stats["peak_throughput"]) == (5.0, 5.0)


def test_a_batch_that_took_no_time_has_no_throughput() -> None:
    """A rate over no time is unknown, not infinite."""
    stats = summary((0.0, 10, 0.0, None, None, False, 5.0))
    assert (stats["throughput"], stats["peak_throughput"]) == (None, None)


def test_unknown_figures_are_left_out_of_their_measures_only() -> None:
    """The batch counts, its other figures too."""
    stats = summary((-1, 4, 1.0, None, None, False, 1.0), (3.0, -4, 3.0, None, 5, True, 4.0))
    assert (stats["avg_processing_time"], stats["avg_queue_time"], stats["avg_latency"]) == (3.0, 2.0, 6.0)
    assert (stats["avg_batch_size"], stats["total_processed"], stats["total_batches"]) == (4.0, 4, 2)
    assert (stats["avg_queue_length"], stats["max_queue_length"]) == (5.0, 5)
    assert stats["throughput"] == pytest.approx(4 / 3)


def test_nothing_but_unknown_times() -> None:
    """Wall time is from the first end to the last."""
    stats = summary((-1, 4, -1, None, None, False, 1.0), (-1, 4, -1, None, None, False, 3.0))
    assert stats["max_processing_time"] is None
    assert stats["throughput"] == 4.0
    assert stats["peak_throughput"] == pytest.approx(20.0)


def test_an_interval_cuts_batches_and_wall_time() -> None:
    """An idle engine has less throughput the longer it idles; a young one is not blamed for what was before it."""
    given_records = [(1.0, 10, 0.0, None, None, False, float(second)) for second in range(1, 11)]
    assert summary(*given_records, interval=Interval(0.0, 20.0))["throughput"] == 5.0
    assert summary(*given_records, interval=Interval(-100.0, 10.0))["throughput"] == 10.0
    part = summary(*given_records, interval=Interval(5.0, 10.0))
    assert (part["throughput"], part["total_batches"]) == (10.0, 10)


def test_wall_time_of_nothing_is_none() -> None:
    """And so are the throughputs."""
    arrays = arrays_of(state_of(window_of()).snapshot)
    assert wall_time(arrays, EVERYTHING, None) is None
    assert throughputs(arrays, None) == (None, None)


def test_every_number_is_a_plain_one() -> None:
    """Who writes them as JSON must not meet numpy's."""
    stats = summary((0.5, 8, 0.0, None, 3, False, 1.0))
    assert {type(value) for value in stats.values()} <= {int, float}
    assert all(math.isfinite(value) for value in stats.values())
