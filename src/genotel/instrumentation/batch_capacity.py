"""How many workers keep the wait short: an approximation of the queue M/G/c.

Arrivals are taken as random (Poisson), times of work as the window measured them, the queue as first
come, first served. Two facts are put together, both by H. C. Tijms, "A First Course in Stochastic
Models" (Wiley 2003), section 9.6.2, after Tijms, van Hoorn and Federgruen (Advances in Applied
Probability 13, 1981):

- the probability of having to wait is nearly that of M/M/c, Erlang's C formula;
- while all workers are busy the system empties like one worker who is c times as fast. So the wait of
  those who wait is the least of c residual times of work, plus a geometric number (parameter: the
  load) of residual times of work divided by c.

It is exact for one worker and for exponential times of work. The residual time of a time of work S
has the distribution B(t) = E[min(S, t)] / E[S].
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from math import ceil
from operator import mul

# The percentile that is aimed at, and how long it may be where nobody says otherwise.
WAIT_PERCENTILE = 0.95
TARGET_WAIT_SECONDS = 1.0
# Above this load no number of samples tells the wait; one more worker is always worth it.
MOST_LOAD = 0.995
# Points of the grid on which distributions are added up; with 256 the wait is right within 1 %.
_POINTS = 256
_FINE = 4


class ServiceTimes:
    """Hold measured times of work, ready for residual times.

    Args:
        seconds: known times of work, shape ``(n,)``, n > 0, with a mean above 0.
    """

    __slots__ = ("_ordered", "_sums", "mean")

    def __init__(self, seconds: Sequence[float]) -> None:
        self._ordered = sorted(seconds)
        self._sums = [0.0, *accumulate(self._ordered)]
        self.mean = self._sums[-1] / len(self._ordered)

    def residual(self, seconds: float) -> float:
        """Return the probability that a time of work under way ends within ``seconds``.

        Example:
            >>> ServiceTimes([2.0]).residual(0.5)
            0.25
        """
        below = bisect_right(self._ordered, seconds)
        return (self._sums[below] + seconds * (len(self._ordered) - below)) / self._sums[-1]


def delay_probability(workers: int, load: float) -> float:
    """Return the share of arrivals that have to wait in M/M/c: Erlang's C formula.

    Args:
        workers: c.
        load: share of their time that workers are busy, 0 to below 1.

    Example:
        >>> round(delay_probability(1, 0.5), 6), round(delay_probability(2, 0.5), 6)
        (0.5, 0.333333)
    """
    offered = workers * load
    blocked = 1.0
    for worker in range(1, workers + 1):
        blocked = offered * blocked / (worker + offered * blocked)
    return blocked / (1 - load * (1 - blocked))


def wait_percentile(
    workers: int, arrival_rate: float, service: ServiceTimes, percentile: float = WAIT_PERCENTILE
) -> float | None:
    """Return a percentile of the wait in seconds; None where the workers cannot keep up.

    Args:
        workers: c.
        arrival_rate: arrivals per second.
        service: measured times of work.
        percentile: 0 to below 1.

    Example:
        >>> exponential = ServiceTimes([0.0] + [1.0] * 3)  # any times of work with a mean of 0.75 s
        >>> wait_percentile(1, 2.0, exponential) is None, wait_percentile(8, 0.1, exponential)
        (True, 0.0)
    """
    load = arrival_rate * service.mean / workers
    if load > MOST_LOAD:
        return None
    delayed = delay_probability(workers, load)
    if delayed <= 1 - percentile:
        return 0.0
    # The share of those who wait that waits no longer.
    wanted = 1 - (1 - percentile) / delayed
    # An upper guess; where the wait is longer, the grid is stretched.
    reach = 4 * service.mean / workers / (1 - load)
    while True:
        step = reach / _POINTS
        below = _conditional_wait(workers, load, service, step)
        if below(_POINTS) >= wanted:
            break
        reach *= 2
    low, high = 0, _POINTS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if below(middle) < wanted else (low, middle)
    under, over = below(low), below(high)
    if under >= wanted:
        return 0.0
    return step * (low + (wanted - under) / (over - under))


def workers_for(
    arrival_rate: float, service: ServiceTimes, target_wait_seconds: float, percentile: float = WAIT_PERCENTILE
) -> int:
    """Return the least number of workers with whom the percentile of the wait is within the target.

    Example:
        >>> workers_for(10.0, ServiceTimes([0.5]), target_wait_seconds=0.5)
        7
    """

    def suffices(workers: int) -> bool:
        wait = wait_percentile(workers, arrival_rate, service, percentile)
        return wait is not None and wait <= target_wait_seconds

    least = max(1, ceil(arrival_rate * service.mean / MOST_LOAD))
    more = 1
    low = high = least
    while not suffices(high):
        low, high = high + 1, high + more
        more *= 2
    while low < high:
        middle = (low + high) // 2
        if suffices(middle):
            high = middle
        else:
            low = middle + 1
    return high


def _conditional_wait(workers: int, load: float, service: ServiceTimes, step: float) -> Callable[[int], float]:
    """Return a function of k: the share of those who wait that waits at most k steps."""
    residual = service.residual
    shared = _lattice(lambda seconds: residual(workers * seconds), step)
    first = _lattice(lambda seconds: 1 - (1 - residual(seconds)) ** workers, step)
    # The sum of a geometric number of residual times, by Panjer's recursion.
    scale = 1 / (1 - load * shared[0])
    summed = [(1 - load) * scale]
    for point in range(1, _POINTS + 1):
        summed.append(load * scale * sum(map(mul, shared[1 : point + 1], summed[::-1])))
    cumulated = [*accumulate(summed)]

    def below(point: int) -> float:
        return float(sum(map(mul, first[: point + 1], cumulated[point::-1])))

    return below


def _lattice(distribution: Callable[[float], float], step: float) -> list[float]:
    """Return a distribution as masses on multiples of ``step``, which keep its mean.

    The masses follow from limited expected values (Gerber 1982; Klugman, Panjer, Willmot, "Loss
    Models", section 9.6.5): rounding would shift the mean where the step is long.
    """
    small = step / _FINE
    survival = [1 - distribution(small * point) for point in range((_POINTS + 2) * _FINE + 1)]
    areas = [0.0, *accumulate((one + other) / 2 * small for one, other in pairwise(survival))]
    limited = areas[::_FINE]
    masses = [1 - limited[1] / step]
    masses += [(2 * limited[point] - limited[point - 1] - limited[point + 1]) / step for point in range(1, _POINTS + 1)]
    return masses
