"""What holds an engine up is named with its evidence, and nothing is named without."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from genotel.instrumentation.batch_bottleneck import (
    COMPUTE_BOUND,
    ERROR_BOUND,
    LEAST_BATCHES,
    LONG_TAIL,
    QUEUE_BOUND,
    SMALL_BATCHES,
)
from genotel.instrumentation.batch_figures import Record, columns_of
from genotel.instrumentation.batch_insight import comprehend
from genotel.instrumentation.batch_state import EVERYTHING, state_of
from genotel.instrumentation.batch_window import BatchWindow


def found(make: Callable[[random.Random, int], Record], count: int = 200, workers: int = 1) -> dict[str, Any]:
    """Return the bottlenecks of a window of made batches, by kind."""
    numbers = random.Random(3)
    window = BatchWindow(count)
    window.enter(columns_of([make(numbers, number) for number in range(count)]))
    stats = comprehend(state_of(window), EVERYTHING, workers=workers, target_wait_seconds=1.0)
    return {each["kind"]: each for each in stats["bottlenecks"]}


def healthy(numbers: random.Random, number: int) -> Record:
    """Return a batch that is worked on half of the time, at once."""
    return (0.5, 8, 0.0, None, None, False, float(number))


def test_a_healthy_engine_has_none() -> None:
    """Half busy, no wait, no error, one size."""
    assert found(healthy) == {}


def test_waiting_longer_than_working_is_queue_bound() -> None:
    """Three quarters of the latency."""
    answer = found(lambda _, number: (0.5, 8, 1.5, None, None, False, float(number)))[QUEUE_BOUND]
    assert answer["evidence"] == {"wait_share": 0.75, "avg_queue_time": 1.5, "avg_processing_time": 0.5}
    assert answer["severity"] == 1.5


def test_busy_workers_are_compute_bound() -> None:
    """More workers of the same work are not."""
    busy = lambda _, number: (0.95, 8, 0.0, None, None, False, float(number))  # noqa: E731  # used twice
    assert found(busy)[COMPUTE_BOUND]["evidence"]["utilization"] == pytest.approx(0.95, rel=0.01)
    assert found(busy, workers=2) == {}


def test_time_that_does_not_depend_on_the_size_asks_for_larger_batches() -> None:
    """0.3 s each, and 0.01 s an item: with four items nine tenths are fixed."""

    def made(numbers: random.Random, number: int) -> Record:
        size = numbers.choice([2, 4, 4, 8, 16])
        return (0.3 + 0.01 * size, size, 0.0, None, None, False, float(number))

    evidence = found(made)[SMALL_BATCHES]["evidence"]
    assert evidence["fixed_seconds"] == pytest.approx(0.3)
    assert evidence["seconds_per_item"] == pytest.approx(0.01)
    assert evidence["explained"] == pytest.approx(1.0)
    assert evidence["fixed_share"] > 0.7


@pytest.mark.parametrize(
    "made",
    [
        lambda numbers, number: (0.01 * (number % 8 + 1), number % 8 + 1, 0.0, None, None, False, float(number)),
        lambda numbers, number: (0.5 - 0.01 * (number % 8), number % 8 + 1, 0.0, None, None, False, float(number)),
        lambda numbers, number: (numbers.random() / 2, number % 8 + 1, 0.0, None, None, False, float(number)),
        lambda numbers, number: (
            0.3 + 0.001 * (16 - number % 2),
            16 - number % 2,
            0.0,
            None,
            None,
            False,
            float(number),
        ),
        lambda numbers, number: (0.0, number % 8 + 1, 0.0, None, None, False, float(number)),
    ],
    ids=["nothing fixed", "larger is faster", "size explains nothing", "large already", "no time at all"],
)
def test_no_larger_batches_without_a_reason(made: Callable[[random.Random, int], Record]) -> None:
    """Where a larger batch would not help, or cannot be known to."""
    assert SMALL_BATCHES not in found(made)


def test_failures_are_a_bottleneck() -> None:
    """One in ten."""
    answer = found(lambda _, number: (0.5, 8, 0.0, None, None, number % 10 == 0, float(number)))[ERROR_BOUND]
    assert answer["evidence"] == {"error_rate": 0.1, "errors": 20.0}


def test_a_few_slow_batches_are_a_long_tail() -> None:
    """One in fifty takes ten times as long; random times as such are none."""
    answer = found(lambda _, number: (5.0 if number % 50 == 0 else 0.5, 8, 0.0, None, None, False, float(number)))
    assert answer[LONG_TAIL]["evidence"]["tail_ratio"] == pytest.approx(10.0)
    assert LONG_TAIL not in found(lambda numbers, number: (numbers.random(), 8, 0.0, None, None, False, float(number)))


def test_the_worst_comes_first() -> None:
    """By how many times its threshold is passed."""
    answers = found(lambda _, number: (0.5, 8, 1.5, None, None, number % 2, float(number)))
    assert [*answers] == [ERROR_BOUND, QUEUE_BOUND]


def test_a_few_batches_say_nothing() -> None:
    """Nor do batches of which nothing is known."""
    assert found(lambda _, number: (0.5, 8, 9.0, None, None, True, float(number)), LEAST_BATCHES - 1) == {}
    unknown = found(lambda _, number: (-1, -1, -1, None, None, False, float(number)))
    assert unknown == {}
