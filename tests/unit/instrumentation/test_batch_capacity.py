"""The approximation of M/G/c against simulation, exact results and common sense."""

from __future__ import annotations

import heapq
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genotel.instrumentation.batch_capacity import (
    ServiceTimes,
    delay_probability,
    wait_percentile,
    workers_for,
)

LOADS = (0.5, 0.6, 0.7, 0.8, 0.9)
# Times of work with a mean of 1 s: the exponential has a variance of 1, these lognormals of 0.28 and 1.72.
SERVICES = {
    "exponential": lambda numbers, count: numbers.exponential(1.0, count),
    "deterministic": lambda numbers, count: np.ones(count),
    "lognormal": lambda numbers, count: numbers.lognormal(-0.125, 0.5, count),
    "lognormal with a long tail": lambda numbers, count: numbers.lognormal(-0.5, 1.0, count),
}


def simulated_wait(kind: str, workers: int, load: float) -> float:
    """Return the 95th percentile of the wait of simulated arrivals, first come, first served."""
    numbers = np.random.default_rng([workers, round(load * 10)])
    count = 400_000 if load > 0.85 else 120_000
    arrivals = np.cumsum(numbers.exponential(1 / (workers * load), count))
    services = SERVICES[kind](numbers, count)
    if workers == 1:
        # Lindley's recursion, solved: how far the work is above its lowest point so far.
        steps = np.concatenate(([0.0], np.cumsum(services[:-1] - np.diff(arrivals))))
        waits = steps - np.minimum.accumulate(steps)
    else:
        free = [0.0] * workers
        waits = np.empty(count)
        for number, (arrival, service) in enumerate(zip(arrivals.tolist(), services.tolist(), strict=True)):
            start = max(arrival, free[0])
            waits[number] = start - arrival
            heapq.heapreplace(free, start + service)
    return float(np.percentile(waits[count // 10 :], 95))


def measured(kind: str, count: int = 20_000) -> ServiceTimes:
    """Return times of work as a window would have measured them, evenly over their distribution."""
    return ServiceTimes(np.sort(SERVICES[kind](np.random.default_rng(5), count * 20))[10::20].tolist())


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", SERVICES)
def test_the_simulated_wait_is_within_a_fifth_of_the_target(kind: str, workers: int, load: float) -> None:
    """For a target that asks for exactly these workers; the approximation itself is within a tenth as a rule."""
    service = measured(kind)
    rate = workers * load / service.mean
    target = wait_percentile(workers, rate, service)
    assert workers_for(rate, service, target) == workers
    assert simulated_wait(kind, workers, load) == pytest.approx(target, rel=0.2)


@pytest.mark.parametrize("load", LOADS)
def test_one_worker_with_exponential_times_is_exact(load: float) -> None:
    """M/M/1: the wait is known, P(W > t) = load x exp(-(1 - load) t)."""
    exponential = ServiceTimes([-math.log(1 - (number + 0.5) / 50_000) for number in range(50_000)])
    exact = math.log(load / 0.05) / (1 - load)
    assert wait_percentile(1, load, exponential) == pytest.approx(exact, rel=0.01)


def test_erlang_s_formula() -> None:
    """Values from tables: two, five and ten workers."""
    assert delay_probability(2, 0.75) == pytest.approx(0.6429, abs=1e-4)
    assert delay_probability(5, 0.8) == pytest.approx(0.5541, abs=1e-4)
    assert delay_probability(10, 0.9) == pytest.approx(0.6687, abs=1e-4)


def test_who_does_not_wait_has_no_wait() -> None:
    """Where fewer than one in twenty wait at all."""
    assert wait_percentile(16, 8.0, measured("exponential")) == 0.0


def test_nobody_keeps_up_beyond_full_load() -> None:
    """A wait without end is none."""
    assert wait_percentile(2, 2.1, ServiceTimes([1.0])) is None


def test_nearly_full_workers_have_a_finite_wait() -> None:
    """The grid is stretched until it holds the percentile."""
    wait = wait_percentile(1, 0.99, measured("exponential"))
    assert wait == pytest.approx(math.log(0.99 / 0.05) / 0.01, rel=0.05)


def test_a_large_fleet_is_counted_in_a_moment() -> None:
    """1,000 arrivals a second of a second's work: a few more than 1,000, by the square-root rule."""
    workers = workers_for(1_000.0, ServiceTimes([1.0, 2.0, 0.5, 0.5]), 0.1)
    assert 1_005 <= workers <= 1_100


# An example asks some fifty times for a wait, each of which costs milliseconds.
@settings(max_examples=20)
@given(
    st.lists(st.floats(0.01, 10), min_size=1, max_size=50),
    st.floats(0.1, 20),
    st.floats(0.01, 5),
    st.floats(1.1, 5),
)
def test_the_least_workers_that_suffice_and_their_laws(
    seconds: list[float], rate: float, target: float, factor: float
) -> None:
    """One less does not do; more arrivals or a stricter target never need fewer."""
    service = ServiceTimes(seconds)
    workers = workers_for(rate, service, target)
    assert wait_percentile(workers, rate, service) <= target
    if workers > 1:
        fewer = wait_percentile(workers - 1, rate, service)
        assert fewer is None or fewer > target
    assert workers_for(rate * factor, service, target) >= workers
    assert workers_for(rate, service, target / factor) >= workers


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50), st.floats(0, 200), st.floats(0, 200))
def test_a_residual_time_has_a_distribution(seconds: list[float], one: float, other: float) -> None:
    """It grows from 0 to 1, and is no longer than the longest time."""
    service = ServiceTimes(seconds)
    assert 0 <= service.residual(min(one, other)) <= service.residual(max(one, other)) + 1e-12 <= 1 + 1e-9
    assert service.residual(max(seconds)) == pytest.approx(1.0)
