"""A hundred thousand names of anything keep series and memory bounded, are counted, and logged once."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

import genotel
from genotel.instrumentation import instruments, site
from genotel.instrumentation.caps import LIMITS
from tests.observed import observing


def by_model(number: int) -> None:
    """A user's id as the model's name."""
    with genotel.generation(f"user-{number}"):
        pass


def by_long_model(number: int) -> None:
    """A prompt as the model's name."""
    with genotel.generation(f"{number} draw a cat " * 100):
        pass


def by_experiment(number: int) -> None:
    """A request's id as an experiment and variant."""
    with genotel.experiment(f"request-{number}", variant=str(number)), genotel.generation("m"):
        pass


def by_operation(number: int) -> None:
    """Anything as operation and provider."""
    with genotel.generation("m", operation=f"o{number}", provider=f"p{number}"):
        pass


def by_error(number: int) -> None:
    """A class made for each error."""
    try:
        with genotel.generation("m"):
            raise type(f"Error{number}", (Exception,), {})
    except Exception:
        return


def by_notes(number: int) -> None:
    """Phases, scores, outputs and parameters named after what is in them."""
    with genotel.generation("m") as call:
        call.phase(f"phase {number}")
        call.score(f"score {number}", 0.5)
        call.outputs(kind=f"kind {number}")
        call.parameters(steps=number, width=number, height=number)


def by_event(number: int) -> None:
    """Events and loads."""
    genotel.record_event(f"model {number}", kind=f"kind {number}")
    with genotel.model_load("m", source=f"source{number}"):
        pass


def total(page: str, beginning: str, part: str = "") -> float:
    """Return the sum of the lines that begin so; a parser would take seconds for a page of this size."""
    return sum(
        float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(beginning) and part in line
    )


# What is made, how often, which label overflows first, and what counts the excess.
MISTAKES: list[tuple[Callable[[int], None], int, str, str]] = [
    (by_model, 100_000, "model", "genotel.generation.requests"),
    (by_long_model, 10_000, "model", "genotel.generation.requests"),
    (by_experiment, 20_000, "experiment", "genotel.generation.requests"),
    (by_operation, 20_000, "operation", "genotel.generation.requests"),
    (by_error, 5_000, "error_type", "gen_ai.client.operation.duration"),
    (by_notes, 5_000, "phase", "genotel.generation.phase.duration"),
    (by_event, 10_000, "event", "genotel.model.events"),
]


@pytest.mark.parametrize(
    ("mistake", "count", "label", "metric"), MISTAKES, ids=[mistake[0].__name__ for mistake in MISTAKES]
)
def test_names_without_end_are_bounded_counted_and_logged_once(
    mistake: Callable[[int], None], count: int, label: str, metric: str, caplog: pytest.LogCaptureFixture
) -> None:
    """After the caps are reached nothing grows any more: not the page, not memory."""
    limit = LIMITS[label][0]
    with observing() as observed:
        # Spans are exported one by one and may carry any name; here only metrics are kept.
        instruments.bind(None, observed.meter_provider)

        def forget() -> None:
            observed.sink.finished.clear()
            observed.sink.events.clear()
            site._sites.clear()
            gc.collect()

        begun = count // 5
        for number in range(begun):
            mistake(number)
        lines = observed.text().count("\n")
        forget()
        blocks = sys.getallocatedblocks()
        for number in range(begun, count):
            mistake(number)
        assert len(site._sites) <= 2_000
        forget()
        assert sys.getallocatedblocks() - blocks < 5_000
        page = observed.text()
        assert page.count("\n") == lines < 60_000
        assert count - limit - 1 <= total(page, f'genotel_series_dropped_total{{genotel_metric="{metric}"') <= 2 * count
        if label == "model":
            assert total(page, "genotel_generation_started_total") == count
            assert total(page, "gen_ai_client_operation_duration_seconds_count") == count
            assert total(page, "genotel_generation_started_total", 'request_model="other"') == count - limit
    messages = [record.getMessage() for record in caplog.records if record.name == "genotel"]
    assert len(messages) == len({*messages})
    assert (
        f"genotel: more than {limit} values of {label}; further ones are counted as {label}={LIMITS[label][2]}"
        in messages
    )
