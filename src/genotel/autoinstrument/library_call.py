"""One measured call of a library: begun around the user's call, counted once however deep it nests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isasyncgenfunction
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from opentelemetry.context import attach

from genotel import guard
from genotel.autoinstrument.arguments import Arguments, positional_names
from genotel.autoinstrument.suppression import is_suppressed, quiet
from genotel.autoinstrument.taps import AsyncTap, Tap
from genotel.instrumentation.generation import Generation, running
from genotel.instrumentation.model_memory import note_peak
from genotel.instrumentation.site import What
from genotel.instrumentation.steps import MAX_RECORDS
from genotel.instrumentation.stream import Stream, async_generator, generator
from genotel.instrumentation.vram import MemoryWatch, watch_memory
from genotel.semconv import attributes as a


class LibraryCall(Generation):
    """Measure one call of a library.

    Attributes:
        progress: what a library's own hooks keep of the call between its begin and its end.
    """

    progress: Any = None
    _memory: MemoryWatch | None = None

    def __enter__(self) -> Generation:
        entered: Generation = self
        try:
            entered = super().__enter__()
            if entered is self and self.measuring:
                self._memory = watch_memory()
                self._context = quiet(self._context)
                token = attach(self._context)
                if self._context_token is None:
                    self._context_token = token
        except Exception as error:
            guard.report("library_call.begin", error)
        return entered

    def finish(self, error: BaseException | None = None) -> None:
        """End the call, once; with the exception that ended it, if any."""
        memory, self._memory = self._memory, None
        if memory is not None:
            try:
                self._record_memory(memory)
            except Exception as fault:
                guard.report("library_call.memory", fault)
        try:
            super().finish(error)
        except Exception as fault:
            guard.report("library_call.finish", fault)
            self.suspend()

    def _record_memory(self, memory: MemoryWatch) -> None:
        found = memory.end()
        if self._instruments is None or not self.measuring:
            return
        for device, peak, shared in found:
            if not shared:
                note_peak(self._site.key.model, device, peak)
            attributes = {
                **self._site.totals.attributes,
                a.HARDWARE_ID: device,
                a.VRAM_SHARED: "true" if shared else "false",
            }
            self._instruments.vram_peak.record(peak, attributes, self._context)

    def count_steps(self, count: int) -> None:
        """Count steps whose time is not known yet."""
        if self.measuring:
            progress, totals = self._follow(), self._site.totals
            progress.steps += count
            with totals.lock:
                totals.steps += count

    def steps_took(self, seconds: float, count: int) -> None:
        """Record the time of each of so many steps, which are counted already, in seconds."""
        if self.measuring and self._instruments is not None:
            for _ in range(min(count, MAX_RECORDS)):
                self._instruments.step_duration.record(seconds, self._site.totals.attributes, self._context)

    def phase_took(self, name: str, seconds: float) -> None:
        """Record how long a phase took, in seconds."""
        if self.measuring and self._instruments is not None:
            attributes = self._site.totals.phase_attributes(name)
            self._instruments.phase_duration.record(seconds, attributes, self._context)

    def chunks_took(self, seconds: Sequence[float]) -> None:
        """Record the time to the first token and, where known, the mean time between the others, in seconds."""
        if self.measuring and self._instruments is not None and seconds:
            attributes = self._site.totals.attributes
            self._first_chunk_seconds = seconds[0]
            self._noted = True
            self._instruments.time_to_first_chunk.record(seconds[0], attributes, self._context)
            for each in seconds[1:]:
                self._instruments.time_per_output_chunk.record(each, attributes, self._context)


def call_around() -> LibraryCall | None:
    """Return the library's call that is running here, this one or one around it."""
    call = running.get()
    while call is not None:
        if isinstance(call, LibraryCall) and call.measuring:
            return call
        call = call._outer
    return None


