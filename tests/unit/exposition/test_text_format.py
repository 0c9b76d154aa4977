"""The Prometheus text format, line by line."""

from __future__ import annotations

import pytest

from genotel.exposition.series import Exemplar, Family, HistogramSeries, NumberSeries
from genotel.exposition.text_format import TEXT_0_0_4, TEXT_1_0_0


@pytest.mark.parametrize(
    ("kind", "header", "line"),
    [
        ("counter", "# HELP a_total H\n# TYPE a_total counter\n", 'a_total{b="x"} %s\n'),
        ("gauge", "# HELP a H\n# TYPE a gauge\n", 'a{b="x"} %s\n'),
        ("info", "# HELP a_info H\n# TYPE a_info gauge\n", 'a_info{b="x"} %s\n'),
        ("unknown", "# HELP a H\n# TYPE a untyped\n", 'a{b="x"} %s\n'),
        ("summary", "# HELP a H\n# TYPE a summary\n", 'a{b="x"} %s\n'),
    ],
)
def test_a_number_of_each_kind(kind: str, header: str, line: str) -> None:
    """A counter bears its suffix in the header, too."""
    family = Family("a", kind, "H")  # type: ignore[arg-type]  # one of the kinds
    assert TEXT_0_0_4.header(family) == header
    assert TEXT_0_0_4.number(family, NumberSeries({"b": "x"}, created=17.0)) == line


def test_a_suffix_of_its_own_goes_before_that_of_the_kind() -> None:
    """The count of a foreign summary."""
    assert TEXT_0_0_4.number(Family("a", "summary"), NumberSeries(suffix="_count")) == "a_count %s\n"


def test_a_foreign_birth_is_left_to_openmetrics() -> None:
    """Of its value nothing is printed."""
    assert TEXT_0_0_4.number(Family("a", "counter"), NumberSeries(suffix="_created")) % 17.0 == ""


def test_a_histogram_has_buckets_a_sum_and_a_count() -> None:
    """Percent signs in labels stand; there are no exemplars."""
    series = HistogramSeries({"b": "100%"}, (1,), created=17.0)
    series.keep(Exemplar("a" * 32, "b" * 16, 0.5, 17.0))
    assert TEXT_0_0_4.histogram(Family("a", "histogram"), series) % (1, 2, 3.5, 2) == (
        'a_bucket{b="100%",le="1.0"} 1\na_bucket{b="100%",le="+Inf"} 2\na_sum{b="100%"} 3.5\na_count{b="100%"} 2\n'
    )


def test_both_versions_share_their_templates() -> None:
    """They differ in their type only."""
    assert TEXT_0_0_4.index == TEXT_1_0_0.index
    assert TEXT_0_0_4.content_type != TEXT_1_0_0.content_type
    assert (TEXT_0_0_4.ending, TEXT_1_0_0.ending) == ("", "")
