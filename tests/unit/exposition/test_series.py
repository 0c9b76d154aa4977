"""Series keep what does not change from scrape to scrape."""

from __future__ import annotations

import pytest

from genotel.exposition.series import Exemplar, Family, HistogramSeries, NumberSeries, escape_label_value, render_labels
from genotel.semconv.spec import Merge

EXEMPLAR = Exemplar("a" * 32, "b" * 16, 0.5, 17.0)


@pytest.mark.parametrize(
    ("value", "escaped"),
    [
        ("", ""),
        ("a b", "a b"),
        ('"', r"\""),
        ("\\", r"\\"),
        ("\n", r"\n"),
        ("\\n", r"\\n"),
        ("é", "é"),
        ("\ud800", "?"),
    ],
)
def test_label_values_are_escaped(value: str, escaped: str) -> None:
    """Quotes, backslashes and line ends; nothing else."""
    assert escape_label_value(value) == escaped


def test_labels_are_sorted_and_those_without_a_value_left_out() -> None:
    """So equal label sets have equal texts."""
    assert render_labels({"b": "2", "a": "1", "c": ""}) == render_labels({"a": "1", "b": "2"}) == 'a="1",b="2"'
    assert render_labels({}) == ""


def test_an_exemplar_is_kept_on_its_bucket() -> None:
    """Bounds are inclusive; the last bucket has none."""
    series = HistogramSeries(None, (1, 2))
    assert (series.bounds, series.labels) == ((1.0, 2.0), "")
    for value, bucket in ((0.5, 0), (1.0, 0), (1.5, 1), (2.0, 1), (9.0, 2)):
        series.keep(EXEMPLAR._replace(value=value))
        assert series.exemplars[bucket].value == value
    assert len(series.exemplars) == 3


def test_an_exemplar_makes_templates_anew() -> None:
    """Only of the format that shows it."""
    histogram, counter = HistogramSeries(None, (1,)), NumberSeries()
    histogram.templates, counter.templates = ["text", "openmetrics"], ["text", "openmetrics"]
    histogram.keep(EXEMPLAR)
    counter.keep(EXEMPLAR)
    assert histogram.templates == ["text", None]
    assert (counter.exemplar, counter.templates[1]) == (EXEMPLAR, None)


def test_the_rule_of_merging_does_not_tell_families_apart() -> None:
    """A family is its name, kind, help and unit."""
    assert Family("a", "gauge", merge=Merge.SUM) == Family("a", "gauge")
    assert Family("a", "gauge") != Family("a", "counter")
