"""Made-up traces of single uses: models that are used in bursts, on working days, or seldom."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from genotel.recommenders.trace import Trace
from histories import EPOCH

DAY = 86_400.0


def bursts(*, models: int = 10, days: int = 5, seed: int = 1, load_seconds: float | None = 20.0) -> Trace:
    """Return uses of models in bursts at the hours that each likes; the last model comes on the last day."""
    random = np.random.default_rng(seed)
    names: list[str] = []
    times: list[float] = []
    for model in range(models):
        liked = random.choice(24, 3, replace=False)
        for day in range(days if model < models - 1 else 1):
            if model % 4 == 3 and day % 2:
                continue
            at = (day if model < models - 1 else days - 1) * DAY
            for hour in liked.tolist():
                begin = at + hour * 3600 + random.uniform(0, 1800)
                burst = begin + np.cumsum(random.exponential(200, random.integers(1, 6)))
                times += [time for time in burst.tolist() if time < at + DAY - 1]
                names += [f"model-{model:02d}"] * (len(times) - len(names))
    order = np.argsort(times)
    time = EPOCH + np.array(times)[order]
    model_of = [names[place] for place in order.tolist()]
    has_load = load_seconds is not None
    loads = np.arange(0, len(time), 5) if has_load else np.zeros(0, dtype=np.int64)
    return Trace(
        source="a trace made up",
        model=model_of,
        time=time,
        succeeded=np.ones(len(time), dtype=bool),
        failed=np.zeros(len(time), dtype=bool),
        load_model=[model_of[place] for place in loads.tolist()],
        load_time=time[loads],
        load_seconds=np.full(len(loads), load_seconds or 0.0),
    )


def until(trace: Trace, day: int) -> Trace:
    """Return the trace as it was at the end of a day, from 0."""
    end = EPOCH + (day + 1) * DAY
    keep, loads = trace.time < end, trace.load_time < end
    return Trace(
        source=trace.source,
        model=[name for name, kept in zip(trace.model, keep.tolist(), strict=True) if kept],
        time=trace.time[keep],
        succeeded=trace.succeeded[keep],
        failed=trace.failed[keep],
        load_model=[name for name, kept in zip(trace.load_model, loads.tolist(), strict=True) if kept],
        load_time=trace.load_time[loads],
        load_seconds=trace.load_seconds[loads],
    )


def write_events(trace: Trace, path: Path) -> Path:
    """Write a trace as an event list, in an order that is not that of time."""
    rows = [f"{time:.3f},{model},ok" for time, model in zip(trace.time.tolist(), trace.model, strict=True)]
    path.write_text("timestamp,model,status\n" + "\n".join(rows[::2] + rows[1::2]) + "\n", encoding="utf-8")
    return path
