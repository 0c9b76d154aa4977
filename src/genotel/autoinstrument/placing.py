"""Bringing a loaded model to a device, or preparing it to be brought part by part: an event with its time."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from genotel import guard
from genotel.autoinstrument.loads import is_loading
from genotel.autoinstrument.suppression import is_suppressed
from genotel.instrumentation.events import record_event
from genotel.instrumentation.model_memory import note_weights
from genotel.semconv import attributes as a


def placing(kind: str, name_of: Callable[[Any], str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes a measured method of one that places a model.

    Args:
        kind: kind of the event.
        name_of: gives the name of the model.
    """

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def place(self: Any, *args: Any, **kwargs: Any) -> Any:
            if not _counts():
                return original(self, *args, **kwargs)
            start = perf_counter()
            outcome = a.OUTCOME_ERROR
            try:
                result = original(self, *args, **kwargs)
                outcome = a.OUTCOME_OK
            finally:
                try:
                    name, seconds = name_of(self), perf_counter() - start
                    record_event(name, kind=kind, duration_seconds=seconds, outcome=outcome)
                    note_weights(self, name)
                except Exception as error:
                    guard.report("placing.event", error)
            return result

        return place

    return wrap


def _counts() -> bool:
    """Return whether a move here is one of its own: not part of a load, and not to be left alone."""
    try:
        return not is_loading() and not is_suppressed()
    except Exception as error:
        guard.report("placing.begin", error)
        return False
