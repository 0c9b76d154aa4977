"""The table of hours in which a model did something: one row for a model and an hour.

Idle hours have no row, so that ten thousand models over a year need memory for their uses only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

SECONDS_PER_HOUR = 3600
SECONDS_PER_DAY = 86_400
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True, eq=False)
class HourTable:
    """Hold R rows sorted by model and hour, each pair once; every array has the shape (R,).

    Attributes:
        model: index of the model in ``UsageHistory.models``.
        hour: whole hours since the Unix epoch (UTC).
        requests: calls that began in the hour; at least 0, for an hour may hold loads only.
        succeeded: calls known to have ended well.
        failed: calls known to have failed; what is neither is of unknown outcome.
        timed: calls whose duration is known.
        duration_seconds: sum of the known durations.
        loads: times that the model was loaded.
        timed_loads: loads whose duration is known.
        load_seconds: sum of the known durations of loads.

    Raises:
        ValueError: an array has the wrong shape or type, or the rows are not sorted and distinct.

    Example:
        >>> table = HourTable.gather(np.array([0, 0]), np.array([5, 5]), requests=np.array([1, 2]))
        >>> table.requests
        array([3])
    """

    model: Integers
    hour: Integers
    requests: Integers
    succeeded: Integers
    failed: Integers
    timed: Integers
    duration_seconds: Floats
    loads: Integers
    timed_loads: Integers
    load_seconds: Floats

    def __post_init__(self) -> None:
        for column in fields(self):
            values = getattr(self, column.name)
            kind = "f" if column.name in _SECONDS else "i"
            if values.shape != self.model.shape or values.ndim != 1 or values.dtype.kind != kind:
                raise ValueError(f"{column.name} must be {kind}8 of shape (R,), is {values.dtype} {values.shape}")
        if np.any((np.diff(self.model) < 0) | ((np.diff(self.model) == 0) & (np.diff(self.hour) <= 0))):
            raise ValueError("rows must be sorted by model and hour, each pair once")

    @classmethod
    def gather(cls, model: Integers, hour: Integers, **columns: npt.NDArray[np.generic]) -> HourTable:
        """Sort rows by model and hour and sum those of one pair; a column that is not given is 0.

        Args:
            model: shape (K,), index of the model.
            hour: shape (K,), whole hours since the Unix epoch.
            columns: further columns by name, shape (K,).
        """
        order = np.lexsort((hour, model))
        model, hour = model[order].astype(np.int64), hour[order].astype(np.int64)
        is_first = np.ones(len(model), dtype=bool)
        is_first[1:] = (np.diff(model) != 0) | (np.diff(hour) != 0)
        starts = np.flatnonzero(is_first)
        summed: dict[str, npt.NDArray[np.generic]] = {}
        for name in _SUMMED:
            kind = np.float64 if name in _SECONDS else np.int64
            values = columns.pop(name, None)
            if values is None or not len(starts):
                summed[name] = np.zeros(len(starts), dtype=kind)
            else:
                summed[name] = np.add.reduceat(values[order].astype(kind), starts)
        if columns:
            raise ValueError(f"unknown columns {sorted(columns)}")
        return cls(model=model[starts], hour=hour[starts], **summed)  # type: ignore[arg-type]  # types set above

    @property
    def day(self) -> Integers:
        """Return whole days since the Unix epoch (UTC), shape (R,)."""
        return self.hour // HOURS_PER_DAY


_SECONDS = frozenset({"duration_seconds", "load_seconds"})
_SUMMED = tuple(column.name for column in fields(HourTable) if column.name not in {"model", "hour"})
