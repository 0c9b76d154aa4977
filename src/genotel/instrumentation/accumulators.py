"""Plain numbers per label set, which observable instruments read at collection.

A synchronous OpenTelemetry counter costs about 8 µs a call; a number under a lock costs 0.1. Every
label set keeps its attribute dicts ready-made, so the hot path builds none. All locks are
re-entrant: a signal handler or the garbage collector may come back in here in the same thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol

from genotel import guard
from genotel.instrumentation import caps
from genotel.semconv import attributes as a
from genotel.semconv.generation_metrics import PARAMETERS, REQUESTS
from genotel.semconv.model_metrics import EVENTS

# Label sets in all, and values of parameters in each: the product of the caps is no bound. With five
# outcomes each, these are the most that the page's reader lets through (telemetry/reader.py).
MAX_LABEL_SETS = 2_000
MAX_PARAMETER_VALUES = 100


class Counts(Protocol):
    """Hold counts in order: a list, or memory that outlives the process."""

    def __getitem__(self, index: int, /) -> int:
        """Return a count."""
        ...

    def __setitem__(self, index: int, count: int, /) -> None:
        """Set a count."""
        ...

    def __iter__(self) -> Iterator[int]:
        """Return all counts."""
        ...


class CallKey(NamedTuple):
    """Name one label set of M (METRICS.md)."""

    operation: str
    provider: str
    model: str
    experiment: str | None = None
    variant: str | None = None


class OutputTotals:
    """Add up what was made, by output type; ``lock`` is the owner's."""

    __slots__ = ("attributes", "frames", "outputs", "pixels", "seconds")

    def __init__(self, attributes: Mapping[str, str]) -> None:
        self.attributes = attributes
        self.outputs = 0
        self.frames = 0
        self.pixels = 0
        self.seconds = 0.0


class CallTotals:
    """Hold the numbers of one label set; every change is made under ``lock``."""

    __slots__ = (
        "attributes",
        "counts",
        "errors",
        "folded",
        "lock",
        "outcomes",
        "outputs",
        "parameters",
        "phases",
        "shown",
        "stale",
        "steps",
        "token_attributes",
        "tokens_read",
        "tokens_written",
    )

    def __init__(self, key: CallKey, *, folded: bool = False) -> None:
        self.lock = threading.RLock()
        # Whether calls of names over a cap are counted here.
        self.folded = folded
        # Whether these numbers were forgotten (a fork): they are nobody's any more.
        self.stale = False
        self.attributes: dict[str, str] = {a.OPERATION: key.operation, a.PROVIDER: key.provider, a.MODEL: key.model}
        if key.experiment is not None:
            self.attributes[a.EXPERIMENT] = key.experiment
        if key.variant is not None:
            self.attributes[a.VARIANT] = key.variant
        # Finished calls by outcome, then those begun.
        self.counts: Counts = [0] * (len(a.OUTCOMES) + 1)
        # What the scrape under way shows: (started, finished).
        self.shown: tuple[int, list[int]] = (0, self.finished)
        self.outcomes = [{**self.attributes, a.OUTCOME: outcome} for outcome in a.OUTCOMES]
        self.steps = 0
        self.tokens_read = 0
        self.tokens_written = 0
        self.outputs: dict[str, OutputTotals] = {}
        self.parameters: dict[tuple[str, str], list[int]] = {}
        # Ready-made attribute dicts of histograms, by the one label that they add.
        self.errors: dict[str, dict[str, str]] = {}
        self.phases: dict[str, dict[str, str]] = {}
        self.token_attributes = [{**self.attributes, a.TOKEN_TYPE: kind} for kind in a.TOKEN_TYPES]

    @property
    def started(self) -> int:
        """Return the calls that were begun."""
        return self.counts[-1]

    @property
    def finished(self) -> list[int]:
        """Return the finished calls by outcome."""
        return [*self.counts][:-1]

    @property
    def active(self) -> int:
        """Return the calls that are running."""
        with self.lock:
            return self.started - sum(self.finished)

    def move(self, counts: Counts | None) -> None:
        """Go on counting elsewhere, where there is a place."""
        if counts is not None:
            with self.lock:
                for index, count in enumerate(self.counts):
                    counts[index] = count
                self.counts = counts

    def show(self) -> list[int]:
        """Note the numbers of one moment for all metrics of a scrape; return the finished calls by outcome.

        Read one after the other, while calls come and go, they would not add up.
        """
        with self.lock:
            self.shown = (self.started, self.finished)
        return self.shown[1]

    def error_attributes(self, error_type: str) -> dict[str, str]:
        """Return the attributes of a failed call's duration; ``error_type`` is already capped."""
        found = self.errors.get(error_type)
        if found is None:
            found = self.errors[error_type] = {**self.attributes, a.ERROR_TYPE: error_type}
        return found

    def phase_attributes(self, phase: str) -> dict[str, str]:
        """Return the attributes of a phase's duration."""
        found = self.phases.get(phase)
        if found is None:
            phase = caps.capped("phase", phase)
            found = self.phases.setdefault(phase, {**self.attributes, a.PHASE: phase})
        return found

    def add_outputs(self, kind: str, outputs: int, frames: int, pixels: int, seconds: float) -> None:
        """Add what one call made."""
        with self.lock:
            totals = self.outputs.get(kind)
            if totals is None:
                kind = caps.capped("output_type", kind)
                totals = self.outputs.setdefault(kind, OutputTotals({**self.attributes, a.OUTPUT_TYPE: kind}))
            totals.outputs += outputs
            totals.frames += frames
            totals.pixels += pixels
            totals.seconds += seconds

    def add_parameter(self, name: str, value: str) -> None:
        """Count a call by the value of a parameter."""
        with self.lock:
            cell = self.parameters.get((name, value))
            if cell is None:
                if len(self.parameters) >= MAX_PARAMETER_VALUES:
                    caps.drop(PARAMETERS.name)
                    value = a.OTHER
                else:
                    value = caps.capped("parameter_value", value)
                cell = self.parameters.setdefault((name, value), [0])
            cell[0] += 1


