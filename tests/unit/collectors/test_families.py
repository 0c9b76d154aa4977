"""Readings to blocks."""

from __future__ import annotations

import math

import pytest

from genotel.collectors.families import FamilyTable
from genotel.semconv.host_metrics import CPU_TIME, CPU_UTILIZATION, LOAD, MEMORY_LIMIT
from genotel.semconv.spec import Kind, MetricSpec


def _series(blocks):
    return {series.labels: series for block in blocks for series, _ in block.rows}


def test_a_block_has_the_names_of_its_spec():
    """Name, kind, help and unit come from the catalogue, the scope is a label."""
    [block] = FamilyTable().blocks([(CPU_TIME, ("0", "user"), 1.5)])
    assert (block.family.name, block.family.kind, block.family.unit) == (
        "system_cpu_time_seconds",
        "counter",
        "seconds",
    )
    assert block.family.help == CPU_TIME.help
    [(series, value)] = block.rows
    assert sorted(series.labels.split(",")) == [
        'cpu_logical_number="0"',
        'cpu_mode="user"',
        'otel_scope_name="genotel"',
    ]
    assert value == 1.5


def test_series_live_from_scrape_to_scrape():
    """The page keeps its lines by the object."""
    table = FamilyTable()
    first = _series(table.blocks([(LOAD, ("1m",), 1.0), (LOAD, ("5m",), 2.0)]))
    second = _series(table.blocks([(LOAD, ("5m",), 3.0), (LOAD, ("1m",), 4.0)]))
    assert first.keys() == second.keys()
    assert all(first[labels] is second[labels] for labels in first)


def test_a_series_that_was_not_read_is_forgotten():
    """What comes back later is a new series."""
    table = FamilyTable()
    before = _series(table.blocks([(LOAD, ("1m",), 1.0), (LOAD, ("5m",), 2.0)]))
    assert len(_series(table.blocks([(LOAD, ("1m",), 1.0)]))) == 1
    after = _series(table.blocks([(LOAD, ("1m",), 1.0), (LOAD, ("5m",), 2.0)]))
    assert [after[labels] is before[labels] for labels in before] == [True, False]


def test_a_metric_that_was_not_read_is_forgotten():
    """A whole family goes with its last series."""
    table = FamilyTable()
    table.blocks([(LOAD, ("1m",), 1.0), (MEMORY_LIMIT, (), 5.0)])
    assert [block.family.name for block in table.blocks([(LOAD, ("1m",), 1.0)])] == ["genotel_system_load"]


def test_of_two_readings_with_the_same_labels_the_first_counts():
    """A duplicate series would make Prometheus refuse the whole page."""
    [block] = FamilyTable().blocks([(MEMORY_LIMIT, (), 1.0), (MEMORY_LIMIT, (), 2.0)])
    assert [value for _, value in block.rows] == [1.0]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_absent(value):
    """NaN in a sum spoils it."""
    assert _series(FamilyTable().blocks([(CPU_UTILIZATION, (), value)])) == {}


def test_an_up_down_counter_is_a_gauge():
    """Prometheus has no other word for it."""
    spec = MetricSpec("jobs", Kind.UP_DOWN_COUNTER, "{job}", "Jobs.")
    [block] = FamilyTable().blocks([(spec, (), -1)])
    assert block.family.kind == "gauge"


def test_a_reading_with_missing_labels_is_refused():
    """A collector that forgets a label fails as a whole, in its own tests."""
    with pytest.raises(ValueError, match="zip"):
        FamilyTable().blocks([(CPU_TIME, ("0",), 1.0)])


def test_the_very_tuple_of_the_run_before_is_not_looked_at_twice():
    """Thousands of models change once an hour; another tuple, or anything else, is looked at."""
    table = FamilyTable()
    readings = ((LOAD, ("1m",), 1.0),)
    blocks = table.blocks(readings)
    assert table.blocks(readings) is blocks
    [changed] = table.blocks(((LOAD, ("1m",), 2.0),))
    assert changed.rows[0][1] == 2.0
    assert table.blocks(iter(readings))[0].rows[0][1] == 1.0
    assert table.blocks(readings) is not blocks
