"""The history of use that every analysis works on, whatever place it was read from.

It says two things apart from each other: what was used, and when anybody was looking. An hour without
a row is an hour without use only where ``observed`` is True.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genotel.history.hourly import (
    HOURS_PER_DAY,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    Booleans,
    Floats,
    HourTable,
    Integers,
)


@dataclass(frozen=True, slots=True)
class ParameterUse:
    """Count the calls of a model that had a parameter at a value."""

    model: str
    parameter: str
    value: str
    requests: int


@dataclass(frozen=True, slots=True)
class MemoryFailures:
    """Count the calls of a model that ran out of memory in an hour since the Unix epoch."""

    model: str
    hour: int
    calls: int


@dataclass(frozen=True, slots=True)
class BatchUse:
    """Sum the calls of a model that made so many items at once, on a day since the Unix epoch."""

    model: str
    size: float
    day: int
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class UsageHistory:
    """Hold the use of N models over T hours.

    Attributes:
        source: where it was read from, in words for people.
        start: Unix time of the first moment that was looked at.
        end: Unix time for which everything is said; nothing here reaches beyond it.
        models: N distinct names, sorted.
        observed: shape (T,), whether every use of every model in that hour is known; hour t begins
            ``first_hour + t`` hours after the Unix epoch.
        hourly: what was done, sparse.
        first_seen: shape (N,), Unix time at which the model was first known, by a use or otherwise.
        last_used: shape (N,), Unix time at which the last known use began; NaN where there is none.
        size_bytes: shape (N,), size on disk; NaN where it is not known.
        parameters: calls by value of a parameter, where the source knows them.
        notes: what the source said that takes something from all of this, for people.
        out_of_memory: where the source tells these failures from others.
        batches: where the source knows parameters and durations together.
        operations: N times what a model mostly does (chat, generate_content, …), None where it is not known;
            empty where the source knows none.
        measured_by: N names of who counted the calls of each model, where there are several who could.

    Raises:
        ValueError: an array has the wrong shape, or a row lies outside of the models or hours.

    Example:
        >>> empty_history("nothing").has_data
        False
    """

    source: str
    start: float
    end: float
    models: tuple[str, ...]
    observed: Booleans
    hourly: HourTable
    first_seen: Floats
    last_used: Floats
    size_bytes: Floats
    parameters: tuple[ParameterUse, ...] = ()
    notes: tuple[str, ...] = ()
    operations: tuple[str | None, ...] = ()
    out_of_memory: tuple[MemoryFailures, ...] = ()
    batches: tuple[BatchUse, ...] = ()
    measured_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.models)
        for name in ("first_seen", "last_used", "size_bytes"):
            shape = getattr(self, name).shape
            if shape != (count,):
                raise ValueError(f"{name} must have the shape ({count},), has {shape}")
        if len(self.measured_by) not in {0, count}:
            raise ValueError(f"measured_by must name {count} sources, names {len(self.measured_by)}")
        if self.operations and len(self.operations) != count:
            raise ValueError(f"operations must be {count}, are {len(self.operations)}")
        if list(self.models) != sorted(set(self.models)):
            raise ValueError("models must be distinct and sorted")
        hours = count_hours(self.start, self.end) if len(self.observed) else 0
        if self.observed.shape != (hours,):
            raise ValueError(f"observed must have the shape ({hours},), has {self.observed.shape}")
        if len(self.hourly.model) and not (0 <= self.hourly.model.min() <= self.hourly.model.max() < count):
            raise ValueError("hourly.model names a model that is not there")
        if np.any((self.hourly.hour < self.first_hour) | (self.hourly.hour >= self.first_hour + hours)):
            raise ValueError("hourly.hour lies outside of start and end")

    @property
    def has_data(self) -> bool:
        """Return whether anything was looked at and any model is known."""
        return bool(len(self.observed)) and bool(self.models)

    @property
    def first_hour(self) -> int:
        """Return the hour since the Unix epoch that ``observed[0]`` stands for."""
        return int(self.start // SECONDS_PER_HOUR)

    @property
    def span_days(self) -> float:
        """Return the length of the window in days."""
        return (self.end - self.start) / SECONDS_PER_DAY

    @property
    def observed_ratio(self) -> float:
        """Return the share of the window's hours that were observed; 0 for an empty history."""
        return float(self.observed.mean()) if len(self.observed) else 0.0

    @property
    def hidden_days(self) -> Integers:
        """Return the days since the Unix epoch with an hour that was not observed, sorted, shape (G,)."""
        return np.unique((np.flatnonzero(~self.observed) + self.first_hour) // HOURS_PER_DAY)

    def total(self, column: str) -> Floats:
        """Return the sum of a column of ``hourly`` for each model, shape (N,)."""
        weights = getattr(self.hourly, column).astype(np.float64)
        return np.bincount(self.hourly.model, weights=weights, minlength=len(self.models)).astype(np.float64)

    def index(self, model: str) -> int | None:
        """Return the position of a model in ``models``; None where it is not known."""
        position = int(np.searchsorted(np.array(self.models, dtype=object), model)) if self.models else 0
        return position if position < len(self.models) and self.models[position] == model else None


def count_hours(start: float, end: float) -> int:
    """Return the number of clock hours that a window touches.

    Example:
        >>> count_hours(3599.0, 3600.0), count_hours(0.0, 0.0)
        (2, 1)
    """
    return int(end // SECONDS_PER_HOUR) - int(start // SECONDS_PER_HOUR) + 1


def empty_history(source: str) -> UsageHistory:
    """Return the history of a place that holds nothing."""
    none = np.zeros(0, dtype=np.int64)
    unknown = np.zeros(0, dtype=np.float64)
    return UsageHistory(
        source=source,
        start=0.0,
        end=0.0,
        models=(),
        observed=np.zeros(0, dtype=bool),
        hourly=HourTable.gather(none, none),
        first_seen=unknown,
        last_used=unknown,
        size_bytes=unknown,
    )