class ModelTotals:
    """Hold the numbers of one model."""

    __slots__ = ("attributes", "events", "last_used", "resident", "vram_peaks")

    def __init__(self, model: str) -> None:
        self.attributes = {a.MODEL: model}
        self.last_used: float | None = None
        # None: never loaded or unloaded where we could see it, so nothing is known.
        self.resident: int | None = None
        # Device's id -> most bytes of a lone call.
        self.vram_peaks: dict[str, int] = {}
        # (kind, outcome) -> [count]
        self.events: dict[tuple[str, str], list[int]] = {}


# Returns a place for the counts of a label set with these attributes.
Place = Callable[[Mapping[str, str]], Counts | None]

_lock = threading.RLock()
_place: Place | None = None
_calls: dict[CallKey, CallTotals] = {}
_models: dict[str, ModelTotals] = {}


def call_totals(key: CallKey) -> CallTotals:
    """Return the numbers of a label set, capped; born with every count at 0.

    Example:
        >>> call_totals(CallKey("generate_content", "self_hosted", "doc-model")).finished
        [0, 0, 0, 0, 0]
    """
    with _lock:
        found = _calls.get(key)
        if found is None:
            given = key
            key = CallKey(
                caps.fold("operation", key.operation),
                caps.fold("provider", key.provider),
                caps.fold("model", key.model),
                None if key.experiment is None else caps.fold("experiment", key.experiment),
                None if key.variant is None else caps.fold("variant", key.variant),
            )
            if len(_calls) >= MAX_LABEL_SETS and key not in _calls:
                key = CallKey(a.OTHER, a.OTHER, a.OTHER)
                guard.warn_once(
                    "cap.label_sets",
                    "genotel: more than %d label sets; further ones are counted as other",
                    MAX_LABEL_SETS,
                )
            found = _calls.get(key)
            if found is None:
                found = CallTotals(key, folded=a.OTHER in key and key != given)
                if _place is not None:
                    found.move(_place(found.attributes))
                _calls[key] = found
        return found


def place_counts(place: Place) -> None:
    """Count calls where ``place`` has room for it, until :func:`reset`; what was counted so far moves there."""
    global _place
    with _lock:
        _place = place
        for totals in _calls.values():
            totals.move(place(totals.attributes))


def model_totals(model: str) -> ModelTotals:
    """Return the numbers of a model, capped as its label is."""
    with _lock:
        found = _models.get(model)
        if found is None:
            model = caps.fold("model", model)
            found = _models.get(model) or _models.setdefault(model, ModelTotals(model))
        return found


def bear_events(model: str, *kinds: str) -> None:
    """Let the counters of these kinds of events exist at 0, before the first one happens."""
    totals = model_totals(model)
    with _lock:
        for kind in kinds:
            for outcome in a.EVENT_OUTCOMES:
                totals.events.setdefault((kind, outcome), [0])


def count_event(model: str, kind: str, outcome: str) -> None:
    """Count something that happened to a model; both outcomes are born at 0."""
    totals = model_totals(model)
    with _lock:
        if totals.attributes[a.MODEL] == a.OTHER != model:
            caps.drop(EVENTS.name)
        cell = totals.events.get((kind, outcome))
        if cell is None:
            kind = caps.capped("event", kind)
            for each in dict.fromkeys((*a.EVENT_OUTCOMES, outcome)):
                totals.events.setdefault((kind, each), [0])
            cell = totals.events[(kind, outcome)]
        cell[0] += 1


def events_of(totals: ModelTotals) -> list[tuple[str, str, int]]:
    """Return (kind, outcome, count) of everything that happened to a model."""
    with _lock:
        return [(kind, outcome, cell[0]) for (kind, outcome), cell in totals.events.items()]


def set_resident(model: str, change: int) -> None:
    """Add to or take from the number of loaded copies of a model, never below 0."""
    totals = model_totals(model)
    with _lock:
        totals.resident = max(0, (totals.resident or 0) + change)


def all_calls() -> list[CallTotals]:
    """Return every label set of M."""
    with _lock:
        return [*_calls.values()]


def all_models() -> list[ModelTotals]:
    """Return every model that was named."""
    with _lock:
        return [*_models.values()]


def all_dropped() -> dict[str, int]:
    """Return the measurements over a cap by metric name."""
    dropped = caps.all_dropped()
    # Calls over a cap are counted anyhow, so the hot path need not count them twice.
    folded = sum(totals.started for totals in all_calls() if totals.folded)
    if folded:
        dropped[REQUESTS.name] = dropped.get(REQUESTS.name, 0) + folded
    return dropped


def reset() -> None:
    """Forget every number and label set; for tests and for a forked child.

    A forked child starts from zero, since its parent goes on reporting what was counted before.
    """
    global _lock, _place
    # Another thread of the parent may have held the lock when the fork happened.
    _lock = threading.RLock()
    _place = None
    for totals in _calls.values():
        totals.stale = True
        # A call that goes on in a forked child must not be counted in its parent's memory.
        totals.counts = [*totals.counts]
    _calls.clear()
    _models.clear()
    caps.reset()
