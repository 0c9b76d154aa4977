"""One measured generation call: begun, finished exactly once, whatever happens in between.

This file is the hot path. It makes one span, one histogram record and one row; everything countable
is a number in :mod:`genotel.instrumentation.accumulators`. Our own faults stay inside ``guard``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from time import perf_counter, time, time_ns
from types import TracebackType
from typing import Any

from opentelemetry.context import Context, attach
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from genotel import guard
from genotel.instrumentation.call_notes import CallNotes
from genotel.instrumentation.instruments import IN_FORCE, Instruments, instruments
from genotel.instrumentation.late_ends import COLLECTOR, WAITING, settle_all
from genotel.instrumentation.outcomes import ABANDONED, ERROR, OK, error_type, outcome_of
from genotel.instrumentation.sink import OUT
from genotel.instrumentation.site import What, site_for
from genotel.semconv import attributes as a

DEFAULT_OPERATION = "generate_content"
# The conventions name no self-hosted engine and allow a custom value.
DEFAULT_PROVIDER = "self_hosted"

_FAILED = Status(StatusCode.ERROR)
_INTERNAL = SpanKind.INTERNAL

# The call that is running here, so that the same call is not counted twice and inner code finds it.
running: ContextVar[Generation | None] = ContextVar("genotel_running", default=None)


class Generation(CallNotes):
    """Measure one generation call, as a context manager.

    Made by :func:`generation` and handed out by :func:`current_generation`.
    """

    _context_token: Token[Context] | None = None
    _running_token: Token[Generation | None] | None = None
    # The call that this one runs in.
    _outer: Generation | None = None
    # Whether the end of the with block is not simply the end of the call: it was handed over, or
    # this object was entered again; and how often it was while it ran.
    _is_special = False
    _handed_over = False
    _depth = 0
    # The object that was entered again to begin this call.
    _first: Generation | None = None
    # When the call ended, in Unix ns, where that could not be recorded at once.
    _end_ns: int | None = None

    def __enter__(self) -> Generation:
        if self._instruments is not None:
            return self._begin_again()
        try:
            if WAITING:
                settle_all()
            bound = IN_FORCE.bound or instruments()
            if bound is None:
                return self
            outer = running.get()
            if outer is not None:
                counting = outer._counting(self._what)
                if counting is not None:
                    # The same call, measured once more on the way in: count it once.
                    return counting
                self._outer = outer
            self._site = site = site_for(self._what)
            totals = site.totals
            self._started_at = site.model_totals.last_used = time()
            self._start = perf_counter()
            with totals.lock:
                totals.counts[-1] += 1
            # From here on the call is measured, even if something of ours below goes wrong.
            self._instruments = bound
            tracer = bound.tracer
            if tracer is not None:
                self._span = span = tracer.start_span(site.span_name, None, _INTERNAL, site.span_attributes)
                self._context = context = set_span_in_context(span)
                self._context_token = attach(context)
            self._running_token = running.set(self)
            if self._given is not None:
                self._note_parameters(self._given)
            if self._prompt is not None:
                self.content(input=self._prompt)
            sink = OUT.sink
            if sink is not None:
                sink.start(id(self), self._row)
            self._start = perf_counter()
        except Exception as error:
            guard.report("generation.begin", error)
        except BaseException as error:
            # Ctrl-C in here: no __exit__ will come, and the call must not stay the current one.
            self.finish(error)
            raise
        return self

    def __exit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_special:
            self._exit_specially(error)
        else:
            self.finish(error)

    async def __aenter__(self) -> Generation:
        return self.__enter__()

    async def __aexit__(
        self, exception_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(exception_type, error, traceback)

    def _begin_again(self) -> Generation:
        """Begin a call of its own for each further use of this object, by threads or after its end."""
        self._is_special = True
        if running.get() is self:
            self._depth += 1
            return self
        call = Generation(self._what, self._given, self._prompt, self._queue_seconds)
        call._first = self
        return call.__enter__()

    def hand_over(self) -> None:
        """Let the call go on after its ``with`` block, until :meth:`finish`."""
        self._is_special = self._handed_over = True

    def _exit_specially(self, error: BaseException | None) -> None:
        current = running.get()
        if self._handed_over:
            return
        if current is self and self._depth:
            self._depth -= 1
        elif current is not None and (current is self or current._first is self):
            current.finish(error)

    def suspend(self) -> None:
        """Take the call out of the context that it was begun in; it goes on being measured."""
        # Where this fails the call ends in another context than it was begun in (a generator closed
        # elsewhere): that context is not ours to change.
        token, self._context_token = self._context_token, None
        if token is not None:
            try:
                token.var.reset(token)
            except (ValueError, RuntimeError):
                pass
        running_token, self._running_token = self._running_token, None
        if running_token is not None:
            try:
                running_token.var.reset(running_token)
            except (ValueError, RuntimeError):
                pass

    def finish(self, error: BaseException | None = None) -> None:
        """End the call, once; with the exception that ended it, if any.

        The context manager calls this. The outcome is read from the type of ``error``.
        """
        bound = self._instruments
        if bound is None or self._finished:
            return
        seconds = perf_counter() - self._start
        if COLLECTOR.thread is not None and self._comes_late(seconds, error):
            return
        totals = self._site.totals
        outcome = OK
        failure: str | None = None
        try:
            self.suspend()
            if totals.stale:
                # Begun before a fork: the call is the parent's, whose own copy counts it. The lock
                # below may have been held by a thread that does not exist here.
                self._finished = True
                return
            attributes = totals.attributes
            if error is not None or self._outcome is not None:
                if self._late_seconds is not None:
                    seconds = self._late_seconds
                outcome, failure = self._judge(error)
                if failure is not None:
                    attributes = totals.error_attributes(failure)
            with totals.lock:
                # Another thread may have ended the call since the look above.
                ended = bool(self._finished)
                self._finished = True
                if not ended:
                    totals.counts[outcome] += 1
            if ended:
                return
            self._outer = None
            bound.duration.record(seconds, attributes, self._context)
            if self._noted:
                self._record_notes(bound)
        except Exception as fault:
            guard.report("generation.record", fault)
        try:
            span = self._span
            if span is not None:
                if outcome != OK or self._noted:
                    self._describe(span, outcome, failure)
                span.end(self._end_ns)
        except Exception as fault:
            guard.report("generation.span", fault)
        try:
            sink = OUT.sink
            if sink is not None:
                sink.finish(id(self), self._row(seconds, outcome, failure))
        except Exception as fault:
            guard.report("generation.sink", fault)

    def _judge(self, error: BaseException | None) -> tuple[int, str | None]:
        """Return the outcome and, of a call that failed, the error type."""
        try:
            outcome = outcome_of(error) if self._outcome is None else self._outcome
            if outcome in (OK, ABANDONED):
                return outcome, None
            return outcome, a.OUTCOMES[outcome] if error is None else error_type(error)
        except Exception as fault:  # the class of the user's exception may be hostile
            guard.report("generation.outcome", fault)
            return ERROR, a.OTHER_ERROR

    def settle(self) -> None:
        """Record an end that came in a garbage collection; see :mod:`late_ends`."""
        if running.get() is not self:
            # It was begun elsewhere, or something else has begun since.
            self._context_token = self._running_token = None
        self.finish()

    def _comes_late(self, seconds: float, error: BaseException | None) -> bool:
        """Note the end, and say so, if this is part of a finalizer."""
        if not COLLECTOR.is_here():
            return False
        if self._late_seconds is None:
            self._late_seconds, self._end_ns = seconds, time_ns()
            self._outcome = self._judge(error)[0]
            WAITING.append(self)
        return True

    def _record_notes(self, bound: Instruments) -> None:
        totals, context = self._site.totals, self._context
        if self._progress is not None:
            self._progress.end_phase()
        if self._queue_seconds is not None:
            bound.queue_duration.record(self._queue_seconds, totals.attributes, context)
        read, written = self._input_tokens, self._output_tokens
        if read is not None or written is not None:
            of_read, of_written = totals.token_attributes if bound.has_token_type else [totals.attributes] * 2
            with totals.lock:
                totals.tokens_read += read or 0
                totals.tokens_written += written or 0
            if read is not None:
                bound.input_tokens.record(read, of_read, context)
            if written is not None:
                bound.output_tokens.record(written, of_written, context)

    def _describe(self, span: Span, outcome: int, failure: str | None) -> None:
        if failure is not None:
            # No description: the text of an exception may hold a prompt.
            span.set_status(_FAILED)
            span.set_attribute(a.ERROR_TYPE, failure)
        if outcome != OK:
            span.set_attribute(a.OUTCOME, a.OUTCOMES[outcome])
        if self._input_tokens is not None:
            span.set_attribute(a.INPUT_TOKENS, self._input_tokens)
        if self._output_tokens is not None:
            span.set_attribute(a.OUTPUT_TOKENS, self._output_tokens)
        if self._outputs:
            span.set_attribute(a.OUTPUTS, self._outputs)
        if self._progress is not None and self._progress.steps:
            span.set_attribute(a.STEPS, self._progress.steps)
        if self._queue_seconds is not None:
            span.set_attribute(a.QUEUE_SECONDS, self._queue_seconds)
        if self._first_chunk_seconds is not None:
            span.set_attribute(a.TIME_TO_FIRST_CHUNK, self._first_chunk_seconds)

    def _counting(self, what: What) -> Generation | None:
        """Return the call, this one or one around it, that counts a call of that operation and model."""
        call: Generation | None = self
        while call is not None:
            mine = call._what
            if mine[2] == what[2] and mine[0] == what[0] and call.measuring:
                return call
            call = call._outer
        return None


def generation(
    model: str,
    *,
    operation: str = DEFAULT_OPERATION,
    provider: str = DEFAULT_PROVIDER,
    output: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    prompt: str | None = None,
    queue_seconds: float | None = None,
) -> Generation:
    """Measure one generation call with a ``with`` or ``async with`` block.

    Args:
        model: name of the model, without a path.
        operation: ``gen_ai.operation.name``.
        provider: ``gen_ai.provider.name``, such as ``diffusers``.
        output: ``gen_ai.output.type``: text, image, video, speech, …
        parameters: numbers and truth values; of texts only words such as ``scheduler``.
        prompt: only its keyed hash is kept, in the journal, to count different prompts; its text goes to
            the span where the user asked for content.
        queue_seconds: how long the call waited before it began.

    A call inside another one of the same operation and model is counted once, with the outer one.

    Example:
        >>> with generation("sdxl", output="image", parameters={"steps": 30}) as call:
        ...     call.outputs(4)
    """
    return Generation((operation, provider, model, output), parameters, prompt, queue_seconds)


def current_generation() -> Generation:
    """Return the call that is running here, to tell it of steps and outputs; else one that does nothing.

    Example:
        >>> current_generation().step()
    """
    return running.get() or Generation(("", "", "", None))
