"""The reservoir keeps the last measurement of each bucket until it is collected."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_span_in_context

from genotel.telemetry.exemplars import LastPerBucketReservoir

NOWHERE = Context()


def test_the_last_of_each_bucket_is_kept() -> None:
    """Bounds are inclusive."""
    reservoir = LastPerBucketReservoir(boundaries=(1.0, 2.0))
    for moment, value in enumerate((0.5, 1.0, 1.5, 9.0, 2.0)):
        reservoir.offer(value, moment, {}, NOWHERE)
    assert [(found.value, found.time_unix_nano) for found in reservoir.collect({})] == [(1.0, 1), (2.0, 4), (9.0, 3)]
    assert reservoir.collect({}) == []


def test_an_exemplar_points_to_its_span() -> None:
    """Where there is one."""
    span = TracerProvider(shutdown_on_exit=False).get_tracer("t").start_span("s")
    reservoir = LastPerBucketReservoir(boundaries=(1.0,))
    reservoir.offer(0.5, 1, {}, set_span_in_context(span))
    reservoir.offer(5.0, 2, {}, NOWHERE)
    inside, outside = reservoir.collect({})
    assert (inside.trace_id, inside.span_id) == (span.get_span_context().trace_id, span.get_span_context().span_id)
    assert (outside.trace_id, outside.span_id) == (None, None)


def test_only_what_the_point_does_not_say_is_kept_of_the_attributes() -> None:
    """As the SDK's own reservoirs do."""
    reservoir = LastPerBucketReservoir(boundaries=())
    reservoir.offer(0.5, 1, {"a": 1, "b": 2}, NOWHERE)
    assert reservoir.collect({"a": 1})[0].filtered_attributes == {"b": 2}
    reservoir.offer(0.5, 1, None, NOWHERE)
    assert reservoir.collect(None)[0].filtered_attributes == {}
