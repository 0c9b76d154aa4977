"""Models in memory: loaded, unloaded, used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from genotel import guard
from genotel.instrumentation import accumulators, caps, instruments
from genotel.instrumentation.events import record_event, source_word
from genotel.instrumentation.generation import DEFAULT_OPERATION, DEFAULT_PROVIDER
from genotel.instrumentation.model_name import model_name
from genotel.instrumentation.outcomes import error_type
from genotel.instrumentation.site import site_for
from genotel.semconv import attributes as a


@contextmanager
def model_load(model: str, *, source: str | None = None) -> Iterator[None]:
    """Measure the loading of a model; it counts as resident when the block ends well.

    Args:
        model: name of the model, without a path.
        source: where it came from, one word: ``disk``, ``hub``, ``cache``, …; anything else (a path)
            counts as ``other``.

    Example:
        >>> with model_load("sdxl", source="disk"):
        ...     pass
    """
    with guard.guarded("models.begin"):
        model = model_name(model)
        accumulators.bear_events(model, a.EVENT_LOAD, a.EVENT_UNLOAD)
    start = perf_counter()
    try:
        yield
    except BaseException as error:
        _loaded(model, source, perf_counter() - start, error)
        raise
    _loaded(model, source, perf_counter() - start, None)


def _loaded(model: str, source: str | None, seconds: float, error: BaseException | None) -> None:
    try:
        bound = instruments.instruments()
        if bound is None:
            return
        if error is None:
            accumulators.set_resident(model, +1)
        attributes = dict(accumulators.model_totals(model).attributes)
        if source is not None:
            attributes[a.LOAD_SOURCE] = caps.capped("load_source", source_word(source))
        if error is not None:
            attributes[a.ERROR_TYPE] = error_type(error)
        bound.load_duration.record(seconds, attributes)
        outcome = a.OUTCOME_OK if error is None else a.OUTCOME_ERROR
        record_event(model, kind=a.EVENT_LOAD, duration_seconds=seconds, outcome=outcome, source=source)
    except Exception as fault:
        guard.report("models.load", fault)


def model_unloaded(model: str) -> None:
    """Note that a loaded copy of a model was taken out of memory.

    Example:
        >>> model_unloaded("sdxl")
    """
    try:
        if instruments.instruments() is not None:
            accumulators.set_resident(model_name(model), -1)
            record_event(model, kind=a.EVENT_UNLOAD)
    except Exception as fault:
        guard.report("models.unloaded", fault)


def declare_models(*models: str) -> None:
    """Name models that the program may use, so that all of their counters are born at 0.

    A counter born at 1 has no increase, so the first use of a rare model would be lost to queries.
    """
    for model in models:
        site_for((DEFAULT_OPERATION, DEFAULT_PROVIDER, model, None))
        accumulators.bear_events(model_name(model), a.EVENT_LOAD, a.EVENT_UNLOAD)


def restore_use(operation: str, provider: str, model: str, last_used: float) -> None:
    """Take over what a journal knows of an earlier run: the counters at 0, and when a model was last used.

    After a restart a counter has to be seen at 0 before it is counted up: from 1 to 1 is no increase.

    Args:
        operation: ``gen_ai.operation.name`` of the earlier calls.
        provider: ``gen_ai.provider.name`` of them.
        model: their model.
        last_used: when the last one began, in Unix seconds.
    """
    totals = site_for((operation, provider, model, None)).model_totals
    totals.last_used = max(totals.last_used or last_used, last_used)
