"""Spans of genotel's own scope for a third of the SDK's cost, from the SDK's public parts.

A span of the SDK takes as long as everything else in a measured call together: most of it goes into
checking attributes that genotel makes itself and knows to be right. :class:`LeanTracerProvider` is
the SDK's provider with the SDK's sampler, ids, processors and exporters; only the tracer of our own
scope makes :class:`LeanSpan`. Whatever else a user does with such a span is done by the SDK's own
rules: values of other types and over the limits are cleaned by an SDK container.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping, Sequence
from time import time_ns
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import (
    Event,
    ReadableSpan,
    SpanLimits,
    SpanProcessor,
    SynchronousMultiSpanProcessor,
    TracerProvider,
)
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    use_span,
)
from opentelemetry.util._decorator import _agnosticcontextmanager
from opentelemetry.util.types import Attributes, AttributeValue

from genotel.semconv import attributes as a

_PLAIN = frozenset({str, int, float, bool})
_UNSET = Status(StatusCode.UNSET)


class LeanTracerProvider(TracerProvider):
    """Be the SDK's provider, but for the tracer of genotel's own scope."""

    def __init__(self, resource: Resource) -> None:
        self._processor = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]  # the SDK's
        super().__init__(resource=resource, active_span_processor=self._processor, shutdown_on_exit=False)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """Return a lean tracer for genotel's scope, the SDK's for any other."""
        tracer = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        if instrumenting_module_name != a.SCOPE or not isinstance(tracer, SdkTracer):
            return tracer
        scope = InstrumentationScope(instrumenting_module_name, instrumenting_library_version, schema_url)
        return LeanTracer(self, tracer, self._processor, scope)


class LeanTracer(Tracer):
    """Make lean spans; what a call of ours never asks for goes to the SDK's tracer.

    Args:
        provider: gives sampler, ids and resource.
        full: the SDK's tracer of the same scope.
        processor: gets every span.
        scope: who makes the spans.
    """

    def __init__(
        self, provider: TracerProvider, full: Tracer, processor: SpanProcessor, scope: InstrumentationScope
    ) -> None:
        self._provider = provider
        self._full = full
        self._processor = processor
        self._scope = scope
        self._limits = SpanLimits()
        ids = provider.id_generator
        self._new_trace_id, self._new_span_id = ids.generate_trace_id, ids.generate_span_id
        self._is_random = ids.is_trace_id_random()
        # (random trace id, sampled) -> flags; made once, since making one is not free.
        self._flags = {
            (is_random, sampled): TraceFlags(
                (TraceFlags.RANDOM_TRACE_ID if is_random else 0) | (TraceFlags.SAMPLED if sampled else 0)
            )
            for is_random in (False, True)
            for sampled in (False, True)
        }

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Begin a span as the SDK does: same parent, sampler, ids and processors.

        ``attributes`` must hold only texts, numbers and truth values.
        """
        if links:
            return self._full.start_span(
                name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
            )
        parent: SpanContext | None = get_current_span(context).get_span_context()
        if parent is None or not parent.is_valid:
            parent = None
            trace_id, is_random = self._new_trace_id(), self._is_random
        else:
            trace_id, is_random = parent.trace_id, parent.trace_flags.random_trace_id
        sampled = self._provider.sampler.should_sample(context, trace_id, name, kind, attributes, links)
        decision = sampled.decision
        flags = self._flags[is_random, decision is Decision.RECORD_AND_SAMPLE]
        own = SpanContext(trace_id, self._new_span_id(), False, flags, sampled.trace_state)
        if decision is Decision.DROP:
            return NonRecordingSpan(own)
        span = LeanSpan(self, name, own, parent, kind, sampled.attributes, start_time)
        self._processor.on_start(span, parent_context=context)  # type: ignore[arg-type]  # has the SDK span's face
        return span

    @_agnosticcontextmanager
    def start_as_current_span(self, name: str, *args: Any, end_on_exit: bool = True, **kwargs: Any) -> Iterator[Span]:
        """Begin a span and make it current for a block."""
        span = self.start_span(name, *args, **kwargs)
        with use_span(span, end_on_exit=end_on_exit) as current:
            yield current


