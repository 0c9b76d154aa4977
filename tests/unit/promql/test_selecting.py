"""Selectors of dashboards and rules find our series in every spelling, and nobody else's."""

from __future__ import annotations

from genotel.promql.selecting import label, ours
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import DURATION
from genotel.semconv.host_metrics import CPU_UTILIZATION
from genotel.semconv.self_metrics import SCRAPES


def test_a_share_is_found_under_the_name_that_collectors_give_it():
    """``_ratio`` is put behind it on the way through OTLP."""
    assert str(ours(CPU_UTILIZATION)) == ('{__name__=~"system_cpu_utilization(_ratio)?",otel_scope_name="genotel"}')


def test_a_histogram_has_its_parts():
    """The suffix goes behind the unit."""
    assert str(ours(DURATION, label(a.MODEL, "=", "x"), suffix="_bucket")) == (
        'gen_ai_client_operation_duration_seconds_bucket{otel_scope_name="genotel",gen_ai_request_model="x"}'
    )


def test_what_the_page_says_of_itself_has_no_scope():
    """The scope is not on these series; their names are ours alone."""
    assert str(ours(SCRAPES)) == SCRAPES.prometheus_name
