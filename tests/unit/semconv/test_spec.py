"""Units, families, labels and the properties of one metric; equality with the stock exporter is tests/property's."""

from __future__ import annotations

import dataclasses

import pytest

from genotel.semconv.spec import Kind, MetricSpec, family_name, label_name, unit_suffix


@pytest.mark.parametrize(
    ("unit", "suffix"),
    [
        ("s", "seconds"),
        ("By", "bytes"),
        ("1", ""),
        ("%", "percent"),
        ("{request}", ""),
        ("By/s", "bytes_per_second"),
        ("{item}/s", "per_second"),
        ("furlong/fortnight", "furlong_per_fortnight"),
        ("s/", "s"),
        ("", ""),
    ],
)
def test_a_unit_becomes_a_word(unit: str, suffix: str) -> None:
    """UCUM units have words, annotations vanish, quotients read "per"."""
    assert unit_suffix(unit) == suffix


def test_a_unit_that_the_name_ends_in_is_not_appended_twice() -> None:
    """``disk.io.seconds`` in seconds stays as it is."""
    assert family_name("disk.io.seconds", "s") == "disk_io_seconds"


def test_a_leading_digit_gives_way_to_an_underscore() -> None:
    """A Prometheus name cannot begin with a digit."""
    assert family_name("5xx.answers", "") == "_xx_answers"


def test_a_label_without_a_legal_character_is_an_underscore() -> None:
    """A label name is never empty."""
    assert label_name("") == "_"
    assert label_name("é") == "_"


@pytest.mark.parametrize(
    ("kind", "family", "name"),
    [
        (Kind.COUNTER, "jobs_seconds", "jobs_seconds_total"),
        (Kind.UP_DOWN_COUNTER, "jobs_seconds", "jobs_seconds"),
        (Kind.GAUGE, "jobs_seconds", "jobs_seconds"),
        (Kind.HISTOGRAM, "jobs_seconds", "jobs_seconds"),
    ],
)
def test_only_a_counter_is_a_total(kind: Kind, family: str, name: str) -> None:
    """The family never ends in ``_total``; the name to query does for counters."""
    spec = MetricSpec("jobs", kind, "s", "Jobs.", labels=("error.type",))
    assert (spec.family, spec.prometheus_name, spec.prometheus_labels) == (family, name, ("error_type",))


def test_a_spec_cannot_be_changed() -> None:
    """The catalogue is shared by every thread, so it is frozen."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        MetricSpec("jobs", Kind.GAUGE, "s", "Jobs.").name = "other"
