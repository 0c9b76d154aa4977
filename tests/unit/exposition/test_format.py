"""The pieces that both text formats are made of."""

from __future__ import annotations

import pytest

from genotel.exposition.format import braces, bucket_labels, constant, help_text
from genotel.exposition.series import HistogramSeries


@pytest.mark.parametrize("text", ["", "100%", "%s", "%%", "%d{%(a)s}"])
def test_a_constant_stands_unchanged_in_a_template(text: str) -> None:
    """Label values may hold percent signs."""
    assert constant(text) % () == text


def test_braces_are_left_out_where_there_are_no_labels() -> None:
    """And empty parts are no labels."""
    assert (braces(), braces("", ""), braces("a", "", "b")) == ("", "", "{a,b}")


def test_bounds_are_written_as_floats() -> None:
    """A query on ``le`` never has to know what the program gave."""
    labels = bucket_labels(HistogramSeries(None, (1, 2.5, 1e16, 0.001)))
    assert labels == ['le="1.0"', 'le="2.5"', 'le="1e+16"', 'le="0.001"', 'le="+Inf"']


def test_help_stays_on_its_line() -> None:
    """Quotes are escaped by OpenMetrics only."""
    assert help_text('a\\b\n"c"', quotes=False) == r"a\\b\n" + '"c"'
    assert help_text('a\\b\n"c"', quotes=True) == r"a\\b\n\"c\""
