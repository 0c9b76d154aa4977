"""What the statistics of a window mean: scores from 0 to 1, trends, capacity, bottlenecks.

Every formula stands in ``docs/batch-statistics.md`` with its range and source, and in the docstring of
the function that computes it.
"""

from __future__ import annotations

from typing import Any

from genotel.instrumentation.batch_arrays import Arrays, arrays_of
from genotel.instrumentation.batch_bottleneck import bottlenecks
from genotel.instrumentation.batch_capacity import WAIT_PERCENTILE, ServiceTimes, wait_percentile, workers_for
from genotel.instrumentation.batch_state import Interval, WindowState
from genotel.instrumentation.batch_summary import LEAST_SECONDS, summarize, throughputs, wall_time
from genotel.instrumentation.batch_trend import group_means, group_rates, trend_of

# Below this many batches neither an arrival rate nor a distribution of work is known.
LEAST_BATCHES = 20

Wall = tuple[float, float] | None


def comprehend(state: WindowState, interval: Interval, *, workers: int, target_wait_seconds: float) -> dict[str, Any]:
    """Return the figures of ``BatchStats.get_comprehensive_stats``."""
    stats: dict[str, Any] = dict(summarize(state, interval))
    arrays = arrays_of(state.snapshot, interval)
    wall = wall_time(arrays, interval, state.first_start)
    stats["avg_throughput"] = average_throughput(state, arrays)
    stats["efficiency_score"] = efficiency_score(arrays)
    stats["stability_index"] = stability_index(arrays)
    stats["utilization"] = utilization(arrays, wall, workers)
    stats["load_distribution"] = load_distribution(arrays)
    stats.update(_trends(arrays, wall))
    stats["recommended_capacity"] = recommended_capacity(arrays, target_wait_seconds)
    stats["bottlenecks"] = bottlenecks(arrays, stats)
    return stats


def gauge_figures(state: WindowState, interval: Interval, *, workers: int) -> dict[str, float]:
    """Return the figures that gauges show, without the unknown ones."""
    arrays = arrays_of(state.snapshot, interval)
    wall = wall_time(arrays, interval, state.first_start)
    throughput, peak = throughputs(arrays, wall)
    figures = {
        "throughput": throughput,
        "peak_throughput": peak,
        "efficiency_score": efficiency_score(arrays),
        "stability_index": stability_index(arrays),
        "utilization": utilization(arrays, wall, workers),
    }
    return {key: value for key, value in figures.items() if value is not None}


def average_throughput(state: WindowState, arrays: Arrays) -> float | None:
    """Return all items since the last reset over the time from the first begin to the last end."""
    if state.first_start is None or not len(arrays.moments):
        return None
    length = float(arrays.moments.max()) - state.first_start
    return state.items / length if length >= LEAST_SECONDS else None


def efficiency_score(arrays: Arrays) -> float | None:
    """Return work / latency x (1 - error rate), from 0 to 1; None without a latency.

    Work and latency are sums over the batches of which both are known. The first factor is the flow
    efficiency (process cycle efficiency) of lean production, the second the quality rate of overall
    equipment effectiveness (Nakajima, "Introduction to TPM", 1988). It is 1 when nothing waits and
    nothing fails.
    """
    known = (arrays.processing == arrays.processing) & (arrays.latencies == arrays.latencies)
    latency = float(arrays.latencies[known].sum())
    if not latency:
        return None
    flow = min(1.0, float(arrays.processing[known].sum()) / latency)
    return flow * (1 - float(arrays.errors.mean()))


def stability_index(arrays: Arrays) -> float | None:
    """Return 1 / (1 + v), v being variance / mean² of the time of work; None for fewer than two batches.

    From 0 to 1: 1 when every batch takes the same time, 0.5 for exponential times. By the formula of
    Pollaczek and Khinchine the wait in a queue grows with 1 + v, so this is the share of the wait that
    would be left if all batches took the same time.
    """
    times = arrays.processing[arrays.processing == arrays.processing]
    if len(times) < 2:
        return None
    mean = float(times.mean())
    if not mean:
        return None
    # Scaled first: the square of a tiny mean is 0.
    return 1 / (1 + float((times / mean).var()))


def utilization(arrays: Arrays, wall: Wall, workers: int) -> float | None:
    """Return busy time over wall time x workers, from 0 to 1.

    Work counts as far as it lies in the wall time of the window. More than 1 means that there were
    more workers than was told, and is shown as 1.
    """
    if wall is None or wall[1] - wall[0] < LEAST_SECONDS:
        return None
    known = arrays.processing == arrays.processing
    work = arrays.processing[known]
    busy = float(work.clip(None, (arrays.moments[known] - wall[0]).clip(0)).sum())
    return min(1.0, busy / ((wall[1] - wall[0]) * workers))


def load_distribution(arrays: Arrays) -> dict[str, dict[str, float]]:
    """Return the shares of batches and of items by size class: 0, 1, 2, 3-4, 5-8, and so on.

    Both kinds of shares add up to 1, where there are any items.
    """
    classes: dict[str, list[int]] = {}
    for size in sorted(size for size in arrays.sizes.tolist() if size >= 0):
        cell = classes.setdefault(_size_class(size), [0, 0])
        cell[0] += 1
        cell[1] += size
    batches = sum(cell[0] for cell in classes.values())
    items = sum(cell[1] for cell in classes.values())
    return {
        name: {"batches": cell[0] / batches, "items": cell[1] / items if items else 0.0}
        for name, cell in classes.items()
    }


def _size_class(size: int) -> str:
    if size <= 2:
        return str(size)
    upper = 1 << (size - 1).bit_length()
    return f"{upper // 2 + 1}-{upper}"


def _trends(arrays: Arrays, wall: Wall) -> dict[str, dict[str, object]]:
    order = arrays.moments.argsort(kind="stable")
    moments = arrays.moments[order].tolist()
    begin = wall[0] if wall is not None else 0.0
    return {
        "performance_trend": trend_of(*group_means(moments, arrays.processing[order].tolist())).as_dict(),
        "throughput_trend": trend_of(*group_rates(moments, arrays.sizes[order].clip(0).tolist(), begin)).as_dict(),
        "error_trend": trend_of(*group_means(moments, arrays.errors[order].tolist())).as_dict(),
    }


def recommended_capacity(arrays: Arrays, target_wait_seconds: float) -> dict[str, Any] | None:
    """Return how many workers keep the 95th percentile of the wait within the target.

    Keys: ``workers``; ``expected_wait_seconds``, that percentile with so many; ``utilization`` that they
    would have; ``target_wait_seconds``; ``arrival_rate`` (batches per second); ``service_seconds`` (mean).
    None with fewer than 20 batches. The approximation of the queue M/G/c and its source stand in
    :mod:`genotel.instrumentation.batch_capacity`.
    """
    times = arrays.processing[arrays.processing == arrays.processing].tolist()
    arrivals = arrays.moments - arrays.latencies
    arrivals = arrivals[arrivals == arrivals]
    if len(times) < LEAST_BATCHES or len(arrivals) < LEAST_BATCHES:
        return None
    span = float(arrivals.max() - arrivals.min())
    if span <= 0 or not any(times):
        return None
    rate = (len(arrivals) - 1) / span
    service = ServiceTimes(times)
    workers = workers_for(rate, service, target_wait_seconds)
    return {
        "workers": workers,
        "expected_wait_seconds": wait_percentile(workers, rate, service, WAIT_PERCENTILE),
        "utilization": rate * service.mean / workers,
        "target_wait_seconds": target_wait_seconds,
        "arrival_rate": rate,
        "service_seconds": service.mean,
    }