class LeanSpan(Span):
    """Record one span.

    It has no lock: every change is one write to a dict or list. After its end changes are ignored.
    """

    # Read by processors as of an SDK span.
    links: Sequence[Link] = ()
    status = _UNSET
    end_time: int | None = None
    _events: list[Event] | None = None

    def __init__(
        self,
        tracer: LeanTracer,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Attributes,
        start_time: int | None,
    ) -> None:
        self._tracer = tracer
        self.name = name
        self.context = context
        self.parent = parent
        self.kind = kind
        self._attributes: Any = {**attributes} if attributes else {}
        self.start_time = time_ns() if start_time is None else start_time

    @property
    def attributes(self) -> Mapping[str, AttributeValue]:
        """Return the attributes so far."""
        return {**self._attributes}

    @property
    def events(self) -> Sequence[Event]:
        """Return the events so far."""
        return tuple(self._events or ())

    @property
    def resource(self) -> Resource:
        """Return who is speaking."""
        return self._tracer._provider.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Return genotel's scope."""
        return self._tracer._scope

    def get_span_context(self) -> SpanContext:
        """Return the ids."""
        return self.context

    def is_recording(self) -> bool:
        """Return whether the span has not ended."""
        return self.end_time is None

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Set an attribute; other types than plain ones and full spans are the SDK's matter."""
        if self.end_time is not None:
            return
        attributes = self._attributes
        limits = self._tracer._limits
        if (
            type(value) in _PLAIN
            and type(attributes) is dict
            and limits.max_span_attribute_length is None
            and (limits.max_span_attributes is None or len(attributes) < limits.max_span_attributes)
        ):
            attributes[key] = value
            return
        if type(attributes) is dict:
            self._attributes = attributes = BoundedAttributes(
                limits.max_span_attributes, attributes, immutable=False, max_value_len=limits.max_span_attribute_length
            )
        attributes[key] = value

    def set_attributes(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Set several attributes."""
        mine, limits = self._attributes, self._tracer._limits
        if (
            self.end_time is None
            and type(mine) is dict
            and limits.max_span_attribute_length is None
            and (limits.max_span_attributes is None or len(mine) + len(attributes) <= limits.max_span_attributes)
            and _PLAIN.issuperset(map(type, attributes.values()))
        ):
            mine.update(attributes)
            return
        for key, value in attributes.items():
            self.set_attribute(key, value)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event."""
        limits = self._tracer._limits
        if self.end_time is not None:
            return
        if self._events is None:
            self._events = []
        bounded = BoundedAttributes(
            limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length, immutable=True
        )
        self._events.append(Event(name, bounded, timestamp))
        if limits.max_events is not None and len(self._events) > limits.max_events:
            # The SDK keeps the last ones too.
            del self._events[0]

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link."""
        limits = self._tracer._limits
        if self.end_time is None and (context.is_valid or attributes or context.trace_state):
            bounded = BoundedAttributes(
                limits.max_link_attributes, attributes, max_value_len=limits.max_attribute_length, immutable=True
            )
            self.links = (*self.links, Link(context, bounded))[-(limits.max_links or 0) :]

    def update_name(self, name: str) -> None:
        """Change the name."""
        if self.end_time is None:
            self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status; once it is OK it stays so, and UNSET is ignored (OpenTelemetry specification)."""
        if isinstance(status, StatusCode):
            status = Status(status, description)
        if (
            self.end_time is None
            and status.status_code is not StatusCode.UNSET
            and self.status.status_code is not StatusCode.OK
        ):
            self.status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add an exception as an event, as the user asked."""
        cls = type(exception)
        name = cls.__qualname__ if cls.__module__ in ("builtins", "") else f"{cls.__module__}.{cls.__qualname__}"
        described: dict[str, Any] = {
            a.EXCEPTION_TYPE: name,
            a.EXCEPTION_MESSAGE: str(exception),
            a.EXCEPTION_STACKTRACE: "".join(traceback.format_exception(exception)),
            a.EXCEPTION_ESCAPED: str(escaped),
        }
        self.add_event("exception", {**described, **(attributes or {})}, timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span and hand it to the processors, once."""
        if self.end_time is not None:
            return
        self.end_time = time_ns() if end_time is None else end_time
        tracer = self._tracer
        tracer._processor.on_end(
            ReadableSpan(
                name=self.name,
                context=self.context,
                parent=self.parent,
                resource=tracer._provider.resource,
                attributes=self._attributes,
                events=self._events or (),
                links=self.links,
                kind=self.kind,
                status=self.status,
                start_time=self.start_time,
                end_time=self.end_time,
                instrumentation_scope=tracer._scope,
            )
        )