class Measured:
    """Say how one function of a library is measured; a subclass for each kind of function.

    None of the methods may change what the user gave or gets.
    """

    # Where faults of the methods below are counted.
    place = "library"

    def what(self, arguments: Arguments) -> What:
        """Return operation, provider, model and output type of a call."""
        raise NotImplementedError

    def parameters(self, arguments: Arguments) -> Mapping[str, object] | None:
        """Return the parameters of a call."""
        return None

    def begun(self, call: LibraryCall, arguments: Arguments) -> dict[str, Any] | None:
        """Take note that the call begins; return other keyword arguments to call with, or None."""
        return None

    def item(self, call: LibraryCall, item: Any) -> None:
        """Take note of something that a stream gave."""

    def ended(self, call: LibraryCall, arguments: Arguments, result: Any) -> None:
        """Take note of what the call returned; None where it failed."""

    def nested(self, call: LibraryCall, arguments: Arguments) -> dict[str, Any] | None:
        """Take note that the function runs inside of a call that is measured already; as ``begun``."""
        return None


def measured(how: Measured) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes a measuring function of a library's function."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        names = positional_names(original)
        if isasyncgenfunction(original):
            return _lazy(how, names, original)

        def call_measured(*args: Any, **kwargs: Any) -> Any:
            call, arguments = _begin(how, names, args, kwargs)
            if call is None:
                return original(*args, **_nested(how, arguments, kwargs))
            if arguments is None:
                return original(*args, **kwargs)
            with call:
                given = _guarded(how, "begun", call, arguments) if call.measuring else None
                try:
                    result = original(*args, **(kwargs if given is None else given))
                except BaseException:
                    _guarded(how, "ended", call, arguments, None)
                    raise
                if type(result) is GeneratorType or type(result) is AsyncGeneratorType:
                    return _stream(how, call, result)
                _guarded(how, "ended", call, arguments, result)
            return result

        return call_measured

    return wrap


def _lazy(how: Measured, names: tuple[str, ...], original: Callable[..., Any]) -> Callable[..., Any]:
    """Measure an async generator function from its first item on; one never begun counts nothing."""

    def call_measured(*args: Any, **kwargs: Any) -> Any:
        source = original(*args, **kwargs)
        calls: list[LibraryCall] = []

        def begin() -> Stream:
            try:
                call, arguments = _begin(how, names, args, kwargs)
                if call is None or arguments is None or call.__enter__() is not call or not call.measuring:
                    return Stream(None)
                calls.append(call)
                _guarded(how, "begun", call, arguments)
                return Stream(call)
            except Exception as error:
                guard.report(f"{how.place}.stream", error)
                while calls:
                    calls.pop().finish()
                return Stream(None)

        def note(item: Any) -> None:
            try:
                for call in calls:
                    how.item(call, item)
            except Exception as error:
                guard.report(f"{how.place}.item", error)

        try:
            # A tap stands for its source: it is only sent to and thrown at.
            tap: Any = AsyncTap(source, note)
            return async_generator(lambda: tap, begin)()
        except Exception as error:
            guard.report(f"{how.place}.stream", error)
            return source

    return call_measured


def _begin(
    how: Measured, names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[LibraryCall | None, Arguments | None]:
    try:
        if is_suppressed() and call_around() is None:
            return None, None
        arguments = Arguments(names, args, kwargs)
        if call_around() is not None:
            return None, arguments
        return LibraryCall(how.what(arguments), how.parameters(arguments)), arguments
    except Exception as error:
        guard.report(f"{how.place}.begin", error)
        return None, None


def _nested(how: Measured, arguments: Arguments | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    if arguments is None:
        return kwargs
    try:
        around = call_around()
        given = None if around is None else how.nested(around, arguments)
        return kwargs if given is None else given
    except Exception as error:
        guard.report(f"{how.place}.nested", error)
        return kwargs


def _guarded(how: Measured, method: str, *given: Any) -> Any:
    try:
        return getattr(how, method)(*given)
    except Exception as error:
        guard.report(f"{how.place}.{method}", error)
        return None


def _stream(how: Measured, call: LibraryCall, result: Any) -> Any:
    """Let the call go on for as long as what the function returned gives items."""

    def note(item: Any) -> None:
        try:
            how.item(call, item)
        except Exception as error:
            guard.report(f"{how.place}.item", error)

    try:
        if not call.measuring:
            return result
        current = Stream(call)
        tap: Any = Tap(result, note) if isinstance(result, GeneratorType) else AsyncTap(result, note)
        drive = generator if isinstance(result, GeneratorType) else async_generator
        measured_stream = drive(lambda: tap, lambda: current)()
        call.hand_over()
        return measured_stream
    except Exception as error:
        guard.report(f"{how.place}.stream", error)
        return result
