"""What the user tells of a running call: steps, phases, outputs, tokens, scores, chunks.

None of these methods raises; before the start and after the end of the call they do nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from time import perf_counter

from opentelemetry.context import Context
from opentelemetry.trace import Span

from genotel import guard
from genotel.instrumentation import caps
from genotel.instrumentation.content import CAPTURE, messages
from genotel.instrumentation.instruments import Instruments
from genotel.instrumentation.outcomes import CANCELLED, ERROR
from genotel.instrumentation.parameters import counted_values, safe_parameters, span_attributes
from genotel.instrumentation.site import Site, What
from genotel.instrumentation.steps import Phase, Progress
from genotel.journal.rows import CallRow
from genotel.semconv import attributes as a


class CallNotes:
    """Hold what is known of one call; :class:`~genotel.instrumentation.generation.Generation` runs it."""

    # Class attributes, not slots: a call sets only the few that it needs.
    _instruments: Instruments | None = None
    _site: Site
    _span: Span | None = None
    _context: Context | None = None
    _started_at = 0.0
    _start = 0.0
    _finished = False
    # How long the call lasted, where its end is noted but could not be recorded at once.
    _late_seconds: float | None = None
    # Whether there is anything to record at the end beside the duration.
    _noted = False
    _outcome: int | None = None
    # As the user gave them; only what is safe of them is ever handed on, as _parameters.
    _given: Mapping[str, object] | None = None
    _parameters: Mapping[str, bool | int | float | str] | None = None
    _prompt: str | None = None
    _progress: Progress | None = None
    _queue_seconds: float | None = None
    _input_tokens: int | None = None
    _output_tokens: int | None = None
    _outputs = 0
    _scores: dict[str, float] | None = None
    _chunks = 0
    _first_chunk_seconds: float | None = None
    _chunk_mark = 0.0

    def __init__(
        self,
        what: What,
        parameters: Mapping[str, object] | None = None,
        prompt: str | None = None,
        queue_seconds: float | None = None,
    ) -> None:
        self._what = what
        if parameters is not None:
            self._given = parameters
        if prompt is not None:
            self._prompt = prompt
        if queue_seconds is not None:
            self.queued(queue_seconds)

    @property
    def measuring(self) -> bool:
        """Return whether the call was begun, and counts, and has not ended.

        In a forked child it does not count: the call is its parent's.
        """
        return (
            self._instruments is not None
            and not self._finished
            and self._late_seconds is None
            and not self._site.totals.stale
        )

    @property
    def context(self) -> Context | None:
        """Return the OpenTelemetry context with the call's span; None where there is no span."""
        return self._context

    def step(self, count: int = 1, *, seconds: float | None = None) -> None:
        """Note that ``count`` steps ended; each took ``seconds`` or its share of the time since the last.

        Example:
            >>> import genotel
            >>> with genotel.generation("doc-steps") as call:
            ...     for _ in range(4):
            ...         call.step()
        """
        if self.measuring:
            try:
                self._follow().step(count, seconds)
            except Exception as error:
                guard.report("generation.step", error)

    def phase(self, name: str) -> Phase:
        """Begin a phase (``queue``, ``load``, ``encode``, ``denoise``, ``decode``, …).

        It ends with the next phase, with the call, or with a ``with`` block around it.
        """
        if self.measuring:
            try:
                return self._follow().begin_phase(str(name))
            except Exception as error:
                guard.report("generation.phase", error)
        return Phase(None, name)

    def outputs(
        self, count: int = 1, *, frames: int = 0, pixels: int = 0, seconds: float = 0.0, kind: str | None = None
    ) -> None:
        """Add what was made: ``count`` images, clips or answers, with their frames, pixels, playing seconds."""
        if self.measuring:
            try:
                made = (int(count), int(frames), int(pixels), float(seconds))
                # One NaN would stay in the counter for ever.
                if min(made) < 0 or not isfinite(made[3]):
                    raise ValueError("outputs must be finite and not negative")
                self._outputs += made[0]
                self._noted = True
                self._site.totals.add_outputs(str(kind or self._site.output or a.OTHER), *made)
            except Exception as error:
                guard.report("generation.outputs", error)

    def tokens(self, *, input: int | None = None, output: int | None = None) -> None:
        """Add tokens that were read and written."""
        if self._instruments is not None and not self._finished:
            self._noted = True
            try:
                if input is not None:
                    self._input_tokens = (self._input_tokens or 0) + _tokens(input)
                if output is not None:
                    self._output_tokens = (self._output_tokens or 0) + _tokens(output)
            except Exception as error:
                guard.report("generation.tokens", error)

    def queued(self, seconds: float) -> None:
        """Note how long the call waited before it began, in seconds."""
        try:
            if isfinite(seconds) and seconds >= 0:
                self._queue_seconds = float(seconds)
                self._noted = True
        except Exception as error:
            guard.report("generation.queued", error)

    def score(self, name: str, value: float) -> None:
        """Record a quality figure of this call, from 0 to 1, for comparing experiments."""
        if self.measuring:
            try:
                self._note_score(str(name), float(value))
            except Exception as error:
                guard.report("generation.score", error)

    def parameters(self, **given: object) -> None:
        """Note parameters that were not known at the start; texts are left out, see the privacy page."""
        if self.measuring:
            try:
                self._note_parameters(given)
            except Exception as error:
                guard.report("generation.parameters", error)

    def content(self, *, input: object = None, output: object = None) -> None:
        """Write texts that the call was given or gave to its span, if the user asked for that.

        Does nothing unless ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` says so. Texts, lists of
        them and messages of chats are written; images and other objects never are.

        Example:
            >>> import genotel
            >>> with genotel.generation("doc-content") as call:
            ...     call.content(input="a cat on a roof")
        """
        if CAPTURE.is_on and self.measuring:
            try:
                if self._span is not None and self._span.is_recording():
                    for key, given, role in (
                        (a.INPUT_MESSAGES, input, "user"),
                        (a.OUTPUT_MESSAGES, output, "assistant"),
                    ):
                        text = None if given is None else messages(given, role)
                        if text is not None:
                            self._span.set_attribute(key, text)
            except Exception as error:
                guard.report("generation.content", error)

    def chunk(self) -> None:
        """Note that a stream gave a chunk."""
        if self.measuring:
            try:
                self._note_chunk()
            except Exception as error:
                guard.report("generation.chunk", error)

    def cancel(self) -> None:
        """Say that the call was cancelled, though no exception will end it."""
        self._outcome = CANCELLED

    def fail(self) -> None:
        """Say that the call failed, though no exception will end it."""
        self._outcome = ERROR

    def _follow(self) -> Progress:
        if self._progress is None:
            assert self._instruments is not None
            self._noted = True
            self._progress = Progress(self._instruments, self._site.totals, self._context, self._start)
        return self._progress

    def _note_parameters(self, given: Mapping[str, object]) -> None:
        safe = safe_parameters(given)
        self._parameters = safe if self._parameters is None else {**self._parameters, **safe}
        for name, value in counted_values(safe):
            self._site.totals.add_parameter(name, value)
        if self._span is not None and self._span.is_recording():
            self._span.set_attributes(span_attributes(safe))

    def _note_score(self, name: str, value: float) -> None:
        if not isfinite(value):
            raise ValueError("a score must be finite")
        assert self._instruments is not None
        name = caps.capped("score", name)
        if self._scores is None:
            self._scores = {}
        self._scores[name] = value
        self._instruments.score.record(value, {**self._site.totals.attributes, a.SCORE_NAME: name}, self._context)

    def _note_chunk(self) -> None:
        now = perf_counter()
        assert self._instruments is not None
        attributes = self._site.totals.attributes
        if self._chunks == 0:
            self._first_chunk_seconds = now - self._start
            self._noted = True
            self._instruments.time_to_first_chunk.record(self._first_chunk_seconds, attributes, self._context)
        else:
            self._instruments.time_per_output_chunk.record(now - self._chunk_mark, attributes, self._context)
        self._chunks += 1
        self._chunk_mark = now

    def _row(self, seconds: float | None = None, outcome: int | None = None, failure: str | None = None) -> CallRow:
        key = self._site.key
        context = self._span.get_span_context() if self._span is not None else None
        return CallRow(
            self._started_at,
            key.model,
            key.operation,
            key.provider,
            self._site.output,
            None if outcome is None else a.OUTCOMES[outcome],
            failure,
            seconds,
            self._queue_seconds,
            self._first_chunk_seconds,
            0 if self._progress is None else self._progress.steps,
            self._outputs,
            self._input_tokens,
            self._output_tokens,
            key.experiment,
            key.variant,
            self._parameters,
            # A running call's row is read by the journal's thread while the call goes on.
            None if self._scores is None else dict(self._scores),
            self._prompt,
            0 if context is None else context.trace_id,
            0 if context is None else context.span_id,
        )


def _tokens(count: int) -> int:
    tokens = int(count)
    if tokens < 0:
        raise ValueError("tokens must not be negative")
    return tokens
