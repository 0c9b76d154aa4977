"""OpenMetrics, line by line."""

from __future__ import annotations

import pytest

from genotel.exposition.openmetrics import OPENMETRICS_1_0_0, exemplar_text
from genotel.exposition.series import Exemplar, Family, HistogramSeries, NumberSeries

EXEMPLAR = Exemplar("a" * 32, "b" * 16, 0.5, 17.25)
SHOWN = f' # {{span_id="{"b" * 16}",trace_id="{"a" * 32}"}} 0.5 17.25'


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("counter", 'a_total{b="x"} %s' + SHOWN + '\na_created{b="x"} 17.0\n'),
        ("gauge", 'a{b="x"} %s\n'),
        ("info", 'a_info{b="x"} %s\n'),
        ("unknown", 'a{b="x"} %s\n'),
    ],
)
def test_a_number_of_each_kind(kind: str, line: str) -> None:
    """Counters have a time of birth and an exemplar, the others must not."""
    family = Family("a", kind, 'H "q"')  # type: ignore[arg-type]  # one of the kinds
    series = NumberSeries({"b": "x"}, created=17.0)
    series.keep(EXEMPLAR)
    assert OPENMETRICS_1_0_0.header(family) == f'# HELP a H \\"q\\"\n# TYPE a {kind}\n'
    assert OPENMETRICS_1_0_0.number(family, series) == line


def test_a_suffix_of_its_own_has_no_birth() -> None:
    """A foreign counter's ``_created`` is a line of its own."""
    assert (
        OPENMETRICS_1_0_0.number(Family("a", "counter"), NumberSeries(created=17.0, suffix="_total")) == "a_total %s\n"
    )


@pytest.mark.parametrize(("unit", "line"), [("seconds", "# UNIT a_seconds seconds\n"), ("", ""), ("bytes", "")])
def test_a_unit_is_said_where_the_name_ends_in_it(unit: str, line: str) -> None:
    """The format wants it so."""
    header = OPENMETRICS_1_0_0.header(Family("a_seconds", "gauge", "H", unit))
    assert header == "# HELP a_seconds H\n# TYPE a_seconds gauge\n" + line


def test_a_histogram_shows_the_exemplar_of_each_bucket_and_its_birth() -> None:
    """Buckets without one have none."""
    series = HistogramSeries({"b": "50%"}, (1, 2), created=17.0)
    series.keep(EXEMPLAR)
    assert OPENMETRICS_1_0_0.histogram(Family("a", "histogram"), series) % (1, 2, 3, 4.5, 3) == (
        f'a_bucket{{b="50%",le="1.0"}} 1{SHOWN}\na_bucket{{b="50%",le="2.0"}} 2\na_bucket{{b="50%",le="+Inf"}} 3\n'
        'a_sum{b="50%"} 4.5\na_count{b="50%"} 3\na_created{b="50%"} 17.0\n'
    )


def test_a_histogram_of_unknown_birth_says_nothing_of_it() -> None:
    """Absent, not 0."""
    assert "created" not in OPENMETRICS_1_0_0.histogram(Family("a", "histogram"), HistogramSeries(None, (1,)))


def test_a_histogram_below_zero_has_neither_sum_nor_count() -> None:
    """The format forbids a sum that may fall; the numbers are filled in as nothing."""
    page = OPENMETRICS_1_0_0.histogram(Family("a", "histogram"), HistogramSeries(None, (-1, 1))) % (1, 2, 3, -4.5, 3)
    assert page == 'a_bucket{le="-1.0"} 1\na_bucket{le="1.0"} 2\na_bucket{le="+Inf"} 3\n'


def test_an_exemplars_labels_are_within_the_limit() -> None:
    """OpenMetrics 1.0 allows 128 characters of names and values."""
    labels = exemplar_text(EXEMPLAR).partition("{")[2].partition("}")[0]
    assert sum(character not in '",=' for character in labels) == 63
