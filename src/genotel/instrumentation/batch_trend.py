"""Whether a figure rises or falls over a window, and how sure that is.

Mann-Kendall's test (Mann, Econometrica 13, 1945; Kendall, "Rank Correlation Methods", 1975; variance
with ties) says whether there is a trend at all; the slope is Sen's, the median of all pairs, with his
interval (Sen, Journal of the American Statistical Association 63, 1968). Both ask for no distribution
and are not led astray by outliers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import erfc, isfinite, sqrt
from typing import Literal

Direction = Literal["increasing", "decreasing", "no trend"]

# Three trends are looked at at every request, so one chance in twenty would cry wolf all day.
MOST_P_VALUE = 0.01
# Below this many points the normal approximation of the test does not hold (Kendall).
LEAST_POINTS = 10
# The window is cut to this many points: pairs grow with the square, and means of neighbours depend
# less on each other than single batches do.
MOST_POINTS = 60

_SECONDS_PER_HOUR = 3_600.0
# Standard deviations of the normal distribution to either side that hold 95 %.
_HALF_INTERVAL = 1.959964


@dataclass(frozen=True, slots=True)
class Trend:
    """Say how a figure moves.

    Attributes:
        direction: ``no trend`` where the data do not say.
        slope_per_hour: change of the figure in an hour; None with too few points.
        interval: where the slope lies with 95 %, lower and upper end.
        p_value: chance to see as much order where there is none; None with too few points.
        points: means of neighbouring batches that were looked at.
    """

    direction: Direction
    slope_per_hour: float | None
    interval: tuple[float, float] | None
    p_value: float | None
    points: int

    def as_dict(self) -> dict[str, object]:
        """Return the trend as plain values."""
        return asdict(self)


def trend_of(moments: Sequence[float], values: Sequence[float]) -> Trend:
    """Return the trend of values at moments in seconds, both of shape ``(n,)``, in order of time.

    Example:
        >>> hours = [3600.0 * hour for hour in range(12)]
        >>> found = trend_of(hours, [2.0 * hour for hour in range(12)])
        >>> found.direction, found.slope_per_hour, found.interval
        ('increasing', 2.0, (2.0, 2.0))
    """
    count = len(values)
    if count < LEAST_POINTS:
        return Trend("no trend", None, None, None, count)
    slopes: list[float] = []
    score = 0
    for (moment, value), (later, other) in combinations(zip(moments, values, strict=True), 2):
        score += (other > value) - (other < value)
        if later > moment:
            slopes.append((other - value) / (later - moment))
    if not slopes:
        return Trend("no trend", None, None, None, count)
    ties = Counter(values).values()
    spread = (count * (count - 1) * (2 * count + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    deviation = sqrt(spread)
    # The score goes in steps of two; the correction by one makes the normal distribution fit it.
    p_value = erfc(max(0, abs(score) - 1) / deviation / sqrt(2)) if deviation else 1.0
    slopes.sort()
    reach = _HALF_INTERVAL * deviation
    low = max(0, round((len(slopes) - reach) / 2))
    high = min(len(slopes) - 1, round((len(slopes) + reach) / 2))
    middle = len(slopes) // 2
    slope = slopes[middle] if len(slopes) % 2 else (slopes[middle - 1] + slopes[middle]) / 2
    direction: Direction = "no trend"
    if p_value <= MOST_P_VALUE:
        direction = "increasing" if score > 0 else "decreasing"
    return Trend(
        direction,
        slope * _SECONDS_PER_HOUR,
        (slopes[low] * _SECONDS_PER_HOUR, slopes[high] * _SECONDS_PER_HOUR),
        p_value,
        count,
    )


def group_means(moments: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the means of at most 60 groups of neighbours, of moments and values; NaN is left out.

    Args:
        moments: shape ``(n,)``, in order.
        values: shape ``(n,)``.

    Example:
        >>> group_means([1.0, 2.0, 3.0], [5.0, float("nan"), 7.0])
        ([1.0, 3.0], [5.0, 7.0])
    """
    known = [(moment, value) for moment, value in zip(moments, values, strict=True) if isfinite(value)]
    groups = min(MOST_POINTS, len(known))
    times, means = [], []
    for group in range(groups):
        part = known[group * len(known) // groups : (group + 1) * len(known) // groups]
        times.append(sum(moment for moment, _ in part) / len(part))
        means.append(sum(value for _, value in part) / len(part))
    return times, means


def group_rates(moments: Sequence[float], amounts: Sequence[float], begin: float) -> tuple[list[float], list[float]]:
    """Return amounts per second of at most 60 groups of neighbours, at the end of each group.

    Args:
        moments: when each amount was done, seconds, shape ``(n,)``, in order.
        amounts: shape ``(n,)``.
        begin: when the first one was begun.

    Example:
        >>> group_rates([1.0, 2.0, 4.0], [8.0, 8.0, 8.0], begin=0.0)
        ([1.0, 2.0, 4.0], [8.0, 8.0, 4.0])
    """
    groups = min(MOST_POINTS, len(moments))
    times, rates = [], []
    before = begin
    waiting = 0.0
    for group in range(groups):
        first, last = group * len(moments) // groups, (group + 1) * len(moments) // groups
        end = moments[last - 1]
        waiting += sum(amounts[first:last])
        # Batches of several workers may end at one moment; they belong to the next group then.
        if end > before:
            times.append(end)
            rates.append(waiting / (end - before))
            before, waiting = end, 0.0
    return times, rates
