"""A lean span is what the SDK's own span would have been: same export for the same deeds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from genotel.semconv import attributes as a
from genotel.telemetry.lean_spans import LeanSpan, LeanTracerProvider

RESOURCE = Resource({"service.name": "test"})
OTHER = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))


class CountedIds:
    """Give the same ids to both kinds."""

    def __init__(self):
        self.last = 0

    def generate_trace_id(self):
        self.last += 1
        return self.last

    generate_span_id = generate_trace_id

    def is_trace_id_random(self):
        return True


def both():
    """Return (tracer, exporter) of a lean provider and of the SDK's."""
    pairs = []
    for provider in (LeanTracerProvider(RESOURCE), TracerProvider(resource=RESOURCE, shutdown_on_exit=False)):
        provider.id_generator = CountedIds()
        exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        pairs.append((provider.get_tracer(a.SCOPE, "1", schema_url=a.SCHEMA_URL), exporter))
    return pairs


def exported(exporter):
    """Return what an exporter sees of its spans, without the time of our stack frames."""
    return [
        (
            *(span.name, span.kind, span.parent, span.context, span.status.status_code, span.status.description),
            *(dict(span.attributes), span.start_time, span.end_time, span.resource, span.instrumentation_scope),
            [(event.name, {**event.attributes} | {a.EXCEPTION_STACKTRACE: ""}) for event in span.events],
            [(link.context, dict(link.attributes or {})) for link in span.links],
        )
        for span in exporter.get_finished_spans()
    ]


def record_exception(span):
    """Record an exception with its traceback."""
    try:
        raise LookupError("text")
    except LookupError as error:
        span.record_exception(error, {"more": 1})


DEEDS = {
    "nothing": lambda span: None,
    "plain attributes": lambda span: span.set_attributes({"a": 1, "b": "text", "c": 0.5, "d": True}),
    "sequences": lambda span: span.set_attribute("list", ["x", "y"]),
    "an attribute twice": lambda span: (span.set_attribute("a", 1), span.set_attribute("a", 2)),
    "plain after a sequence": lambda span: (span.set_attribute("list", [1]), span.set_attribute("a", 2)),
    "more than the limit": lambda span: [span.set_attribute(f"key{i}", i) for i in range(200)],
    "events": lambda span: span.add_event("happened", {"a": [1, 2]}),
    "many events": lambda span: [span.add_event(f"event{i}") for i in range(200)],
    "links": lambda span: span.add_link(OTHER, {"why": "test"}),
    "an invalid link": lambda span: span.add_link(trace.INVALID_SPAN_CONTEXT),
    "a name": lambda span: span.update_name("other"),
    "an error": lambda span: span.set_status(Status(StatusCode.ERROR, "why")),
    "a status code": lambda span: span.set_status(StatusCode.ERROR, "why"),
    "ok is final": lambda span: (span.set_status(StatusCode.OK), span.set_status(StatusCode.ERROR)),
    "unset is ignored": lambda span: (span.set_status(StatusCode.ERROR), span.set_status(StatusCode.UNSET)),
    "an exception": record_exception,
    "end twice": lambda span: (span.end(2_000), span.end(3_000)),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_it_exports_what_the_sdk_would_export(deed):
    """Every call of the span's face leaves the same trace."""
    seen = []
    for tracer, exporter in both():
        span = tracer.start_span("name", kind=SpanKind.INTERNAL, attributes={"first": "x"}, start_time=1_000)
        assert span.is_recording()
        deed(span)
        if span.is_recording():
            span.end(2_000)
        assert not span.is_recording()
        seen.append(exported(exporter))
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.one_of(st.text(max_size=5), st.integers(), st.floats(allow_nan=False), st.booleans(), st.lists(st.text())),
        max_size=6,
    )
)
@settings(max_examples=50, deadline=None)
def test_any_attributes_come_out_as_of_the_sdk(given_attributes):
    """Whatever a user sets is cleaned by the SDK's rules."""
    seen = []
    for tracer, exporter in both():
        span = tracer.start_span("name", start_time=1)
        span.set_attributes(given_attributes)
        span.end(2)
        seen.append(exported(exporter))
    assert seen[0] == seen[1]


def test_parents_children_and_links_are_those_of_the_sdk():
    """Current spans nest; links at the start go to the SDK's tracer."""
    seen = []
    for tracer, exporter in both():
        with tracer.start_as_current_span("parent", start_time=1, end_on_exit=False) as parent:
            child = tracer.start_span("child", start_time=2)
            child.end(3)
            tracer.start_span("linked", links=[Link(OTHER)], start_time=4).end(5)
        remote = trace.set_span_in_context(trace.NonRecordingSpan(OTHER))
        tracer.start_span("remote", remote, start_time=6).end(7)
        parent.end(8)
        seen.append(exported(exporter))
    assert seen[0] == seen[1]
    assert [row[0] for row in seen[0]] == ["child", "linked", "remote", "parent"]


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, TraceIdRatioBased(0.5)], ids=["off", "ratio"])
def test_the_sampler_decides_as_in_the_sdk(sampler):
    """The same trace ids are dropped."""
    seen = []
    for tracer, exporter in both():
        provider = getattr(tracer, "_provider", None) or tracer
        provider.sampler = sampler
        for _ in range(20):
            tracer.start_span("name", start_time=1).end(2)
        seen.append(exported(exporter))
    assert seen[0] == seen[1]


def test_processors_see_a_span_that_they_can_read_and_change():
    """A processor's on_start reads the face of an SDK span and may set attributes."""
    provider = LeanTracerProvider(RESOURCE)
    seen = []

    class Stamp(SimpleSpanProcessor):
        def on_start(self, span, parent_context=None):
            seen.append((span.name, span.kind, span.parent, dict(span.attributes)))
            seen.append((span.resource, span.events, span.links))
            seen.append((span.instrumentation_scope.name, span.status.status_code, span.start_time, span.end_time))
            span.set_attribute("stamp", 1)

    exporter = InMemorySpanExporter()
    provider.add_span_processor(Stamp(exporter))
    provider.get_tracer(a.SCOPE).start_span("name", attributes={"a": 1}, start_time=5).end()
    assert seen[0] == ("name", SpanKind.INTERNAL, None, {"a": 1})
    assert seen[1] == (RESOURCE, (), ())
    assert seen[2] == (a.SCOPE, StatusCode.UNSET, 5, None)
    assert dict(exporter.get_finished_spans()[0].attributes) == {"a": 1, "stamp": 1}


def test_only_our_own_scope_is_lean():
    """Everybody else's spans are the SDK's."""
    provider = LeanTracerProvider(RESOURCE)
    assert isinstance(provider.get_tracer(a.SCOPE).start_span("x"), LeanSpan)
    assert not isinstance(provider.get_tracer("somebody").start_span("x"), LeanSpan)


def test_a_disabled_sdk_stays_disabled(monkeypatch):
    """OTEL_SDK_DISABLED gives the no-op tracer."""
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    span = LeanTracerProvider(RESOURCE).get_tracer(a.SCOPE).start_span("x")
    assert not span.is_recording()


def test_nothing_changes_after_the_end():
    """Late calls are ignored."""
    span = LeanTracerProvider(RESOURCE).get_tracer(a.SCOPE).start_span("x")
    span.end()
    span.set_attribute("late", 1)
    span.add_event("late")
    span.add_link(OTHER)
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    assert (dict(span.attributes), span.events, span.links, span.name) == ({}, (), (), "x")
    assert span.status.status_code is StatusCode.UNSET
