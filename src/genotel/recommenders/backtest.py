"""Show on somebody's own past how good the advice would have been: policies of residency, and cleanup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genotel.errors import InputError
from genotel.recommenders.cleanup import Cleanup
from genotel.recommenders.cleanup_backtest import CleanupResult, backtest_cleanup
from genotel.recommenders.preload_backtest import PreloadResult, backtest_preload
from genotel.recommenders.replay import Objective
from genotel.recommenders.trace import Trace
from genotel.settings import AdviceSettings

# Room for so many of all models, unless slots are named.
SLOT_SHARES = (0.05, 0.10, 0.20)


@dataclass(frozen=True, slots=True)
class Backtest:
    """Hold how good the advice would have been.

    Attributes:
        source: where the uses were read from.
        window: Unix times of the first and the last use.
        models: how many were used.
        uses: how many there were.
        evaluate_from_day: the first day that was judged, from 0.
        load_seconds: what a load was taken to cost; None for the measured times.
        has_measured_loads: whether any load was measured; without one, loads were free.
        objective: what ``auto`` tried to have few of.
        sizes_known: of how many models the size is known; the others take the median.
        preload: of the policies.
        cleanup: by horizon; those without an outcome yet are missing.
    """

    source: str
    window: tuple[float, float]
    models: int
    uses: int
    evaluate_from_day: int
    load_seconds: float | None
    has_measured_loads: bool
    objective: Objective
    sizes_known: int
    preload: PreloadResult
    cleanup: tuple[CleanupResult, ...]


def backtest(
    trace: Trace,
    *,
    slots: Sequence[int] | None = None,
    memory_bytes: Sequence[int] = (),
    objective: Objective = Objective.COLD_STARTS,
    horizons: Sequence[int] = (3, 7, 30),
    evaluate_from_day: int = 7,
    load_seconds: float | None = None,
    settings: AdviceSettings | None = None,
) -> Backtest:
    """Return how good the advice would have been on a trace.

    Args:
        trace: the past.
        slots: numbers of models that there is room for; by default 5, 10 and 20 % of all.
        memory_bytes: sizes of memory in bytes, instead of slots.
        objective: what ``auto`` is to have few of; seconds need loads that take some.
        horizons: of cleanup, in days.
        evaluate_from_day: days before it are learned from but not judged.
        load_seconds: what a load costs; by default as measured.
        settings: the thresholds of the classic rules.

    Raises:
        InputError: the past is not longer than ``evaluate_from_day``, no size of any model is known that
            bytes need, or no load that seconds need.
    """
    settings = AdviceSettings() if settings is None else settings
    uses = trace.uses
    if uses.days <= evaluate_from_day:
        raise InputError(
            f"{trace.source} holds {uses.days} days and the judging begins after {evaluate_from_day}; "
            "give a longer history or a smaller --evaluate-from-day"
        )
    sizes = trace.sizes()
    if memory_bytes and not np.isfinite(sizes).any():
        raise InputError(f"{trace.source} knows no size of any model; give --slots, or size_bytes in an event list")
    loads = trace.load_table(fixed_seconds=load_seconds)
    if objective is Objective.LOAD_SECONDS and not loads.any():
        raise InputError(f"{trace.source} knows no load that takes time; give --load-seconds, or another objective")
    counts = () if memory_bytes else slots or sorted({max(1, round(share * len(uses.names))) for share in SLOT_SHARES})
    return Backtest(
        source=trace.source,
        window=(uses.midnight + float(uses.time[0]), uses.midnight + float(uses.time[-1])),
        models=len(uses.names),
        uses=len(uses.time),
        evaluate_from_day=evaluate_from_day,
        load_seconds=load_seconds,
        has_measured_loads=bool(len(trace.load_seconds)),
        objective=objective,
        sizes_known=int(np.isfinite(sizes).sum()),
        preload=backtest_preload(
            uses,
            loads,
            slots=counts,
            memory_bytes=memory_bytes,
            size_bytes=np.where(np.isfinite(sizes), sizes, np.nanmedian(sizes)) if memory_bytes else None,
            objective=objective,
            evaluate_from_day=evaluate_from_day,
            uses_per_day=settings.preload_threshold_frequency,
        ),
        cleanup=backtest_cleanup(
            trace, Cleanup().likelihood, settings, horizons=horizons, evaluate_from_day=evaluate_from_day
        ),
    )
